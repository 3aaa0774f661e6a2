/* weights.c: looking names up, checking shapes, converting to float, handing over to the backend. */
#include "model/weights.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

enum { RANDOM_TENSORS = 8192 }; /* more than any config describes */

struct shape {
    int rank;
    int64_t sides[4];
};

struct pv_weight_name pv_weight_name(const char *format, ...)
{
    struct pv_weight_name name;
    va_list args;
    va_start(args, format);
    vsnprintf(name.text, sizeof name.text, format, args);
    va_end(args);
    return name;
}

/* ---- what belongs to the model ---- */

void pv_weights_free(struct pv_weights *weights)
{
    for (size_t i = 0; i < weights->prepared_count; i++)
        weights->backend->op->weight_free(weights->backend, weights->prepared[i]);
    for (size_t i = 0; i < weights->memory_count; i++)
        weights->backend->op->free(weights->backend, weights->memory[i]);
    free(weights->prepared);
    free(weights->memory);
    *weights = (struct pv_weights){.backend = weights->backend};
}

static pv_status out_of_memory(const struct pv_weight_reader *reader)
{
    return pv_fail(reader->error, PV_ERR_MEMORY, "no memory to load the weights of %s", pv_path_tail(reader->file));
}

pv_status pv_weight_reader_open(struct pv_weight_reader *reader)
{
    const size_t count = reader->set ? pv_safetensors_count(reader->set) : RANDOM_TENSORS;
    const size_t constants = 2; /* of the config: mean and deviation of the latents */
    reader->taken = calloc(count + 1, sizeof *reader->taken);
    reader->weights->prepared = calloc(count + 1, sizeof *reader->weights->prepared);
    reader->weights->memory = calloc(count + constants, sizeof *reader->weights->memory);
    if (!reader->taken || !reader->weights->prepared || !reader->weights->memory)
        return out_of_memory(reader);
    return PV_OK;
}

void pv_weight_reader_close(struct pv_weight_reader *reader)
{
    free(reader->taken);
    free(reader->weight.values);
    free(reader->bias.values);
}

pv_status pv_weight_reader_finish(const struct pv_weight_reader *reader)
{
    const size_t count = reader->set ? pv_safetensors_count(reader->set) : 0;
    for (size_t i = 0; i < count; i++)
        if (!reader->taken[i]) {
            const char *name = pv_safetensors_get(reader->set, i)->name;
            return pv_fail(reader->error, PV_ERR_MODEL,
                           "%s: the model described by its settings has no tensor %s; export the file again",
                           pv_path_tail(reader->file), pv_quote(name, strlen(name)).text);
        }
    return PV_OK;
}

/* ---- one tensor ---- */

static void print_shape(char *text, size_t size, int rank, const int64_t *sides)
{
    size_t used = 0;
    text[0] = '\0';
    for (int i = 0; i < rank && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "[%lld]", (long long)sides[i]);
}

/* The place of name among the set's tensors, which are ordered; the number of tensors when it is none of them. */
static size_t find(const struct pv_safetensors *set, const char *name)
{
    const size_t count = pv_safetensors_count(set);
    size_t low = 0, high = count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const int order = strcmp(pv_safetensors_get(set, middle)->name, name);
        if (order == 0)
            return middle;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return count;
}

static pv_status take_view(struct pv_weight_reader *reader, const char *name, const struct shape *shape,
                           const struct pv_tensor_view **out)
{
    const size_t count = pv_safetensors_count(reader->set), i = find(reader->set, name);
    char expected[96], found[192];
    print_shape(expected, sizeof expected, shape->rank, shape->sides);
    if (i == count)
        return pv_fail(reader->error, PV_ERR_MODEL, "%s: tensor '%s' is missing; its shape must be %s",
                       pv_path_tail(reader->file), name, expected);
    const struct pv_tensor_view *view = pv_safetensors_get(reader->set, i);
    if (view->rank != shape->rank || memcmp(view->shape, shape->sides, (size_t)shape->rank * sizeof(int64_t)) != 0) {
        print_shape(found, sizeof found, view->rank, view->shape);
        return pv_fail(reader->error, PV_ERR_MODEL, "%s: tensor '%s' has shape %s; it must be %s",
                       pv_path_tail(reader->file), name, found[0] ? found : "of one number", expected);
    }
    reader->taken[i] = true;
    reader->taken_count++;
    *out = view;
    return PV_OK;
}

static pv_status make_room(const struct pv_weight_reader *reader, struct pv_host_floats *out, size_t count)
{
    if (count <= out->capacity)
        return PV_OK;
    free(out->values);
    out->capacity = 0;
    out->values = count <= SIZE_MAX / sizeof(float) ? malloc(count * sizeof(float)) : NULL;
    if (!out->values)
        return out_of_memory(reader);
    out->capacity = count;
    return PV_OK;
}

static pv_status take_random(struct pv_weight_reader *reader, const char *name, const struct shape *shape,
                             struct pv_host_floats *out)
{
    size_t count = 1; /* sides are a config's: their product fits */
    for (int i = 0; i < shape->rank; i++)
        count *= (size_t)shape->sides[i];
    PV_TRY(make_room(reader, out, count));
    pv_weights_random(reader->seed, name, shape->rank, shape->sides, out->values, count);
    reader->parameters += count;
    return PV_OK;
}

