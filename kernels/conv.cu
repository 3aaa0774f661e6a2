/* conv.cu: dst = activation(conv(up(concat(src, memory))) + bias + residual) as one product: a row is a pixel of dst, a
 * column a filter, and what is summed over is the filter's places and, at each, the channels. On tensor cores for bf16
 * whose channels come in aligned eights, else plain.
 *
 * A 3 x 3 filter on a doubled picture meets only 2 x 2 different pixels: on tensor cores it is four filters of 2 x 2 on
 * the picture itself, one for each of the four pixels that come of one (pv_cuda_weight.phases): 4 products, not 9. */
#include "product.cuh"
#include "product_mma.cuh"

/* ---- where a row comes from ---- */

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
        const division row = divide(m, (size_t)out_width), image = divide(row.whole, (size_t)out_height);
        return {(int)image.whole, (int)image.rest * stride - size / 2, (int)row.rest * stride - size / 2};
    }
    /* The pixel of src at a place of the filter; false: outside of the picture. */
    __device__ bool pixel(const conv_place &corner, int tap_y, int tap_x, size_t *index) const
    {
        const int y = corner.y + tap_y, x = corner.x + tap_x;
        if (y < 0 || x < 0 || y >= height * upsample || x >= width * upsample)
            return false;
        const size_t row = (size_t)corner.image * (size_t)height + (size_t)(y / upsample);
        *index = row * (size_t)width + (size_t)(x / upsample);
        return true;
    }
    __device__ float at(const conv_place &corner, int k) const
    {
        const int tap = k / in, channel = k % in;
        size_t index;
        if (!pixel(corner, tap / size, tap % size, &index))
            return 0;
        const size_t first = index * (size_t)channels;
        return channel < channels ? to_float(src[first + (size_t)channel])
                                  : to_float(memory[first + (size_t)(channel - channels)]);
    }
};

/* The same in chunks of eight channels. With phases, a row is a pixel of src. */
struct conv_chunks {
    typedef conv_place row_place;
    struct cursor {
        int tap_y, tap_x, channel;
    };

    conv_source<pv_bf16> from;
    bool phases; /* blockIdx.z says which */

    __device__ row_place place(size_t m, size_t rows) const
    {
        if (m >= rows)
            return {0, INT32_MIN / 2, 0}; /* above every picture */
        conv_place corner = from.place(m);
        if (phases) { /* pixel 2y + phase meets rows y - 1 + phase and y + phase of src */
            corner.y += (int)(blockIdx.z / 2);
            corner.x += (int)(blockIdx.z % 2);
        }
        return corner;
    }
    __device__ cursor begin(int k) const
    {
        cursor at = {0, 0, k};
        advance(&at, 0);
        return at;
    }
    __device__ void advance(cursor *at, int by) const
    {
        at->channel += by;
        while (at->channel >= from.in) {
            at->channel -= from.in;
            if (++at->tap_x == from.size) {
                at->tap_x = 0;
                at->tap_y++;
            }
        }
    }
    __device__ bool chunk(const row_place &corner, const cursor &at, const pv_bf16 **address) const
    {
        size_t index;
        *address = from.src;
        if (at.tap_y >= from.size || !from.pixel(corner, at.tap_y, at.tap_x, &index))
            return false;
        const bool second = at.channel >= from.channels;
        *address = (second ? from.memory : from.src) + index * (size_t)from.channels +
                   (at.channel - (second ? from.channels : 0));
        return true;
    }
};

/* ---- where a sum goes ---- */

/* dst may be residual itself: each element is read and written by one thread. */
template <typename T> struct conv_finish {
    T *dst;
    float *floats; /* in place of dst; or NULL */
    const T *residual;
    const float *bias;
    int out;
    enum pv_activation activation;
    bool fours;    /* four neighbours of every pixel are one access, of 8 bytes or of four floats */
    bool phases;   /* a row is a pixel of src */
    int src_width; /* with phases */

    /* Of row m, which may be beyond the last: where its sums go. */
    typedef size_t place;
    __device__ place row(size_t m) const
    {
        if (!phases)
            return m * (size_t)out;
        const division line = divide(m, (size_t)src_width); /* of all images */
        const size_t pixel = (2 * line.whole + blockIdx.z / 2) * 2 * (size_t)src_width + 2 * line.rest + blockIdx.z % 2;
        return pixel * (size_t)out;
    }
    __device__ void one(place row, int n, float sum) const
    {
        const size_t at = row + (size_t)n;
        const float x = activate<T>(sum + bias[n] + (residual ? to_float(residual[at]) : 0), activation);
        if (floats)
            floats[at] = x;
        else
            dst[at] = from_float<T>(x);
    }
    /* Channels n .. n + 3, when n is made of fours and so are they. */
    __device__ void four(place row, int n, float4 x) const
    {
        const size_t at = row + (size_t)n;
        const float4 b = *(const float4 *)(bias + n);
        x = make_float4(x.x + b.x, x.y + b.y, x.z + b.z, x.w + b.w);
        if (residual) {
            const float4 r = load_four(residual + at);
            x = make_float4(x.x + r.x, x.y + r.y, x.z + r.z, x.w + r.w);
        }
        x = activate<T>(x, activation);
        if (floats)
            *(float4 *)(floats + at) = x;
        else
            store_four(dst + at, x);
    }
};

