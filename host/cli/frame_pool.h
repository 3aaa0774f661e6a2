/* frame_pool.h: frames of one size, allocated once, handed out through a queue of free ones. */
#ifndef PV_CLI_FRAME_POOL_H
#define PV_CLI_FRAME_POOL_H

#include <stdbool.h>

#include <prevue/prevue.h>

#include "base/error.h"
#include "base/queue.h"

struct pv_pooled_frame {
    pv_frame frame;
    struct pv_frame_pool *pool; /* where it goes back to */
};

struct pv_frame_pool {
    struct pv_queue *free;
    struct pv_pooled_frame *frames;
    uint8_t *pixels;
    int count;
};

/* On failure the pool is empty and needs no close. */
pv_status pv_frame_pool_open(struct pv_frame_pool *pool, int count, int width, int height, struct pv_error *err);

/* Waits for a free frame; NULL once the pool has ended. */
struct pv_pooled_frame *pv_frame_pool_take(struct pv_frame_pool *pool);
void pv_frame_return(struct pv_pooled_frame *frame);

/* Nobody gets a frame any more, also not those who wait. */
void pv_frame_pool_end(struct pv_frame_pool *pool);
uint64_t pv_frame_pool_stalled_ns(const struct pv_frame_pool *pool);

/* Safe on an empty pool. */
void pv_frame_pool_close(struct pv_frame_pool *pool);

#endif