/* The same, as floats on the host. */
static pv_status take(struct pv_weight_reader *reader, const char *name, const struct shape *shape,
                      struct pv_host_floats *out)
{
    const struct pv_callbacks *callbacks = reader->callbacks;
    if (callbacks->abort && callbacks->abort(callbacks->user))
        return pv_fail(reader->error, PV_ERR_ABORTED, "loading %s was stopped on request", pv_path_tail(reader->file));
    if (!reader->set)
        return take_random(reader, name, shape, out);
    const struct pv_tensor_view *view;
    PV_TRY(take_view(reader, name, shape, &view));
    const size_t count = pv_tensor_elements(view);
    PV_TRY(make_room(reader, out, count));
    reader->parameters += count;
    PV_TRY(pv_tensor_to_f32(view, out->values, count, reader->error));
    for (size_t i = 0; i < count; i++)
        if (!isfinite(out->values[i]))
            return pv_fail(reader->error, PV_ERR_MODEL,
                           "%s: number %zu of tensor '%s' is not finite; train or export the model again",
                           pv_path_tail(reader->file), i, name);
    if (callbacks->progress)
        callbacks->progress(callbacks->user, reader->taken_count, pv_safetensors_count(reader->set));
    return PV_OK;
}

static void keep(struct pv_weights *weights, struct pv_weight *weight)
{
    weights->prepared[weights->prepared_count++] = weight;
}

pv_status pv_weight_linear(struct pv_weight_reader *reader, const char *prefix, int out, int in, bool bias,
                           const struct pv_weight **weight)
{
    struct pv_backend *backend = reader->weights->backend;
    PV_TRY(take(reader, pv_weight_name("%s.weight", prefix).text, &(struct shape){2, {out, in}}, &reader->weight));
    if (bias)
        PV_TRY(take(reader, pv_weight_name("%s.bias", prefix).text, &(struct shape){1, {out}}, &reader->bias));
    struct pv_weight *made = NULL;
    PV_TRY(backend->op->linear_weight(backend, reader->weight.values, bias ? reader->bias.values : NULL, out, in, &made,
                                      reader->error));
    keep(reader->weights, made);
    *weight = made;
    return PV_OK;
}

pv_status pv_weight_conv(struct pv_weight_reader *reader, const char *prefix, int out, int in,
                         const struct pv_weight **weight)
{
    struct pv_backend *backend = reader->weights->backend;
    const struct shape shape = {4, {out, in, 3, 3}};
    PV_TRY(take(reader, pv_weight_name("%s.weight", prefix).text, &shape, &reader->weight));
    PV_TRY(take(reader, pv_weight_name("%s.bias", prefix).text, &(struct shape){1, {out}}, &reader->bias));
    struct pv_weight *made = NULL;
    PV_TRY(backend->op->conv_weight(backend, reader->weight.values, reader->bias.values, out, in, 3, &made,
                                    reader->error));
    keep(reader->weights, made);
    *weight = made;
    return PV_OK;
}

static pv_status allocate(struct pv_weight_reader *reader, size_t bytes, void **memory)
{
    struct pv_weights *weights = reader->weights;
    PV_TRY(weights->backend->op->alloc(weights->backend, bytes, memory, reader->error));
    weights->memory[weights->memory_count++] = *memory;
    return PV_OK;
}

/* The host's floats are reused for the next tensor: the upload must be over. */
static pv_status upload_floats(struct pv_weight_reader *reader, const float *host_values, int count,
                               const float **values)
{
    const struct pv_op_table *op = reader->weights->backend->op;
    void *memory;
    PV_TRY(allocate(reader, (size_t)count * sizeof(float), &memory));
    PV_TRY(op->upload(reader->stream, memory, host_values, (size_t)count * sizeof(float)));
    *values = memory;
    return op->synchronize(reader->stream);
}

pv_status pv_weight_floats(struct pv_weight_reader *reader, const char *name, int count, const float **values)
{
    PV_TRY(take(reader, name, &(struct shape){1, {count}}, &reader->weight));
    return upload_floats(reader, reader->weight.values, count, values);
}

pv_status pv_weight_activations(struct pv_weight_reader *reader, const char *name, int count, const void **values)
{
    struct pv_backend *backend = reader->weights->backend;
    PV_TRY(take(reader, name, &(struct shape){1, {count}}, &reader->weight));
    void *memory;
    PV_TRY(allocate(reader, (size_t)count * backend->element_bytes, &memory));
    PV_TRY(backend->op->upload_activations(reader->stream, memory, reader->weight.values, (size_t)count));
    *values = memory;
    return backend->op->synchronize(reader->stream);
}

pv_status pv_weight_constants(struct pv_weight_reader *reader, const double *host_values, int count,
                              const float **values)
{
    float *narrow = malloc((size_t)count * sizeof *narrow);
    if (!narrow)
        return out_of_memory(reader);
    for (int i = 0; i < count; i++)
        narrow[i] = (float)host_values[i];
    const pv_status status = upload_floats(reader, narrow, count, values);
    free(narrow);
    return status;
}
