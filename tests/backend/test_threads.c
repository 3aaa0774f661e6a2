/* test_threads.c: threads change no result beyond rounding, streams do not disturb each other, the caller's OpenMP
 * settings stay his, and a frame like the one before asks for no memory. Of the cpu backend. */
#define _GNU_SOURCE /* RTLD_NEXT */
#include <criterion/criterion.h>
#include <dlfcn.h>
#include <math.h>
#include <omp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "backend/op.h"

/* ---- a small model: one of each kind of op ---- */

enum {
    TOKENS = 72,
    HEADS = 3,
    DIM = 32,
    HIDDEN = HEADS * DIM,
    SLOTS = 4,
    SIDE = 24, /* of the picture */
    CHANNELS = 16,
    PIXELS = SIDE * SIDE,
    COUNT = TOKENS * HIDDEN + 4 * PIXELS * CHANNELS /* what a frame leaves behind */
};

struct model {
    struct pv_backend *backend;
    struct pv_weight *qkv, *up, *down, *conv, *memory_conv;
    struct pv_error error;
};

struct state {
    struct pv_stream *stream;
    struct pv_error error;
    float x[TOKENS * HIDDEN], normed[TOKENS * HIDDEN], wide[TOKENS * 4 * HIDDEN], product[TOKENS * 3 * HIDDEN];
    float q[TOKENS * HIDDEN], k[SLOTS * TOKENS * HIDDEN], v[SLOTS * TOKENS * HIDDEN], gate[HIDDEN];
    float picture[PIXELS * CHANNELS], before[PIXELS * CHANNELS], after[PIXELS * CHANNELS];
    float large[4 * PIXELS * CHANNELS];
};

static struct pv_weight *weight(struct model *m, int out, int in, int size)
{
    const size_t count = (size_t)out * (size_t)in * (size_t)(size ? size * size : 1);
    float *value = malloc(count * sizeof *value);
    cr_assert(value);
    for (size_t i = 0; i < count; i++)
        value[i] = 0.1f * sinf((float)i);
    struct pv_weight *w = NULL;
    const pv_status status = size ? m->backend->op->conv_weight(m->backend, value, NULL, out, in, size, &w, &m->error)
                                  : m->backend->op->linear_weight(m->backend, value, NULL, out, in, &w, &m->error);
    cr_assert_eq(status, PV_OK, "%s", m->error.text);
    free(value);
    return w;
}

static void model_open(struct model *m, int threads)
{
    cr_assert_eq(pv_backend_open("cpu", threads, &m->backend, &m->error), PV_OK, "%s", m->error.text);
    cr_assert_eq(m->backend->threads, threads);
    m->qkv = weight(m, 3 * HIDDEN, HIDDEN, 0);
    m->up = weight(m, 4 * HIDDEN, HIDDEN, 0);
    m->down = weight(m, HIDDEN, 4 * HIDDEN, 0);
    m->conv = weight(m, CHANNELS, CHANNELS, 3);
    m->memory_conv = weight(m, CHANNELS, 2 * CHANNELS, 3);
}

static void model_close(struct model *m)
{
    struct pv_weight *all[] = {m->qkv, m->up, m->down, m->conv, m->memory_conv};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        m->backend->op->weight_free(m->backend, all[i]);
    pv_backend_close(m->backend);
}

static struct state *state_open(const struct model *m)
{
    struct state *s = calloc(1, sizeof *s);
    cr_assert(s);
    cr_assert_eq(m->backend->op->stream_open(m->backend, &s->error, &s->stream), PV_OK, "%s", s->error.text);
    return s;
}

static void state_close(struct state *s)
{
    s->stream->backend->op->stream_close(s->stream);
    free(s);
}

static pv_status tokens_forward(const struct model *m, struct state *s, enum pv_attention_kind kind, int slots)
{
    const struct pv_op_table *op = m->backend->op;
    struct pv_stream *t = s->stream;
    PV_TRY(op->norm_modulate(t, &(struct pv_norm_modulate){.dst = s->normed,
                                                           .src = s->x,
                                                           .shift = s->gate,
                                                           .scale = s->gate,
                                                           .rows = TOKENS,
                                                           .dim = HIDDEN,
                                                           .rows_per_group = TOKENS,
                                                           .norm = PV_NORM_RMS,
                                                           .eps = 1e-6f}));
    PV_TRY(op->qkv(t, &(struct pv_qkv){.q = s->q,
                                       .k = s->k,
                                       .v = s->v,
                                       .src = s->normed,
                                       .product = s->product,
                                       .weight = m->qkv,
                                       .takes = 1,
                                       .tokens = TOKENS,
                                       .heads = HEADS,
                                       .kv_heads = HEADS,
                                       .head_dim = DIM}));
    PV_TRY(op->attention(t, &(struct pv_attention){.dst = s->normed,
                                                   .q = s->q,
                                                   .k = s->k,
                                                   .v = s->v,
                                                   .takes = 1,
                                                   .tokens = TOKENS,
                                                   .slots = slots,
                                                   .heads = HEADS,
                                                   .kv_heads = HEADS,
                                                   .head_dim = DIM,
                                                   .scale = 0.2f,
                                                   .kind = kind}));
    PV_TRY(op->linear(
        t,
        &(struct pv_linear){
            .dst = s->wide, .src = s->normed, .weight = m->up, .rows = TOKENS, .activation = PV_ACTIVATION_GELU_TANH}));
    return op->linear(t, &(struct pv_linear){.dst = s->x,
                                             .src = s->wide,
                                             .residual = s->x,
                                             .gate = s->gate,
                                             .weight = m->down,
                                             .rows = TOKENS,
                                             .rows_per_gate = TOKENS});
}

