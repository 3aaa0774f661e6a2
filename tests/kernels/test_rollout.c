/* test_rollout.c: a whole prediction of the shipped model is the CPU's, op after op through memory that only the
 * backend may touch. PV_TEST_BACKEND names the backend; PV_TEST_FRAMES=16 looks further ahead than the few frames that
 * the emulator has time for. */
#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>

#include <prevue/prevue.h>

#include "world/world.h"

TestSuite(kernels_rollout, .timeout = 240);

enum { SIDE = 64, SEEN = 3, AHEAD = 2, AHEAD_MOST = 16, BYTES = SIDE * SIDE * 3 };

static int ahead_count(void)
{
    const char *frames = getenv("PV_TEST_FRAMES");
    const int count = frames ? atoi(frames) : AHEAD;
    cr_assert(count > 0 && count <= AHEAD_MOST, "PV_TEST_FRAMES is %s", frames);
    return count;
}

/* A falling body. */
static void render(uint8_t seen[SEEN][BYTES])
{
    struct pv_world_params params;
    pv_world_params_init(&params, "drop");
    params.seed = PV_WORLD_HELD_OUT_SEED + 7000;
    params.frames = SEEN;
    params.width = params.height = SIDE;
    struct pv_error error = {{0}};
    struct pv_world *world = NULL;
    cr_assert_eq(pv_world_open(&params, &world, &error), PV_OK, "%s", error.text);
    for (int i = 0; i < SEEN; i++)
        cr_assert_eq(pv_world_next(world, seen[i], SIDE * 3, NULL, &error), PV_OK, "%s", error.text);
    pv_world_close(world);
}

static void predict(const char *backend, pv_mode mode, uint8_t seen[SEEN][BYTES], uint8_t ahead[AHEAD_MOST][BYTES])
{
    pv_model_params params;
    pv_model_params_init(&params);
    params.backend = backend;
    const char *file = getenv("PV_TEST_MODEL"); /* where the test runs that was built elsewhere */
    pv_model *model = NULL;
    cr_assert_eq(pv_model_open(file ? file : PV_MODELS_DIR "/nano.safetensors", &params, &model), PV_OK, "%s",
                 pv_model_message(model));
    pv_rollout_params how;
    pv_rollout_params_init(&how);
    how.width = how.height = SIDE;
    how.mode = mode;
    pv_rollout *rollout = NULL;
    cr_assert_eq(pv_rollout_open(model, &how, &rollout), PV_OK, "%s", pv_rollout_message(rollout));
    pv_frame frame = {.stride = SIDE * 3, .width = SIDE, .height = SIDE};
    for (int i = 0; i < SEEN; i++) {
        frame.data = seen[i];
        cr_assert_eq(pv_rollout_send(rollout, &frame, NULL), PV_OK, "%s", pv_rollout_message(rollout));
    }
    for (int i = 0; i < ahead_count(); i++) {
        frame.data = ahead[i];
        cr_assert_eq(pv_rollout_predict(rollout, NULL), PV_OK, "%s", pv_rollout_message(rollout));
        cr_assert_eq(pv_rollout_receive(rollout, &frame), PV_OK, "%s", pv_rollout_message(rollout));
    }
    pv_rollout_close(rollout);
    pv_model_close(model);
}

static const char *tested_backend(void)
{
    const char *backend = getenv("PV_TEST_BACKEND");
    cr_assert_not_null(backend, "PV_TEST_BACKEND names no backend");
    return backend;
}

/* Floats differ by the order of sums, which shows in no picture; bf16 has 8 bits of a number. */
Test(kernels_rollout, predicts_what_the_cpu_predicts)
{
    static uint8_t seen[SEEN][BYTES], plain[AHEAD_MOST][BYTES], tested[AHEAD_MOST][BYTES];
    const bool floats = strcmp(tested_backend(), "cuda-f32") == 0;
    render(seen);
    predict("cpu", PV_MODE_MEAN, seen, plain);
    predict(tested_backend(), PV_MODE_MEAN, seen, tested);
    for (int i = 0; i < ahead_count(); i++) {
        double mean = 0, motion = 0;
        int most = 0;
        for (int k = 0; k < BYTES; k++) {
            const int apart = abs(plain[i][k] - tested[i][k]), moved = plain[i][k] - seen[SEEN - 1][k];
            most = apart > most ? apart : most;
            mean += (double)apart / BYTES;
            motion += (double)moved * moved / BYTES;
        }
        cr_log_info("frame %d: at most %d of 255 apart, mean %g", i, most, mean);
        cr_expect_leq(most, floats ? 1 : 2, "frame %d: a value is %d of 255 apart", i, most);
        cr_expect_leq(mean, floats ? 0.01 : 0.5, "frame %d: %g of 255 apart in the mean", i, mean);
        cr_expect_gt(motion, 20.0, "frame %d is the last one seen", i);
    }
}

Test(kernels_rollout, the_same_seed_is_the_same_bytes)
{
    static uint8_t seen[SEEN][BYTES], once[AHEAD_MOST][BYTES], again[AHEAD_MOST][BYTES];
    render(seen);
    predict(tested_backend(), PV_MODE_SAMPLE, seen, once);
    predict(tested_backend(), PV_MODE_SAMPLE, seen, again);
    cr_expect_arr_eq(once, again, (size_t)ahead_count() * BYTES);
}
