/* queue.c: a ring under one mutex. Items are whole frames, so a few hundred operations a second: a lock is plenty. */
#include "base/queue.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

enum { MAX_CAPACITY = 1 << 20 };

struct pv_queue {
    pthread_mutex_t lock;
    pthread_cond_t has_room, has_item;
    size_t capacity, count, first; /* items[first] is the oldest */
    bool ended;
    struct pv_queue_stats stats;
    void *items[];
};

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

pv_status pv_queue_open(size_t capacity, struct pv_queue **queue)
{
    *queue = NULL;
    if (capacity < 1 || capacity > MAX_CAPACITY)
        return PV_ERR_ARGUMENT;
    struct pv_queue *q = calloc(1, sizeof *q + capacity * sizeof q->items[0]);
    if (!q)
        return PV_ERR_MEMORY;
    q->capacity = capacity;
    pthread_mutex_init(&q->lock, NULL);
    pthread_cond_init(&q->has_room, NULL);
    pthread_cond_init(&q->has_item, NULL);
    *queue = q;
    return PV_OK;
}

pv_status pv_queue_push(struct pv_queue *queue, void *item)
{
    pthread_mutex_lock(&queue->lock);
    if (queue->count == queue->capacity && !queue->ended) {
        const uint64_t start = now_ns();
        while (queue->count == queue->capacity && !queue->ended)
            pthread_cond_wait(&queue->has_room, &queue->lock);
        queue->stats.push_stalled_ns += now_ns() - start;
    }
    const bool ended = queue->ended;
    if (!ended) {
        queue->items[(queue->first + queue->count) % queue->capacity] = item;
        queue->count++;
        queue->stats.pushed++;
        pthread_cond_signal(&queue->has_item);
    }
    pthread_mutex_unlock(&queue->lock);
    return ended ? PV_END : PV_OK;
}

static pv_status take_locked(struct pv_queue *queue, void **item)
{
    *item = NULL;
    if (queue->count == 0)
        return queue->ended ? PV_END : PV_AGAIN;
    *item = queue->items[queue->first];
    queue->first = (queue->first + 1) % queue->capacity;
    queue->count--;
    queue->stats.popped++;
    pthread_cond_signal(&queue->has_room);
    return PV_OK;
}

pv_status pv_queue_pop(struct pv_queue *queue, void **item)
{
    pthread_mutex_lock(&queue->lock);
    if (queue->count == 0 && !queue->ended) {
        const uint64_t start = now_ns();
        while (queue->count == 0 && !queue->ended)
            pthread_cond_wait(&queue->has_item, &queue->lock);
        queue->stats.pop_stalled_ns += now_ns() - start;
    }
    const pv_status status = take_locked(queue, item);
    pthread_mutex_unlock(&queue->lock);
    return status;
}

pv_status pv_queue_try_pop(struct pv_queue *queue, void **item)
{
    pthread_mutex_lock(&queue->lock);
    const pv_status status = take_locked(queue, item);
    pthread_mutex_unlock(&queue->lock);
    return status;
}

void pv_queue_end(struct pv_queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    queue->ended = true;
    pthread_cond_broadcast(&queue->has_room);
    pthread_cond_broadcast(&queue->has_item);
    pthread_mutex_unlock(&queue->lock);
}

struct pv_queue_stats pv_queue_get_stats(struct pv_queue *queue)
{
    pthread_mutex_lock(&queue->lock);
    const struct pv_queue_stats stats = queue->stats;
    pthread_mutex_unlock(&queue->lock);
    return stats;
}

void pv_queue_close(struct pv_queue *queue)
{
    if (!queue)
        return;
    pthread_cond_destroy(&queue->has_item);
    pthread_cond_destroy(&queue->has_room);
    pthread_mutex_destroy(&queue->lock);
    free(queue);
}
