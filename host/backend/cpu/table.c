/* table.c: the cpu backend's table, its threads, streams and weights. */
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#include "backend/cpu/cpu.h"
#include "backend/host_memory.h"
#include "backend/reference/reference.h"

static struct cpu_backend *cpu(struct pv_backend *backend)
{
    return (struct cpu_backend *)backend;
}

/* ---- threads ---- */

static void enter(struct pv_stream *stream)
{
    struct cpu_stream *s = (struct cpu_stream *)stream;
    s->caller_threads = omp_get_max_threads();
    s->caller_dynamic = omp_get_dynamic();
    omp_set_dynamic(0);
    omp_set_num_threads(stream->backend->threads);
}

static void leave(struct pv_stream *stream)
{
    const struct cpu_stream *s = (const struct cpu_stream *)stream;
    omp_set_num_threads(s->caller_threads);
    omp_set_dynamic(s->caller_dynamic);
}

struct cpu_share pv_cpu_share(size_t count, size_t step)
{
    const size_t threads = (size_t)omp_get_num_threads(), thread = (size_t)omp_get_thread_num();
    const size_t steps = (count + step - 1) / step;
    const size_t begin = steps * thread / threads * step, end = steps * (thread + 1) / threads * step;
    return (struct cpu_share){begin < count ? begin : count, end < count ? end : count};
}

/* ---- streams ---- */

static void stream_close(struct pv_stream *stream)
{
    struct cpu_stream *s = (struct cpu_stream *)stream;
    if (s) {
        pv_dnnl_stream_close(s->dnnl);
        free(s->scratch);
        free(s);
    }
}

static pv_status stream_open(struct pv_backend *backend, struct pv_error *error, struct pv_stream **stream)
{
    *stream = NULL;
    struct cpu_stream *s = calloc(1, sizeof *s);
    if (!s)
        return pv_fail(error, PV_ERR_MEMORY, "the system refused memory for a stream");
    s->stream = (struct pv_stream){.backend = backend, .error = error};
    const pv_status status = pv_dnnl_stream_open(cpu(backend)->dnnl, &s->dnnl, error);
    if (status != PV_OK) {
        stream_close(&s->stream);
        return status;
    }
    *stream = &s->stream;
    return PV_OK;
}

static pv_status synchronize(struct pv_stream *s)
{
    (void)s; /* every op is done when it returns */
    return PV_OK;
}

pv_status pv_cpu_scratch(struct pv_stream *stream, size_t count, float **scratch)
{
    struct cpu_stream *s = (struct cpu_stream *)stream;
    if (count > SIZE_MAX / sizeof(float))
        return pv_fail(stream->error, PV_ERR_MEMORY, "%zu numbers are more than memory can hold", count);
    const size_t bytes = count * sizeof(float);
    if (bytes > s->scratch_bytes) {
        void *larger;
        PV_TRY(pv_host_alloc(NULL, bytes, &larger, stream->error));
        free(s->scratch);
        s->scratch = larger;
        s->scratch_bytes = bytes;
    }
    *scratch = s->scratch;
    return PV_OK;
}

void pv_cpu_place(float *dst, const float *residual, size_t count)
{
    if (!residual || dst == residual)
        return;
#pragma omp parallel if (count >= PV_CPU_PARALLEL_MIN)
    {
        const struct cpu_share part = pv_cpu_share(count, 16);
        memcpy(dst + part.begin, residual + part.begin, (part.end - part.begin) * sizeof(float));
    }
}

/* ---- weights ---- */

static void weight_free(struct pv_backend *backend, struct pv_weight *weight)
{
    (void)backend;
    struct cpu_weight *w = (struct cpu_weight *)weight;
    if (w) {
        pv_cpu_phases_close(w->phases);
        pv_dnnl_filter_free(w->filter);
        free(w->bias);
        free(w);
    }
}

static pv_status weight_make(struct pv_backend *backend, const float *value, const float *bias, int out, int in,
                             int size, struct pv_weight **weight, struct pv_error *error)
{
    *weight = NULL;
    PV_TRY(pv_check_weight(value, out, in, size, error));
    struct cpu_weight *w = calloc(1, sizeof *w);
    if (!w)
        return pv_fail(error, PV_ERR_MEMORY, "the system refused memory for a weight");
    w->weight = (struct pv_weight){.out = out, .in = in, .size = size};

    void *bias_memory = NULL;
    pv_status status = pv_host_alloc(backend, (size_t)out * sizeof(float), &bias_memory, error);
    w->bias = bias_memory;
    if (status == PV_OK && bias)
        memcpy(w->bias, bias, (size_t)out * sizeof(float));
    if (status == PV_OK)
        status = pv_dnnl_filter_make(cpu(backend)->dnnl, value, out, in, size, size, &w->filter, error);
    if (status == PV_OK && size == 3)
        status = pv_cpu_phases_open(&w->phases, error);
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

/* ---- the table ---- */

static void backend_close(struct pv_backend *backend)
{
    pv_dnnl_close(cpu(backend)->dnnl);
    free(backend);
}

static const struct pv_op_table table = {
    .name = "cpu",
    .stream_open = stream_open,
    .stream_close = stream_close,
    .enter = enter,
    .leave = leave,
    .synchronize = synchronize,
    .alloc = pv_host_alloc,
    .free = pv_host_free,
    .upload = pv_host_copy,
    .download = pv_host_copy,
    .copy = pv_host_copy,
    .zero = pv_host_zero,
    .upload_activations = pv_host_upload_activations,
    .download_activations = pv_host_download_activations,
    .linear_weight = linear_weight,
    .conv_weight = conv_weight,
    .weight_free = weight_free,
    .unshuffle = pv_cpu_unshuffle,
    .shuffle = pv_cpu_shuffle,
    .yuv_to_rgb = pv_cpu_yuv_to_rgb,
    .conv = pv_cpu_conv,
    .linear = pv_cpu_linear,
    .norm_modulate = pv_cpu_norm_modulate,
    .add = pv_cpu_add,
    .qkv = pv_cpu_qkv,
    .attention = pv_cpu_attention,
    .patch = pv_cpu_patch,
    .unpatch = pv_cpu_unpatch,
    .latent_out = pv_cpu_latent_out,
    .latent_in = pv_cpu_latent_in,
    .combine = pv_cpu_combine,
    .noise = pv_cpu_noise,
    /* A few hundred numbers once an action: plain C is fast enough. */
    .level_embedding = pv_reference_level_embedding,
    .close = backend_close,
};

pv_status pv_cpu_open(int threads, struct pv_backend **backend, struct pv_error *error)
{
    *backend = NULL;
    struct cpu_backend *b = calloc(1, sizeof *b);
    if (!b)
        return pv_fail(error, PV_ERR_MEMORY, "the system refused memory for the backend");
    b->backend = (struct pv_backend){.op = &table, .element_bytes = sizeof(float), .threads = threads};
    const pv_status status = pv_dnnl_open(&b->dnnl, error);
    if (status != PV_OK) {
        free(b);
        return status;
    }
    *backend = &b->backend;
    return PV_OK;
}
