/* safetensors_layout.c: tensors and metadata -> the header of a file, and the order of its data. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "model/safetensors_part.h"

static struct pv_quoted quote(const char *text)
{
    return pv_quote(text, strlen(text));
}

/* ---- what may be written ---- */

static pv_status check_tensor(const struct pv_tensor_view *t, struct pv_error *err)
{
    const size_t length = strlen(t->name);
    if (length > PV_TENSOR_MAX_NAME)
        return pv_fail(err, PV_ERR_ARGUMENT, "tensor %s: its name has %zu bytes; at most %d can be written",
                       quote(t->name).text, length, PV_TENSOR_MAX_NAME);
    if (pv_utf8_valid_bytes(t->name, length) < length)
        return pv_fail(err, PV_ERR_ARGUMENT, "tensor %s: its name is not UTF-8", quote(t->name).text);
    if (strcmp(t->name, PV_SAFETENSORS_METADATA_KEY) == 0)
        return pv_fail(err, PV_ERR_ARGUMENT, "no tensor can be called " PV_SAFETENSORS_METADATA_KEY);
    if ((int)t->dtype < 0 || t->dtype >= PV_DTYPE_COUNT)
        return pv_fail(err, PV_ERR_ARGUMENT, "tensor %s: %d is no dtype", quote(t->name).text, (int)t->dtype);
    if (t->rank < 0 || t->rank > PV_TENSOR_MAX_RANK)
        return pv_fail(err, PV_ERR_ARGUMENT, "tensor %s: its rank is %d; expected 0 to %d", quote(t->name).text,
                       t->rank, PV_TENSOR_MAX_RANK);
    size_t bytes;
    const char *problem = pv_tensor_measure(t->dtype, t->rank, t->shape, &bytes);
    if (problem)
        return pv_fail(err, PV_ERR_ARGUMENT, "tensor %s %s", quote(t->name).text, problem);
    if (t->bytes != bytes)
        return pv_fail(err, PV_ERR_ARGUMENT, "tensor %s: its shape and dtype take %zu bytes, but it has %zu",
                       quote(t->name).text, bytes, t->bytes);
    return PV_OK;
}

static pv_status check_pair(const struct pv_metadata *pair, struct pv_error *err)
{
    const size_t key = strlen(pair->key), value = strlen(pair->value);
    if (pv_utf8_valid_bytes(pair->key, key) < key || pv_utf8_valid_bytes(pair->value, value) < value)
        return pv_fail(err, PV_ERR_ARGUMENT, "metadata %s: its key or its value is not UTF-8", quote(pair->key).text);
    return PV_OK;
}

/* ---- order ---- */

/* Falling alignment, then name: the order of the reference library. */
static int by_place(const void *a, const void *b)
{
    const struct pv_tensor_view *x = *(const struct pv_tensor_view *const *)a;
    const struct pv_tensor_view *y = *(const struct pv_tensor_view *const *)b;
    if (x->dtype != y->dtype)
        return x->dtype > y->dtype ? -1 : 1;
    return strcmp(x->name, y->name);
}

static int by_key(const void *a, const void *b)
{
    return strcmp((*(const struct pv_metadata *const *)a)->key, (*(const struct pv_metadata *const *)b)->key);
}

/* ---- JSON ---- */

static pv_status out_of_memory(struct pv_error *err)
{
    return pv_fail(err, PV_ERR_MEMORY, "no memory for the header of a safetensors file");
}

static json_t *entry_json(const struct pv_tensor_view *t, size_t begin)
{
    json_t *shape = json_array();
    for (int i = 0; i < t->rank; i++)
        if (json_array_append_new(shape, json_integer(t->shape[i])) != 0) {
            json_decref(shape);
            return NULL;
        }
    return json_pack("{s:s, s:o, s:[I, I]}", "dtype", pv_dtype_name(t->dtype), "shape", shape, "data_offsets",
                     (json_int_t)begin, (json_int_t)(begin + t->bytes));
}

