/* ops.c: how long each op takes at the shapes of the nano and the flagship model: `prevue-bench-ops [backend
 * [threads]]`.
 *
 * Prints a table: shortest and median time of a call, operations and bytes a second at the shortest, and the share of
 * what a large matrix product reaches on the same backend just before. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "backend/op.h"

enum { SAMPLES_MIN = 11, SAMPLES_MAX = 1001, ARENA_FLOATS = 24 << 20 };

/* A sample is as many calls as the first takes: short, so that some find the machine quiet. An op has the second. */
static const double sample_seconds = 50e-6, op_seconds = 0.25;

struct bench {
    struct pv_backend *backend;
    struct pv_stream *stream;
    struct pv_error error;
    char *arena; /* what ops read and write, ARENA_FLOATS activations */
    size_t used; /* bytes of it */
    double peak; /* operations a second */
};

/* One op with its parameters. */
struct call {
    enum { LINEAR, CONV, NORM, ADD, QKV, ATTENTION, COMBINE, NOISE, UNSHUFFLE, SHUFFLE, LATENT_IN } op;
    union {
        struct pv_linear linear;
        struct pv_conv conv;
        struct pv_norm_modulate norm;
        struct pv_add add;
        struct pv_qkv qkv;
        struct pv_attention attention;
        struct pv_combine combine;
        struct pv_noise noise;
        struct pv_unshuffle unshuffle;
        struct pv_shuffle shuffle;
        struct pv_latent_in latent_in;
    } p;
};

static void check(const struct bench *b, pv_status status)
{
    if (status != PV_OK) {
        fprintf(stderr, "prevue-bench-ops: %s\n", b->error.text);
        exit(1);
    }
}

