/* The bounded queue: order, blocking at both ends, ending, and the stall clock. */
#include <criterion/criterion.h>

#include <pthread.h>
#include <stdint.h>
#include <time.h>

#include "base/queue.h"

static void sleep_ms(long ms)
{
    const struct timespec t = {.tv_sec = 0, .tv_nsec = ms * 1000000};
    nanosleep(&t, NULL);
}

static void *number(uintptr_t n)
{
    return (void *)n; /* the queue never looks behind its pointers */
}

struct crew {
    struct pv_queue *queue;
    uintptr_t first, count, sum, popped;
};

static void *push_numbers(void *arg)
{
    struct crew *crew = arg;
    for (uintptr_t i = 0; i < crew->count; i++)
        if (pv_queue_push(crew->queue, number(crew->first + i)) != PV_OK)
            return arg;
    return NULL;
}

static void *pop_all(void *arg)
{
    struct crew *crew = arg;
    void *item;
    while (pv_queue_pop(crew->queue, &item) == PV_OK) {
        crew->sum += (uintptr_t)item;
        crew->popped++;
    }
    return NULL;
}

Test(queue, keeps_order_and_hands_out_what_came_before_the_end)
{
    struct pv_queue *queue;
    void *item;
    cr_assert_eq(pv_queue_open(3, &queue), PV_OK);
    cr_assert_eq(pv_queue_try_pop(queue, &item), PV_AGAIN);
    for (uintptr_t round = 0; round < 5; round++) {
        for (uintptr_t i = 1; i <= 3; i++)
            cr_assert_eq(pv_queue_push(queue, number(10 * round + i)), PV_OK);
        if (round == 4)
            pv_queue_end(queue);
        for (uintptr_t i = 1; i <= 3; i++) {
            cr_assert_eq(pv_queue_pop(queue, &item), PV_OK);
            cr_assert_eq((uintptr_t)item, 10 * round + i);
        }
    }
    cr_assert_eq(pv_queue_push(queue, number(1)), PV_END);
    cr_assert_eq(pv_queue_pop(queue, &item), PV_END);
    cr_assert_null(item);
    cr_assert_eq(pv_queue_try_pop(queue, &item), PV_END);
    pv_queue_close(queue);
}

Test(queue, refuses_capacities_out_of_range)
{
    struct pv_queue *queue;
    cr_assert_eq(pv_queue_open(0, &queue), PV_ERR_ARGUMENT);
    cr_assert_null(queue);
    cr_assert_eq(pv_queue_open(SIZE_MAX / 2, &queue), PV_ERR_ARGUMENT);
    pv_queue_close(NULL);
}

Test(queue, many_threads_lose_and_duplicate_nothing)
{
    enum { THREADS = 4, EACH = 5000 };
    struct pv_queue *queue;
    struct crew producers[THREADS], consumers[THREADS];
    pthread_t producer_threads[THREADS], consumer_threads[THREADS];
    cr_assert_eq(pv_queue_open(7, &queue), PV_OK);
    for (int i = 0; i < THREADS; i++) {
        producers[i] = (struct crew){.queue = queue, .first = (uintptr_t)i * EACH + 1, .count = EACH};
        consumers[i] = (struct crew){.queue = queue};
        cr_assert_eq(pthread_create(&consumer_threads[i], NULL, pop_all, &consumers[i]), 0);
        cr_assert_eq(pthread_create(&producer_threads[i], NULL, push_numbers, &producers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++)
        pthread_join(producer_threads[i], NULL);
    pv_queue_end(queue);
    uintptr_t sum = 0, popped = 0;
    for (int i = 0; i < THREADS; i++) {
        pthread_join(consumer_threads[i], NULL);
        sum += consumers[i].sum;
        popped += consumers[i].popped;
    }
    const uintptr_t all = (uintptr_t)THREADS * EACH;
    cr_assert_eq(popped, all);
    cr_assert_eq(sum, all * (all + 1) / 2);
    cr_assert_eq(pv_queue_get_stats(queue).pushed, all);
    cr_assert_eq(pv_queue_get_stats(queue).popped, all);
    pv_queue_close(queue);
}

Test(queue, a_full_queue_blocks_until_the_consumer_gives_up)
{
    struct pv_queue *queue;
    void *result, *item;
    pthread_t thread;
    cr_assert_eq(pv_queue_open(2, &queue), PV_OK);
    struct crew crew = {.queue = queue, .first = 1, .count = 3};
    pthread_create(&thread, NULL, push_numbers, &crew);
    while (pv_queue_get_stats(queue).pushed < 2)
        sleep_ms(1);
    sleep_ms(30); /* the third push now waits */
    cr_assert_eq(pv_queue_get_stats(queue).pushed, 2);
    pv_queue_end(queue);
    pthread_join(thread, &result);
    cr_assert_not_null(result, "the waiting push must return PV_END");
    cr_assert_geq(pv_queue_get_stats(queue).push_stalled_ns, 10000000u);
    cr_assert_eq(pv_queue_get_stats(queue).pop_stalled_ns, 0u);
    cr_assert_eq(pv_queue_pop(queue, &item), PV_OK);
    pv_queue_close(queue);
}

Test(queue, an_empty_queue_blocks_and_counts_the_wait)
{
    struct pv_queue *queue;
    pthread_t thread;
    cr_assert_eq(pv_queue_open(2, &queue), PV_OK);
    struct crew crew = {.queue = queue};
    pthread_create(&thread, NULL, pop_all, &crew);
    sleep_ms(50);
    cr_assert_eq(pv_queue_push(queue, number(9)), PV_OK);
    pv_queue_end(queue);
    pthread_join(thread, NULL);
    cr_assert_eq(crew.popped, 1);
    cr_assert_geq(pv_queue_get_stats(queue).pop_stalled_ns, 10000000u);
    pv_queue_close(queue);
}
