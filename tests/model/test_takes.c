/* Takes side by side: a rollout of several predicts what forks of it would one by one, whatever the model's kind of
 * state, and can be saved, loaded, forked and received frame by frame like any other. On every backend. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/scratch_folder.h"
#include "golden.h"

enum { SIDE = 32, FRAME_BYTES = SIDE * SIDE * 3, SENT = 3, TAKES = 3, FUTURE = 8 /* past the window of 5 */ };

static uint8_t observed[(SENT + 1) * FRAME_BYTES];
static const float action[3] = {0.3f, -9.8f, 1};

static pv_rollout *start(pv_model *model)
{
    pv_rollout_params params;
    pv_rollout_params_init(&params);
    params.seed = 11;
    params.take = 4;
    params.width = params.height = SIDE;
    pv_rollout *r;
    cr_assert(pv_rollout_open(model, &params, &r) == PV_OK, "%s", pv_rollout_message(r));
    for (int i = 0; i < (SENT + 1) * FRAME_BYTES; i++)
        observed[i] = (uint8_t)(128 + 100 * sin(0.013 * i + 0.7 * (i / FRAME_BYTES)));
    for (size_t i = 0; i < SENT; i++)
        golden_send(r, observed, i, r->model->config.dynamics.action_size ? action : NULL);
    return r;
}

static pv_rollout *spread(pv_rollout *r)
{
    pv_rollout *takes;
    cr_assert(pv_rollout_fork_takes(r, TAKES, &takes) == PV_OK, "%s", pv_rollout_message(takes));
    return takes;
}

static void predict(pv_rollout *r)
{
    cr_assert(pv_rollout_predict(r, NULL) == PV_OK, "%s", pv_rollout_message(r));
}

/* The next waiting frame, which must be this take's of this index. */
static void receive(pv_rollout *r, int take, int index, uint8_t *bytes)
{
    pv_frame frame = {.data = bytes, .stride = 3 * SIDE, .width = SIDE, .height = SIDE};
    cr_assert(pv_rollout_receive(r, &frame) == PV_OK, "%s", pv_rollout_message(r));
    cr_assert_eq(frame.take, take);
    cr_assert_eq(frame.index, index);
}

static void expect_near(const uint8_t *a, const uint8_t *b, int tolerance, const char *what, int take, int frame)
{
    for (int i = 0; i < FRAME_BYTES; i++)
        cr_assert(abs(a[i] - b[i]) <= tolerance, "%s: take %d, frame %d, byte %d is %d, expected %d", what, take, frame,
                  i, a[i], b[i]);
}

/* All frames of a rollout of several takes: [FUTURE][TAKES]. An observed frame comes in the middle. */
static void run_together(pv_rollout *takes, uint8_t *frames)
{
    for (int i = 0; i < FUTURE; i++) {
        if (i == FUTURE / 2)
            golden_send(takes, observed, SENT, NULL);
        predict(takes);
        for (int t = 0; t < TAKES; t++)
            receive(takes, t, i, frames + (size_t)(i * TAKES + t) * FRAME_BYTES);
    }
}

static void compare_with_forks(const char *file, const char *backend)
{
    static uint8_t together[FUTURE * TAKES * FRAME_BYTES], alone[FRAME_BYTES];
    pv_model *model = golden_model(file, backend, 2);
    pv_rollout *r = start(model), *takes = spread(r);
    run_together(takes, together);
    pv_rollout_close(takes);
    for (int t = 0; t < TAKES; t++) {
        pv_rollout *fork;
        cr_assert_eq(pv_rollout_fork(r, &fork), PV_OK);
        cr_assert_eq(pv_rollout_set_take(fork, 11 + (uint64_t)t, 4), PV_OK);
        for (int i = 0; i < FUTURE; i++) {
            if (i == FUTURE / 2)
                golden_send(fork, observed, SENT, NULL);
            predict(fork);
            receive(fork, 0, i, alone);
            expect_near(together + (size_t)(i * TAKES + t) * FRAME_BYTES, alone, 1, file, t, i);
        }
        pv_rollout_close(fork);
    }
    cr_expect_neq(memcmp(together, together + FRAME_BYTES, FRAME_BYTES), 0, "%s: two takes are the same", file);
    pv_rollout_close(r);
    pv_model_close(model);
}

