/* golden.c: reading recorded tensors and comparing with them. */
#include "golden.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct golden_path golden_path(const char *name)
{
    struct golden_path path;
    const char *folder = getenv("PV_TEST_GOLDEN"); /* where a test runs that was built elsewhere */
    snprintf(path.text, sizeof path.text, "%s/%s", folder ? folder : PV_GOLDEN_DIR, name);
    return path;
}

struct pv_safetensors *golden_open(const char *name)
{
    struct pv_safetensors *set;
    struct pv_error error = {.text = ""};
    const pv_status status = pv_safetensors_open(golden_path(name).text, PV_ERR_FORMAT, &set, &error);
    cr_assert(status == PV_OK, "%s", error.text);
    return set;
}

pv_model *golden_model(const char *name, const char *backend, int threads)
{
    pv_model_params params;
    pv_model_params_init(&params);
    params.backend = backend;
    params.threads = threads;
    pv_model *model;
    const pv_status status = pv_model_open(golden_path(name).text, &params, &model);
    cr_assert(status == PV_OK, "%s", pv_model_message(model));
    return model;
}

const struct pv_tensor_view *golden_view(const struct pv_safetensors *set, const char *name)
{
    const struct pv_tensor_view *view = pv_safetensors_find(set, name);
    cr_assert(view, "the recorded file has no tensor %s", name);
    return view;
}

float *golden_floats(const struct pv_safetensors *set, const char *name)
{
    const struct pv_tensor_view *view = golden_view(set, name);
    const size_t count = pv_tensor_elements(view);
    float *floats = malloc(count * sizeof *floats);
    struct pv_error error = {.text = ""};
    cr_assert(floats && pv_tensor_to_f32(view, floats, count, &error) == PV_OK, "%s", error.text);
    return floats;
}

void golden_expect_close(const float *found, const float *expected, size_t count, double tolerance, const char *what,
                         size_t i)
{
    double squares = 0, worst = 0;
    size_t at = 0;
    for (size_t j = 0; j < count; j++) {
        const double difference = fabs((double)found[j] - (double)expected[j]);
        squares += (double)expected[j] * (double)expected[j];
        if (!(difference <= worst)) { /* also when it is NaN */
            worst = difference;
            at = j;
        }
    }
    const double bound = tolerance * sqrt(squares / (double)count);
    if (getenv("PV_GOLDEN_VERBOSE"))
        fprintf(stderr, "%s %zu: relative error %.2e\n", what, i, worst / sqrt(squares / (double)count));
    cr_assert(worst <= bound, "%s %zu: element %zu is %.9g, expected %.9g; off by %.3g, allowed %.3g", what, i, at,
              (double)found[at], (double)expected[at], worst, bound);
}

void golden_expect_bytes(const uint8_t *found, const uint8_t *expected, size_t count, const char *what, size_t i)
{
    size_t off = 0;
    for (size_t j = 0; j < count; j++) {
        cr_assert(abs(found[j] - expected[j]) <= 1, "%s %zu: byte %zu is %d, expected %d", what, i, j, found[j],
                  expected[j]);
        off += found[j] != expected[j];
    }
    cr_assert(off <= count / 200, "%s %zu: %zu of %zu bytes are off by one", what, i, off, count);
}

static pv_action action_of(const pv_rollout *r, const float *values)
{
    return (pv_action){.values = values, .count = r->model->config.dynamics.action_size};
}

void golden_send(pv_rollout *r, const uint8_t *frames, size_t i, const float *action)
{
    const size_t row = (size_t)r->width * 3;
    uint8_t *bytes = malloc(row * (size_t)r->height);
    cr_assert(bytes);
    memcpy(bytes, frames + i * row * (size_t)r->height, row * (size_t)r->height);
    const pv_frame frame = {.data = bytes, .stride = row, .width = r->width, .height = r->height};
    const pv_action a = action_of(r, action);
    const pv_status status = pv_rollout_send(r, &frame, action ? &a : NULL);
    free(bytes);
    cr_assert(status == PV_OK, "%s", pv_rollout_message(r));
}

void golden_predict(pv_rollout *r, const float *action, uint8_t *bytes)
{
    pv_frame frame = {.data = bytes, .stride = (size_t)r->width * 3, .width = r->width, .height = r->height};
    const pv_action a = action_of(r, action);
    cr_assert(pv_rollout_predict(r, action ? &a : NULL) == PV_OK, "%s", pv_rollout_message(r));
    cr_assert(pv_rollout_receive(r, &frame) == PV_OK, "%s", pv_rollout_message(r));
}
