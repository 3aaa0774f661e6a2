/* token.c: norm, sums of conditioning vectors, and what happens to q, k and v between their product and attention. */
#include <math.h>
#include <string.h>

#include "backend/cpu/cpu.h"
#include "backend/cpu/vector_math.h"

/* ---- norm ---- */

static PV_INLINE float row_sum(const float *x, size_t dim)
{
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (size_t i = 0; i < dim; i++)
        sum += x[i];
    return sum;
}

static PV_INLINE float row_square_sum(const float *x, size_t dim, float mean)
{
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (size_t i = 0; i < dim; i++)
        sum += (x[i] - mean) * (x[i] - mean);
    return sum;
}

PV_MULTIVERSION
static void norm_rows(const struct pv_norm_modulate *p, size_t begin, size_t end)
{
    const size_t dim = (size_t)p->dim;
    for (size_t r = begin; r < end; r++) {
        const float *src = (const float *)p->src + r * dim;
        float *dst = (float *)p->dst + r * dim;
        const float mean = p->norm == PV_NORM_LAYER ? row_sum(src, dim) / (float)dim : 0.0f;
        const float inverse = 1.0f / sqrtf(row_square_sum(src, dim, mean) / (float)dim + p->eps);
        if (!p->shift) {
#pragma omp simd
            for (size_t i = 0; i < dim; i++)
                dst[i] = (src[i] - mean) * inverse;
            continue;
        }
        const size_t group = r / (size_t)p->rows_per_group * (size_t)p->group_stride;
        const float *shift = (const float *)p->shift + group, *scale = (const float *)p->scale + group;
#pragma omp simd
        for (size_t i = 0; i < dim; i++)
            dst[i] = (src[i] - mean) * inverse * (1.0f + scale[i]) + shift[i];
    }
}

pv_status pv_cpu_norm_modulate(struct pv_stream *s, const struct pv_norm_modulate *p)
{
    PV_TRY(pv_check_norm_modulate(s, p));
    const size_t rows = (size_t)p->rows;
#pragma omp parallel if (rows * (size_t)p->dim >= PV_CPU_PARALLEL_MIN)
    {
        const struct cpu_share part = pv_cpu_share(rows, 1);
        norm_rows(p, part.begin, part.end);
    }
    return PV_OK;
}

/* ---- add ---- */

static PV_INLINE float activate(float x, enum pv_activation activation)
{
    switch (activation) {
    case PV_ACTIVATION_NONE: return x;
    case PV_ACTIVATION_RELU: return x < 0 ? 0 : x;
    case PV_ACTIVATION_SILU: return x / (1.0f + math_exp(-x));
    case PV_ACTIVATION_GELU_TANH: /* (1 + tanh u) / 2 = 1 / (1 + e^-2u): one exponential, nothing to cancel */
        return x / (1.0f + math_exp(-1.595769122f * (x + 0.044715f * x * x * x)));
    }
    return x;
}

/* Inlined where activation and the presence of b are constants, so that each loop is straight. */
static PV_INLINE void add_loop(float *dst, const float *a, const float *b, size_t begin, size_t end,
                               enum pv_activation activation)
{
    if (b) {
#pragma omp simd
        for (size_t i = begin; i < end; i++)
            dst[i] = activate(a[i] + b[i], activation);
    } else {
#pragma omp simd
        for (size_t i = begin; i < end; i++)
            dst[i] = activate(a[i], activation);
    }
}

PV_MULTIVERSION
static void add_range(const struct pv_add *p, size_t begin, size_t end)
{
    switch (p->activation) {
    case PV_ACTIVATION_NONE: add_loop(p->dst, p->a, p->b, begin, end, PV_ACTIVATION_NONE); break;
    case PV_ACTIVATION_RELU: add_loop(p->dst, p->a, p->b, begin, end, PV_ACTIVATION_RELU); break;
    case PV_ACTIVATION_SILU: add_loop(p->dst, p->a, p->b, begin, end, PV_ACTIVATION_SILU); break;
    case PV_ACTIVATION_GELU_TANH: add_loop(p->dst, p->a, p->b, begin, end, PV_ACTIVATION_GELU_TANH); break;
    }
}

pv_status pv_cpu_add(struct pv_stream *s, const struct pv_add *p)
{
    PV_TRY(pv_check_add(s, p));
#pragma omp parallel if (p->count >= PV_CPU_PARALLEL_MIN)
    {
        const struct cpu_share part = pv_cpu_share(p->count, 64);
        add_range(p, part.begin, part.end);
    }
    return PV_OK;
}

/* ---- qkv ---- */

/* One head: RMS norm over its channels, then the rotation of each pair. */
static PV_INLINE void head_rotate(float *restrict dst, const float *restrict src, const float *norm, const float *rope,
                                  size_t head_dim, float eps)
{
    const float *from = src;
    if (norm) {
        const float inverse = 1.0f / sqrtf(row_square_sum(src, head_dim, 0.0f) / (float)head_dim + eps);
#pragma omp simd
        for (size_t i = 0; i < head_dim; i++)
            dst[i] = src[i] * inverse * norm[i];
        from = dst;
    }
    if (!rope) {
        if (from == src)
            memcpy(dst, src, head_dim * sizeof(float));
        return;
    }
#pragma omp simd
    for (size_t i = 0; i < head_dim / 2; i++) {
        const float x = from[2 * i], y = from[2 * i + 1], c = rope[2 * i], sine = rope[2 * i + 1];
        dst[2 * i] = x * c - y * sine;
        dst[2 * i + 1] = x * sine + y * c;
    }
}

PV_MULTIVERSION
static void qkv_rows(const struct pv_qkv *p, size_t begin, size_t end)
{
    const size_t tokens = (size_t)p->tokens, d = (size_t)p->head_dim;
    const size_t heads = (size_t)p->heads, kv_heads = (size_t)p->kv_heads, start = pv_qkv_start(p);
    for (size_t row = begin; row < end; row++) {
        const float *src = (const float *)p->product + row * (heads + 2 * kv_heads) * d;
        const float *rope = p->rope ? p->rope + row % (size_t)p->rope_rows * d : NULL;
        const size_t kv = start + row / tokens * p->kv_take_stride + row % tokens * kv_heads * d;
        float *q = (float *)p->q + row * heads * d;
        float *k = (float *)p->k + kv;
        for (size_t h = 0; h < heads; h++)
            head_rotate(q + h * d, src + h * d, p->q_norm, rope, d, p->eps);
        for (size_t h = 0; h < kv_heads; h++)
            head_rotate(k + h * d, src + (heads + h) * d, p->k_norm, rope, d, p->eps);
        memcpy((float *)p->v + kv, src + (heads + kv_heads) * d, kv_heads * d * sizeof(float));
    }
}

pv_status pv_cpu_qkv(struct pv_stream *s, const struct pv_qkv *p)
{
    PV_TRY(pv_check_qkv(s, p));
    const size_t rows = (size_t)p->takes * (size_t)p->tokens;
    PV_TRY(pv_cpu_linear(
        s, &(struct pv_linear){.dst = p->product, .src = p->src, .weight = p->weight, .rows = (int)rows}));
#pragma omp parallel if (rows * (size_t)p->weight->out >= PV_CPU_PARALLEL_MIN)
    {
        const struct cpu_share part = pv_cpu_share(rows, 1);
        qkv_rows(p, part.begin, part.end);
    }
    return PV_OK;
}
