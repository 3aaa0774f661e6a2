/* token.cu: sums of conditioning vectors, which every token of a frame then meets. */
#include "element.cuh"

template <typename T> __global__ void add_kernel(struct pv_add p)
{
    PV_FOR_EACH(i, p.count)
    {
        const float sum = to_float(((const T *)p.a)[i]) + (p.b ? to_float(((const T *)p.b)[i]) : 0);
        ((T *)p.dst)[i] = from_float<T>(activate<T>(sum, p.activation));
    }
}

extern "C" int pv_kernel_add(const struct pv_add *p, const struct pv_queue *q)
{
    PV_FOR_ELEMENT(q->element, T, return PV_LAUNCH_EACH(add_kernel<T>, p->count, q->stream, *p););
}
