/* token.c: what happens to tokens between matrix products: norm, conditioning, rotation, attention. */
#include <math.h>
#include <stdlib.h>

#include "backend/reference/reference.h"

pv_status pv_reference_norm_modulate(struct pv_stream *s, const struct pv_norm_modulate *p)
{
    PV_TRY(pv_check_norm_modulate(s, p));
    const size_t rows = (size_t)p->rows, dim = (size_t)p->dim;

    for (size_t r = 0; r < rows; r++) {
        const float *src = (const float *)p->src + r * dim;
        float *dst = (float *)p->dst + r * dim;
        double mean = 0, square = 0;
        if (p->norm == PV_NORM_LAYER) {
            for (size_t i = 0; i < dim; i++)
                mean += src[i];
            mean /= (double)dim;
        }
        for (size_t i = 0; i < dim; i++)
            square += (src[i] - mean) * (src[i] - mean);
        const double inverse = 1 / sqrt(square / (double)dim + (double)p->eps);

        for (size_t i = 0; i < dim; i++) {
            double x = (src[i] - mean) * inverse;
            if (p->shift) {
                const size_t at = r / (size_t)p->rows_per_group * (size_t)p->group_stride + i;
                x = x * (1 + (double)((const float *)p->scale)[at]) + ((const float *)p->shift)[at];
            }
            dst[i] = (float)x;
        }
    }
    return PV_OK;
}

pv_status pv_reference_add(struct pv_stream *s, const struct pv_add *p)
{
    PV_TRY(pv_check_add(s, p));
    const float *a = p->a, *b = p->b;
    float *dst = p->dst;
    for (size_t i = 0; i < p->count; i++)
        dst[i] = (float)pv_reference_activation((double)a[i] + (b ? b[i] : 0), p->activation);
    return PV_OK;
}

/* One head of q or k: RMS norm over its channels, then the rotation of each pair. dst and src do not overlap. */
static void head_rotate(float *dst, const float *src, const float *norm, const float *rope, int head_dim, double eps)
{
    double square = 0;
    for (int i = 0; i < head_dim; i++)
        square += (double)src[i] * src[i];
    const double inverse = norm ? 1 / sqrt(square / head_dim + eps) : 1;

    for (int i = 0; i < head_dim; i += 2) {
        const bool pair = i + 1 < head_dim;
        const double x = src[i] * inverse * (norm ? norm[i] : 1);
        const double y = pair ? src[i + 1] * inverse * (norm ? norm[i + 1] : 1) : 0;
        const double c = rope ? rope[i] : 1, sine = rope ? rope[i + 1] : 0;
        dst[i] = (float)(x * c - y * sine);
        if (pair)
            dst[i + 1] = (float)(x * sine + y * c);
    }
}

pv_status pv_reference_qkv(struct pv_stream *s, const struct pv_qkv *p)
{
    PV_TRY(pv_check_qkv(s, p));
    PV_TRY(pv_reference_linear(
        s, &(struct pv_linear){.dst = p->product, .src = p->src, .weight = p->weight, .rows = p->takes * p->tokens}));
    const size_t tokens = (size_t)p->tokens, d = (size_t)p->head_dim;
    const size_t heads = (size_t)p->heads, kv_heads = (size_t)p->kv_heads;

    for (size_t row = 0; row < (size_t)p->takes * tokens; row++) {
        const float *src = (const float *)p->product + row * (heads + 2 * kv_heads) * d;
        const float *rope = p->rope ? p->rope + row % (size_t)p->rope_rows * d : NULL;
        const size_t kv = pv_qkv_start(p) + row / tokens * p->kv_take_stride + row % tokens * kv_heads * d;
        float *q = (float *)p->q + row * heads * d;
        float *k = (float *)p->k + kv, *v = (float *)p->v + kv;

        for (size_t h = 0; h < heads; h++)
            head_rotate(q + h * d, src + h * d, p->q_norm, rope, p->head_dim, (double)p->eps);
        for (size_t h = 0; h < kv_heads; h++)
            head_rotate(k + h * d, src + (heads + h) * d, p->k_norm, rope, p->head_dim, (double)p->eps);
        for (size_t i = 0; i < kv_heads * d; i++)
            v[i] = src[(heads + kv_heads) * d + i];
    }
    return PV_OK;
}

/* One query against keys that lie stride elements apart. weight: [keys], room to work in. */
static void attend(float *dst, const float *q, const float *k, const float *v, size_t keys, size_t stride,
                   size_t head_dim, double scale, double *weight)
{
    double largest = -INFINITY, sum = 0;
    for (size_t j = 0; j < keys; j++) {
        weight[j] = 0;
        for (size_t i = 0; i < head_dim; i++)
            weight[j] += (double)q[i] * k[j * stride + i];
        weight[j] *= scale;
        largest = fmax(largest, weight[j]);
    }
    for (size_t j = 0; j < keys; j++) {
        weight[j] = exp(weight[j] - largest);
        sum += weight[j];
    }
    for (size_t i = 0; i < head_dim; i++) {
        double mixed = 0;
        for (size_t j = 0; j < keys; j++)
            mixed += weight[j] * v[j * stride + i];
        dst[i] = (float)(mixed / sum);
    }
}

pv_status pv_reference_attention(struct pv_stream *s, const struct pv_attention *p)
{
    PV_TRY(pv_check_attention(s, p));
    const size_t takes = (size_t)p->takes, tokens = (size_t)p->tokens, slots = pv_attention_used(p);
    const size_t heads = (size_t)p->heads, kv_heads = (size_t)p->kv_heads, d = (size_t)p->head_dim;
    const bool joint = p->kind == PV_ATTENTION_JOINT;
    const size_t keys = joint ? slots * tokens : slots;
    const size_t stride = joint ? kv_heads * d : tokens * kv_heads * d;

    double *weight = malloc(keys * sizeof *weight);
    if (!weight)
        return pv_fail(s->error, PV_ERR_MEMORY, "attention: the system refused memory for %zu keys", keys);
    for (size_t take = 0; take < takes; take++)
        for (size_t token = 0; token < tokens; token++)
            for (size_t h = 0; h < heads; h++) {
                const size_t query = ((take * tokens + token) * heads + h) * d;
                const size_t first = take * p->kv_take_stride + (joint ? 0 : token * kv_heads * d);
                const size_t key = first + h * kv_heads / heads * d;
                attend((float *)p->dst + query, (const float *)p->q + query, (const float *)p->k + key,
                       (const float *)p->v + key, keys, stride, d, (double)p->scale, weight);
            }
    free(weight);
    return PV_OK;
}
