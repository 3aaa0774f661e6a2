/* frame_pool.c: one block of pixels, cut into frames. */
#include "frame_pool.h"

#include <stdlib.h>

/* Queues hand out what was pushed before their end; an ended pool hands out nothing. */
static void drain(struct pv_queue *queue)
{
    void *item;
    while (pv_queue_try_pop(queue, &item) == PV_OK)
        ;
}

pv_status pv_frame_pool_open(struct pv_frame_pool *pool, int count, int width, int height, struct pv_error *err)
{
    const size_t stride = (size_t)width * 3;
    *pool = (struct pv_frame_pool){.count = count};
    if (count < 1 || width < 1 || height < 1 || stride > SIZE_MAX / (size_t)height / (size_t)count)
        return pv_fail(err, PV_ERR_ARGUMENT, "%d frames of %dx%d cannot be addressed", count, width, height);
    const size_t bytes = stride * (size_t)height;
    pool->frames = calloc((size_t)count, sizeof *pool->frames);
    pool->pixels = malloc(bytes * (size_t)count);
    if (!pool->frames || !pool->pixels || pv_queue_open((size_t)count, &pool->free) != PV_OK) {
        pv_frame_pool_close(pool);
        return pv_fail(err, PV_ERR_MEMORY, "no memory for %d frames of %dx%d", count, width, height);
    }
    for (int i = 0; i < count; i++) {
        pool->frames[i] = (struct pv_pooled_frame){
            .frame = {.data = pool->pixels + (size_t)i * bytes, .stride = stride, .width = width, .height = height},
            .pool = pool,
        };
        pv_queue_push(pool->free, &pool->frames[i]);
    }
    return PV_OK;
}

struct pv_pooled_frame *pv_frame_pool_take(struct pv_frame_pool *pool)
{
    void *item;
    return pv_queue_pop(pool->free, &item) == PV_OK ? item : NULL;
}

void pv_frame_return(struct pv_pooled_frame *frame)
{
    pv_queue_push(frame->pool->free, frame); /* an ended pool keeps its frames all the same */
}

void pv_frame_pool_end(struct pv_frame_pool *pool)
{
    if (!pool->free)
        return;
    pv_queue_end(pool->free);
    drain(pool->free);
}

uint64_t pv_frame_pool_stalled_ns(const struct pv_frame_pool *pool)
{
    return pool->free ? pv_queue_get_stats(pool->free).pop_stalled_ns : 0;
}

void pv_frame_pool_close(struct pv_frame_pool *pool)
{
    pv_queue_close(pool->free);
    free(pool->frames);
    free(pool->pixels);
    *pool = (struct pv_frame_pool){0};
}
