/* picture.cu: RGB bytes to features and back, pixels folded into channels; YUV to RGB. Bytes are exact: this file is
 * compiled without fusing products and sums. */
#include "backend/yuv.h"
#include "element.cuh"

/* Where feature i of [height/r][width/r][3 r r] lies in a picture of [height][width][3]. */
__device__ inline size_t picture_place(size_t i, int width, int r)
{
    const unsigned side = (unsigned)r;
    const division pixel = divide(i, 3 * side * side), place = divide(pixel.whole, (unsigned)width / side);
    const unsigned channel = (unsigned)pixel.rest;
    const size_t y = place.whole * side + channel / side % side, x = place.rest * side + channel % side;
    return (y * (unsigned)width + x) * 3 + channel / (side * side);
}

template <typename T> __global__ void unshuffle_kernel(T *dst, const uint8_t *src, size_t count, int width, int r)
{
    PV_FOR_EACH(i, count)
    dst[i] = from_float<T>((float)src[picture_place(i, width, r)] / 255.0f);
}

template <typename T> __global__ void shuffle_kernel(uint8_t *dst, const T *src, size_t count, int width, int r)
{
    PV_FOR_EACH(i, count)
    {
        const float v = to_float(src[i]);
        const float clamped = v > 0 ? (v < 1 ? v : 1) : 0; /* NaN is black */
        dst[picture_place(i, width, r)] = (uint8_t)(255.0f * clamped + 0.5f);
    }
}

extern "C" int pv_kernel_unshuffle(const struct pv_unshuffle *p, const struct pv_queue *q)
{
    const size_t count = (size_t)p->height * (size_t)p->width * 3;
    PV_FOR_ELEMENT(
        q->element, T,
        return PV_LAUNCH_EACH(unshuffle_kernel<T>, count, q->stream, (T *)p->dst, p->src, count, p->width, p->r););
}

extern "C" int pv_kernel_shuffle(const struct pv_shuffle *p, const struct pv_queue *q)
{
    const size_t count = (size_t)p->height * (size_t)p->width * 3;
    const enum pv_element element = p->floats ? PV_ELEMENT_FLOAT : q->element;
    PV_FOR_ELEMENT(
        element, T,
        return PV_LAUNCH_EACH(shuffle_kernel<T>, count, q->stream, p->dst, (const T *)p->src, count, p->width, p->r););
}

/* ---- YUV ---- */

template <typename S> __device__ inline const S *plane_row(const void *plane, size_t stride, int y)
{
    return (const S *)((const char *)plane + (size_t)y * stride);
}

__device__ inline int sample(uint8_t x)
{
    return x;
}

__device__ inline int sample(uint16_t x)
{
    return x >> 6;
}

/* Pixel `at` of `count` along one side sees the nearest sample of chroma and, by so many quarters, another one. */
struct sight {
    int near, other, share;
};

__device__ inline sight sight_of(int at, int count, bool between)
{
    const int near = at / 2, last = count / 2 - 1;
    if (at % 2 == 0)
        return {near, near > 0 ? near - 1 : 0, between};
    return {near, near < last ? near + 1 : last, 2 - between};
}

__device__ inline int blend(int near, int other, int share)
{
    return (4 - share) * near + share * other;
}

__device__ inline unsigned scaled_byte(int sum)
{
    return (unsigned)min(max(sum, 0) >> PV_YUV_SHIFT, 255);
}

__device__ inline void to_rgb(const struct pv_yuv_scale &k, int y, int u, int v, unsigned rgb[3])
{
    rgb[0] = scaled_byte(k.luma * y + k.red_v * v + k.red);
    rgb[1] = scaled_byte(k.luma * y + k.green_u * u + k.green_v * v + k.green);
    rgb[2] = scaled_byte(k.luma * y + k.blue_u * u + k.blue);
}

/* A thread a pixel, for rows that are not made of whole words. */
template <typename S> __global__ void yuv_kernel(struct pv_yuv_to_rgb p, struct pv_yuv_scale k, size_t count)
{
    PV_FOR_EACH(i, count)
    {
        const division place = divide(i, (size_t)p.width);
        const int y = (int)place.whole, x = (int)place.rest;
        const sight down = sight_of(y, p.height, p.between_y), across = sight_of(x, p.width, p.between_x);
        const S *const near = plane_row<S>(p.chroma, p.chroma_stride, down.near);
        const S *const other = plane_row<S>(p.chroma, p.chroma_stride, down.other);
        int uv[2];
        for (int c = 0; c < 2; c++) {
            const int at = 2 * across.near + c, beside = 2 * across.other + c;
            uv[c] = blend(blend(sample(near[at]), sample(other[at]), down.share),
                          blend(sample(near[beside]), sample(other[beside]), down.share), across.share);
        }
        unsigned rgb[3];
        to_rgb(k, sample(plane_row<S>(p.luma, p.luma_stride, y)[x]), uv[0], uv[1], rgb);
        for (int c = 0; c < 3; c++)
            p.dst[3 * i + (unsigned)c] = (uint8_t)rgb[c];
    }
}

