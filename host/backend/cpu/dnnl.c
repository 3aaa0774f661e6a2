/* dnnl.c: shapes compiled by oneDNN, and their execution. */
#include "backend/cpu/dnnl.h"

#include <stdlib.h>
#include <string.h>

#include "backend/cpu/dnnl_part.h"
#include "backend/host_memory.h"

/* All that a product is compiled for. Ints alone, so that two can be compared byte by byte. */
struct shape {
    int out, in, filter_height, filter_width;
    int batch, height, width, out_height, out_width;
    int stride, pad_top, pad_left;
    int activation, accumulate;
};

struct compiled {
    struct shape shape;
    dnnl_primitive_desc_t description;
    dnnl_primitive_t primitive;
    dnnl_memory_t src, bias, dst, scratch; /* without bytes of their own */
};

struct pv_dnnl_stream {
    struct pv_dnnl *dnnl;
    dnnl_stream_t stream;
    struct compiled *compiled; /* a rollout has a few dozen shapes: searched from end to end */
    int count, capacity;
    void *scratch; /* one call's at a time; as large as the largest wants */
    size_t scratch_bytes;
};

pv_status pv_dnnl_stream_open(struct pv_dnnl *dnnl, struct pv_dnnl_stream **stream, struct pv_error *error)
{
    *stream = NULL;
    struct pv_dnnl_stream *s = calloc(1, sizeof *s);
    if (!s)
        return pv_fail(error, PV_ERR_MEMORY, "oneDNN: the system refused memory for a stream");
    s->dnnl = dnnl;
    const dnnl_status_t status = dnnl_stream_create(&s->stream, dnnl->engine, dnnl_stream_default_flags);
    if (status != dnnl_success) {
        free(s);
        return pv_dnnl_failed(status, "dnnl_stream_create(", error);
    }
    *stream = s;
    return PV_OK;
}

static void compiled_drop(struct compiled *c)
{
    dnnl_memory_destroy(c->src);
    dnnl_memory_destroy(c->bias);
    dnnl_memory_destroy(c->dst);
    dnnl_memory_destroy(c->scratch);
    dnnl_primitive_destroy(c->primitive);
    dnnl_primitive_desc_destroy(c->description);
}

void pv_dnnl_stream_close(struct pv_dnnl_stream *stream)
{
    if (!stream)
        return;
    for (int i = 0; i < stream->count; i++)
        compiled_drop(&stream->compiled[i]);
    free(stream->compiled);
    free(stream->scratch);
    dnnl_stream_destroy(stream->stream);
    free(stream);
}

static dnnl_status_t append_post_ops(dnnl_post_ops_t ops, const struct shape *k)
{
    const dnnl_status_t status = k->accumulate ? append_sum(ops) : dnnl_success;
    if (status != dnnl_success)
        return status;
    switch ((enum pv_activation)k->activation) {
    case PV_ACTIVATION_NONE: break;
    case PV_ACTIVATION_RELU: return append_activation(ops, dnnl_eltwise_relu, 0.0f);
    case PV_ACTIVATION_SILU: return append_activation(ops, dnnl_eltwise_swish, 1.0f);
    case PV_ACTIVATION_GELU_TANH: return append_activation(ops, dnnl_eltwise_gelu_tanh, 0.0f);
    }
    return dnnl_success;
}

static dnnl_status_t describe(const struct pv_dnnl *dnnl, const struct pv_dnnl_filter *f, const struct shape *k,
                              const_dnnl_primitive_attr_t attributes, dnnl_primitive_desc_t *description)
{
    const bool matrix = is_matrix(f);
    const dnnl_dims_t src_side = {k->batch, k->in, k->height, k->width};
    const dnnl_dims_t dst_side = {k->batch, k->out, k->out_height, k->out_width};
    const dnnl_dims_t bias_side = {k->out};
    layout src, filter, bias, dst; /* version 2 layouts own nothing, and version 3's outlive only a failing make */
    dnnl_status_t status = layout_make(&src, matrix ? 2 : 4, src_side, matrix ? dnnl_ab : dnnl_nhwc);
    if (status != dnnl_success)
        return status;
    if ((status = layout_make(&dst, matrix ? 2 : 4, dst_side, matrix ? dnnl_ab : dnnl_nhwc)) != dnnl_success)
        goto drop_src;
    if ((status = layout_make(&bias, 1, bias_side, dnnl_a)) != dnnl_success)
        goto drop_dst;
    if ((status = pv_dnnl_filter_layout(f, true, &filter)) != dnnl_success)
        goto drop_bias;
    if (matrix) {
        status = describe_linear(description, dnnl->engine, &src, &filter, &bias, &dst, attributes);
    } else {
        const dnnl_dims_t stride = {k->stride, k->stride};
        const dnnl_dims_t before = {k->pad_top, k->pad_left};
        const dnnl_dims_t after = {(k->out_height - 1) * k->stride + k->filter_height - k->height - k->pad_top,
                                   (k->out_width - 1) * k->stride + k->filter_width - k->width - k->pad_left};
        status =
            describe_conv(description, dnnl->engine, &src, &filter, &bias, &dst, stride, before, after, attributes);
    }
    layout_drop(&filter);
drop_bias:
    layout_drop(&bias);
drop_dst:
    layout_drop(&dst);
drop_src:
    layout_drop(&src);
    return status;
}

