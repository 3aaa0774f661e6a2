/* picture.cu: RGB bytes to features and back, pixels folded into channels. Bytes are exact: this file is compiled
 * without fusing products and sums. */
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
