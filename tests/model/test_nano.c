/* The shipped weights know what happens next: held-out scenes of the world they were trained on, through the public
 * API. The full measurement is prevue eval; this is what must never get lost. */
#include <criterion/criterion.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <prevue/prevue.h>

#include "world/world.h"

enum { SIDE = 128, SEEN = 12, AHEAD = 16, CLIPS = 8, BYTES = SIDE * SIDE * 3 };

static double psnr(const uint8_t *a, const uint8_t *b)
{
    double sum = 0.0;
    for (int i = 0; i < BYTES; i++)
        sum += ((double)a[i] - b[i]) * ((double)a[i] - b[i]);
    return 10.0 * log10(255.0 * 255.0 * BYTES / sum);
}

/* SEEN + AHEAD frames of a held-out scene, the fall at different stages. */
static uint8_t *render(int clip)
{
    struct pv_world_params params;
    pv_world_params_init(&params, "drop");
    params.seed = PV_WORLD_HELD_OUT_SEED + 5000 + (uint64_t)clip;
    params.frames = SEEN + AHEAD;
    params.skip = 3 * clip;
    params.width = params.height = SIDE;
    struct pv_error err = {{0}};
    struct pv_world *world = NULL;
    uint8_t *frames = malloc((size_t)BYTES * (SEEN + AHEAD));
    cr_assert_not_null(frames);
    cr_assert_eq(pv_world_open(&params, &world, &err), PV_OK, "%s", err.text);
    for (int i = 0; i < SEEN + AHEAD; i++)
        cr_assert_eq(pv_world_next(world, frames + (size_t)i * BYTES, SIDE * 3, NULL, &err), PV_OK, "%s", err.text);
    pv_world_close(world);
    return frames;
}

/* Gain in PSNR over copying the last frame, 4 frames ahead, and PSNR 16 ahead over that. */
static void predict(pv_model *model, const uint8_t *truth, double gain[2])
{
    pv_rollout_params params;
    pv_rollout_params_init(&params);
    params.mode = PV_MODE_MEAN;
    pv_rollout *rollout = NULL;
    cr_assert_eq(pv_rollout_open(model, &params, &rollout), PV_OK, "%s", pv_rollout_message(rollout));
    static uint8_t pixels[BYTES];
    pv_frame frame = {.data = pixels, .stride = SIDE * 3, .width = SIDE, .height = SIDE};
    for (int i = 0; i < SEEN; i++) {
        memcpy(pixels, truth + (size_t)i * BYTES, BYTES);
        cr_assert_eq(pv_rollout_send(rollout, &frame, NULL), PV_OK, "%s", pv_rollout_message(rollout));
    }
    const uint8_t *last = truth + (size_t)(SEEN - 1) * BYTES;
    for (int i = 1; i <= AHEAD; i++) {
        cr_assert_eq(pv_rollout_predict(rollout, NULL), PV_OK, "%s", pv_rollout_message(rollout));
        cr_assert_eq(pv_rollout_receive(rollout, &frame), PV_OK, "%s", pv_rollout_message(rollout));
        const uint8_t *target = truth + (size_t)(SEEN - 1 + i) * BYTES;
        if (i == 4)
            gain[0] += (psnr(pixels, target) - psnr(last, target)) / CLIPS;
        if (i == AHEAD)
            gain[1] += (psnr(pixels, target) - psnr(last, target)) / CLIPS;
    }
    pv_rollout_close(rollout);
}

/* Encoding and decoding alone keep the picture: 33.6 dB were measured (models/nano.md). */
Test(nano, reconstructs_what_it_saw, .timeout = 240)
{
    pv_model *model = NULL;
    cr_assert_eq(pv_model_open(PV_MODELS_DIR "/nano.safetensors", NULL, &model), PV_OK, "%s", pv_model_message(model));
    pv_rollout *rollout = NULL;
    cr_assert_eq(pv_rollout_open(model, NULL, &rollout), PV_OK, "%s", pv_rollout_message(rollout));
    uint8_t *truth = render(0), *seen = malloc(BYTES);
    cr_assert_not_null(seen);
    pv_frame frame = {.stride = SIDE * 3, .width = SIDE, .height = SIDE};
    double mean = 0;
    for (int i = 0; i < SEEN; i++) {
        frame.data = truth + (size_t)i * BYTES;
        cr_assert_eq(pv_rollout_send(rollout, &frame, NULL), PV_OK, "%s", pv_rollout_message(rollout));
        frame.data = seen;
        cr_assert_eq(pv_rollout_reconstruct(rollout, &frame), PV_OK, "%s", pv_rollout_message(rollout));
        mean += psnr(seen, truth + (size_t)i * BYTES) / SEEN;
    }
    cr_log_info("%.2f dB", mean);
    cr_expect_gt(mean, 31.0, "%.2f dB", mean);
    free(truth);
    free(seen);
    pv_rollout_close(rollout);
    pv_model_close(model);
}

Test(nano, predicts_held_out_scenes_better_than_standing_still, .timeout = 240)
{
    pv_model *model = NULL;
    cr_assert_eq(pv_model_open(PV_MODELS_DIR "/nano.safetensors", NULL, &model), PV_OK, "%s", pv_model_message(model));
    double gain[2] = {0.0, 0.0};
    for (int clip = 0; clip < CLIPS; clip++) {
        uint8_t *truth = render(clip);
        predict(model, truth, gain);
        free(truth);
    }
    cr_log_info("gain over copying the last frame: %.2f dB at 4 frames, %.2f dB at 16", gain[0], gain[1]);
    cr_expect_gt(gain[0], 3.0, "%.2f dB over copying the last frame at 4 frames", gain[0]);
    cr_expect_gt(gain[1], 0.0, "%.2f dB over copying the last frame at 16 frames", gain[1]);
    pv_model_close(model);
}
