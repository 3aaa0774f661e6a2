/* harness.c: the pair of backends, their guarded buffers, and the comparison. */
#include "backend/harness.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fresh_seed.h"
#include "base/random.h"

enum { GUARD = 256, GUARD_BYTE = 0xa5, POISON_BYTE = 0xff };

/* ---- random ---- */

static struct {
    uint32_t counter[4], key[2];
    uint32_t word[4];
    int left;
    bool seeded;
} random_state; /* a test program has one thread of tests, each in a process of its own */

static uint32_t random_word(void)
{
    if (!random_state.seeded) {
        const uint64_t seed = fresh_seed();
        random_state.key[0] = (uint32_t)seed;
        random_state.key[1] = (uint32_t)(seed >> 32);
        random_state.seeded = true;
    }
    if (random_state.left == 0) {
        pv_philox(random_state.counter, random_state.key, random_state.word);
        random_state.counter[0]++;
        random_state.left = 4;
    }
    return random_state.word[--random_state.left];
}

int harness_rounds(int most)
{
    const char *wanted = getenv("PV_TEST_ROUNDS");
    const int rounds = wanted ? atoi(wanted) : most;
    return rounds > 0 && rounds < most ? rounds : most;
}

bool harness_large(void)
{
    return !getenv("PV_TEST_ROUNDS");
}

int harness_pick(int low, int high)
{
    return low + (int)(random_word() % (uint32_t)(high - low + 1));
}

bool harness_coin(void)
{
    return random_word() >> 31;
}

void harness_fill(float *value, size_t count, float scale)
{
    for (size_t i = 0; i < count; i++)
        value[i] = scale * (2.0f * pv_uniform_from_bits(random_word()) - 1.0f);
}

/* ---- backends ---- */

void harness_open(struct harness *h, int threads)
{
    const char *wanted = getenv("PV_TEST_BACKEND");
    const char *name[SIDES] = {"reference", wanted ? wanted : "cpu"};
    *h = (struct harness){0};
    for (int side = PLAIN; side < SIDES; side++) {
        cr_assert_eq(pv_backend_open(name[side], threads, &h->backend[side], &h->error), PV_OK, "%s", h->error.text);
        cr_assert_eq(h->backend[side]->op->stream_open(h->backend[side], &h->error, &h->stream[side]), PV_OK, "%s",
                     h->error.text);
    }
    h->tolerance = h->backend[TESTED]->element_bytes == sizeof(float) ? 1e-5 : 1e-2;
}

void harness_close(struct harness *h)
{
    for (int side = PLAIN; side < SIDES; side++) {
        h->backend[side]->op->stream_close(h->stream[side]);
        pv_backend_close(h->backend[side]);
    }
}

/* ---- buffers ---- */

static size_t element_bytes(const struct harness *h, enum kind kind, int side)
{
    return kind == BYTES ? 1 : kind == FLOATS ? sizeof(float) : h->backend[side]->element_bytes;
}

void *at(const struct buffer *b, int side)
{
    return b->base[side] ? (char *)b->base[side] + GUARD : NULL;
}

struct buffer buffer_poison(struct harness *h, enum kind kind, size_t count)
{
    struct buffer b = {.kind = kind, .count = count};
    for (int side = PLAIN; side < SIDES; side++) {
        const struct pv_op_table *op = h->backend[side]->op;
        const size_t bytes = count * element_bytes(h, kind, side), whole = bytes + (size_t)2 * GUARD;
        unsigned char *host = malloc(whole);
        cr_assert(host);
        memset(host, GUARD_BYTE, whole);
        memset(host + GUARD, POISON_BYTE, bytes);
        cr_assert_eq(op->alloc(h->backend[side], whole, &b.base[side], &h->error), PV_OK, "%s", h->error.text);
        cr_assert_eq(op->upload(h->stream[side], b.base[side], host, whole), PV_OK, "%s", h->error.text);
        cr_assert_eq(op->synchronize(h->stream[side]), PV_OK, "%s", h->error.text);
        free(host);
    }
    return b;
}

static void write_side(struct harness *h, const struct buffer *b, int side, const float *value)
{
    const struct pv_op_table *op = h->backend[side]->op;
    pv_status status = PV_OK;
    if (b->kind == ACTIVATIONS) {
        status = op->upload_activations(h->stream[side], at(b, side), value, b->count);
    } else if (b->kind == FLOATS) {
        status = op->upload(h->stream[side], at(b, side), value, b->count * sizeof(float));
    } else {
        uint8_t *byte = malloc(b->count);
        cr_assert(byte);
        for (size_t i = 0; i < b->count; i++)
            byte[i] = (uint8_t)value[i];
        status = op->upload(h->stream[side], at(b, side), byte, b->count);
        op->synchronize(h->stream[side]);
        free(byte);
    }
    cr_assert_eq(status, PV_OK, "%s", h->error.text);
    cr_assert_eq(op->synchronize(h->stream[side]), PV_OK, "%s", h->error.text);
}

void buffer_read(struct harness *h, const struct buffer *b, int side, float *value)
{
    const struct pv_op_table *op = h->backend[side]->op;
    pv_status status = PV_OK;
    if (b->kind == ACTIVATIONS) {
        status = op->download_activations(h->stream[side], value, at(b, side), b->count);
    } else if (b->kind == FLOATS) {
        status = op->download(h->stream[side], value, at(b, side), b->count * sizeof(float));
    } else {
        uint8_t *byte = malloc(b->count);
        cr_assert(byte);
        status = op->download(h->stream[side], byte, at(b, side), b->count);
        op->synchronize(h->stream[side]);
        for (size_t i = 0; i < b->count; i++)
            value[i] = byte[i];
        free(byte);
    }
    cr_assert_eq(status, PV_OK, "%s", h->error.text);
    cr_assert_eq(op->synchronize(h->stream[side]), PV_OK, "%s", h->error.text);
}

