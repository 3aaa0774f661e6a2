/* norm.cu: dst = norm(src) * (1 + scale) + shift: a warp a row. */
#include "element.cuh"

enum { WARP = 32, WARPS = 4 }; /* of a block */

static inline dim3 warps_grid(size_t warps)
{
    return dim3((unsigned)((warps + WARPS - 1) / WARPS));
}

/* dst may be src: a lane reads its channels again before it writes them, and nobody else's. */
template <typename T> __global__ void __launch_bounds__(WARP *WARPS) norm_modulate_kernel(struct pv_norm_modulate p)
{
    const size_t row = (size_t)blockIdx.x * WARPS + threadIdx.x / WARP;
    const int lane = (int)(threadIdx.x % WARP);
    if (row >= (size_t)p.rows)
        return;
    const T *const src = (const T *)p.src + row * (size_t)p.dim;
    T *const dst = (T *)p.dst + row * (size_t)p.dim;
    float mean = 0, square = 0;
    if (p.norm == PV_NORM_LAYER) {
        for (int i = lane; i < p.dim; i += WARP)
            mean += to_float(src[i]);
        mean = warp_sum(mean) / (float)p.dim;
    }
    for (int i = lane; i < p.dim; i += WARP) {
        const float x = to_float(src[i]) - mean;
        square += x * x;
    }
    const float inverse = 1 / sqrtf(warp_sum(square) / (float)p.dim + p.eps);
    const size_t group = p.shift ? divide(row, (size_t)p.rows_per_group).whole * (size_t)p.group_stride : 0;
    for (int i = lane; i < p.dim; i += WARP) {
        float x = (to_float(src[i]) - mean) * inverse;
        if (p.shift)
            x = x * (1 + to_float(((const T *)p.scale)[group + (size_t)i])) +
                to_float(((const T *)p.shift)[group + (size_t)i]);
        dst[i] = from_float<T>(x);
    }
}

/* The same for rows made of aligned 16 bytes, at most EACH of them a lane: read once, kept in registers. */
template <typename T, int EACH>
__global__ void __launch_bounds__(WARP *WARPS) norm_modulate_chunks_kernel(struct pv_norm_modulate p)
{
    enum { COUNT = chunk<T>::COUNT };
    const size_t row = (size_t)blockIdx.x * WARPS + threadIdx.x / WARP;
    const int lane = (int)(threadIdx.x % WARP), chunks = p.dim / COUNT;
    if (row >= (size_t)p.rows)
        return;
    const T *const src = (const T *)p.src + row * (size_t)p.dim;
    float x[EACH][COUNT], mean = 0, square = 0;
#pragma unroll
    for (int c = 0; c < EACH; c++)
        if (c * WARP + lane < chunks)
            load_chunk(src + (c * WARP + lane) * COUNT, x[c]);
    if (p.norm == PV_NORM_LAYER) {
#pragma unroll
        for (int c = 0; c < EACH; c++)
#pragma unroll
            for (int i = 0; i < COUNT; i++)
                mean += c * WARP + lane < chunks ? x[c][i] : 0;
        mean = warp_sum(mean) / (float)p.dim;
    }
#pragma unroll
    for (int c = 0; c < EACH; c++)
#pragma unroll
        for (int i = 0; i < COUNT; i++)
            square += c * WARP + lane < chunks ? (x[c][i] - mean) * (x[c][i] - mean) : 0;
    const float inverse = 1 / sqrtf(warp_sum(square) / (float)p.dim + p.eps);
    const size_t group = p.shift ? divide(row, (size_t)p.rows_per_group).whole * (size_t)p.group_stride : 0;
#pragma unroll
    for (int c = 0; c < EACH; c++) {
        const int first = (c * WARP + lane) * COUNT;
        if (first >= p.dim)
            continue;
        float scale[COUNT] = {}, shift[COUNT] = {};
        if (p.shift) {
            load_chunk((const T *)p.scale + group + first, scale);
            load_chunk((const T *)p.shift + group + first, shift);
        }
#pragma unroll
        for (int i = 0; i < COUNT; i++)
            x[c][i] = (x[c][i] - mean) * inverse * (1 + scale[i]) + shift[i];
        store_chunk((T *)p.dst + row * (size_t)p.dim + first, x[c]);
    }
}

template <typename T> static int norm_modulate(const struct pv_norm_modulate *p, const struct pv_queue *q)
{
    const dim3 grid = warps_grid((size_t)p->rows), block = dim3(WARP * WARPS);
    const int count = chunk<T>::COUNT, each = (p->dim / count + WARP - 1) / WARP; /* 16 bytes a lane */
    const uintptr_t all = (uintptr_t)p->dst | (uintptr_t)p->src | (uintptr_t)p->shift | (uintptr_t)p->scale;
    const bool aligned = p->dim % count == 0 && all % 16 == 0 && (!p->shift || p->group_stride % count == 0);
    if (!aligned || each > 8)
        return PV_LAUNCH(norm_modulate_kernel<T>, grid, block, 0, q->stream, *p);
    if (each <= 2)
        return PV_LAUNCH((norm_modulate_chunks_kernel<T, 2>), grid, block, 0, q->stream, *p);
    if (each <= 4)
        return PV_LAUNCH((norm_modulate_chunks_kernel<T, 4>), grid, block, 0, q->stream, *p);
    return PV_LAUNCH((norm_modulate_chunks_kernel<T, 8>), grid, block, 0, q->stream, *p);
}

extern "C" int pv_kernel_norm_modulate(const struct pv_norm_modulate *p, const struct pv_queue *q)
{
    PV_FOR_ELEMENT(q->element, T, return norm_modulate<T>(p, q););
}
