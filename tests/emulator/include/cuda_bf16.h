/* cuda_bf16.h: __nv_bfloat16 as CUDA has it: the upper half of a float, rounded to nearest even. */
#ifndef PV_EMULATOR_CUDA_BF16_H
#define PV_EMULATOR_CUDA_BF16_H

#include <cuda_runtime.h>

/* No constructors, because shared memory has none, and no arithmetic: kernels compute in float. */
struct __nv_bfloat16 {
    unsigned short bits_;
};

struct alignas(4) __nv_bfloat162 {
    __nv_bfloat16 x, y;
};

inline __nv_bfloat16 __ushort_as_bfloat16(unsigned short bits)
{
    __nv_bfloat16 h;
    h.bits_ = bits;
    return h;
}

inline unsigned short __bfloat16_as_ushort(__nv_bfloat16 h)
{
    return h.bits_;
}

inline float __bfloat162float(__nv_bfloat16 h)
{
    return __uint_as_float((unsigned)h.bits_ << 16);
}

inline __nv_bfloat16 __float2bfloat16_rn(float x)
{
    const unsigned bits = __float_as_uint(x);
    if ((bits & 0x7fffffffu) > 0x7f800000u)
        return __ushort_as_bfloat16(0x7fff);
    return __ushort_as_bfloat16((unsigned short)((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16));
}

inline __nv_bfloat16 __float2bfloat16(float x)
{
    return __float2bfloat16_rn(x);
}

inline __nv_bfloat162 __halves2bfloat162(__nv_bfloat16 low, __nv_bfloat16 high)
{
    return {low, high};
}

inline __nv_bfloat162 __floats2bfloat162_rn(float low, float high)
{
    return {__float2bfloat16_rn(low), __float2bfloat16_rn(high)};
}

inline __nv_bfloat162 __float22bfloat162_rn(float2 v)
{
    return __floats2bfloat162_rn(v.x, v.y);
}

inline __nv_bfloat162 __float2bfloat162_rn(float x)
{
    return __floats2bfloat162_rn(x, x);
}

inline float2 __bfloat1622float2(__nv_bfloat162 v)
{
    return {__bfloat162float(v.x), __bfloat162float(v.y)};
}

inline float __low2float(__nv_bfloat162 v)
{
    return __bfloat162float(v.x);
}

inline float __high2float(__nv_bfloat162 v)
{
    return __bfloat162float(v.y);
}

#endif