/* ---- kernels ---- */

template <typename T>
__global__ void __launch_bounds__(PRODUCT_THREADS)
    conv_kernel(conv_source<T> source, const T *weight, conv_finish<T> finish, size_t pixels)
{
    product<T>(source, weight, pixels, finish.out, source.size * source.size * source.in, finish);
}

template <typename Shape>
__global__ void __launch_bounds__(Shape::THREADS)
    conv_mma_kernel(conv_chunks source, const pv_bf16 *weight, conv_finish<pv_bf16> finish, size_t pixels)
{
    const int depth = source.from.size * source.from.size * source.from.in;
    product_mma<Shape>(source, weight + blockIdx.z * (size_t)finish.out * (size_t)depth, pixels, finish.out, depth,
                       finish);
}

template <typename T> static conv_source<T> source_of(const struct pv_conv *p)
{
    conv_source<T> s;
    s.src = (const T *)p->src;
    s.memory = (const T *)p->memory;
    s.height = p->height;
    s.width = p->width;
    s.out_height = pv_conv_out_side(p->height, p->upsample, p->stride);
    s.out_width = pv_conv_out_side(p->width, p->upsample, p->stride);
    s.in = p->weight->in;
    s.channels = p->memory ? s.in / 2 : s.in;
    s.size = p->weight->size;
    s.stride = p->stride;
    s.upsample = p->upsample;
    return s;
}

template <typename T> static conv_finish<T> finish_of(const struct pv_conv *p, bool phases)
{
    const auto *w = (const struct pv_cuda_weight *)p->weight;
    conv_finish<T> f;
    f.dst = p->floats ? NULL : (T *)p->dst;
    f.floats = p->floats ? (float *)p->dst : NULL;
    f.residual = (const T *)p->residual;
    f.bias = w->bias;
    f.out = w->weight.out;
    f.activation = p->activation;
    f.fours = f.out % 4 == 0 && (uintptr_t)p->dst % 16 == 0 && (uintptr_t)p->residual % 8 == 0;
    f.phases = phases;
    f.src_width = p->width;
    return f;
}

template <typename T> static int conv_plain(const struct pv_conv *p, const struct pv_queue *q)
{
    const auto *w = (const struct pv_cuda_weight *)p->weight;
    const conv_source<T> source = source_of<T>(p);
    const size_t pixels = (size_t)p->batch * (size_t)source.out_height * (size_t)source.out_width;
    return PV_LAUNCH(conv_kernel<T>, product_grid(pixels, w->weight.out), dim3(PRODUCT_THREADS), 0, q->stream, source,
                     (const T *)w->value, finish_of<T>(p, false), pixels);
}

static int conv_mma(const struct pv_conv *p, const struct pv_queue *q)
{
    const auto *w = (const struct pv_cuda_weight *)p->weight;
    const bool phases = p->upsample == 2 && w->phases;
    conv_chunks source = {source_of<pv_bf16>(p), phases};
    if (phases) { /* filters of 2 on src itself */
        source.from.out_height = p->height;
        source.from.out_width = p->width;
        source.from.size = 2;
        source.from.upsample = 1;
    }
    const size_t pixels = (size_t)p->batch * (size_t)source.from.out_height * (size_t)source.from.out_width;
    const int times = phases ? 4 : 1;
    return mma_choose(pixels, w->weight.out, times, q, [&](auto shape) {
        typedef decltype(shape) Shape;
        return PV_LAUNCH(conv_mma_kernel<Shape>, mma_grid<Shape>(pixels, w->weight.out, times), dim3(Shape::THREADS), 0,
                         q->stream, source, (const pv_bf16 *)(phases ? w->phases : w->value),
                         finish_of<pv_bf16>(p, phases), pixels);
    });
}

extern "C" int pv_kernel_conv(const struct pv_conv *p, const struct pv_queue *q)
{
    if (q->element == PV_ELEMENT_FLOAT)
        return conv_plain<float>(p, q);
    const int channels = p->memory ? p->weight->in / 2 : p->weight->in;
    const bool chunks =
        channels % 8 == 0 && mma_aligned(p->src) && mma_aligned(p->memory) && finish_of<pv_bf16>(p, false).fours;
    return chunks ? conv_mma(p, q) : conv_plain<pv_bf16>(p, q);
}
