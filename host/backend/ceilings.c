/* ceilings.c: a large matrix product, a large copy, and the smallest calls there are. */
#include "backend/ceilings.h"

#include <stdlib.h>
#include <time.h>

enum {
    SIDE_MIN = 1024,
    SIDE_MAX = 8192,        /* of the square product: doubled until it takes LONG_ENOUGH */
    COPY_BYTES = 128 << 20, /* beyond any cache */
    BEST_OF = 3,
    SMALL_CALLS = 2000
};
static const double long_enough = 0.02; /* seconds */

struct bench {
    struct pv_backend *backend;
    struct pv_stream *stream;
    const struct pv_op_table *op;
};

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* One thing to time; arguments point to an op's parameters. */
typedef pv_status call(const struct bench *b, const void *arguments);

static pv_status call_linear(const struct bench *b, const void *arguments)
{
    return b->op->linear(b->stream, arguments);
}

static pv_status call_conv(const struct bench *b, const void *arguments)
{
    return b->op->conv(b->stream, arguments);
}

static pv_status call_combine(const struct bench *b, const void *arguments)
{
    return b->op->combine(b->stream, arguments);
}

static pv_status call_copy(const struct bench *b, const void *arguments)
{
    const struct pv_combine *p = arguments;
    return b->op->copy(b->stream, p->dst, p->x, p->count * sizeof(float));
}

/* Seconds of one of `calls` calls in a row, the best of several such rows, after one to warm up. */
static pv_status time_best(const struct bench *b, call *run, const void *arguments, int calls, double *best)
{
    *best = 0;
    for (int i = 0; i <= BEST_OF; i++) {
        PV_TRY(b->op->synchronize(b->stream));
        const double start = seconds();
        for (int j = 0; j < calls; j++)
            PV_TRY(run(b, arguments));
        PV_TRY(b->op->synchronize(b->stream));
        const double one = (seconds() - start) / calls;
        if (i == 1 || (i > 1 && one < *best))
            *best = one;
    }
    return PV_OK;
}

static pv_status square_product(const struct bench *b, int side, double *best)
{
    struct pv_error *error = b->stream->error;
    const size_t count = (size_t)side * (size_t)side;
    float *host = malloc(count * sizeof *host);
    if (!host)
        return pv_fail(error, PV_ERR_MEMORY, "no memory for a product of %d x %d", side, side);
    for (size_t i = 0; i < count; i++)
        host[i] = (float)(i % 17) / 17.0f - 0.5f;
    struct pv_weight *weight = NULL;
    void *memory[2] = {NULL, NULL};
    pv_status status = b->op->linear_weight(b->backend, host, NULL, side, side, &weight, error);
    for (int i = 0; i < 2 && status == PV_OK; i++)
        status = b->op->alloc(b->backend, count * b->backend->element_bytes, &memory[i], error);
    if (status == PV_OK)
        status = b->op->upload_activations(b->stream, memory[1], host, count);
    if (status == PV_OK)
        status =
            time_best(b, call_linear,
                      &(struct pv_linear){.dst = memory[0], .src = memory[1], .weight = weight, .rows = side}, 1, best);
    for (int i = 0; i < 2; i++)
        if (memory[i])
            b->op->free(b->backend, memory[i]);
    if (weight)
        b->op->weight_free(b->backend, weight);
    free(host);
    return status;
}

static pv_status measure_product(const struct bench *b, pv_ceilings *c)
{
    double best = 0;
    for (int side = SIDE_MIN; side <= SIDE_MAX && best < long_enough; side *= 2) {
        PV_TRY(square_product(b, side, &best));
        const double rate = 2.0 * side * (double)side * side / best;
        c->operations_per_second = rate > c->operations_per_second ? rate : c->operations_per_second;
    }
    return PV_OK;
}

/* A copy by one thread or by all, whichever is faster. */
static pv_status measure_copy(const struct bench *b, pv_ceilings *c)
{
    void *memory[2] = {NULL, NULL};
    pv_status status = b->op->alloc(b->backend, COPY_BYTES, &memory[0], b->stream->error);
    if (status == PV_OK)
        status = b->op->alloc(b->backend, COPY_BYTES, &memory[1], b->stream->error);
    const struct pv_combine p = {.dst = memory[0], .x = memory[1], .a = 1, .count = COPY_BYTES / sizeof(float)};
    call *const runs[] = {call_copy, call_combine};
    for (int i = 0; i < 2 && status == PV_OK; i++) {
        double best;
        status = time_best(b, runs[i], &p, 1, &best);
        if (status == PV_OK && 2.0 * COPY_BYTES / best > c->bytes_per_second)
            c->bytes_per_second = 2.0 * COPY_BYTES / best;
    }
    for (int i = 0; i < 2; i++)
        if (memory[i])
            b->op->free(b->backend, memory[i]);
    return status;
}

/* One row of 4 times a 4 x 4 matrix, one pixel of a 3 x 3 filter, four numbers. */
static pv_status measure_smallest(const struct bench *b, void *memory, struct pv_weight *matrix,
                                  struct pv_weight *filter, pv_ceilings *c)
{
    char *const src = (char *)memory + 64;
    const struct pv_linear linear = {.dst = memory, .src = src, .weight = matrix, .rows = 1};
    const struct pv_conv conv = {
        .dst = memory, .src = src, .weight = filter, .batch = 1, .height = 1, .width = 1, .stride = 1, .upsample = 1};
    const struct pv_combine combine = {.dst = memory, .x = (const float *)(const void *)src, .a = 1, .count = 4};
    PV_TRY(time_best(b, call_linear, &linear, SMALL_CALLS, &c->linear_call_seconds));
    PV_TRY(time_best(b, call_conv, &conv, SMALL_CALLS, &c->convolution_call_seconds));
    return time_best(b, call_combine, &combine, SMALL_CALLS, &c->other_call_seconds);
}

static pv_status measure_calls(const struct bench *b, pv_ceilings *c)
{
    struct pv_error *error = b->stream->error;
    const float ones[4 * 4 * 9] = {1};
    struct pv_weight *matrix = NULL, *filter = NULL;
    void *memory = NULL;
    pv_status status = b->op->linear_weight(b->backend, ones, NULL, 4, 4, &matrix, error);
    if (status == PV_OK)
        status = b->op->conv_weight(b->backend, ones, NULL, 4, 4, 3, &filter, error);
    if (status == PV_OK)
        status = b->op->alloc(b->backend, 128, &memory, error);
    if (status == PV_OK)
        status = measure_smallest(b, memory, matrix, filter, c);
    if (memory)
        b->op->free(b->backend, memory);
    if (filter)
        b->op->weight_free(b->backend, filter);
    if (matrix)
        b->op->weight_free(b->backend, matrix);
    return status;
}

pv_status pv_backend_measure_ceilings(struct pv_backend *backend, pv_ceilings *ceilings, struct pv_error *error)
{
    struct bench b = {.backend = backend, .op = backend->op};
    ceilings->element_bytes = (int)backend->element_bytes;
    PV_TRY(b.op->stream_open(backend, error, &b.stream));
    b.op->enter(b.stream);
    pv_status status = measure_calls(&b, ceilings);
    if (status == PV_OK)
        status = measure_product(&b, ceilings);
    if (status == PV_OK)
        status = measure_copy(&b, ceilings);
    b.op->leave(b.stream);
    b.op->stream_close(b.stream);
    return status;
}
