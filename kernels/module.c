/* module.c: the CUDA backend's table, streams and weights, and the one symbol that the module exports. */
#include "backend/module.h"

#include <stdlib.h>
#include <string.h>

#include "device.h"
#include "kernels.h"
#include "record.h"

struct cuda_backend {
    struct pv_backend backend;
    enum pv_element element;
    int device;
};

struct cuda_stream {
    struct pv_stream stream;
    void *queue;
    float *scratch; /* on the device: floats on their way from or to activations */
    size_t scratch_bytes;
    struct pv_recordings recordings;
    int caller_device; /* outside of enter and leave */
};

static struct cuda_backend *cuda(struct pv_backend *backend)
{
    return (struct cuda_backend *)backend;
}

static struct cuda_stream *self(struct pv_stream *s)
{
    return (struct cuda_stream *)s;
}

/* The code of what was asked for -> its status, with a sentence. */
static pv_status done(struct pv_error *error, const char *what, int code)
{
    return code == 0 ? PV_OK
                     : pv_fail(error, PV_ERR_DEVICE, "the device failed in %s: %s", what, pv_device_error_text(code));
}

/* ---- memory ---- */

static pv_status memory_alloc(struct pv_backend *backend, size_t bytes, void **memory, struct pv_error *error)
{
    const int before = pv_device_use(cuda(backend)->device);
    const int code = pv_device_alloc(memory, bytes);
    pv_device_use(before);
    return code == 0 ? PV_OK
                     : pv_fail(error, PV_ERR_MEMORY, "the device refused %zu bytes of memory: %s", bytes,
                               pv_device_error_text(code));
}

static void memory_free(struct pv_backend *backend, void *memory)
{
    if (!memory)
        return;
    const int before = pv_device_use(cuda(backend)->device);
    pv_device_free(memory);
    pv_device_use(before);
}

static pv_status upload(struct pv_stream *s, void *dst, const void *host_src, size_t bytes)
{
    return bytes ? done(s->error, "upload", pv_device_upload(dst, host_src, bytes, self(s)->queue)) : PV_OK;
}

static pv_status download(struct pv_stream *s, void *host_dst, const void *src, size_t bytes)
{
    return bytes ? done(s->error, "download", pv_device_download(host_dst, src, bytes, self(s)->queue)) : PV_OK;
}

static pv_status copy(struct pv_stream *s, void *dst, const void *src, size_t bytes)
{
    return bytes ? done(s->error, "copy", pv_device_copy(dst, src, bytes, self(s)->queue)) : PV_OK;
}

static pv_status zero(struct pv_stream *s, void *dst, size_t bytes)
{
    return bytes ? done(s->error, "zero", pv_device_zero(dst, bytes, self(s)->queue)) : PV_OK;
}

/* Room for count floats, until the next op that asks. It grows to what the largest needs and stays. */
static pv_status scratch_for(struct pv_stream *stream, size_t count)
{
    struct cuda_stream *s = self(stream);
    if (count > SIZE_MAX / sizeof(float))
        return pv_fail(stream->error, PV_ERR_MEMORY, "%zu numbers are more than memory can hold", count);
    const size_t bytes = count * sizeof(float);
    if (bytes <= s->scratch_bytes)
        return PV_OK;
    void *larger;
    PV_TRY(memory_alloc(stream->backend, bytes, &larger, stream->error));
    memory_free(stream->backend, s->scratch); /* waits for what still reads it */
    s->scratch = larger;
    s->scratch_bytes = bytes;
    return PV_OK;
}

static pv_status upload_activations(struct pv_stream *s, void *dst, const float *host_src, size_t count)
{
    const enum pv_element element = cuda(s->backend)->element;
    if (element == PV_ELEMENT_FLOAT)
        return upload(s, dst, host_src, count * sizeof(float));
    PV_TRY(scratch_for(s, count));
    PV_TRY(upload(s, self(s)->scratch, host_src, count * sizeof(float)));
    return done(s->error, "upload", pv_kernel_narrow(dst, self(s)->scratch, count, element, self(s)->queue));
}

static pv_status download_activations(struct pv_stream *s, float *host_dst, const void *src, size_t count)
{
    const enum pv_element element = cuda(s->backend)->element;
    if (element == PV_ELEMENT_FLOAT)
        return download(s, host_dst, src, count * sizeof(float));
    PV_TRY(scratch_for(s, count));
    PV_TRY(done(s->error, "download", pv_kernel_widen(self(s)->scratch, src, count, element, self(s)->queue)));
    return download(s, host_dst, self(s)->scratch, count * sizeof(float));
}

/* ---- streams ---- */

static void enter(struct pv_stream *s)
{
    self(s)->caller_device = pv_device_use(cuda(s->backend)->device);
}

