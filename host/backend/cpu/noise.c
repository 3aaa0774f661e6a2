/* noise.c: normal numbers by place, many at a time. */
#include <math.h>
#include <string.h>

#include "backend/cpu/cpu.h"
#include "backend/cpu/vector_math.h"

enum { GROUPS = 64 }; /* counters at a time: 4 numbers each. Always a full block, so a number never depends on count */

struct block {
    uint32_t word[4][GROUPS];
    float normal[4][GROUPS];
};

/* base/random.c's Philox4x32-10, over all groups of a block. */
static PV_INLINE void philox_block(const struct pv_noise *p, uint64_t seed, uint32_t first, struct block *b)
{
    const uint32_t frame = p->frame + (p->past ? *p->past : 0);
    uint32_t key0 = (uint32_t)seed, key1 = (uint32_t)(seed >> 32);
    for (uint32_t i = 0; i < GROUPS; i++) {
        b->word[0][i] = first + i;
        b->word[1][i] = frame;
        b->word[2][i] = p->purpose;
        b->word[3][i] = p->take;
    }
    for (int round = 0; round < 10; round++) {
#pragma omp simd
        for (int i = 0; i < GROUPS; i++) {
            const uint64_t p0 = (uint64_t)0xD2511F53u * b->word[0][i];
            const uint64_t p1 = (uint64_t)0xCD9E8D57u * b->word[2][i];
            b->word[0][i] = (uint32_t)(p1 >> 32) ^ b->word[1][i] ^ key0;
            b->word[1][i] = (uint32_t)p1;
            b->word[2][i] = (uint32_t)(p0 >> 32) ^ b->word[3][i] ^ key1;
            b->word[3][i] = (uint32_t)p0;
        }
        key0 += 0x9E3779B9u;
        key1 += 0xBB67AE85u;
    }
}

/* Words (0, 1) -> normals 0, 1; words (2, 3) -> normals 2, 3, as pv_normal_from_bits. */
static PV_INLINE void normal_block(struct block *b)
{
    for (int half = 0; half < 4; half += 2) {
#pragma omp simd
        for (int i = 0; i < GROUPS; i++) {
            /* 24 bits as int32_t: processors convert signed numbers faster */
            const float u = ((float)(int32_t)(b->word[half][i] >> 8) + 1.0f) * 0x1p-24f;
            const float angle = 6.28318530718f * ((float)(int32_t)(b->word[half + 1][i] >> 8) * 0x1p-24f);
            const float radius = sqrtf(-2.0f * math_log(u));
            float sine, cosine;
            math_sincos(angle, &sine, &cosine);
            b->normal[half][i] = radius * cosine;
            b->normal[half + 1][i] = radius * sine;
        }
    }
}

PV_MULTIVERSION
static void noise_range(const struct pv_noise *p, int take, size_t begin, size_t end)
{
    float *dst = p->dst + (size_t)take * p->count;
    struct block b;
    for (size_t at = begin; at < end; at += 4 * GROUPS) {
        philox_block(p, p->seed + (uint64_t)take, (uint32_t)(at / 4), &b);
        normal_block(&b);
        const size_t count = end - at < 4 * GROUPS ? end - at : 4 * GROUPS;
        for (size_t i = 0; i < count; i++)
            dst[at + i] = b.normal[i % 4][i / 4];
    }
}

pv_status pv_cpu_noise(struct pv_stream *s, const struct pv_noise *p)
{
    PV_TRY(pv_check_noise(s, p));
#pragma omp parallel if (p->count * (size_t)p->takes >= PV_CPU_PARALLEL_MIN)
    {
        const struct cpu_share part = pv_cpu_share(p->count, 4 * GROUPS);
        for (int take = 0; take < p->takes; take++)
            noise_range(p, take, part.begin, part.end);
    }
    return PV_OK;
}