static pv_status run(const struct bench *b, const struct call *c)
{
    const struct pv_op_table *op = b->backend->op;
    switch (c->op) {
    case LINEAR: return op->linear(b->stream, &c->p.linear);
    case CONV: return op->conv(b->stream, &c->p.conv);
    case NORM: return op->norm_modulate(b->stream, &c->p.norm);
    case ADD: return op->add(b->stream, &c->p.add);
    case QKV: return op->qkv(b->stream, &c->p.qkv);
    case ATTENTION: return op->attention(b->stream, &c->p.attention);
    case COMBINE: return op->combine(b->stream, &c->p.combine);
    case NOISE: return op->noise(b->stream, &c->p.noise);
    case UNSHUFFLE: return op->unshuffle(b->stream, &c->p.unshuffle);
    case SHUFFLE: return op->shuffle(b->stream, &c->p.shuffle);
    case LATENT_IN: return op->latent_in(b->stream, &c->p.latent_in);
    }
    return PV_ERR_INTERNAL;
}

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double calls_seconds(const struct bench *b, const struct call *c, int calls)
{
    const double start = seconds();
    for (int i = 0; i < calls; i++)
        check(b, run(b, c));
    check(b, b->backend->op->synchronize(b->stream));
    return seconds() - start;
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

struct timing {
    double shortest, median; /* seconds a call */
};

static struct timing measure(const struct bench *b, const struct call *c, double most_seconds)
{
    double sample[SAMPLES_MAX];
    calls_seconds(b, c, 3);
    const double start = seconds(), one = calls_seconds(b, c, 1);
    const int calls = one < sample_seconds ? (int)(sample_seconds / one) + 1 : 1;
    int count = 0;
    while (count < SAMPLES_MIN || (count < SAMPLES_MAX && seconds() - start < most_seconds))
        sample[count++] = calls_seconds(b, c, calls) / calls;
    qsort(sample, (size_t)count, sizeof *sample, by_value);
    return (struct timing){sample[0], sample[count / 2]};
}

/* operations and bytes: of one call. */
static void report(struct bench *b, const struct call *c, double operations, double bytes, const char *name, ...)
    PV_PRINTF(5, 6);

static void report(struct bench *b, const struct call *c, double operations, double bytes, const char *name, ...)
{
    char text[80];
    va_list args;
    va_start(args, name);
    vsnprintf(text, sizeof text, name, args);
    va_end(args);
    const struct timing t = measure(b, c, op_seconds);
    printf("%-46s %9.1f %9.1f %8.1f %5.0f %% %8.1f\n", text, 1e6 * t.shortest, 1e6 * t.median,
           1e-9 * operations / t.shortest, 100 * operations / t.shortest / b->peak, 1e-9 * bytes / t.shortest);
    fflush(stdout);
    b->used = 0;
}

/* count activations (or floats, which are no shorter) of the arena. */
static void *take(struct bench *b, size_t count)
{
    void *at = b->arena + b->used;
    b->used += (count * sizeof(float) + 255) / 256 * 256;
    if (b->used > (size_t)ARENA_FLOATS * sizeof(float)) {
        fprintf(stderr, "prevue-bench-ops: a case needs more than the arena has\n");
        exit(1);
    }
    return at;
}

static struct pv_weight *weight(struct bench *b, int out, int in, int size)
{
    const size_t count = (size_t)out * (size_t)in * (size_t)(size ? size * size : 1);
    float *value = malloc(count * sizeof *value);
    struct pv_weight *w = NULL;
    if (!value)
        exit(1);
    for (size_t i = 0; i < count; i++)
        value[i] = (float)(i % 17) / 170.0f - 0.05f;
    check(b, size ? b->backend->op->conv_weight(b->backend, value, NULL, out, in, size, &w, &b->error)
                  : b->backend->op->linear_weight(b->backend, value, NULL, out, in, &w, &b->error));
    free(value);
    return w;
}

/* ---- cases ---- */

static void linear(struct bench *b, int rows, int in, int out, bool gated, enum pv_activation activation,
                   const char *what)
{
    struct pv_weight *w = weight(b, out, in, 0);
    const size_t result = (size_t)rows * (size_t)out;
    void *dst = take(b, result);
    const struct call c = {LINEAR,
                           {.linear = {.dst = dst,
                                       .src = take(b, (size_t)rows * (size_t)in),
                                       .residual = gated ? dst : NULL,
                                       .gate = gated ? take(b, (size_t)out) : NULL,
                                       .weight = w,
                                       .rows = rows,
                                       .rows_per_gate = rows,
                                       .activation = activation}}};
    report(b, &c, 2.0 * (double)result * in,
           4.0 * ((double)result * (gated ? 2 : 1) + (double)rows * in + (double)in * out), "linear %d x %d -> %d %s",
           rows, in, out, what);
    b->backend->op->weight_free(b->backend, w);
}

static void conv(struct bench *b, int height, int width, int in, int out, int stride, int upsample, bool memory,
                 bool residual, const char *what)
{
    struct pv_weight *w = weight(b, out, memory ? 2 * in : in, 3);
    const size_t pixels = (size_t)height * (size_t)width;
    const size_t result = pixels * (size_t)(upsample * upsample) / (size_t)(stride * stride) * (size_t)out;
    const struct call c = {CONV,
                           {.conv = {.dst = take(b, result),
                                     .src = take(b, pixels * (size_t)in),
                                     .memory = memory ? take(b, pixels * (size_t)in) : NULL,
                                     .residual = residual ? take(b, result) : NULL,
                                     .weight = w,
                                     .batch = 1,
                                     .height = height,
                                     .width = width,
                                     .stride = stride,
                                     .upsample = upsample,
                                     .activation = PV_ACTIVATION_RELU}}};
    const double inputs = (double)pixels * in * (memory ? 2 : 1);
    report(b, &c, 18.0 * (double)result * in * (memory ? 2 : 1), 4.0 * (inputs + (double)result * (residual ? 2 : 1)),
           "conv 3x3 %d x %d, %d -> %d %s", height, width, in, out, what);
    b->backend->op->weight_free(b->backend, w);
}

static void attention(struct bench *b, enum pv_attention_kind kind, int tokens, int slots, int heads, int head_dim)
{
    const size_t row = (size_t)heads * (size_t)head_dim, cache = (size_t)slots * (size_t)tokens * row;
    const struct call c = {ATTENTION,
                           {.attention = {.dst = take(b, (size_t)tokens * row),
                                          .q = take(b, (size_t)tokens * row),
                                          .k = take(b, cache),
                                          .v = take(b, cache),
                                          .takes = 1,
                                          .tokens = tokens,
                                          .slots = slots,
                                          .heads = heads,
                                          .kv_heads = heads,
                                          .head_dim = head_dim,
                                          .scale = 0.125f,
                                          .kind = kind}}};
    const double keys = kind == PV_ATTENTION_JOINT ? (double)slots * tokens : slots;
    report(b, &c, 4.0 * tokens * keys * (double)row, 8.0 * ((double)cache + (double)tokens * (double)row),
           "attention %s %d tokens, %d slots, %d x %d", kind == PV_ATTENTION_JOINT ? "joint" : "time", tokens, slots,
           heads, head_dim);
}

static void tokens_between(struct bench *b, int tokens, int hidden, int head_dim)
{
    const size_t row = (size_t)hidden, all = (size_t)tokens * row;
    const struct call norm = {NORM,
                              {.norm = {.dst = take(b, all),
                                        .src = take(b, all),
                                        .shift = take(b, row),
                                        .scale = take(b, row),
                                        .rows = tokens,
                                        .dim = hidden,
                                        .rows_per_group = tokens,
                                        .norm = PV_NORM_RMS,
                                        .eps = 1e-6f}}};
    report(b, &norm, 6.0 * (double)all, 8.0 * (double)all, "norm_modulate %d x %d", tokens, hidden);
    const struct call qkv = {QKV,
                             {.qkv = {.q = take(b, all),
                                      .k = take(b, all),
                                      .v = take(b, all),
                                      .src = take(b, 3 * all),
                                      .q_norm = take(b, (size_t)head_dim),
                                      .k_norm = take(b, (size_t)head_dim),
                                      .rope = take(b, (size_t)tokens * (size_t)head_dim),
                                      .rope_rows = tokens,
                                      .takes = 1,
                                      .tokens = tokens,
                                      .heads = hidden / head_dim,
                                      .kv_heads = hidden / head_dim,
                                      .head_dim = head_dim,
                                      .eps = 1e-6f}}};
    report(b, &qkv, 14.0 * (double)all, 24.0 * (double)all, "qkv %d x %d", tokens, hidden);
    const struct call add = {
        ADD, {.add = {.dst = take(b, all), .a = take(b, all), .count = all, .activation = PV_ACTIVATION_SILU}}};
    report(b, &add, 20.0 * (double)all, 8.0 * (double)all, "add silu %d x %d", tokens, hidden);
}

static void transformer(struct bench *b, int tokens, int hidden, int window)
{
    linear(b, tokens, hidden, 3 * hidden, false, PV_ACTIVATION_NONE, "(qkv)");
    linear(b, tokens, hidden, hidden, true, PV_ACTIVATION_NONE, "gate + residual");
    linear(b, tokens, hidden, 4 * hidden, false, PV_ACTIVATION_GELU_TANH, "gelu");
    linear(b, tokens, 4 * hidden, hidden, true, PV_ACTIVATION_NONE, "gate + residual");
    linear(b, 1, hidden, 6 * hidden, false, PV_ACTIVATION_NONE, "(modulation)");
    attention(b, PV_ATTENTION_JOINT, tokens, 1, hidden / 64, 64);
    attention(b, PV_ATTENTION_TIME, tokens, window, hidden / 64, 64);
    tokens_between(b, tokens, hidden, 64);
}

/* The decoder's blocks at one size of picture, and the way to the next. */
static void codec_stage(struct bench *b, int height, int width, int channels, int next)
{
    conv(b, height, width, channels, channels, 1, 1, true, false, "memory");
    conv(b, height, width, channels, channels, 1, 1, false, false, "");
    conv(b, height, width, channels, channels, 1, 1, false, true, "residual");
    conv(b, height, width, channels, next, 1, 2, false, false, "upsample");
    conv(b, 2 * height, 2 * width, next, channels, 2, 1, false, false, "stride 2");
}

static void pictures(struct bench *b, int height, int width, int latent_channels)
{
    const size_t count = (size_t)height * (size_t)width * 3, latent = count / 192 * (size_t)latent_channels;
    const struct call in = {
        UNSHUFFLE,
        {.unshuffle = {.dst = take(b, count), .src = take(b, count), .height = height, .width = width, .r = 2}}};
    report(b, &in, (double)count, 5.0 * (double)count, "unshuffle %d x %d", height, width);
    const struct call out = {
        SHUFFLE, {.shuffle = {.dst = take(b, count), .src = take(b, count), .height = height, .width = width, .r = 2}}};
    report(b, &out, 2.0 * (double)count, 5.0 * (double)count, "shuffle %d x %d", height, width);
    const struct call noise = {NOISE, {.noise = {.dst = take(b, latent), .count = latent, .seed = 1}}};
    report(b, &noise, 60.0 * (double)latent, 4.0 * (double)latent, "noise %zu", latent);
    const struct call sum = {
        COMBINE,
        {.combine = {.dst = take(b, latent), .x = take(b, latent), .y = take(b, latent), .a = 1, .count = latent}}};
    report(b, &sum, 3.0 * (double)latent, 12.0 * (double)latent, "combine %zu", latent);
}

int main(int argc, char **argv)
{
    struct bench b = {0};
    const int threads = argc > 2 ? atoi(argv[2]) : 0;
    void *arena = NULL;
    check(&b, pv_backend_open(argc > 1 ? argv[1] : "cpu", threads, &b.backend, &b.error));
    check(&b, b.backend->op->stream_open(b.backend, &b.error, &b.stream));
    check(&b, b.backend->op->alloc(b.backend, (size_t)ARENA_FLOATS * sizeof(float), &arena, &b.error));
    b.arena = arena;
    b.backend->op->enter(b.stream);

    struct pv_weight *w = weight(&b, 512, 512, 0);
    const struct call large = {
        LINEAR,
        {.linear = {.dst = take(&b, 1 << 18), .src = take(&b, 1 << 18), .weight = w, .rows = 512, .rows_per_gate = 1}}};
    b.peak = 2.0 * (1 << 27) / measure(&b, &large, 8 * op_seconds).shortest;
    b.backend->op->weight_free(b.backend, w);
    b.used = 0;
    printf("backend %s, %d threads; linear 512 x 512 -> 512: %.1f GFLOP/s\n\n", b.backend->op->name, b.backend->threads,
           1e-9 * b.peak);
    printf("%-46s %9s %9s %8s %7s %8s\n", "op", "min us", "median us", "GFLOP/s", "peak", "GB/s");

    printf("nano\n");
    transformer(&b, 64, 192, 16);
    codec_stage(&b, 16, 16, 96, 48);
    codec_stage(&b, 32, 32, 48, 32);
    conv(&b, 64, 64, 32, 32, 1, 1, true, false, "memory");
    conv(&b, 64, 64, 32, 32, 1, 1, false, true, "residual");
    conv(&b, 64, 64, 32, 12, 1, 1, false, false, "(head)");
    conv(&b, 64, 64, 12, 32, 1, 1, false, false, "(stem)");
    pictures(&b, 128, 128, 8);

    printf("flagship\n");
    transformer(&b, 144, 384, 16);
    codec_stage(&b, 18, 32, 256, 128);
    codec_stage(&b, 36, 64, 128, 64);
    codec_stage(&b, 72, 128, 64, 32);
    conv(&b, 144, 256, 32, 32, 1, 1, true, false, "memory");
    conv(&b, 144, 256, 32, 32, 1, 1, false, true, "residual");
    conv(&b, 144, 256, 32, 12, 1, 1, false, false, "(head)");
    pictures(&b, 288, 512, 16);

    b.backend->op->leave(b.stream);
    b.backend->op->free(b.backend, arena);
    b.backend->op->stream_close(b.stream);
    pv_backend_close(b.backend);
    return 0;
}
