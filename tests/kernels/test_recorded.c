/* Rollouts on the CUDA backend that PV_TEST_BACKEND names: recorded frames are those of one launch an op, byte for
 * byte, and all are near the CPU's. */
#include <pthread.h>
#include <string.h>

#include "observed.h"

/* After so many frames the same memory is used again; a round of them is launched one by one, a round is recorded. */
enum { PERIOD = 6 };

TestSuite(kernels_recorded, .timeout = 300);

/* The model's table with two ops counted: one of the dynamics, one of the codec. */
static struct pv_op_table counted;
static const struct pv_op_table *uncounted;
static int calls;

static pv_status count_linear(struct pv_stream *s, const struct pv_linear *p)
{
    calls++;
    return uncounted->linear(s, p);
}

static pv_status count_conv(struct pv_stream *s, const struct pv_conv *p)
{
    calls++;
    return uncounted->conv(s, p);
}

static void count_calls(pv_model *model)
{
    uncounted = model->backend->op;
    counted = *uncounted;
    counted.linear = count_linear;
    counted.conv = count_conv;
    model->backend->op = &counted;
}

/* Metered rollouts are never recorded. */
static void compare(pv_rollout *recorded, pv_rollout *metered, const char *file, int frames)
{
    static uint8_t found[FRAME_BYTES], expected[FRAME_BYTES];
    for (int i = 0; i < frames; i++) {
        golden_predict(recorded, NULL, found);
        golden_predict(metered, NULL, expected);
        cr_assert_arr_eq(found, expected, FRAME_BYTES, "%s: frame %d", file, i);
    }
}

static int calls_of(pv_rollout *r)
{
    static uint8_t frame[FRAME_BYTES];
    calls = 0;
    golden_predict(r, NULL, frame);
    return calls;
}

Test(kernels_recorded, recorded_frames_are_those_of_single_launches)
{
    static const char *const files[] = {"plain.safetensors", "deep_codec.safetensors"};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        pv_model *model = golden_model(files[i], tested_backend(), 1);
        pv_rollout *recorded = start(model), *metered = start(model);
        cr_assert_eq(pv_rollout_meter(metered, PV_METER_PARTS), PV_OK);
        compare(recorded, metered, files[i], 3 * PERIOD + 1);
        pv_rollout_close(recorded);
        pv_rollout_close(metered);
        pv_model_close(model);
    }
}

Test(kernels_recorded, a_replayed_frame_calls_no_op)
{
    pv_model *model = golden_model("plain.safetensors", tested_backend(), 1);
    count_calls(model);
    pv_rollout *r = start(model);
    for (int i = 0; i < 2 * PERIOD; i++)
        cr_expect_gt(calls_of(r), 0, "frame %d was replayed before it was recorded", i);
    for (int i = 2 * PERIOD; i < 4 * PERIOD; i++)
        cr_expect_eq(calls_of(r), 0, "frame %d called ops", i);
    pv_rollout_close(r);
    pv_model_close(model);
}

static void *open_another(void *unused)
{
    (void)unused;
    pv_model *model = golden_model("plain.safetensors", tested_backend(), 1);
    pv_rollout_close(start(model));
    pv_model_close(model);
    return NULL;
}

/* On a step of a frame, while it is recorded or not. */
static void let_another_thread_open(void *user, uint64_t done, uint64_t total)
{
    (void)user, (void)done, (void)total;
    pthread_t thread;
    cr_assert_eq(pthread_create(&thread, NULL, open_another, NULL), 0);
    cr_assert_eq(pthread_join(thread, NULL), 0);
}

Test(kernels_recorded, what_other_threads_allocate_disturbs_no_recording)
{
    pv_model *model = golden_model("plain.safetensors", tested_backend(), 1);
    count_calls(model);
    pv_rollout *r = start(model);
    r->callbacks.progress = let_another_thread_open;
    for (int i = 0; i < 2 * PERIOD; i++)
        calls_of(r);
    cr_expect_eq(calls_of(r), 0, "no frame was recorded");
    pv_rollout_close(r);
    pv_model_close(model);
}

Test(kernels_recorded, another_seed_is_another_recording)
{
    static uint8_t before[FRAME_BYTES], after[FRAME_BYTES];
    pv_model *model = golden_model("plain.safetensors", tested_backend(), 1);
    count_calls(model);
    pv_rollout *r = start(model), *fork;
    for (int i = 0; i < 2 * PERIOD; i++)
        calls_of(r);
    cr_assert_eq(pv_rollout_fork(r, &fork), PV_OK);
    cr_assert_eq(pv_rollout_set_take(r, 12, 0), PV_OK);
    cr_assert_eq(pv_rollout_set_take(fork, 12, 0), PV_OK);
    golden_predict(r, NULL, before);
    golden_predict(fork, NULL, after);
    cr_expect_arr_eq(before, after, FRAME_BYTES);
    pv_rollout_close(fork);
    pv_rollout_close(r);
    pv_model_close(model);
}
