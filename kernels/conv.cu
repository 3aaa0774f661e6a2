/* conv.cu: dst = activation(conv(up(concat(src, memory))) + bias + residual) as one product: a row is a pixel of dst, a
 * column a filter, and what is summed over is the filter's places and, at each, the channels. */
#include "product.cuh"

/* Where a pixel of dst looks: the top left corner of its filter, in the doubled picture where there is one. */
struct conv_place {
    int image, y, x;
};

template <typename T> struct conv_source {
    const T *src, *memory;
    int height, width, out_height, out_width; /* of src and dst */
    int in, channels;                         /* in all, and of src alone */
    int size, stride, upsample;

    __device__ conv_place place(size_t m) const
    {
        const int x = (int)(m % (unsigned)out_width), y = (int)(m / (unsigned)out_width % (unsigned)out_height);
        const int image = (int)(m / (unsigned)out_width / (unsigned)out_height);
        return {image, y * stride - size / 2, x * stride - size / 2};
    }
    __device__ float at(const conv_place &corner, int k) const
    {
        const int tap = k / in, channel = k % in;
        const int y = corner.y + tap / size, x = corner.x + tap % size;
        if (y < 0 || x < 0 || y >= height * upsample || x >= width * upsample)
            return 0;
        const size_t row = (size_t)corner.image * (size_t)height + (size_t)(y / upsample);
        const size_t pixel = (row * (size_t)width + (size_t)(x / upsample)) * (size_t)channels;
        return channel < channels ? to_float(src[pixel + (size_t)channel])
                                  : to_float(memory[pixel + (size_t)(channel - channels)]);
    }
};

/* dst may be residual itself: each element is read and written by one thread. */
template <typename T> struct conv_finish {
    T *dst;
    const T *residual;
    const float *bias;
    int out;
    enum pv_activation activation;

    __device__ void operator()(size_t m, int n, float sum) const
    {
        const size_t at = m * (size_t)out + (size_t)n;
        const float x = sum + bias[n] + (residual ? to_float(residual[at]) : 0);
        dst[at] = from_float<T>(activate(x, activation));
    }
};

template <typename T>
__global__ void __launch_bounds__(PRODUCT_THREADS)
    conv_kernel(conv_source<T> source, const T *weight, conv_finish<T> finish, size_t pixels)
{
    product<T>(source, weight, pixels, finish.out, source.size * source.size * source.in, finish);
}

template <typename T> static int conv(const struct pv_conv *p, void *stream)
{
    const auto *w = (const struct pv_cuda_weight *)p->weight;
    const int out_height = pv_conv_out_side(p->height, p->upsample, p->stride);
    const int out_width = pv_conv_out_side(p->width, p->upsample, p->stride);
    const size_t pixels = (size_t)p->batch * (size_t)out_height * (size_t)out_width;
    const conv_source<T> source = {.src = (const T *)p->src,
                                   .memory = (const T *)p->memory,
                                   .height = p->height,
                                   .width = p->width,
                                   .out_height = out_height,
                                   .out_width = out_width,
                                   .in = w->weight.in,
                                   .channels = p->memory ? w->weight.in / 2 : w->weight.in,
                                   .size = w->weight.size,
                                   .stride = p->stride,
                                   .upsample = p->upsample};
    const conv_finish<T> finish = {(T *)p->dst, (const T *)p->residual, w->bias, w->weight.out, p->activation};
    return PV_LAUNCH(conv_kernel<T>, product_grid(pixels, w->weight.out), dim3(PRODUCT_THREADS), 0, stream, source,
                     (const T *)w->value, finish, pixels);
}

extern "C" int pv_kernel_conv(const struct pv_conv *p, enum pv_element element, void *stream)
{
    PV_FOR_ELEMENT(element, T, return conv<T>(p, stream););
}
