/* Rollouts on the CUDA backend that PV_TEST_BACKEND names: recorded frames are those of one launch an op, byte for
 * byte, and all are near the CPU's. */
#include <string.h>

#include "observed.h"

enum { WINDOW = 5, PERIOD = 3 * WINDOW };

TestSuite(kernels_recorded, .timeout = 300);

/* The model's table with one op counted. */
static struct pv_op_table counted;
static pv_status (*linear)(struct pv_stream *s, const struct pv_linear *p);
static int calls;

static pv_status count_linear(struct pv_stream *s, const struct pv_linear *p)
{
    calls++;
    return linear(s, p);
}

static void count_calls(pv_model *model)
{
    counted = *model->backend->op;
    linear = counted.linear;
    counted.linear = count_linear;
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
        compare(recorded, metered, files[i], WINDOW - SENT + PERIOD + 4);
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
    for (int i = SENT; i < WINDOW + PERIOD; i++)
        cr_expect_gt(calls_of(r), 0, "frame %d was replayed before it was recorded", i);
    for (int i = 0; i < PERIOD; i++)
        cr_expect_eq(calls_of(r), 0, "frame %d called ops", WINDOW + PERIOD + i);
    pv_rollout_close(r);
    pv_model_close(model);
}

Test(kernels_recorded, another_seed_is_another_recording)
{
    static uint8_t before[FRAME_BYTES], after[FRAME_BYTES];
    pv_model *model = golden_model("plain.safetensors", tested_backend(), 1);
    count_calls(model);
    pv_rollout *r = start(model), *fork;
    for (int i = SENT; i < WINDOW + PERIOD; i++)
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
