/* token.cu: what happens to tokens between products, except norm and attention: conditioning vectors, and the split of
 * q, k and v with their norm and rotation. */
#include "element.cuh"

enum { WARP = 32, WARPS = 4 }; /* of a block */

static inline dim3 warps_grid(size_t warps)
{
    return dim3((unsigned)((warps + WARPS - 1) / WARPS));
}

/* ---- conditioning vectors ---- */

template <typename T> __global__ void add_kernel(struct pv_add p)
{
    PV_FOR_EACH(i, p.count)
    {
        const float sum = to_float(((const T *)p.a)[i]) + (p.b ? to_float(((const T *)p.b)[i]) : 0);
        ((T *)p.dst)[i] = from_float<T>(activate(sum, p.activation));
    }
}

extern "C" int pv_kernel_add(const struct pv_add *p, const struct pv_queue *q)
{
    PV_FOR_ELEMENT(q->element, T, return PV_LAUNCH_EACH(add_kernel<T>, p->count, q->stream, *p););
}

/* ---- q, k and v ---- */

/* One head of q or k. norm and rope may be NULL. */
template <typename T>
__device__ inline void head_rotate(T *dst, const T *src, const float *norm, const float *rope, int head_dim, float eps)
{
    const int lane = (int)(threadIdx.x % WARP);
    float square = 0;
    for (int i = lane; i < head_dim; i += WARP)
        square += to_float(src[i]) * to_float(src[i]);
    square = warp_sum(square);
    const float inverse = norm ? 1 / sqrtf(square / (float)head_dim + eps) : 1;
    for (int i = 2 * lane; i < head_dim; i += 2 * WARP) {
        const bool pair = i + 1 < head_dim;
        const float x = to_float(src[i]) * inverse * (norm ? norm[i] : 1);
        const float y = pair ? to_float(src[i + 1]) * inverse * (norm ? norm[i + 1] : 1) : 0;
        const float c = rope ? rope[i] : 1, s = rope ? rope[i + 1] : 0;
        dst[i] = from_float<T>(x * c - y * s);
        if (pair)
            dst[i + 1] = from_float<T>(x * s + y * c);
    }
}

/* A warp a head of a row: q's heads, then k's, then v's, as src has them. */
template <typename T> __global__ void __launch_bounds__(WARP *WARPS) qkv_kernel(struct pv_qkv p)
{
    const int all = p.heads + 2 * p.kv_heads;
    const size_t warp = (size_t)blockIdx.x * WARPS + threadIdx.x / WARP;
    const size_t row = warp / (unsigned)all, d = (size_t)p.head_dim;
    const int head = (int)(warp % (unsigned)all);
    if (row >= (size_t)p.takes * (size_t)p.tokens)
        return;
    const T *const src = (const T *)p.src + warp * d;
    const float *const rope = p.rope ? p.rope + row % (size_t)p.rope_rows * d : NULL;
    const size_t kv = row / (size_t)p.tokens * p.kv_take_stride + row % (size_t)p.tokens * (size_t)p.kv_heads * d;
    if (head < p.heads) {
        head_rotate((T *)p.q + (row * (size_t)p.heads + (size_t)head) * d, src, p.q_norm, rope, p.head_dim, p.eps);
    } else if (head < p.heads + p.kv_heads) {
        head_rotate((T *)p.k + kv + (size_t)(head - p.heads) * d, src, p.k_norm, rope, p.head_dim, p.eps);
    } else {
        T *const v = (T *)p.v + kv + (size_t)(head - p.heads - p.kv_heads) * d;
        for (int i = (int)(threadIdx.x % WARP); i < p.head_dim; i += WARP)
            v[i] = src[i];
    }
}

extern "C" int pv_kernel_qkv(const struct pv_qkv *p, const struct pv_queue *q)
{
    const size_t warps = (size_t)p->takes * (size_t)p->tokens * (size_t)(p->heads + 2 * p->kv_heads);
    PV_FOR_ELEMENT(q->element, T,
                   return PV_LAUNCH(qkv_kernel<T>, warps_grid(warps), dim3(WARP * WARPS), 0, q->stream, *p););
}
