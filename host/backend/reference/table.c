/* table.c: the reference backend's table, streams and weights. */
#include <stdlib.h>
#include <string.h>

#include "backend/host_memory.h"
#include "backend/reference/reference.h"

static pv_status stream_open(struct pv_backend *backend, struct pv_error *error, struct pv_stream **stream)
{
    struct pv_stream *s = calloc(1, sizeof *s);
    *stream = s;
    if (!s)
        return pv_fail(error, PV_ERR_MEMORY, "the system refused memory for a stream");
    s->backend = backend;
    s->error = error;
    return PV_OK;
}

static void stream_close(struct pv_stream *stream)
{
    free(stream);
}

static void nothing_to_do(struct pv_stream *s)
{
    (void)s;
}

static pv_status synchronize(struct pv_stream *s)
{
    (void)s;
    return PV_OK;
}

static void weight_free(struct pv_backend *backend, struct pv_weight *weight)
{
    (void)backend;
    struct reference_weight *w = (struct reference_weight *)weight;
    if (w) {
        free(w->value);
        free(w->bias);
        free(w);
    }
}

static pv_status weight_make(const float *value, const float *bias, int out, int in, int size,
                             struct pv_weight **weight, struct pv_error *error)
{
    *weight = NULL;
    PV_TRY(pv_check_weight(value, out, in, size, error));
    const size_t count = (size_t)out * (size_t)in * (size_t)(size ? size * size : 1);
    struct reference_weight *w = calloc(1, sizeof *w);
    if (w) {
        w->weight = (struct pv_weight){.out = out, .in = in, .size = size};
        w->value = malloc(count * sizeof(float));
        w->bias = calloc((size_t)out, sizeof(float));
    }
    if (!w || !w->value || !w->bias) {
        weight_free(NULL, (struct pv_weight *)w);
        return pv_fail(error, PV_ERR_MEMORY, "the system refused memory for a weight of %zu numbers", count);
    }
    memcpy(w->value, value, count * sizeof(float));
    if (bias)
        memcpy(w->bias, bias, (size_t)out * sizeof(float));
    *weight = &w->weight;
    return PV_OK;
}

static pv_status linear_weight(struct pv_backend *backend, const float *host_weight, const float *host_bias, int out,
                               int in, struct pv_weight **weight, struct pv_error *error)
{
    (void)backend;
    return weight_make(host_weight, host_bias, out, in, 0, weight, error);
}

static pv_status conv_weight(struct pv_backend *backend, const float *host_weight, const float *host_bias, int out,
                             int in, int size, struct pv_weight **weight, struct pv_error *error)
{
    (void)backend;
    if (size != 1 && size != 3) {
        *weight = NULL;
        return pv_fail(error, PV_ERR_ARGUMENT, "weight: filter size is %d; it must be 1 or 3", size);
    }
    return weight_make(host_weight, host_bias, out, in, size, weight, error);
}

static void backend_close(struct pv_backend *backend)
{
    free(backend);
}

static const struct pv_op_table table = {
    .name = "reference",
    .stream_open = stream_open,
    .stream_close = stream_close,
    .enter = nothing_to_do,
    .leave = nothing_to_do,
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
    .unshuffle = pv_reference_unshuffle,
    .shuffle = pv_reference_shuffle,
    .yuv_to_rgb = pv_reference_yuv_to_rgb,
    .conv = pv_reference_conv,
    .linear = pv_reference_linear,
    .norm_modulate = pv_reference_norm_modulate,
    .add = pv_reference_add,
    .qkv = pv_reference_qkv,
    .attention = pv_reference_attention,
    .patch = pv_reference_patch,
    .unpatch = pv_reference_unpatch,
    .latent_out = pv_reference_latent_out,
    .latent_in = pv_reference_latent_in,
    .combine = pv_reference_combine,
    .noise = pv_reference_noise,
    .level_embedding = pv_reference_level_embedding,
    .close = backend_close,
};

pv_status pv_reference_open(struct pv_backend **backend, struct pv_error *error)
{
    struct pv_backend *b = calloc(1, sizeof *b);
    *backend = b;
    if (!b)
        return pv_fail(error, PV_ERR_MEMORY, "the system refused memory for the backend");
    *b = (struct pv_backend){.op = &table, .element_bytes = sizeof(float), .threads = 1};
    return PV_OK;
}
