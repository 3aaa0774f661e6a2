/* qkv.cu: q, k and v: the product of their matrix, whose heads are normalised, rotated and written where attention
 * reads them. In bf16, heads of 64 or 128 channels get all of that at the end of the product, while its sums are floats
 * in registers: a warp has whole heads of its rows, four lanes a row. All others are a product first, then a warp a
 * head. */
#include "product_mma.cuh"
#include "product_wgmma.cuh"

/* ---- what happens to a head ---- */

/* Of one row. */
template <typename T> struct head {
    T *dst;
    const float *norm, *rope; /* NULL: is not normalised, is not rotated */
};

/* Elements from k and v to the slot that is written. A kernel asks first of all: the answer takes as long as a
 * product's first rows. */
__device__ inline size_t slot_start(const struct pv_qkv &p)
{
    return p.slot ? *p.slot * (size_t)p.tokens * (size_t)p.kv_heads * (size_t)p.head_dim : 0;
}

/* number: q's heads, then k's, then v's, as the product has them. */
template <typename T> __device__ inline head<T> head_of(const struct pv_qkv &p, size_t slot, size_t row, int number)
{
    const size_t d = (size_t)p.head_dim;
    const float *const rope = p.rope ? p.rope + divide(row, (size_t)p.rope_rows).rest * d : NULL;
    if (number < p.heads)
        return {(T *)p.q + (row * (size_t)p.heads + (size_t)number) * d, p.q_norm, rope};
    const division place = divide(row, (size_t)p.tokens);
    const size_t kv = slot + place.whole * p.kv_take_stride + place.rest * (size_t)p.kv_heads * d;
    if (number < p.heads + p.kv_heads)
        return {(T *)p.k + kv + (size_t)(number - p.heads) * d, p.k_norm, rope};
    return {(T *)p.v + kv + (size_t)(number - p.heads - p.kv_heads) * d, NULL, NULL};
}

/* square: the sum of all channels' squares. */
__device__ inline float head_scale(const struct pv_qkv &p, float square)
{
    return 1 / sqrtf(square / (float)p.head_dim + p.eps);
}

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

/* Channels i, which is even, and i + 1: x times scale, then the norm's weights and the rotation. */
template <typename T>
__device__ inline float2 head_pair(const head<T> &h, float2 x, float scale, int i, bool paired, bool both)
{
    const float2 weight = h.norm ? load_pair(h.norm + i, paired, both) : make_float2(1, 1);
    const float2 turn = h.rope ? load_pair(h.rope + i, paired, both) : make_float2(1, 0); /* cosine, sine */
    x = make_float2(x.x * scale * weight.x, x.y * scale * weight.y);
    return make_float2(x.x * turn.x - x.y * turn.y, x.x * turn.y + x.y * turn.x);
}

/* ---- after the product ---- */

enum { WARP = 32, WARPS = 4 }; /* of a block */

/* A warp a head of a row. */
template <typename T> __global__ void __launch_bounds__(WARP *WARPS) qkv_kernel(struct pv_qkv p, bool paired)
{
    const int all = p.heads + 2 * p.kv_heads, lane = (int)(threadIdx.x % WARP);
    const size_t warp = (size_t)blockIdx.x * WARPS + threadIdx.x / WARP;
    const division of_row = divide(warp, (size_t)all);
    if (of_row.whole >= (size_t)p.takes * (size_t)p.tokens)
        return;
    const T *const src = (const T *)p.product + warp * (size_t)p.head_dim;
    const head<T> h = head_of<T>(p, slot_start(p), of_row.whole, (int)of_row.rest);
    float scale = 1;
    if (h.norm) {
        float square = 0;
        for (int i = 2 * lane; i < p.head_dim; i += 2 * WARP) {
            const float2 x = load_pair(src + i, paired, i + 1 < p.head_dim);
            square += x.x * x.x + x.y * x.y;
        }
        scale = head_scale(p, warp_sum(square));
    }
    for (int i = 2 * lane; i < p.head_dim; i += 2 * WARP) {
        const bool both = i + 1 < p.head_dim;
        store_pair(h.dst + i, head_pair(h, load_pair(src + i, paired, both), scale, i, paired, both), paired, both);
    }
}

