/* convert.cu: floats <-> activations, element by element. */
#include "element.cuh"

template <typename T> __global__ void narrow_kernel(T *dst, const float *src, size_t count)
{
    PV_FOR_EACH(i, count)
    dst[i] = from_float<T>(src[i]);
}

template <typename T> __global__ void widen_kernel(float *dst, const T *src, size_t count)
{
    PV_FOR_EACH(i, count)
    dst[i] = to_float(src[i]);
}

extern "C" int pv_kernel_narrow(void *dst, const float *src, size_t count, const struct pv_queue *q)
{
    PV_FOR_ELEMENT(q->element, T, return PV_LAUNCH_EACH(narrow_kernel<T>, count, q->stream, (T *)dst, src, count););
}

extern "C" int pv_kernel_widen(float *dst, const void *src, size_t count, const struct pv_queue *q)
{
    PV_FOR_ELEMENT(q->element, T,
                   return PV_LAUNCH_EACH(widen_kernel<T>, count, q->stream, dst, (const T *)src, count););
}

extern "C" int pv_kernel_probe(void)
{
    return PV_PROBE(narrow_kernel<float>);
}