static void leave(struct pv_stream *s)
{
    pv_device_use(self(s)->caller_device);
}

static void stream_close(struct pv_stream *stream)
{
    if (!stream)
        return;
    struct cuda_stream *s = self(stream);
    enter(stream);
    if (s->queue) {
        pv_device_queue_wait(s->queue);
        pv_recordings_forget(&s->recordings);
        pv_device_queue_close(s->queue);
    }
    leave(stream);
    memory_free(stream->backend, s->scratch);
    free(s);
}

static pv_status stream_open(struct pv_backend *backend, struct pv_error *error, struct pv_stream **stream)
{
    *stream = NULL;
    struct cuda_stream *s = calloc(1, sizeof *s);
    if (!s)
        return pv_fail(error, PV_ERR_MEMORY, "the system refused memory for a stream");
    s->stream = (struct pv_stream){.backend = backend, .error = error};
    enter(&s->stream);
    const pv_status status = done(error, "opening a stream", pv_device_queue_open(&s->queue));
    leave(&s->stream);
    if (status != PV_OK) {
        stream_close(&s->stream);
        return status;
    }
    *stream = &s->stream;
    return PV_OK;
}

static pv_status synchronize(struct pv_stream *s)
{
    return done(s->error, "what was asked of it", pv_device_queue_wait(self(s)->queue));
}

static pv_status record_begin(struct pv_stream *s, uint64_t key, bool *replayed)
{
    return pv_recordings_begin(&self(s)->recordings, self(s)->queue, key, replayed, s->error);
}

static pv_status record_end(struct pv_stream *s, pv_status ops)
{
    return pv_recordings_end(&self(s)->recordings, self(s)->queue, ops, s->error);
}

static void record_forget(struct pv_stream *s)
{
    enter(s);
    pv_recordings_forget(&self(s)->recordings);
    leave(s);
}

/* ---- weights ---- */

static void weight_free(struct pv_backend *backend, struct pv_weight *weight)
{
    struct pv_cuda_weight *w = (struct pv_cuda_weight *)weight;
    if (w) {
        memory_free(backend, w->value);
        memory_free(backend, w->bias);
        free(w);
    }
}