static uintptr_t tables(const struct pv_qkv *p)
{
    return (uintptr_t)p->q_norm | (uintptr_t)p->k_norm | (uintptr_t)p->rope;
}

template <typename T> static int split(const struct pv_qkv *p, const struct pv_queue *q)
{
    const size_t warps = (size_t)p->takes * (size_t)p->tokens * (size_t)(p->heads + 2 * p->kv_heads);
    const uintptr_t all = (uintptr_t)p->q | (uintptr_t)p->k | (uintptr_t)p->v | (uintptr_t)p->product;
    const bool paired = p->head_dim % 2 == 0 && p->kv_take_stride % 2 == 0 && all % (2 * sizeof(T)) == 0 &&
                        tables(p) % sizeof(float2) == 0;
    return PV_LAUNCH(qkv_kernel<T>, dim3((unsigned)((warps + WARPS - 1) / WARPS)), dim3(WARP * WARPS), 0, q->stream, *p,
                     paired);
}

/* ---- at its end ---- */

/* Lane t of four has word[j] of column j; then it has those of column t, lane by lane. */
__device__ inline void quad_transpose(uint32_t word[4])
{
#pragma unroll
    for (int by = 1; by <= 2; by *= 2) {
        const bool upper = threadIdx.x & (unsigned)by;
#pragma unroll
        for (int j = 0; j < 4; j++) {
            if (j & by)
                continue;
            const uint32_t got = __shfl_xor_sync(0xffffffffu, upper ? word[j] : word[j + by], by);
            word[j] = upper ? got : word[j];
            word[j + by] = upper ? word[j + by] : got;
        }
    }
}

/* One row's head: x as mma_rows gives it, n its first channel of this lane in the product. All lanes of the warp have
 * the same head, and all call. */
template <int DIM>
__device__ inline void finish_head(const struct pv_qkv &p, size_t slot, const float *bias, size_t rows, size_t m, int n,
                                   float2 *x)
{
    const int number = n / DIM, first = n % DIM;
    if (number >= p.heads + 2 * p.kv_heads)
        return;
    const head<pv_bf16> h = head_of<pv_bf16>(p, slot, m < rows ? m : 0, number);
    float scale = 1, square = 0;
#pragma unroll
    for (int j = 0; j < DIM / 8; j++) {
        const float2 b = *(const float2 *)(bias + n + j * 8);
        x[j] = make_float2(x[j].x + b.x, x[j].y + b.y);
        square += x[j].x * x[j].x + x[j].y * x[j].y;
    }
    if (h.norm)
        scale = head_scale(p, quad_sum(square));
#pragma unroll
    for (int j = 0; j < DIM / 8; j += 4) {
        uint32_t word[4];
#pragma unroll
        for (int i = 0; i < 4; i++) {
            const float2 y = head_pair(h, x[j + i], scale, first + (j + i) * 8, true, true);
            word[i] = from_floats(y.x, y.y);
        }
        quad_transpose(word);
        if (m < rows)
            *(uint4 *)(h.dst + (j + (int)(threadIdx.x % 4)) * 8) = make_uint4(word[0], word[1], word[2], word[3]);
    }
}

__host__ __device__ static inline size_t rows_of(const struct pv_qkv &p)
{
    return (size_t)p.takes * (size_t)p.tokens;
}

template <typename Shape>
__global__ void __launch_bounds__(Shape::THREADS)
    qkv_mma_kernel(mma_row_chunks source, const pv_bf16 *weight, const float *bias, struct pv_qkv p)
{
    enum { DIM = Shape::WARP_COLUMNS };
    const size_t rows = rows_of(p), slot = slot_start(p);
    mma_sums<Shape> sums = {};
    mma_sum<Shape>(sums, source, weight, rows, (p.heads + 2 * p.kv_heads) * DIM, source.in);
    mma_rows(sums, [&](size_t m, int n, float2 *x) { finish_head<DIM>(p, slot, bias, rows, m, n, x); });
}

