/* module.c: the CUDA backend's table, memory and streams, and the one symbol that the module exports. */
#include "backend/module.h"

#include <stdlib.h>
#include <string.h>

#include "cuda_backend.h"
#include "device.h"
#include "record.h"

struct cuda_stream {
    struct pv_stream stream;
    struct pv_queue queue;
    float *scratch; /* on the device: floats on their way from or to activations */
    size_t scratch_bytes;
    void *marks[PV_MARKS];
    struct pv_recordings recordings;
    int caller_device; /* outside of enter and leave */
};

static struct cuda_stream *self(struct pv_stream *s)
{
    return (struct cuda_stream *)s;
}

pv_status pv_cuda_done(struct pv_error *error, const char *what, int code)
{
    return code == 0 ? PV_OK
                     : pv_fail(error, PV_ERR_DEVICE, "the device failed in %s: %s", what, pv_device_error_text(code));
}

/* ---- memory ---- */

pv_status pv_cuda_alloc(struct pv_backend *backend, size_t bytes, void **memory, struct pv_error *error)
{
    const int before = pv_device_use(pv_cuda(backend)->device);
    const int code = pv_device_alloc(memory, bytes);
    pv_device_use(before);
    return code == 0 ? PV_OK
                     : pv_fail(error, PV_ERR_MEMORY, "the device refused %zu bytes of memory: %s", bytes,
                               pv_device_error_text(code));
}

void pv_cuda_free(struct pv_backend *backend, void *memory)
{
    if (!memory)
        return;
    const int before = pv_device_use(pv_cuda(backend)->device);
    pv_device_free(memory);
    pv_device_use(before);
}

static pv_status host_alloc(struct pv_backend *backend, size_t bytes, void **memory, struct pv_error *error)
{
    const int before = pv_device_use(pv_cuda(backend)->device);
    const int code = pv_device_host_alloc(memory, bytes);
    pv_device_use(before);
    if (code != 0)
        return pv_fail(error, PV_ERR_MEMORY, "the system refused %zu bytes of memory that the device can reach: %s",
                       bytes, pv_device_error_text(code));
    memset(*memory, 0, bytes);
    return PV_OK;
}

static void host_free(struct pv_backend *backend, void *memory)
{
    if (!memory)
        return;
    const int before = pv_device_use(pv_cuda(backend)->device);
    pv_device_host_free(memory);
    pv_device_use(before);
}

static pv_status upload(struct pv_stream *s, void *dst, const void *host_src, size_t bytes)
{
    return bytes ? pv_cuda_done(s->error, "upload", pv_device_upload(dst, host_src, bytes, self(s)->queue.stream))
                 : PV_OK;
}

static pv_status download(struct pv_stream *s, void *host_dst, const void *src, size_t bytes)
{
    return bytes ? pv_cuda_done(s->error, "download", pv_device_download(host_dst, src, bytes, self(s)->queue.stream))
                 : PV_OK;
}

static pv_status copy(struct pv_stream *s, void *dst, const void *src, size_t bytes)
{
    return bytes ? pv_cuda_done(s->error, "copy", pv_device_copy(dst, src, bytes, self(s)->queue.stream)) : PV_OK;
}

static pv_status zero(struct pv_stream *s, void *dst, size_t bytes)
{
    return bytes ? pv_cuda_done(s->error, "zero", pv_device_zero(dst, bytes, self(s)->queue.stream)) : PV_OK;
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
    PV_TRY(pv_cuda_alloc(stream->backend, bytes, &larger, stream->error));
    pv_cuda_free(stream->backend, s->scratch); /* waits for what still reads it */
    s->scratch = larger;
    s->scratch_bytes = bytes;
    return PV_OK;
}

static pv_status upload_activations(struct pv_stream *s, void *dst, const float *host_src, size_t count)
{
    const enum pv_element element = pv_cuda(s->backend)->element;
    if (element == PV_ELEMENT_FLOAT)
        return upload(s, dst, host_src, count * sizeof(float));
    PV_TRY(scratch_for(s, count));
    PV_TRY(upload(s, self(s)->scratch, host_src, count * sizeof(float)));
    return pv_cuda_done(s->error, "upload", pv_kernel_narrow(dst, self(s)->scratch, count, &self(s)->queue));
}

static pv_status download_activations(struct pv_stream *s, float *host_dst, const void *src, size_t count)
{
    const enum pv_element element = pv_cuda(s->backend)->element;
    if (element == PV_ELEMENT_FLOAT)
        return download(s, host_dst, src, count * sizeof(float));
    PV_TRY(scratch_for(s, count));
    PV_TRY(pv_cuda_done(s->error, "download", pv_kernel_widen(self(s)->scratch, src, count, &self(s)->queue)));
    return download(s, host_dst, self(s)->scratch, count * sizeof(float));
}

/* ---- streams ---- */

static void enter(struct pv_stream *s)
{
    self(s)->caller_device = pv_device_use(pv_cuda(s->backend)->device);
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
    if (s->queue.stream) {
        pv_device_queue_wait(s->queue.stream);
        pv_recordings_forget(&s->recordings);
        pv_device_queue_close(s->queue.stream);
    }
    for (int i = 0; i < PV_MARKS; i++)
        pv_device_mark_close(s->marks[i]);
    leave(stream);
    pv_cuda_free(stream->backend, s->scratch);
    free(s);
}