/* Four samples at once, aligned. */
__device__ inline void load_four(const uint8_t *from, int x[4])
{
    const uint32_t all = *(const uint32_t *)from;
#pragma unroll
    for (int i = 0; i < 4; i++)
        x[i] = (int)(all >> 8 * i & 255);
}

__device__ inline void load_four(const uint16_t *from, int x[4])
{
    const uint2 all = *(const uint2 *)from;
    x[0] = (int)(all.x >> 6 & 1023);
    x[1] = (int)(all.x >> 22);
    x[2] = (int)(all.y >> 6 & 1023);
    x[3] = (int)(all.y >> 22);
}

/* Two pairs of U and V, blended down, in quarters. */
template <typename S> __device__ inline void blend_four(const S *near, const S *other, int share, int x[4])
{
    int a[4], b[4];
    load_four(near, a);
    load_four(other, b);
#pragma unroll
    for (int i = 0; i < 4; i++)
        x[i] = blend(a[i], b[i], share);
}

/* Pixels 4 quad to 4 quad + 3 of row y: 12 bytes. */
template <typename S>
__device__ inline void convert_quad(const struct pv_yuv_to_rgb &p, const struct pv_yuv_scale &k, int y, int quad,
                                    uint32_t word[3])
{
    const int last = p.width / 4 - 1, even = p.between_x, odd = 2 - p.between_x;
    const int left = quad > 0 ? quad - 1 : 0, right = quad < last ? quad + 1 : last;
    const sight down = sight_of(y, p.height, p.between_y);
    const S *const near = plane_row<S>(p.chroma, p.chroma_stride, down.near);
    const S *const other = plane_row<S>(p.chroma, p.chroma_stride, down.other);
    int luma[4], before[4], own[4], after[4];
    load_four(plane_row<S>(p.luma, p.luma_stride, y) + 4 * quad, luma);
    blend_four(near + 4 * left, other + 4 * left, down.share, before);
    blend_four(near + 4 * quad, other + 4 * quad, down.share, own);
    blend_four(near + 4 * right, other + 4 * right, down.share, after);

    int chroma[4][2]; /* of each pixel */
#pragma unroll
    for (int c = 0; c < 2; c++) {
        chroma[0][c] = blend(own[c], quad > 0 ? before[2 + c] : own[c], even);
        chroma[1][c] = blend(own[c], own[2 + c], odd);
        chroma[2][c] = blend(own[2 + c], own[c], even);
        chroma[3][c] = blend(own[2 + c], quad < last ? after[c] : own[2 + c], odd);
    }
    unsigned rgb[12];
#pragma unroll
    for (int i = 0; i < 4; i++)
        to_rgb(k, luma[i], chroma[i][0], chroma[i][1], rgb + 3 * i);
#pragma unroll
    for (int i = 0; i < 3; i++)
        word[i] = rgb[4 * i] | rgb[4 * i + 1] << 8 | rgb[4 * i + 2] << 16 | rgb[4 * i + 3] << 24;
}

/* A thread four pixels. What a warp has made, 384 bytes in a row, changes hands in shared memory, so that lanes write
 * words side by side. */
template <typename S> __global__ void yuv_quads_kernel(struct pv_yuv_to_rgb p, struct pv_yuv_scale k, size_t quads)
{
    enum { LANES = 32, WORDS = 3 };
    __shared__ uint32_t made[PV_THREADS * WORDS];
    uint32_t *const words = made + threadIdx.x / LANES * LANES * WORDS;
    const unsigned lane = threadIdx.x % LANES;
    for (size_t first = (size_t)blockIdx.x * PV_THREADS + threadIdx.x - lane; first < quads;
         first += (size_t)gridDim.x * PV_THREADS) {
        if (first + lane < quads) {
            const division place = divide(first + lane, (size_t)p.width / 4);
            convert_quad<S>(p, k, (int)place.whole, (int)place.rest, words + lane * WORDS);
        }
        __syncwarp();
#pragma unroll
        for (unsigned i = 0; i < WORDS; i++)
            if (first * WORDS + i * LANES + lane < quads * WORDS)
                ((uint32_t *)p.dst)[first * WORDS + i * LANES + lane] = words[i * LANES + lane];
        __syncwarp();
    }
}

template <typename S> static int launch_yuv(const struct pv_yuv_to_rgb *p, void *stream)
{
    const struct pv_yuv_scale k = pv_yuv_scale_of(p);
    const size_t count = (size_t)p->height * (size_t)p->width;
    const uintptr_t places = (uintptr_t)p->luma | (uintptr_t)p->chroma | p->luma_stride | p->chroma_stride;
    if (p->width % 4 == 0 && (uintptr_t)p->dst % 4 == 0 && places % (4 * sizeof(S)) == 0)
        return PV_LAUNCH_EACH(yuv_quads_kernel<S>, count / 4, stream, *p, k, count / 4);
    return PV_LAUNCH_EACH(yuv_kernel<S>, count, stream, *p, k, count);
}

extern "C" int pv_kernel_yuv_to_rgb(const struct pv_yuv_to_rgb *p, const struct pv_queue *q)
{
    return p->bits == 8 ? launch_yuv<uint8_t>(p, q->stream) : launch_yuv<uint16_t>(p, q->stream);
}
