/* element.cuh: the two element types of activations, float and bf16, as kernels see them: stored short, computed as
 * float. Also op.h's activation functions. */
#ifndef PV_ELEMENT_CUH
#define PV_ELEMENT_CUH

#include "launch.cuh"
#include "ptx.cuh"

/* The upper half of a float: 8 bits of exponent, 7 of fraction. */
struct pv_bf16 {
    uint16_t bits;
};

__device__ inline float to_float(float x)
{
    return x;
}

__device__ inline float to_float(pv_bf16 x)
{
    return __uint_as_float((uint32_t)x.bits << 16);
}

/* Rounds as pv_pack_bf16 does. */
template <typename T> __device__ inline T from_float(float x);

template <> __device__ inline float from_float<float>(float x)
{
    return x;
}

template <> __device__ inline pv_bf16 from_float<pv_bf16>(float x)
{
    return {(uint16_t)pv_pack_bf16(x, 0)};
}

/* Two neighbours: one access of 4 bytes, the lower half first. */
__device__ inline float2 to_floats(uint32_t pair)
{
    return make_float2(__uint_as_float(pair << 16), __uint_as_float(pair & 0xffff0000u));
}

__device__ inline uint32_t from_floats(float x, float y)
{
    return pv_pack_bf16(x, y);
}

/* 16 bytes of neighbours at once, aligned: four floats or eight of bf16. */
template <typename T> struct chunk {
    enum { COUNT = 16 / sizeof(T) };
};

__device__ inline void load_chunk(const float *from, float x[4])
{
    const float4 all = *(const float4 *)from;
    x[0] = all.x;
    x[1] = all.y;
    x[2] = all.z;
    x[3] = all.w;
}

__device__ inline void load_chunk(const pv_bf16 *from, float x[8])
{
    const uint4 all = *(const uint4 *)from;
    const uint32_t pair[4] = {all.x, all.y, all.z, all.w};
#pragma unroll
    for (int i = 0; i < 4; i++) {
        const float2 two = to_floats(pair[i]);
        x[2 * i] = two.x;
        x[2 * i + 1] = two.y;
    }
}

__device__ inline void store_chunk(float *to, const float x[4])
{
    *(float4 *)to = make_float4(x[0], x[1], x[2], x[3]);
}

__device__ inline void store_chunk(pv_bf16 *to, const float x[8])
{
    *(uint4 *)to =
        make_uint4(from_floats(x[0], x[1]), from_floats(x[2], x[3]), from_floats(x[4], x[5]), from_floats(x[6], x[7]));
}

__device__ inline float activate(float x, enum pv_activation activation)
{
    switch (activation) {
    case PV_ACTIVATION_NONE: return x;
    case PV_ACTIVATION_RELU: return x < 0 ? 0 : x; /* NaN stays NaN */
    case PV_ACTIVATION_SILU: return x / (1 + expf(-x));
    case PV_ACTIVATION_GELU_TANH: return x / 2 * (1 + tanhf(0.79788456f * (x + 0.044715f * x * x * x)));
    }
    return x;
}

/* The same of four, asked once which. */
__device__ inline float4 activate(float4 x, enum pv_activation activation)
{
    if (activation == PV_ACTIVATION_NONE)
        return x;
    if (activation == PV_ACTIVATION_GELU_TANH)
        return make_float4(activate(x.x, PV_ACTIVATION_GELU_TANH), activate(x.y, PV_ACTIVATION_GELU_TANH),
                           activate(x.z, PV_ACTIVATION_GELU_TANH), activate(x.w, PV_ACTIVATION_GELU_TANH));
    return make_float4(activate(x.x, activation), activate(x.y, activation), activate(x.z, activation),
                       activate(x.w, activation));
}

/* Sum and maximum over a warp; every lane gets it, and all 32 must call. */
__device__ inline float warp_sum(float x)
{
    for (int mask = 16; mask > 0; mask /= 2)
        x += __shfl_xor_sync(0xffffffffu, x, mask);
    return x;
}

/* Over the four lanes that have a row of a fragment together. */
__device__ inline float quad_sum(float x)
{
    x += __shfl_xor_sync(0xffffffffu, x, 1);
    return x + __shfl_xor_sync(0xffffffffu, x, 2);
}

__device__ inline float warp_max(float x)
{
    for (int mask = 16; mask > 0; mask /= 2)
        x = fmaxf(x, __shfl_xor_sync(0xffffffffu, x, mask));
    return x;
}

/* Leaves a launcher with the code of the right one of two instances of a kernel. */
#define PV_FOR_ELEMENT(element, T, ...)                                                                                \
    do {                                                                                                               \
        if ((element) == PV_ELEMENT_BF16) {                                                                            \
            using T = pv_bf16;                                                                                         \
            __VA_ARGS__                                                                                                \
        } else {                                                                                                       \
            using T = float;                                                                                           \
            __VA_ARGS__                                                                                                \
        }                                                                                                              \
    } while (0)

#endif
