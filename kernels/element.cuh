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

/* Four neighbours, one access of 8 bytes. */
__device__ inline float4 load_four(const pv_bf16 *from)
{
    const uint2 all = *(const uint2 *)from;
    const float2 x = to_floats(all.x), y = to_floats(all.y);
    return make_float4(x.x, x.y, y.x, y.y);
}

__device__ inline void store_four(pv_bf16 *to, float4 x)
{
    *(uint2 *)to = make_uint2(from_floats(x.x, x.y), from_floats(x.z, x.w));
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

/* x / (1 + 2^y), as exact as T: approximations for what becomes bf16, a thousand times finer than that. */
template <typename T> __device__ inline float gated(float x, float y);

template <> __device__ inline float gated<float>(float x, float y)
{
    return x / (1 + exp2f(y));
}

template <> __device__ inline float gated<pv_bf16>(float x, float y)
{
    return x * pv_reciprocal_approx(1 + pv_exp2_approx(y));
}

/* SiLU and GELU by tanh are one curve, x times the sigmoid of a x + b x^3, as (1 + tanh t) / 2 is the sigmoid of 2 t;
 * here the factors are times -log2 e. T: what becomes of x. */
template <typename T> __device__ inline float activate_smoothly(float x, bool gelu)
{
    const float linear = gelu ? -2.3022082f : -1.4426950f, cubic = gelu ? -0.10294324f : 0.0f;
    return gated<T>(x, x * (linear + cubic * x * x));
}

__device__ inline float relu(float x)
{
    return x < 0 ? 0 : x; /* NaN stays NaN */
}

template <typename T> __device__ inline float activate(float x, enum pv_activation activation)
{
    if (activation == PV_ACTIVATION_NONE)
        return x;
    return activation == PV_ACTIVATION_RELU ? relu(x) : activate_smoothly<T>(x, activation == PV_ACTIVATION_GELU_TANH);
}

/* The same of four, asked once which. */
template <typename T> __device__ inline float4 activate(float4 x, enum pv_activation activation)
{
    const bool gelu = activation == PV_ACTIVATION_GELU_TANH;
    if (activation == PV_ACTIVATION_NONE)
        return x;
    if (activation == PV_ACTIVATION_RELU)
        return make_float4(relu(x.x), relu(x.y), relu(x.z), relu(x.w));
    return make_float4(activate_smoothly<T>(x.x, gelu), activate_smoothly<T>(x.y, gelu),
                       activate_smoothly<T>(x.z, gelu), activate_smoothly<T>(x.w, gelu));
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

/* Neighbouring lanes, which have columns 2t and 2t + 1 of two fragments side by side, change halves: an even lane then
 * has columns 2t .. 2t + 3 of the left one, an odd lane 2t - 2 .. 2t + 1 of the right one, and four lanes write a whole
 * sector of bf16. All lanes of the warp call. */
__device__ inline float4 change_halves(float2 left, float2 right)
{
    const bool odd = threadIdx.x & 1;
    const float x = __shfl_xor_sync(0xffffffffu, odd ? left.x : right.x, 1);
    const float y = __shfl_xor_sync(0xffffffffu, odd ? left.y : right.y, 1);
    return odd ? make_float4(x, y, right.x, right.y) : make_float4(left.x, left.y, x, y);
}

__device__ inline float warp_max(float x)
{
    for (int mask = 16; mask > 0; mask /= 2)
        x = fmaxf(x, __shfl_xor_sync(0xffffffffu, x, mask));
    return x;
}

__device__ inline int slots_used(const struct pv_attention &p)
{
    return p.used ? (int)*p.used : p.slots;
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