/* The tested side is written first: when its elements are shorter, the plain side is given what was left of them. */
static struct buffer buffer_keep(struct harness *h, enum kind kind, float *value, size_t count)
{
    struct buffer b = buffer_poison(h, kind, count);
    write_side(h, &b, TESTED, value);
    buffer_read(h, &b, TESTED, value);
    write_side(h, &b, PLAIN, value);
    return b;
}

struct buffer buffer_from(struct harness *h, enum kind kind, const float *value, size_t count)
{
    float *kept = malloc((count ? count : 1) * sizeof *kept);
    cr_assert(kept);
    if (count > 0)
        memcpy(kept, value, count * sizeof *kept);
    const struct buffer b = buffer_keep(h, kind, kept, count);
    free(kept);
    return b;
}

struct buffer buffer_random(struct harness *h, enum kind kind, size_t count, float scale)
{
    float *value = malloc((count ? count : 1) * sizeof *value);
    cr_assert(value);
    if (kind == BYTES)
        for (size_t i = 0; i < count; i++)
            value[i] = (float)harness_pick(0, 255);
    else
        harness_fill(value, count, scale);
    const struct buffer b = buffer_from(h, kind, value, count);
    free(value);
    return b;
}

void buffer_free(struct harness *h, struct buffer *b)
{
    for (int side = PLAIN; side < SIDES; side++) {
        h->backend[side]->op->free(h->backend[side], b->base[side]);
        b->base[side] = NULL;
    }
}

/* ---- weights ---- */

struct weights weights_random(struct harness *h, int out, int in, int size, bool bias)
{
    const size_t count = (size_t)out * (size_t)in * (size_t)(size ? size * size : 1);
    float *value = malloc(count * sizeof *value), *offset = malloc((size_t)out * sizeof *offset);
    cr_assert(value && offset);
    harness_fill(value, count, 1.0f);
    harness_fill(offset, (size_t)out, 1.0f);
    struct buffer held = buffer_keep(h, ACTIVATIONS, value, count);
    buffer_free(h, &held);
    struct weights w = {{NULL}};
    for (int side = PLAIN; side < SIDES; side++) {
        struct pv_backend *b = h->backend[side];
        const pv_status status =
            size ? b->op->conv_weight(b, value, bias ? offset : NULL, out, in, size, &w.side[side], &h->error)
                 : b->op->linear_weight(b, value, bias ? offset : NULL, out, in, &w.side[side], &h->error);
        cr_assert_eq(status, PV_OK, "%s", h->error.text);
    }
    free(value);
    free(offset);
    return w;
}

void weights_free(struct harness *h, struct weights *w)
{
    for (int side = PLAIN; side < SIDES; side++)
        h->backend[side]->op->weight_free(h->backend[side], w->side[side]);
}

/* ---- comparison ---- */

static void guards_check(struct harness *h, const struct buffer *b, const char *what)
{
    for (int side = PLAIN; side < SIDES; side++) {
        const struct pv_op_table *op = h->backend[side]->op;
        const size_t bytes = b->count * element_bytes(h, b->kind, side);
        for (int end = 0; end < 2; end++) {
            unsigned char guard[GUARD];
            const char *from = (const char *)b->base[side] + (end ? GUARD + bytes : 0);
            cr_assert_eq(op->download(h->stream[side], guard, from, GUARD), PV_OK, "%s", h->error.text);
            cr_assert_eq(op->synchronize(h->stream[side]), PV_OK, "%s", h->error.text);
            for (int i = 0; i < GUARD; i++)
                cr_assert_eq(guard[i], GUARD_BYTE, "%s: %s wrote %s its output, %d bytes from the guard's start", what,
                             op->name, end ? "behind" : "before", i);
        }
    }
}

void harness_compare(struct harness *h, const struct buffer *b, double tolerance, const char *what, ...)
{
    char shape[256];
    va_list args;
    va_start(args, what);
    vsnprintf(shape, sizeof shape, what, args);
    va_end(args);
    guards_check(h, b, shape);

    float *plain = malloc((b->count ? b->count : 1) * sizeof *plain);
    float *tested = malloc((b->count ? b->count : 1) * sizeof *tested);
    cr_assert(plain && tested);
    buffer_read(h, b, PLAIN, plain);
    buffer_read(h, b, TESTED, tested);
    double scale = 0, worst = -1;
    size_t where = 0;
    for (size_t i = 0; i < b->count; i++) {
        const double distance = fabs((double)tested[i] - plain[i]);
        scale = fmax(scale, fabs((double)plain[i]));
        if (!(distance <= worst)) { /* NaN is the worst of all, and stays */
            worst = isnan(distance) ? INFINITY : distance;
            where = i;
        }
    }
    cr_assert(worst <= tolerance * scale,
              "%s: element %zu of %zu is %.9g, the reference has %.9g: off by %.3g of the largest (%.3g), allowed %.3g",
              shape, where, b->count, (double)tested[where], (double)plain[where], worst / scale, scale, tolerance);
    free(plain);
    free(tested);
}
