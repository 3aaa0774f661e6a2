/* vector_math.h: exp, tanh, log, sin and cos as straight lines of arithmetic, which compilers turn into vector code.
 *
 * Each reduces its argument and evaluates a polynomial fitted at the Chebyshev nodes of the reduced range (so near to
 * the best one). Errors are measured in tests/backend over the stated range. NaN stays NaN. */
#ifndef PV_BACKEND_CPU_VECTOR_MATH_H
#define PV_BACKEND_CPU_VECTOR_MATH_H

#include <stdint.h>
#include <string.h>

#include "base/compiler.h"

static PV_INLINE float math_from_bits(uint32_t bits)
{
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static PV_INLINE uint32_t math_to_bits(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

/* Adding it rounds to the nearest integer, which then stands in the low bits: 1.5 * 2^23. */
#define MATH_ROUND 12582912.0f

/* e^x for x in [-87.3, 88.3], beyond: the value at the end, so results are never subnormal or infinite. Two ulp. */
static PV_INLINE float math_exp(float x)
{
    x = x < -87.3f ? -87.3f : x;
    x = x > 88.3f ? 88.3f : x;
    const float shifted = x * 1.44269504f + MATH_ROUND;
    const float n = shifted - MATH_ROUND;
    const float r = (x - n * 0.693359375f) + n * 2.12194440e-4f; /* ln 2 in two parts, the first exact times n */
    float p = 1.393364393e-3f;
    p = p * r + 8.363175206e-3f;
    p = p * r + 4.166646674e-2f;
    p = p * r + 1.666657627e-1f;
    p = p * r + 5.000000000e-1f;
    p = p * r * r + r + 1.0f;
    return p * math_from_bits((math_to_bits(shifted) + 127u) << 23);
}

/* Three ulp. */
static PV_INLINE float math_tanh(float x)
{
    const float z = x * x;
    float p = -6.104947999e-3f;
    p = p * z + 2.100364119e-2f;
    p = p * z - 5.385249853e-2f;
    p = p * z + 1.333278269e-1f;
    p = p * z - 3.333332837e-1f;
    const float near = p * z * x + x;
    const float size = x < 0 ? -x : x;
    const float far = 1.0f - 2.0f / (math_exp(2.0f * size) + 1.0f);
    const float signed_far = x < 0 ? -far : far;
    return size > 0.625f ? signed_far : near; /* NaN: near */
}

/* ln x for x in (0, 1], normal. Two ulp. */
static PV_INLINE float math_log(float x)
{
    /* x = m 2^e with m in [sqrt(1/2), sqrt(2)): 0x3f3504f3 are the bits of sqrt(1/2). */
    const uint32_t bits = math_to_bits(x) - 0x3f3504f3u;
    const float e = (float)((int32_t)bits >> 23);
    const float f = math_from_bits((bits & 0x7fffffu) + 0x3f3504f3u) - 1.0f;
    float p = 7.149753720e-2f;
    p = p * f - 1.157120094e-1f;
    p = p * f + 1.166151091e-1f;
    p = p * f - 1.241105050e-1f;
    p = p * f + 1.424993724e-1f;
    p = p * f - 1.666848063e-1f;
    p = p * f + 2.000070810e-1f;
    p = p * f - 2.499998957e-1f;
    p = p * f + 3.333333135e-1f;
    const float z = f * f;
    return (p * z * f - e * 2.12194440e-4f - 0.5f * z) + f + e * 0.693359375f;
}

/* x in [-8, 8]: quarter turns are taken off exactly enough there. 1e-7 absolute. */
static PV_INLINE void math_sincos(float x, float *sine, float *cosine)
{
    const float shifted = x * 0.636619772f + MATH_ROUND;
    const float n = shifted - MATH_ROUND;
    const uint32_t quarter = math_to_bits(shifted);
    const float r = (x - n * 1.5703125f) - n * 4.83826794897e-4f; /* pi/2 in two parts */
    const float z = r * r;
    float s = 2.724996421e-6f;
    s = s * z - 1.984008704e-4f;
    s = s * z + 8.333331905e-3f;
    s = s * z - 1.666666716e-1f;
    s = s * z * r + r;
    float c = 2.454799142e-5f;
    c = c * z - 1.388830366e-3f;
    c = c * z + 4.166666418e-2f;
    c = c * z * z - 0.5f * z + 1.0f;
    const float a = quarter & 1u ? c : s, b = quarter & 1u ? s : c;
    *sine = quarter & 2u ? -a : a;
    *cosine = (quarter + 1u) & 2u ? -b : b;
}

#endif
