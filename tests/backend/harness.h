/* harness.h: runs an op on two backends over the same random values and compares: the manner of dav1d's checkasm.
 *
 * Side PLAIN is the reference backend, side TESTED the one named by the environment's PV_TEST_BACKEND (cpu when unset),
 * so one program tests every backend. Buffers live in each backend's own memory between guard bytes; outputs begin as
 * NaN. The seed is fresh for every run and printed; PV_TEST_SEED=n repeats one. */
#ifndef PV_TESTS_BACKEND_HARNESS_H
#define PV_TESTS_BACKEND_HARNESS_H

#include "backend/op.h"

enum { PLAIN, TESTED, SIDES };

struct harness {
    struct pv_backend *backend[SIDES];
    struct pv_stream *stream[SIDES];
    struct pv_error error;
    double tolerance; /* 1e-5 when the tested side computes with floats, 1e-2 when its activations are shorter */
};

enum kind {
    ACTIVATIONS, /* of the backend's element_bytes */
    FLOATS,      /* latents, norms, rotations */
    BYTES        /* pictures */
};

struct buffer {
    enum kind kind;
    size_t count;
    void *base[SIDES]; /* guard, elements, guard */
};

/* Fails the test when the tested backend cannot be opened. threads as in pv_backend_open. */
void harness_open(struct harness *h, int threads);
void harness_close(struct harness *h);

/* How often a test draws a case: most, or the environment's PV_TEST_ROUNDS, which is for slow backends. */
int harness_rounds(int most);
/* Are there cases of a model's size, too? Not when PV_TEST_ROUNDS is set. */
bool harness_large(void);
/* A number in low .. high, from the run's seed. */
int harness_pick(int low, int high);
bool harness_coin(void);
/* Uniform in -scale .. scale. */
void harness_fill(float *value, size_t count, float scale);

/* Random values, the same on both sides. */
struct buffer buffer_random(struct harness *h, enum kind kind, size_t count, float scale);
/* These values on both sides. */
struct buffer buffer_from(struct harness *h, enum kind kind, const float *value, size_t count);
/* Poison: NaN, or 0xff bytes. */
struct buffer buffer_poison(struct harness *h, enum kind kind, size_t count);
void buffer_free(struct harness *h, struct buffer *b);
/* The first element on one side; NULL when the buffer has none. */
void *at(const struct buffer *b, int side);
/* All elements of one side as floats. */
void buffer_read(struct harness *h, const struct buffer *b, int side, float *value);

/* Both sides' weight of the same random values, which the tested side's elements hold exactly. */
struct weights {
    struct pv_weight *side[SIDES];
};
/* size 0 = a matrix. */
struct weights weights_random(struct harness *h, int out, int in, int size, bool bias);
void weights_free(struct harness *h, struct weights *w);

/* Guards are whole, and no element of the tested side is further from the plain one than tolerance times the largest
 * plain magnitude. Otherwise the test fails with the worst element, its index and both values. what: the op and its
 * shape, as printf. */
void harness_compare(struct harness *h, const struct buffer *b, double tolerance, const char *what, ...)
    PV_PRINTF(4, 5);

/* Runs one op, by name, on both sides between enter and leave; each is given as a parameter struct of its side. */
#define HARNESS_RUN(h, op_name, parameters)                                                                            \
    for (int side = PLAIN; side < SIDES; side++) {                                                                     \
        const struct pv_op_table *table_ = (h)->backend[side]->op;                                                     \
        table_->enter((h)->stream[side]);                                                                              \
        const pv_status status_ = table_->op_name((h)->stream[side], &(parameters));                                   \
        const pv_status finished_ = table_->synchronize((h)->stream[side]);                                            \
        table_->leave((h)->stream[side]);                                                                              \
        cr_assert_eq(status_, PV_OK, "%s: " #op_name ": %s", table_->name, (h)->error.text);                           \
        cr_assert_eq(finished_, PV_OK, "%s: " #op_name ": %s", table_->name, (h)->error.text);                         \
    }

#endif
