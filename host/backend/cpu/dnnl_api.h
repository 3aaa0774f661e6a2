/* dnnl_api.h: oneDNN's C API where versions 2 and 3 differ: a layout is a struct in one and a handle in the other, and
 * an op is described in two steps or in one. Nothing else in the tree asks for the version. */
#ifndef PV_BACKEND_CPU_DNNL_API_H
#define PV_BACKEND_CPU_DNNL_API_H

#include <dnnl.h>

#if DNNL_VERSION_MAJOR >= 3

typedef dnnl_memory_desc_t layout;         /* owned */
typedef const_dnnl_memory_desc_t layout_p; /* borrowed */

static inline layout_p borrow(const layout *l)
{
    return *l;
}

static inline dnnl_status_t layout_make(layout *l, int sides, const dnnl_dims_t side, dnnl_format_tag_t tag)
{
    return dnnl_memory_desc_create_with_tag(l, sides, side, dnnl_f32, tag);
}

static inline void layout_drop(layout *l)
{
    dnnl_memory_desc_destroy(*l);
}

static inline dnnl_status_t append_sum(dnnl_post_ops_t ops)
{
    return dnnl_post_ops_append_sum(ops, 1.0f, 0, dnnl_data_type_undef);
}

static inline dnnl_status_t append_activation(dnnl_post_ops_t ops, dnnl_alg_kind_t kind, float alpha)
{
    return dnnl_post_ops_append_eltwise(ops, kind, alpha, 0.0f);
}

static inline dnnl_status_t describe_linear(dnnl_primitive_desc_t *description, dnnl_engine_t engine, const layout *src,
                                            const layout *filter, const layout *bias, const layout *dst,
                                            const_dnnl_primitive_attr_t attributes)
{
    return dnnl_inner_product_forward_primitive_desc_create(description, engine, dnnl_forward_inference, *src, *filter,
                                                            *bias, *dst, attributes);
}

static inline dnnl_status_t describe_conv(dnnl_primitive_desc_t *description, dnnl_engine_t engine, const layout *src,
                                          const layout *filter, const layout *bias, const layout *dst,
                                          const dnnl_dims_t stride, const dnnl_dims_t before, const dnnl_dims_t after,
                                          const_dnnl_primitive_attr_t attributes)
{
    static const dnnl_dims_t dense = {0, 0};
    return dnnl_convolution_forward_primitive_desc_create(description, engine, dnnl_forward_inference,
                                                          dnnl_convolution_direct, *src, *filter, *bias, *dst, stride,
                                                          dense, before, after, attributes);
}

#else

typedef dnnl_memory_desc_t layout;
typedef const dnnl_memory_desc_t *layout_p;

static inline layout_p borrow(const layout *l)
{
    return l;
}

static inline dnnl_status_t layout_make(layout *l, int sides, const dnnl_dims_t side, dnnl_format_tag_t tag)
{
    return dnnl_memory_desc_init_by_tag(l, sides, side, dnnl_f32, tag);
}

static inline void layout_drop(layout *l)
{
    (void)l;
}

static inline dnnl_status_t append_sum(dnnl_post_ops_t ops)
{
    return dnnl_post_ops_append_sum(ops, 1.0f);
}

static inline dnnl_status_t append_activation(dnnl_post_ops_t ops, dnnl_alg_kind_t kind, float alpha)
{
    return dnnl_post_ops_append_eltwise(ops, 1.0f, kind, alpha, 0.0f);
}

static inline dnnl_status_t describe_linear(dnnl_primitive_desc_t *description, dnnl_engine_t engine, const layout *src,
                                            const layout *filter, const layout *bias, const layout *dst,
                                            const_dnnl_primitive_attr_t attributes)
{
    dnnl_inner_product_desc_t op;
    const dnnl_status_t status =
        dnnl_inner_product_forward_desc_init(&op, dnnl_forward_inference, src, filter, bias, dst);
    return status != dnnl_success ? status : dnnl_primitive_desc_create(description, &op, attributes, engine, NULL);
}

static inline dnnl_status_t describe_conv(dnnl_primitive_desc_t *description, dnnl_engine_t engine, const layout *src,
                                          const layout *filter, const layout *bias, const layout *dst,
                                          const dnnl_dims_t stride, const dnnl_dims_t before, const dnnl_dims_t after,
                                          const_dnnl_primitive_attr_t attributes)
{
    dnnl_convolution_desc_t op;
    const dnnl_status_t status = dnnl_convolution_forward_desc_init(
        &op, dnnl_forward_inference, dnnl_convolution_direct, src, filter, bias, dst, stride, before, after);
    return status != dnnl_success ? status : dnnl_primitive_desc_create(description, &op, attributes, engine, NULL);
}

#endif

#endif
