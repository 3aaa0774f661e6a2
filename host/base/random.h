/* random.h: counter-based random numbers (Philox4x32-10; Salmon et al. 2011, "Parallel random numbers: as easy as
 * 1, 2, 3"). No state: a number is a function of a key and a counter, so order, threads and resuming change nothing. */
#ifndef PV_BASE_RANDOM_H
#define PV_BASE_RANDOM_H

#include <stdint.h>

/* Ten rounds: 128 bits of counter, 64 bits of key -> 128 random bits. */
void pv_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t out[4]);

/* [0, 1) with 24 random bits. */
static inline float pv_uniform_from_bits(uint32_t bits)
{
    return (float)(bits >> 8) * 0x1p-24f;
}

/* Box-Muller: two words -> two independent standard normals. The first uniform is in (0, 1], so log is finite. */
void pv_normal_from_bits(uint32_t a, uint32_t b, float out[2]);

#endif
