/* golden.h: what the model's tests share: recorded tensors, models to open, comparison with the worst element named. */
#ifndef PV_TESTS_GOLDEN_H
#define PV_TESTS_GOLDEN_H

#include "model/rollout.h"
#include "model/safetensors.h"

/* "<dir>/<name>", in a buffer of this call's own. */
struct golden_path {
    char text[512];
};
struct golden_path golden_path(const char *name);

/* Fails the test when it cannot be opened. */
struct pv_safetensors *golden_open(const char *name);
pv_model *golden_model(const char *name, const char *backend, int threads);

/* A tensor of the set: bytes or floats, by its type. Fails the test when it is missing. */
const struct pv_tensor_view *golden_view(const struct pv_safetensors *set, const char *name);
/* A copy as floats, the caller's to free. */
float *golden_floats(const struct pv_safetensors *set, const char *name);

/* The largest difference is at most tolerance times the root mean square of expected. what and i name it. */
void golden_expect_close(const float *found, const float *expected, size_t count, double tolerance, const char *what,
                         size_t i);
/* No byte is off by more than one, and at most one of 200 is off at all: rounding. */
void golden_expect_bytes(const uint8_t *found, const uint8_t *expected, size_t count, const char *what, size_t i);

/* Sends / receives frame i of a [frames][height][width][3] tensor. Plain wrappers that fail the test. */
void golden_send(pv_rollout *r, const uint8_t *frames, size_t i, const float *action);
/* Predicts and receives one frame into bytes [height][width][3]. */
void golden_predict(pv_rollout *r, const float *action, uint8_t *bytes);

#endif