/* Not launched but on Hopper (pv_kernel_qkv_hopper). A warp has two heads of 64 of each
 * of its rows, or one of 128. */
template <int DIM>
__global__ void WGMMA_BOUNDS qkv_wgmma_kernel(const __grid_constant__ wgmma_operands of, int in, const float *bias,
                                              struct pv_qkv p)
{
#if PV_HOPPER
    const size_t rows = rows_of(p), slot = slot_start(p);
    product_wgmma(of, in, [&](size_t m, int n, float2 *x) {
#pragma unroll
        for (int i = 0; i < WGMMA_COLUMNS / DIM; i++)
            finish_head<DIM>(p, slot, bias, rows, m, n + i * DIM, x + i * (DIM / 8));
    });
#else
    __trap();
#endif
}

template <typename... Shape> static int qkv_mma(const struct pv_qkv *p, const struct pv_queue *q)
{
    const auto *w = (const struct pv_cuda_weight *)p->weight;
    const size_t rows = rows_of(*p);
    const mma_row_chunks source = {(const pv_bf16 *)p->src, w->weight.in};
    return mma_choose_of<Shape...>(rows, w->weight.out, 1, q, [&](auto shape) {
        typedef decltype(shape) Chosen;
        return PV_LAUNCH(qkv_mma_kernel<Chosen>, mma_grid<Chosen>(rows, w->weight.out, 1), dim3(Chosen::THREADS), 0,
                         q->stream, source, (const pv_bf16 *)w->value, (const float *)w->bias, *p);
    });
}

template <int DIM> static int qkv_wgmma(const struct pv_qkv *p, const struct pv_queue *q)
{
    const auto *w = (const struct pv_cuda_weight *)p->weight;
    return wgmma_launch(p->src, rows_of(*p), w, q, [&](const wgmma_operands &of) {
        return PV_LAUNCH(qkv_wgmma_kernel<DIM>, wgmma_grid(rows_of(*p), w->weight.out), dim3(WGMMA_THREADS),
                         WGMMA_SHARED, q->stream, of, w->weight.in, (const float *)w->bias, *p);
    });
}

extern "C" int pv_kernel_qkv_hopper(void)
{
    const int code = PV_ALLOW(qkv_wgmma_kernel<64>, WGMMA_THREADS, WGMMA_SHARED);
    return code == 0 ? PV_ALLOW(qkv_wgmma_kernel<128>, WGMMA_THREADS, WGMMA_SHARED) : code;
}

static int product_then_split(const struct pv_qkv *p, const struct pv_queue *q)
{
    struct pv_linear product = {};
    product.dst = p->product;
    product.src = p->src;
    product.weight = p->weight;
    product.rows = p->takes * p->tokens;
    const int code = pv_kernel_linear(&product, q);
    if (code != 0)
        return code;
    PV_FOR_ELEMENT(q->element, T, return split<T>(p, q););
}

extern "C" int pv_kernel_qkv(const struct pv_qkv *p, const struct pv_queue *q)
{
    const uintptr_t all = (uintptr_t)p->q | (uintptr_t)p->k | (uintptr_t)p->v | (uintptr_t)p->src;
    const bool aligned = all % 16 == 0 && p->kv_take_stride % 8 == 0 && tables(p) % sizeof(float2) == 0;
    if (q->element == PV_ELEMENT_BF16 && p->weight->in % 8 == 0 && aligned) {
        const bool many = wgmma_serves(rows_of(*p), p->weight->out, p->weight->in, p->src, q);
        if (p->head_dim == 64)
            return many ? qkv_wgmma<64>(p, q) : qkv_mma<mma_heads_32x64, mma_128x128>(p, q);
        if (p->head_dim == 128)
            return many ? qkv_wgmma<128>(p, q) : qkv_mma<mma_heads_32x128, mma_heads_128x128>(p, q);
    }
    return product_then_split(p, q);
}