static pv_status picture_forward(const struct model *m, struct state *s)
{
    const struct pv_op_table *op = m->backend->op;
    struct pv_conv conv = {.dst = s->after,
                           .src = s->picture,
                           .memory = s->before,
                           .residual = s->picture,
                           .weight = m->memory_conv,
                           .batch = 1,
                           .height = SIDE,
                           .width = SIDE,
                           .stride = 1,
                           .upsample = 1,
                           .activation = PV_ACTIVATION_RELU};
    PV_TRY(op->conv(s->stream, &conv));
    conv.dst = s->large;
    conv.src = s->after;
    conv.memory = conv.residual = NULL;
    conv.weight = m->conv;
    conv.upsample = 2;
    return op->conv(s->stream, &conv);
}

/* One frame, a function of seed alone. result: [COUNT] or NULL. */
static pv_status frame(const struct model *m, struct state *s, uint64_t seed, float *result)
{
    const struct pv_op_table *op = m->backend->op;
    const struct {
        float *dst;
        size_t count;
    } drawn[] = {{s->x, TOKENS * HIDDEN}, {s->k, SLOTS * TOKENS * HIDDEN}, {s->v, SLOTS * TOKENS * HIDDEN},
                 {s->gate, HIDDEN},       {s->picture, PIXELS * CHANNELS}, {s->before, PIXELS * CHANNELS}};
    op->enter(s->stream);
    pv_status status = PV_OK;
    for (uint32_t i = 0; i < sizeof drawn / sizeof *drawn && status == PV_OK; i++)
        status = op->noise(s->stream, &(struct pv_noise){drawn[i].dst, drawn[i].count, seed, i, 0, 0, 1, NULL});
    if (status == PV_OK)
        status = tokens_forward(m, s, PV_ATTENTION_JOINT, 1);
    if (status == PV_OK)
        status = tokens_forward(m, s, PV_ATTENTION_TIME, SLOTS);
    if (status == PV_OK)
        status = picture_forward(m, s);
    op->leave(s->stream);
    if (result) {
        memcpy(result, s->x, sizeof s->x);
        memcpy(result + TOKENS * HIDDEN, s->large, sizeof s->large);
    }
    return status;
}

/* ---- tests ---- */

Test(threads, one_and_two_agree_to_rounding_and_each_repeats_itself)
{
    static float first[2][COUNT], again[COUNT];
    for (int threads = 1; threads <= 2; threads++) {
        struct model m;
        model_open(&m, threads);
        struct state *s = state_open(&m);
        cr_assert_eq(frame(&m, s, 42, first[threads - 1]), PV_OK, "%s", s->error.text);
        for (int i = 0; i < 3; i++) {
            cr_assert_eq(frame(&m, s, 42, again), PV_OK, "%s", s->error.text);
            cr_assert_arr_eq(again, first[threads - 1], sizeof again);
        }
        state_close(s);
        model_close(&m);
    }
    float scale = 0, worst = 0;
    for (int i = 0; i < COUNT; i++) {
        scale = fmaxf(scale, fabsf(first[0][i]));
        worst = fmaxf(worst, fabsf(first[0][i] - first[1][i]));
    }
    cr_assert(worst <= 1e-5f * scale, "off by %g of %g", (double)worst, (double)scale);
}

/* All of it but oneDNN's products: bytes are the same for any number of threads. */
Test(threads, noise_and_attention_are_the_same_bytes_for_any_number)
{
    enum { Q = 200 * 64, KV = 3 * Q };
    static float q[Q], kv[KV], one[Q], many[Q];
    for (int threads = 1; threads <= 4; threads++) {
        struct model m;
        model_open(&m, threads);
        struct state *s = state_open(&m);
        const struct pv_op_table *op = m.backend->op;
        op->enter(s->stream);
        cr_assert_eq(op->noise(s->stream, &(struct pv_noise){.dst = q, .count = Q, .seed = 5, .takes = 1}), PV_OK);
        cr_assert_eq(op->noise(s->stream, &(struct pv_noise){.dst = kv, .count = KV, .seed = 6, .takes = 1}), PV_OK);
        cr_assert_eq(op->attention(s->stream, &(struct pv_attention){.dst = threads == 1 ? one : many,
                                                                     .q = q,
                                                                     .k = kv,
                                                                     .v = kv,
                                                                     .takes = 1,
                                                                     .tokens = 200,
                                                                     .slots = 3,
                                                                     .heads = 1,
                                                                     .kv_heads = 1,
                                                                     .head_dim = 64,
                                                                     .scale = 0.125f}),
                     PV_OK);
        op->leave(s->stream);
        if (threads > 1)
            cr_assert_arr_eq(many, one, sizeof one, "%d threads", threads);
        state_close(s);
        model_close(&m);
    }
}