Test(takes, together_predict_what_forks_predict_one_by_one)
{
    static const char *const models[] = {"plain.safetensors", "layer_norm.safetensors", "grouped.safetensors",
                                         "deep_codec.safetensors", "space_only.safetensors"};
    for (size_t i = 0; i < sizeof models / sizeof models[0]; i++) {
        compare_with_forks(models[i], "cpu");
        if (i < 2)
            compare_with_forks(models[i], "reference");
    }
}

Test(takes, are_saved_and_forked_in_the_middle_of_being_received)
{
    static uint8_t expected[FRAME_BYTES], found[FRAME_BYTES];
    const struct folder folder = folder_open();
    const char *path = folder_path(&folder, "state");
    pv_model *model = golden_model("plain.safetensors", "cpu", 2);
    pv_rollout *r = start(model), *takes = spread(r), *copies[2];
    predict(takes);
    receive(takes, 0, 0, found);
    cr_assert(pv_rollout_save(takes, path) == PV_OK, "%s", pv_rollout_message(takes));
    cr_assert_eq(pv_rollout_fork(takes, &copies[0]), PV_OK);
    cr_assert(pv_rollout_load(model, path, NULL, &copies[1]) == PV_OK, "%s", pv_rollout_message(copies[1]));
    for (int step = 0; step < 3; step++) {
        for (int t = step == 0; t < TAKES; t++) {
            receive(takes, t, step, expected);
            for (int i = 0; i < 2; i++) {
                receive(copies[i], t, step, found);
                expect_near(found, expected, 0, i ? "loaded" : "forked", t, step);
            }
        }
        cr_assert_eq(
            pv_rollout_receive(takes, &(pv_frame){.data = found, .stride = 3 * SIDE, .width = SIDE, .height = SIDE}),
            PV_AGAIN);
        predict(takes);
        predict(copies[0]);
        predict(copies[1]);
    }
    pv_rollout_close(copies[0]);
    pv_rollout_close(copies[1]);
    pv_rollout_close(takes);
    pv_rollout_close(r);
    pv_model_close(model);
    folder_close(&folder);
}

Test(takes, refuse_what_cannot_be_spread)
{
    pv_model *model = golden_model("plain.safetensors", "cpu", 1);
    pv_rollout *r = start(model), *takes, *none;
    static const int counts[] = {0, -1, 1025};
    for (int i = 0; i < 3; i++) {
        cr_expect_eq(pv_rollout_fork_takes(r, counts[i], &none), PV_ERR_ARGUMENT);
        cr_expect(strstr(pv_rollout_message(none), "takes"), "%s", pv_rollout_message(none));
        pv_rollout_close(none);
    }
    takes = spread(r);
    cr_expect_eq(pv_rollout_fork_takes(takes, 2, &none), PV_ERR_ARGUMENT);
    cr_expect(strstr(pv_rollout_message(none), "3 takes"), "%s", pv_rollout_message(none));
    pv_rollout_close(none);
    predict(r);
    cr_expect_eq(pv_rollout_fork_takes(r, 2, &none), PV_AGAIN);
    cr_expect(strstr(pv_rollout_message(none), "receive"), "%s", pv_rollout_message(none));
    pv_rollout_close(none);
    cr_expect_eq(pv_rollout_fork_takes(NULL, 2, &none), PV_ERR_ARGUMENT);
    cr_expect_null(none);
    pv_rollout_close(takes);
    pv_rollout_close(r);
    pv_model_close(model);
}
