/* draw.h: random numbers in the order they are asked for: a counter over Philox, one stream for every purpose, so that
 * drawing one more colour never moves a body. */
#ifndef PV_WORLD_DRAW_H
#define PV_WORLD_DRAW_H

#include <stdint.h>

#include "base/random.h"

enum pv_draw_stream { PV_DRAW_LAYOUT, PV_DRAW_LOOK, PV_DRAW_SKIP, PV_DRAW_TURN };

struct pv_draw {
    uint32_t key[2];     /* the seed, low word first */
    uint32_t counter[4]; /* block, stream, variant, 0 */
    uint32_t words[4];   /* the current block */
    int used;            /* words of it already handed out */
};

/* Streams of another variant (in range, out of range) have nothing in common. */
static inline struct pv_draw pv_draw_start(uint64_t seed, enum pv_draw_stream stream, uint32_t variant)
{
    struct pv_draw draw = {{(uint32_t)seed, (uint32_t)(seed >> 32)}, {0, (uint32_t)stream, variant, 0}, {0}, 4};
    return draw;
}

static inline uint32_t pv_draw_bits(struct pv_draw *draw)
{
    if (draw->used == 4) {
        pv_philox(draw->counter, draw->key, draw->words);
        draw->counter[0]++;
        draw->used = 0;
    }
    return draw->words[draw->used++];
}

/* Uniform in [low, high). */
static inline double pv_draw_uniform(struct pv_draw *draw, double low, double high)
{
    return low + (high - low) * (double)pv_uniform_from_bits(pv_draw_bits(draw));
}

static inline double pv_draw_normal(struct pv_draw *draw)
{
    float pair[2];
    const uint32_t a = pv_draw_bits(draw), b = pv_draw_bits(draw);
    pv_normal_from_bits(a, b, pair);
    return (double)pair[0];
}

/* 0 to count - 1. */
static inline int pv_draw_int(struct pv_draw *draw, int count)
{
    return (int)(((uint64_t)pv_draw_bits(draw) * (uint64_t)count) >> 32);
}

#endif