/* element.cuh's rounding, on the host. Weights are finite. */
static uint16_t bf16_bits(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

/* [out][in][places] -> [out][places][in], in the backend's elements. */
static void arrange(void *dst, const float *src, size_t out, size_t in, size_t places, enum pv_element element)
{
    size_t at = 0;
    for (size_t o = 0; o < out; o++)
        for (size_t place = 0; place < places; place++)
            for (size_t i = 0; i < in; i++, at++) {
                const float x = src[(o * in + i) * places + place];
                if (element == PV_ELEMENT_BF16)
                    ((uint16_t *)dst)[at] = bf16_bits(x);
                else
                    ((float *)dst)[at] = x;
            }
}

static pv_status send(struct pv_backend *backend, void *dst, const void *host_src, size_t bytes, struct pv_error *error)
{
    const int before = pv_device_use(cuda(backend)->device);
    const pv_status status = done(error, "preparing a weight", pv_device_upload_now(dst, host_src, bytes));
    pv_device_use(before);
    return status;
}

static pv_status weight_fill(struct pv_backend *backend, struct pv_cuda_weight *w, const float *value,
                             const float *bias, struct pv_error *error)
{
    const size_t out = (size_t)w->weight.out, in = (size_t)w->weight.in;
    const size_t places = w->weight.size ? (size_t)w->weight.size * (size_t)w->weight.size : 1;
    const size_t bytes = out * in * places * backend->element_bytes;
    PV_TRY(memory_alloc(backend, bytes, &w->value, error));
    void *memory;
    PV_TRY(memory_alloc(backend, out * sizeof(float), &memory, error));
    w->bias = memory;
    if (bias)
        PV_TRY(send(backend, w->bias, bias, out * sizeof(float), error));
    void *arranged = malloc(bytes);
    if (!arranged)
        return pv_fail(error, PV_ERR_MEMORY, "the system refused memory for a weight of %zu bytes", bytes);
    arrange(arranged, value, out, in, places, cuda(backend)->element);
    const pv_status status = send(backend, w->value, arranged, bytes, error);
    free(arranged);
    return status;
}

static pv_status weight_make(struct pv_backend *backend, const float *value, const float *bias, int out, int in,
                             int size, struct pv_weight **weight, struct pv_error *error)
{
    *weight = NULL;
    PV_TRY(pv_check_weight(value, out, in, size, error));
    struct pv_cuda_weight *w = calloc(1, sizeof *w);
    if (!w)
        return pv_fail(error, PV_ERR_MEMORY, "the system refused memory for a weight");
    w->weight = (struct pv_weight){.out = out, .in = in, .size = size};
    const pv_status status = weight_fill(backend, w, value, bias, error);
    if (status != PV_OK) {
        weight_free(backend, &w->weight);
        return status;
    }
    *weight = &w->weight;
    return PV_OK;
}

static pv_status linear_weight(struct pv_backend *backend, const float *host_weight, const float *host_bias, int out,
                               int in, struct pv_weight **weight, struct pv_error *error)
{
    return weight_make(backend, host_weight, host_bias, out, in, 0, weight, error);
}

static pv_status conv_weight(struct pv_backend *backend, const float *host_weight, const float *host_bias, int out,
                             int in, int size, struct pv_weight **weight, struct pv_error *error)
{
    if (size != 1 && size != 3) {
        *weight = NULL;
        return pv_fail(error, PV_ERR_ARGUMENT, "weight: filter size is %d; it must be 1 or 3", size);
    }
    return weight_make(backend, host_weight, host_bias, out, in, size, weight, error);
}

/* ---- ops ---- */

#define OP(name)                                                                                                       \
    static pv_status name(struct pv_stream *s, const struct pv_##name *p)                                              \
    {                                                                                                                  \
        PV_TRY(pv_check_##name(s, p));                                                                                 \
        return done(s->error, #name, pv_kernel_##name(p, cuda(s->backend)->element, self(s)->queue));                  \
    }

OP(unshuffle)
OP(shuffle)
OP(conv)
OP(linear)
OP(norm_modulate)
OP(add)
OP(qkv)
OP(attention)
OP(patch)
OP(unpatch)
OP(latent_out)
OP(latent_in)
OP(combine)
OP(noise)
OP(level_embedding)

/* ---- the table ---- */

static void backend_close(struct pv_backend *backend)
{
    free(backend);
}

#define TABLE(words)                                                                                                   \
    {                                                                                                                  \
        .name = (words), .stream_open = stream_open, .stream_close = stream_close, .enter = enter, .leave = leave,     \
        .synchronize = synchronize, .record_begin = record_begin, .record_end = record_end,                            \
        .record_forget = record_forget, .alloc = memory_alloc, .free = memory_free, .upload = upload,                  \
        .download = download, .copy = copy, .zero = zero, .upload_activations = upload_activations,                    \
        .download_activations = download_activations, .linear_weight = linear_weight, .conv_weight = conv_weight,      \
        .weight_free = weight_free, .unshuffle = unshuffle, .shuffle = shuffle, .conv = conv, .linear = linear,        \
        .norm_modulate = norm_modulate, .add = add, .qkv = qkv, .attention = attention, .patch = patch,                \
        .unpatch = unpatch, .latent_out = latent_out, .latent_in = latent_in, .combine = combine, .noise = noise,      \
        .level_embedding = level_embedding, .close = backend_close                                                     \
    }

static const struct pv_op_table tables[] = {[PV_ELEMENT_FLOAT] = TABLE("cuda-f32"), [PV_ELEMENT_BF16] = TABLE("cuda")};

/* ---- the module ---- */

static pv_status describe(int index, pv_device_info *info, struct pv_error *error)
{
    int count;
    PV_TRY(pv_device_count(&count, error));
    if (index >= count)
        return PV_END;
    return done(error, "saying what it is", pv_device_describe(index, info));
}

static pv_status backend_open(enum pv_element element, struct pv_backend **backend, struct pv_error *error)
{
    *backend = NULL;
    pv_device_info info, first = {0};
    int device = 0;
    for (;; device++) {
        info = (pv_device_info){.struct_size = sizeof info};
        const pv_status status = describe(device, &info, error);
        if (status == PV_END)
            return pv_fail(error, PV_ERR_DEVICE, "%s cannot be used: %s", first.name, first.reason);
        PV_TRY(status);
        if (!info.reason[0])
            break;
        if (device == 0)
            first = info;
    }
    struct cuda_backend *b = calloc(1, sizeof *b);
    if (!b)
        return pv_fail(error, PV_ERR_MEMORY, "the system refused memory for the backend");
    b->backend = (struct pv_backend){.op = &tables[element],
                                     .element_bytes = element == PV_ELEMENT_BF16 ? sizeof(uint16_t) : sizeof(float),
                                     .threads = 1};
    b->element = element;
    b->device = device;
    *backend = &b->backend;
    return PV_OK;
}

PV_API pv_module_entry pv_module;

const struct pv_module *pv_module(void)
{
    static const struct pv_module module = {.abi = PV_MODULE_ABI,
                                            .table_bytes = sizeof(struct pv_op_table),
                                            .version = PV_VERSION_TEXT,
                                            .describe = describe,
                                            .open = backend_open};
    return &module;
}