struct job {
    const struct model *model;
    struct state *state;
    uint64_t seed;
    float *result;
    pv_status status;
};

static void *work(void *data)
{
    struct job *j = data;
    j->status = PV_OK;
    for (int i = 0; i < 8 && j->status == PV_OK; i++)
        j->status = frame(j->model, j->state, j->seed, j->result);
    return NULL;
}

/* The weights are new: both streams ask for their layouts at once. */
Test(threads, two_streams_at_once_compute_what_each_computes_alone)
{
    static float alone[2][COUNT], together[2][COUNT];
    struct model m;
    model_open(&m, 2);
    struct job job[2];
    pthread_t thread[2];
    for (uint64_t i = 0; i < 2; i++)
        job[i] = (struct job){&m, state_open(&m), 100 + i, together[i], PV_OK};
    for (int i = 0; i < 2; i++)
        cr_assert_eq(pthread_create(&thread[i], NULL, work, &job[i]), 0);
    for (int i = 0; i < 2; i++) {
        pthread_join(thread[i], NULL);
        cr_assert_eq(job[i].status, PV_OK, "%s", job[i].state->error.text);
        cr_assert_eq(frame(&m, job[i].state, job[i].seed, alone[i]), PV_OK);
        cr_assert_arr_eq(together[i], alone[i], sizeof alone[i]);
        state_close(job[i].state);
    }
    model_close(&m);
}

Test(threads, the_callers_openmp_settings_are_restored)
{
    struct model m;
    model_open(&m, 2);
    struct state *s = state_open(&m);
    omp_set_num_threads(5);
    omp_set_dynamic(1);
    m.backend->op->enter(s->stream);
    cr_assert_eq(omp_get_max_threads(), 2);
    m.backend->op->leave(s->stream);
    cr_assert_eq(omp_get_max_threads(), 5);
    cr_assert(omp_get_dynamic());
    state_close(s);
    model_close(&m);
}

/* Results below the smallest normal float are kept, so nobody has set flush-to-zero on this thread. */
Test(threads, the_caller_keeps_its_subnormal_numbers)
{
    struct model m;
    model_open(&m, 2);
    struct state *s = state_open(&m);
    cr_assert_eq(frame(&m, s, 1, NULL), PV_OK);
    volatile float tiny = 1e-38f;
    tiny = tiny * 0.01f;
    cr_assert_neq(tiny, 0);
    state_close(s);
    model_close(&m);
}

/* ---- memory ---- */

/* A sanitizer has its own malloc, and keeps it. */
#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED
#endif

#if !defined(SANITIZED)
/* Counts what is asked for in pieces of a page and more. oneDNN makes a list of a call's arguments from small ones,
 * which go back at once; features, scratch memory and compiled code are large. */
static atomic_int large_pieces;
enum { LARGE = 4096 };

static void *next_function(const char *name)
{
    return dlsym(RTLD_NEXT, name);
}

void *malloc(size_t bytes)
{
    static void *(*next)(size_t);
    if (!next)
        *(void **)&next = next_function("malloc");
    if (bytes >= LARGE)
        large_pieces++;
    return next(bytes);
}

void *aligned_alloc(size_t alignment, size_t bytes)
{
    static void *(*next)(size_t, size_t);
    if (!next)
        *(void **)&next = next_function("aligned_alloc");
    if (bytes >= LARGE)
        large_pieces++;
    return next(alignment, bytes);
}

int posix_memalign(void **memory, size_t alignment, size_t bytes)
{
    static int (*next)(void **, size_t, size_t);
    if (!next)
        *(void **)&next = next_function("posix_memalign");
    if (bytes >= LARGE)
        large_pieces++;
    return next(memory, alignment, bytes);
}

Test(threads, a_frame_like_the_one_before_asks_for_no_memory)
{
    struct model m;
    model_open(&m, 2);
    struct state *s = state_open(&m);
    const int before = large_pieces;
    cr_assert_eq(frame(&m, s, 1, NULL), PV_OK);
    cr_assert(large_pieces > before, "the count does not count");
    const int warm = large_pieces;
    for (uint64_t i = 0; i < 20; i++)
        cr_assert_eq(frame(&m, s, i, NULL), PV_OK);
    cr_assert_eq(large_pieces, warm);
    state_close(s);
    model_close(&m);
}
#endif