static pv_status open_queue(struct cuda_stream *s)
{
    PV_TRY(pv_cuda_done(s->stream.error, "opening a stream", pv_device_queue_open(&s->queue.stream)));
    for (int i = 0; i < PV_MARKS; i++)
        PV_TRY(pv_cuda_done(s->stream.error, "opening a stream", pv_device_mark_open(&s->marks[i])));
    return PV_OK;
}

static pv_status stream_open(struct pv_backend *backend, struct pv_error *error, struct pv_stream **stream)
{
    *stream = NULL;
    struct cuda_stream *s = calloc(1, sizeof *s);
    if (!s)
        return pv_fail(error, PV_ERR_MEMORY, "the system refused memory for a stream");
    s->stream = (struct pv_stream){.backend = backend, .error = error};
    s->queue.element = pv_cuda(backend)->element;
    s->queue.multiprocessors = pv_cuda(backend)->multiprocessors;
    s->queue.tensor_maps = pv_cuda(backend)->tensor_maps;
    enter(&s->stream);
    const pv_status status = open_queue(s);
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
    return pv_cuda_done(s->error, "what was asked of it", pv_device_queue_wait(self(s)->queue.stream));
}

static pv_status mark(struct pv_stream *s, int place)
{
    return pv_cuda_done(s->error, "setting a mark", pv_device_mark_set(self(s)->marks[place], self(s)->queue.stream));
}

static pv_status after(struct pv_stream *s, struct pv_stream *earlier, int place)
{
    return pv_cuda_done(s->error, "waiting for a stream",
                        pv_device_queue_after(self(s)->queue.stream, self(earlier)->marks[place]));
}

static pv_status wait(struct pv_stream *s, int place)
{
    return pv_cuda_done(s->error, "what was asked of it", pv_device_mark_wait(self(s)->marks[place]));
}

static pv_status record(struct pv_stream *s, uint64_t key, pv_status (*ops)(void *user), void *user)
{
    return pv_recordings_run(&self(s)->recordings, self(s)->queue.stream, key, ops, user, s->error);
}

static void record_forget(struct pv_stream *s)
{
    enter(s);
    pv_recordings_forget(&self(s)->recordings);
    leave(s);
}

/* ---- ops ---- */

#define OP(name)                                                                                                       \
    static pv_status name(struct pv_stream *s, const struct pv_##name *p)                                              \
    {                                                                                                                  \
        PV_TRY(pv_check_##name(s, p));                                                                                 \
        return pv_cuda_done(s->error, #name, pv_kernel_##name(p, &self(s)->queue));                                    \
    }

OP(unshuffle)
OP(shuffle)
OP(yuv_to_rgb)
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
        .synchronize = synchronize, .mark = mark, .after = after, .wait = wait, .record = record,                      \
        .record_forget = record_forget, .alloc = pv_cuda_alloc, .free = pv_cuda_free, .host_alloc = host_alloc,        \
        .host_free = host_free, .upload = upload, .download = download, .copy = copy, .zero = zero,                    \
        .upload_activations = upload_activations, .download_activations = download_activations,                        \
        .linear_weight = pv_cuda_linear_weight, .conv_weight = pv_cuda_conv_weight,                                    \
        .weight_free = pv_cuda_weight_free, .unshuffle = unshuffle, .shuffle = shuffle, .yuv_to_rgb = yuv_to_rgb,      \
        .conv = conv, .linear = linear, .norm_modulate = norm_modulate, .add = add, .qkv = qkv,                        \
        .attention = attention, .patch = patch, .unpatch = unpatch, .latent_out = latent_out, .latent_in = latent_in,  \
        .combine = combine, .noise = noise, .level_embedding = level_embedding, .close = backend_close                 \
    }

static const struct pv_op_table tables[] = {[PV_ELEMENT_FLOAT] = TABLE("cuda-f32"), [PV_ELEMENT_BF16] = TABLE("cuda")};

/* ---- the module ---- */

static pv_status describe(int index, pv_device_info *info, struct pv_error *error)
{
    int count;
    PV_TRY(pv_device_count(&count, error));
    if (index >= count)
        return PV_END;
    return pv_cuda_done(error, "saying what it is", pv_device_describe(index, info));
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
    struct pv_cuda_backend *b = calloc(1, sizeof *b);
    if (!b)
        return pv_fail(error, PV_ERR_MEMORY, "the system refused memory for the backend");
    b->backend = (struct pv_backend){.op = &tables[element],
                                     .element_bytes = element == PV_ELEMENT_BF16 ? sizeof(uint16_t) : sizeof(float),
                                     .threads = 1};
    b->element = element;
    b->device = device;
    b->multiprocessors = pv_device_multiprocessors(device);
    b->tensor_maps = pv_device_tensor_maps(device);
    const int before = pv_device_use(device);
    if (b->tensor_maps && (pv_kernel_linear_hopper() != 0 || pv_kernel_qkv_hopper() != 0))
        b->tensor_maps = NULL; /* a build with no code for it */
    pv_device_use(before);
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
