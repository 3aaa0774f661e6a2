/* queue.h: a bounded queue of pointers between threads, so that a reader, an engine and a writer can each run at their
 * own pace while memory stays constant. Any number of threads may push and pop. It counts how long each side waited:
 * that is how the command says which stage is the slow one. */
#ifndef PV_BASE_QUEUE_H
#define PV_BASE_QUEUE_H

#include <prevue/prevue.h>

struct pv_queue;

struct pv_queue_stats {
    uint64_t pushed, popped;  /* items */
    uint64_t push_stalled_ns; /* time pushes waited because the queue was full, summed over threads */
    uint64_t pop_stalled_ns;  /* time pops waited because it was empty */
};

/* capacity: items, 1 to 2^20. PV_ERR_ARGUMENT, PV_ERR_MEMORY; *queue is NULL then. */
pv_status pv_queue_open(size_t capacity, struct pv_queue **queue);

/* Waits for room. PV_END, and the item stays the caller's, once the queue has ended. */
pv_status pv_queue_push(struct pv_queue *queue, void *item);

/* Waits for an item. Items pushed before the end still come out; then PV_END. *item is NULL unless PV_OK. */
pv_status pv_queue_pop(struct pv_queue *queue, void **item);

/* As pop, but PV_AGAIN at once where pop would wait. */
pv_status pv_queue_try_pop(struct pv_queue *queue, void **item);

/* No more pushes, from either side: the producer has finished, or the consumer has given up. Wakes all who wait. */
void pv_queue_end(struct pv_queue *queue);

struct pv_queue_stats pv_queue_get_stats(struct pv_queue *queue);

/* No thread may be inside a call. Items still in the queue are the caller's: pop them first. NULL is allowed. */
void pv_queue_close(struct pv_queue *queue);

#endif
