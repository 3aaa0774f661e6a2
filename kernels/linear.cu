/* linear.cu: dst = residual + gate * activation(src weight^T + bias): on tensor cores for bf16 whose rows are made of
 * aligned eights, many sums in Hopper's own way, else plain. */
#include "product.cuh"
#include "product_mma.cuh"
#include "product_wgmma.cuh"

/* ---- where a row comes from ---- */

/* Row m of src, [rows][in]. */
template <typename T> struct linear_source {
    const T *src;
    int in;

    __device__ const T *place(size_t m) const
    {
        return src + m * (size_t)in;
    }
    __device__ float at(const T *row, int k) const
    {
        return to_float(row[k]);
    }
};

/* ---- where a sum goes ---- */

/* dst may be residual itself: each element is read and written by one thread. */
template <typename T> struct linear_finish {
    T *dst;
    const T *residual, *gate;
    const float *bias;
    int out, rows_per_gate, gate_stride;
    enum pv_activation activation;
    bool fours; /* four neighbours of every row lie at a multiple of 8 bytes */

    /* Of a row, whose number may be beyond the last: where its sums go, and its gates. */
    struct place {
        size_t dst;
        const T *gate;
    };
    __device__ place row(size_t m) const
    {
        return {m * (size_t)out, gate ? gate + divide(m, (size_t)rows_per_gate).whole * (size_t)gate_stride : NULL};
    }
    __device__ void one(place row, int n, float sum) const
    {
        float x = activate<T>(sum + bias[n], activation);
        if (row.gate)
            x *= to_float(row.gate[n]);
        const size_t at = row.dst + (size_t)n;
        if (residual)
            x += to_float(residual[at]);
        dst[at] = from_float<T>(x);
    }
    /* Columns n .. n + 3, when n is made of fours and so are they. */
    __device__ void four(place row, int n, float4 x) const
    {
        const float4 b = *(const float4 *)(bias + n);
        x = activate<T>(make_float4(x.x + b.x, x.y + b.y, x.z + b.z, x.w + b.w), activation);
        if (row.gate) {
            const float4 g = load_four(row.gate + n);
            x = make_float4(x.x * g.x, x.y * g.y, x.z * g.z, x.w * g.w);
        }
        const size_t at = row.dst + (size_t)n;
        if (residual) {
            const float4 r = load_four(residual + at);
            x = make_float4(x.x + r.x, x.y + r.y, x.z + r.z, x.w + r.w);
        }
        store_four(dst + at, x);
    }
};

template <typename T> static linear_finish<T> finish_of(const struct pv_linear *p)
{
    const auto *w = (const struct pv_cuda_weight *)p->weight;
    const uintptr_t all = (uintptr_t)p->dst | (uintptr_t)p->residual | (uintptr_t)p->gate;
    const int width = w->weight.out | (p->gate ? p->gate_stride : 0);
    linear_finish<T> f;
    f.dst = (T *)p->dst;
    f.residual = (const T *)p->residual;
    f.gate = (const T *)p->gate;
    f.bias = w->bias;
    f.out = w->weight.out;
    f.rows_per_gate = p->rows_per_gate;
    f.gate_stride = p->gate_stride;
    f.activation = p->activation;
    f.fours = width % 4 == 0 && all % 8 == 0;
    return f;
}

/* ---- kernels ---- */

template <typename T>
__global__ void __launch_bounds__(PRODUCT_THREADS)
    linear_kernel(linear_source<T> source, const T *weight, linear_finish<T> finish, int rows)
{
    product<T>(source, weight, (size_t)rows, finish.out, source.in, finish);
}

template <typename Shape>
__global__ void __launch_bounds__(Shape::THREADS)
    linear_mma_kernel(mma_row_chunks source, const pv_bf16 *weight, linear_finish<pv_bf16> finish, int rows)
{
    product_mma<Shape>(source, weight, (size_t)rows, finish.out, source.in, finish);
}

/* Not launched but on Hopper (pv_kernel_linear_hopper). */
__global__ void WGMMA_BOUNDS linear_wgmma_kernel(const __grid_constant__ wgmma_operands of,
                                                 linear_finish<pv_bf16> finish, int rows, int in)
{
#if PV_HOPPER
    product_wgmma(of, in, [&](size_t m, int n, const float2 *x) {
        mma_finish<WGMMA_NS>(finish, (size_t)rows, finish.out, m, n, x);
    });
#else
    __trap();
#endif
}

template <typename T> static int linear_plain(const struct pv_linear *p, const struct pv_queue *q)
{
    const auto *w = (const struct pv_cuda_weight *)p->weight;
    const linear_source<T> source = {(const T *)p->src, w->weight.in};
    return PV_LAUNCH(linear_kernel<T>, product_grid((size_t)p->rows, w->weight.out), dim3(PRODUCT_THREADS), 0,
                     q->stream, source, (const T *)w->value, finish_of<T>(p), p->rows);
}

static int linear_mma(const struct pv_linear *p, const struct pv_queue *q)
{
    const auto *w = (const struct pv_cuda_weight *)p->weight;
    const mma_row_chunks source = {(const pv_bf16 *)p->src, w->weight.in};
    return mma_choose((size_t)p->rows, w->weight.out, 1, q, [&](auto shape) {
        typedef decltype(shape) Shape;
        return PV_LAUNCH(linear_mma_kernel<Shape>, mma_grid<Shape>((size_t)p->rows, w->weight.out, 1),
                         dim3(Shape::THREADS), 0, q->stream, source, (const pv_bf16 *)w->value, finish_of<pv_bf16>(p),
                         p->rows);
    });
}

static int linear_wgmma(const struct pv_linear *p, const struct pv_queue *q)
{
    const auto *w = (const struct pv_cuda_weight *)p->weight;
    return wgmma_launch(p->src, (size_t)p->rows, w, q, [&](const wgmma_operands &of) {
        return PV_LAUNCH(linear_wgmma_kernel, wgmma_grid((size_t)p->rows, w->weight.out), dim3(WGMMA_THREADS),
                         WGMMA_SHARED, q->stream, of, finish_of<pv_bf16>(p), p->rows, w->weight.in);
    });
}

extern "C" int pv_kernel_linear_hopper(void)
{
    return PV_ALLOW(linear_wgmma_kernel, WGMMA_THREADS, WGMMA_SHARED);
}

extern "C" int pv_kernel_linear(const struct pv_linear *p, const struct pv_queue *q)
{
    if (q->element == PV_ELEMENT_FLOAT)
        return linear_plain<float>(p, q);
    if (wgmma_serves((size_t)p->rows, p->weight->out, p->weight->in, p->src, q) && finish_of<pv_bf16>(p).fours)
        return linear_wgmma(p, q);
    const bool chunks = p->weight->in % 8 == 0 && mma_aligned(p->src) && finish_of<pv_bf16>(p).fours;
    return chunks ? linear_mma(p, q) : linear_plain<pv_bf16>(p, q);
}
