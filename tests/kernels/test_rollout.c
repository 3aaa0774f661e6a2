/* test_rollout.c: a whole prediction of the shipped model is the CPU's, op after op through memory that only the
 * backend may touch. PV_TEST_BACKEND names the backend; tests/kernels runs it on the emulator. */
#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>

#include <prevue/prevue.h>

#include "world/world.h"

TestSuite(kernels_rollout, .timeout = 240);

enum { SIDE = 64, SEEN = 3, AHEAD = 3, BYTES = SIDE * SIDE * 3 };

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

static void predict(const char *backend, uint8_t seen[SEEN][BYTES], uint8_t ahead[AHEAD][BYTES])
{
    pv_model_params params;
    pv_model_params_init(&params);
    params.backend = backend;
    pv_model *model = NULL;
    cr_assert_eq(pv_model_open(PV_MODELS_DIR "/nano.safetensors", &params, &model), PV_OK, "%s",
                 pv_model_message(model));
    pv_rollout_params how;
    pv_rollout_params_init(&how);
    how.width = how.height = SIDE;
    pv_rollout *rollout = NULL;
    cr_assert_eq(pv_rollout_open(model, &how, &rollout), PV_OK, "%s", pv_rollout_message(rollout));
    pv_frame frame = {.stride = SIDE * 3, .width = SIDE, .height = SIDE};
    for (int i = 0; i < SEEN; i++) {
        frame.data = seen[i];
        cr_assert_eq(pv_rollout_send(rollout, &frame, NULL), PV_OK, "%s", pv_rollout_message(rollout));
    }
    for (int i = 0; i < AHEAD; i++) {
        frame.data = ahead[i];
        cr_assert_eq(pv_rollout_predict(rollout, NULL), PV_OK, "%s", pv_rollout_message(rollout));
        cr_assert_eq(pv_rollout_receive(rollout, &frame), PV_OK, "%s", pv_rollout_message(rollout));
    }
    pv_rollout_close(rollout);
    pv_model_close(model);
}

/* Floats differ by the order of sums, which shows in no picture; bf16 has 8 bits of a number. */
Test(kernels_rollout, predicts_what_the_cpu_predicts)
{
    static uint8_t seen[SEEN][BYTES], plain[AHEAD][BYTES], tested[AHEAD][BYTES];
    const char *backend = getenv("PV_TEST_BACKEND");
    cr_assert_not_null(backend, "PV_TEST_BACKEND names no backend");
    const bool floats = strcmp(backend, "cuda-f32") == 0;
    render(seen);
    predict("cpu", seen, plain);
    predict(backend, seen, tested);
    for (int i = 0; i < AHEAD; i++) {
        double square = 0, motion = 0;
        int most = 0;
        for (int k = 0; k < BYTES; k++) {
            const int apart = abs(plain[i][k] - tested[i][k]), moved = plain[i][k] - seen[SEEN - 1][k];
            most = apart > most ? apart : most;
            square += (double)apart * apart / BYTES;
            motion += (double)moved * moved / BYTES;
        }
        cr_log_info("frame %d: at most %d of 255 apart, mean square %g", i, most, square);
        cr_expect_leq(most, floats ? 1 : 6, "frame %d: a value is %d of 255 apart", i, most);
        cr_expect_leq(square, floats ? 0.01 : 1.0, "frame %d: mean square %g", i, square);
        cr_expect_gt(motion, 20.0, "frame %d is the last one seen", i);
    }
}