static dnnl_status_t describe_with_attributes(const struct pv_dnnl *dnnl, const struct pv_dnnl_filter *f,
                                              const struct shape *k, dnnl_primitive_desc_t *description)
{
    dnnl_primitive_attr_t attributes = NULL;
    dnnl_post_ops_t ops = NULL;
    dnnl_status_t status = dnnl_primitive_attr_create(&attributes);
    if (status == dnnl_success)
        status = dnnl_primitive_attr_set_scratchpad_mode(attributes, dnnl_scratchpad_mode_user);
    if (status == dnnl_success)
        status = dnnl_post_ops_create(&ops);
    if (status == dnnl_success)
        status = append_post_ops(ops, k);
    if (status == dnnl_success)
        status = dnnl_primitive_attr_set_post_ops(attributes, ops);
    if (status == dnnl_success)
        status = describe(dnnl, f, k, attributes, description);
    dnnl_post_ops_destroy(ops);
    dnnl_primitive_attr_destroy(attributes);
    return status;
}

static layout_p layout_of(const struct compiled *c, dnnl_query_t what, int index)
{
    return dnnl_primitive_desc_query_md(c->description, what, index);
}

static dnnl_status_t compile(struct pv_dnnl *dnnl, const struct pv_dnnl_filter *f, struct compiled *c)
{
    dnnl_status_t status = describe_with_attributes(dnnl, f, &c->shape, &c->description);
    if (status == dnnl_success)
        status = dnnl_primitive_create(&c->primitive, c->description);
    const struct {
        dnnl_memory_t *memory;
        dnnl_query_t what;
        int index;
    } part[] = {
        {&c->src, dnnl_query_src_md, 0},
        {&c->bias, dnnl_query_weights_md, 1},
        {&c->dst, dnnl_query_dst_md, 0},
        {&c->scratch, dnnl_query_scratchpad_md, 0},
    };
    for (size_t i = 0; i < sizeof part / sizeof *part && status == dnnl_success; i++)
        status = dnnl_memory_create(part[i].memory, layout_of(c, part[i].what, part[i].index), dnnl->engine,
                                    DNNL_MEMORY_NONE);
    return status;
}

static pv_status scratch_grow(struct pv_dnnl_stream *s, size_t bytes, struct pv_error *error)
{
    if (bytes <= s->scratch_bytes)
        return PV_OK;
    void *larger;
    PV_TRY(pv_host_alloc(NULL, bytes, &larger, error));
    free(s->scratch);
    s->scratch = larger;
    s->scratch_bytes = bytes;
    return PV_OK;
}

static pv_status compiled_get(struct pv_dnnl_stream *s, const struct pv_dnnl_filter *f, const struct shape *shape,
                              const struct compiled **found, struct pv_error *error)
{
    for (int i = 0; i < s->count; i++)
        if (memcmp(&s->compiled[i].shape, shape, sizeof *shape) == 0) {
            *found = &s->compiled[i];
            return PV_OK;
        }
    if (s->count == s->capacity) {
        const int capacity = s->capacity ? 2 * s->capacity : 32;
        struct compiled *more = realloc(s->compiled, (size_t)capacity * sizeof *more);
        if (!more)
            return pv_fail(error, PV_ERR_MEMORY, "oneDNN: the system refused memory for a compiled shape");
        s->compiled = more;
        s->capacity = capacity;
    }
    struct compiled *c = &s->compiled[s->count];
    *c = (struct compiled){.shape = *shape};
    const dnnl_status_t status = compile(s->dnnl, f, c);
    const pv_status ready =
        status == dnnl_success
            ? scratch_grow(s, dnnl_memory_desc_get_size(layout_of(c, dnnl_query_scratchpad_md, 0)), error)
            : pv_dnnl_failed(status, f->height ? "convolution(" : "inner product(", error);
    if (ready != PV_OK) {
        compiled_drop(c);
        return ready;
    }
    s->count++;
    *found = c;
    return PV_OK;
}

static void *unconst(const void *p)
{
    union {
        const void *in;
        void *out;
    } u = {.in = p}; /* oneDNN takes what it only reads through the same handle as what it writes */
    return u.out;
}

pv_status pv_dnnl_run(struct pv_dnnl_stream *stream, const struct pv_dnnl_call *call, struct pv_error *error)
{
    struct pv_dnnl_filter *f = call->filter;
    const struct shape shape = {.out = f->out,
                                .in = f->in,
                                .filter_height = f->height,
                                .filter_width = f->width,
                                .batch = call->batch,
                                .height = call->height,
                                .width = call->width,
                                .out_height = call->out_height,
                                .out_width = call->out_width,
                                .stride = call->stride,
                                .pad_top = call->pad_top,
                                .pad_left = call->pad_left,
                                .activation = (int)call->activation,
                                .accumulate = call->accumulate};
    const struct compiled *c = NULL;
    PV_TRY(compiled_get(stream, f, &shape, &c, error));
    dnnl_memory_t filter = NULL;
    PV_TRY(pv_dnnl_filter_memory(stream->dnnl, f, layout_of(c, dnnl_query_weights_md, 0), &filter, error));

    DNNL_TRY(dnnl_memory_set_data_handle(c->src, unconst(call->src)), error);
    DNNL_TRY(dnnl_memory_set_data_handle(c->bias, unconst(call->bias)), error);
    DNNL_TRY(dnnl_memory_set_data_handle(c->dst, call->dst), error);
    DNNL_TRY(dnnl_memory_set_data_handle(c->scratch, stream->scratch), error);
    const dnnl_exec_arg_t args[] = {{DNNL_ARG_SRC, c->src},
                                    {DNNL_ARG_WEIGHTS, filter},
                                    {DNNL_ARG_BIAS, c->bias},
                                    {DNNL_ARG_DST, c->dst},
                                    {DNNL_ARG_SCRATCHPAD, c->scratch}};
    DNNL_TRY(dnnl_primitive_execute(c->primitive, stream->stream, sizeof args / sizeof *args, args), error);
    DNNL_TRY(dnnl_stream_wait(stream->stream), error);
    return PV_OK;
}
