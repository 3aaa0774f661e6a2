/* linear.cu: dst = residual + gate * activation(src weight^T + bias). */
#include "product.cuh"

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

/* dst may be residual itself: each element is read and written by one thread. */
template <typename T> struct linear_finish {
    T *dst;
    const T *residual, *gate;
    const float *bias;
    int out, rows_per_gate, gate_stride;
    enum pv_activation activation;

    __device__ void operator()(size_t m, int n, float sum) const
    {
        float x = activate(sum + bias[n], activation);
        if (gate)
            x *= to_float(gate[m / (size_t)rows_per_gate * (size_t)gate_stride + (size_t)n]);
        const size_t at = m * (size_t)out + (size_t)n;
        if (residual)
            x += to_float(residual[at]);
        dst[at] = from_float<T>(x);
    }
};

template <typename T>
__global__ void __launch_bounds__(PRODUCT_THREADS)
    linear_kernel(linear_source<T> source, const T *weight, linear_finish<T> finish, int rows)
{
    product<T>(source, weight, (size_t)rows, finish.out, source.in, finish);
}

template <typename T> static int linear(const struct pv_linear *p, void *stream)
{
    const auto *w = (const struct pv_cuda_weight *)p->weight;
    const linear_source<T> source = {(const T *)p->src, w->weight.in};
    const linear_finish<T> finish = {(T *)p->dst,   (const T *)p->residual, (const T *)p->gate, w->bias,
                                     w->weight.out, p->rows_per_gate,       p->gate_stride,     p->activation};
    return PV_LAUNCH(linear_kernel<T>, product_grid((size_t)p->rows, w->weight.out), dim3(PRODUCT_THREADS), 0, stream,
                     source, (const T *)w->value, finish, p->rows);
}

extern "C" int pv_kernel_linear(const struct pv_linear *p, enum pv_element element, void *stream)
{
    PV_FOR_ELEMENT(element, T, return linear<T>(p, stream););
}
