/* random.c: Philox4x32-10 and Box-Muller. */
#include "base/random.h"

#include <math.h>

static void philox_round(uint32_t x[4], uint32_t key0, uint32_t key1)
{
    const uint64_t p0 = (uint64_t)0xD2511F53u * x[0];
    const uint64_t p1 = (uint64_t)0xCD9E8D57u * x[2];
    const uint32_t y0 = (uint32_t)(p1 >> 32) ^ x[1] ^ key0;
    const uint32_t y2 = (uint32_t)(p0 >> 32) ^ x[3] ^ key1;
    x[1] = (uint32_t)p1;
    x[3] = (uint32_t)p0;
    x[0] = y0;
    x[2] = y2;
}

void pv_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4])
{
    uint32_t key0 = key[0], key1 = key[1];
    for (int i = 0; i < 4; i++)
        out[i] = counter[i];
    for (int round = 0; round < 10; round++) {
        philox_round(out, key0, key1);
        key0 += 0x9E3779B9u; /* golden ratio, sqrt(3) - 1: the Weyl sequence of the paper */
        key1 += 0xBB67AE85u;
    }
}

void pv_normal_from_bits(uint32_t a, uint32_t b, float out[2])
{
    const float u = ((float)(a >> 8) + 1.0f) * 0x1p-24f;
    const float angle = 6.28318530718f * pv_uniform_from_bits(b);
    const float radius = sqrtf(-2.0f * logf(u));
    out[0] = radius * cosf(angle);
    out[1] = radius * sinf(angle);
}