static pv_status add_metadata(json_t *header, const struct pv_metadata *metadata, size_t count, struct pv_error *err)
{
    if (count == 0)
        return PV_OK;
    json_t *map = json_object();
    const struct pv_metadata **order = malloc(count * sizeof *order);
    pv_status status = map && order ? PV_OK : out_of_memory(err);
    for (size_t i = 0; i < count && status == PV_OK; i++) {
        order[i] = &metadata[i];
        status = check_pair(order[i], err);
    }
    if (status == PV_OK)
        qsort(order, count, sizeof *order, by_key);
    for (size_t i = 0; i < count && status == PV_OK; i++) {
        if (i > 0 && strcmp(order[i - 1]->key, order[i]->key) == 0)
            status = pv_fail(err, PV_ERR_ARGUMENT, "metadata %s is there twice", quote(order[i]->key).text);
        else if (json_object_set_new(map, order[i]->key, json_string(order[i]->value)) != 0)
            status = out_of_memory(err);
    }
    free(order);
    if (status == PV_OK && json_object_set(header, PV_SAFETENSORS_METADATA_KEY, map) != 0)
        status = out_of_memory(err);
    json_decref(map);
    return status;
}

static pv_status add_tensors(json_t *header, const struct pv_tensor_view *const *order, size_t count,
                             struct pv_error *err)
{
    size_t begin = 0;
    for (size_t i = 0; i < count; i++) {
        const struct pv_tensor_view *t = order[i];
        if (json_object_get(header, t->name))
            return pv_fail(err, PV_ERR_ARGUMENT, "tensor %s is there twice", quote(t->name).text);
        if (t->bytes > (size_t)INT64_MAX - begin)
            return pv_fail(err, PV_ERR_ARGUMENT, "tensor %s: the data up to it is larger than a file can be",
                           quote(t->name).text);
        if (json_object_set_new(header, t->name, entry_json(t, begin)) != 0)
            return out_of_memory(err);
        begin += t->bytes;
    }
    return PV_OK;
}

/* JSON -> its length, the text, and spaces up to a multiple of 8 bytes. */
static pv_status encode(struct pv_layout *layout, const json_t *header, struct pv_error *err)
{
    const size_t prefix = PV_SAFETENSORS_LENGTH_BYTES;
    const size_t text = json_dumpb(header, NULL, 0, JSON_COMPACT);
    const size_t padded = (text + 7) / 8 * 8;
    if (text == 0)
        return out_of_memory(err);
    if (padded > PV_SAFETENSORS_MAX_HEADER)
        return pv_fail(err, PV_ERR_ARGUMENT,
                       "the header takes %zu bytes; at most %d can be written: shorten names or metadata", padded,
                       PV_SAFETENSORS_MAX_HEADER);
    layout->header = malloc(prefix + padded);
    if (!layout->header)
        return out_of_memory(err);
    if (json_dumpb(header, layout->header + prefix, text, JSON_COMPACT) != text)
        return out_of_memory(err);
    for (size_t i = 0; i < prefix; i++)
        layout->header[i] = (char)((uint64_t)padded >> 8 * i & 0xff);
    memset(layout->header + prefix + text, ' ', padded - text);
    layout->header_bytes = prefix + padded;
    return PV_OK;
}

pv_status pv_layout_make(struct pv_layout *layout, const struct pv_tensor_view *tensors, size_t count,
                         const struct pv_metadata *metadata, size_t metadata_count, struct pv_error *err)
{
    *layout = (struct pv_layout){0};
    if (count > PV_SAFETENSORS_MAX_TENSORS)
        return pv_fail(err, PV_ERR_ARGUMENT, "%zu tensors; at most %d can be written", count,
                       PV_SAFETENSORS_MAX_TENSORS);
    for (size_t i = 0; i < count; i++)
        PV_TRY(check_tensor(&tensors[i], err));

    json_t *header = json_object(); /* keeps the order things are added in */
    layout->order = malloc((count + 1) * sizeof *layout->order);
    pv_status status = header && layout->order ? PV_OK : out_of_memory(err);
    if (status == PV_OK) {
        for (size_t i = 0; i < count; i++)
            layout->order[layout->count++] = &tensors[i];
        qsort(layout->order, count, sizeof *layout->order, by_place);
        status = add_metadata(header, metadata, metadata_count, err);
    }
    if (status == PV_OK)
        status = add_tensors(header, layout->order, count, err);
    if (status == PV_OK)
        status = encode(layout, header, err);
    json_decref(header);
    if (status != PV_OK)
        pv_layout_free(layout);
    return status;
}

void pv_layout_free(struct pv_layout *layout)
{
    free(layout->header);
    free(layout->order);
    *layout = (struct pv_layout){0};
}
