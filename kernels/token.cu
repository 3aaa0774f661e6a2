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

/* Two neighbours. paired: they lie where one access reads or writes both; else there may be no second. */
__device__ inline float2 load_pair(const float *from, bool paired, bool both)
{
    if (paired)
        return *(const float2 *)from;
    return make_float2(from[0], both ? from[1] : 0);
}

__device__ inline float2 load_pair(const pv_bf16 *from, bool paired, bool both)
{
    if (paired)
        return to_floats(*(const uint32_t *)from);
    return make_float2(to_float(from[0]), both ? to_float(from[1]) : 0);
}

template <typename T> __device__ inline void store_one_by_one(T *to, float2 x, bool both)
{
    to[0] = from_float<T>(x.x);
    if (both)
        to[1] = from_float<T>(x.y);
}

__device__ inline void store_pair(float *to, float2 x, bool paired, bool both)
{
    if (paired)
        *(float2 *)to = x;
    else
        store_one_by_one(to, x, both);
}

__device__ inline void store_pair(pv_bf16 *to, float2 x, bool paired, bool both)
{
    if (paired)
        *(uint32_t *)to = from_floats(x.x, x.y);
    else
        store_one_by_one(to, x, both);
}

/* One head of q, k or v. norm and rope may be NULL; of v they are. */
template <typename T>
__device__ inline void head_rotate(T *dst, const T *src, const float *norm, const float *rope, const struct pv_qkv &p,
                                   bool paired)
{
    const int lane = (int)(threadIdx.x % WARP);
    float inverse = 1;
    if (norm) {
        float square = 0;
        for (int i = 2 * lane; i < p.head_dim; i += 2 * WARP) {
            const float2 x = load_pair(src + i, paired, i + 1 < p.head_dim);
            square += x.x * x.x + x.y * x.y;
        }
        inverse = 1 / sqrtf(warp_sum(square) / (float)p.head_dim + p.eps);
    }
    for (int i = 2 * lane; i < p.head_dim; i += 2 * WARP) {
        const bool both = i + 1 < p.head_dim;
        const float2 two = load_pair(src + i, paired, both);
        const float x = two.x * inverse * (norm ? norm[i] : 1), y = two.y * inverse * (norm && both ? norm[i + 1] : 1);
        const float c = rope ? rope[i] : 1, s = rope ? rope[i + 1] : 0;
        store_pair(dst + i, make_float2(x * c - y * s, x * s + y * c), paired, both);
    }
}

/* A warp a head of a row: q's heads, then k's, then v's, as src has them. */
template <typename T> __global__ void __launch_bounds__(WARP *WARPS) qkv_kernel(struct pv_qkv p, bool paired)
{
    const int all = p.heads + 2 * p.kv_heads;
    const size_t warp = (size_t)blockIdx.x * WARPS + threadIdx.x / WARP;
    const division of_row = divide(warp, (size_t)all);
    const size_t row = of_row.whole, d = (size_t)p.head_dim;
    const int head = (int)of_row.rest;
    if (row >= (size_t)p.takes * (size_t)p.tokens)
        return;
    const T *const src = (const T *)p.src + warp * d;
    const float *const rope = p.rope ? p.rope + divide(row, (size_t)p.rope_rows).rest * d : NULL;
    const division place = divide(row, (size_t)p.tokens);
    const size_t kv = place.whole * p.kv_take_stride + place.rest * (size_t)p.kv_heads * d;
    if (head < p.heads)
        head_rotate((T *)p.q + (row * (size_t)p.heads + (size_t)head) * d, src, p.q_norm, rope, p, paired);
    else if (head < p.heads + p.kv_heads)
        head_rotate((T *)p.k + kv + (size_t)(head - p.heads) * d, src, p.k_norm, rope, p, paired);
    else
        head_rotate((T *)p.v + kv + (size_t)(head - p.heads - p.kv_heads) * d, src, NULL, NULL, p, paired);
}

template <typename T> static int qkv(const struct pv_qkv *p, const struct pv_queue *q)
{
    const size_t warps = (size_t)p->takes * (size_t)p->tokens * (size_t)(p->heads + 2 * p->kv_heads);
    const uintptr_t all = (uintptr_t)p->q | (uintptr_t)p->k | (uintptr_t)p->v | (uintptr_t)p->src;
    const bool paired = p->head_dim % 2 == 0 && p->kv_take_stride % 2 == 0 && all % (2 * sizeof(T)) == 0;
    return PV_LAUNCH(qkv_kernel<T>, warps_grid(warps), dim3(WARP * WARPS), 0, q->stream, *p, paired);
}

extern "C" int pv_kernel_qkv(const struct pv_qkv *p, const struct pv_queue *q)
{
    PV_FOR_ELEMENT(q->element, T, return qkv<T>(p, q););
}
