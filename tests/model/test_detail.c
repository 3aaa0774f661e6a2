/* test_detail.c: what the codec lost of the last observed frame comes back where nothing has changed, and only there;
 * and a rollout that keeps it gives the same frames saved, forked, spread into takes or asked once more. */
#include <criterion/criterion.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/scratch_folder.h"
#include "golden.h"
#include "model/detail.h"

TestSuite(detail, .timeout = 240);

/* ---- the arithmetic ---- */

enum { WIDTH = 23, HEIGHT = 11, COUNT = WIDTH * HEIGHT * 3, PAD = 7, STRIDE = 3 * WIDTH + PAD };

static uint8_t seen[COUNT], decoded[COUNT], predicted[COUNT], change[WIDTH * HEIGHT], gradient[WIDTH * HEIGHT],
    found[HEIGHT * STRIDE];
static uint16_t sums[2][WIDTH + PV_DETAIL_BORDER];
static int16_t kept[3 * WIDTH];

static void add(void)
{
    const struct pv_detail_pictures p = {seen, decoded, WIDTH, HEIGHT};
    const struct pv_detail_scratch scratch = {change, gradient, {sums[0], sums[1]}, kept};
    memset(found, 77, sizeof found);
    pv_detail_add(&p, &scratch, predicted, found, STRIDE);
    for (int y = 0; y < HEIGHT; y++)
        for (int i = 3 * WIDTH; i < STRIDE; i++)
            cr_assert_eq(found[y * STRIDE + i], 77, "byte %d after row %d was written", i - 3 * WIDTH, y);
}

static int at(const uint8_t *picture, int x, int y, int c)
{
    const int column = x < 0 ? 0 : x >= WIDTH ? WIDTH - 1 : x, row = y < 0 ? 0 : y >= HEIGHT ? HEIGHT - 1 : y;
    return picture[(row * WIDTH + column) * 3 + c];
}

/* Of the square around x, y: the sum of the largest differences of a channel between predicted and decoded picture, and
 * of those of the decoded one across or down two pixels. */
static void sum_square(int x, int y, double *moved, double *slope)
{
    for (int v = y - 2; v <= y + 2; v++)
        for (int u = x - 2; u <= x + 2; u++) {
            const int column = u < 0 ? 0 : u >= WIDTH ? WIDTH - 1 : u, row = v < 0 ? 0 : v >= HEIGHT ? HEIGHT - 1 : v;
            int difference = 0, across = 0, down = 0;
            for (int k = 0; k < 3; k++) {
                difference = (int)fmax(difference, abs(at(predicted, u, v, k) - at(decoded, u, v, k)));
                if (column > 0 && column < WIDTH - 1)
                    across = (int)fmax(across, abs(at(decoded, column + 1, row, k) - at(decoded, column - 1, row, k)));
                down = (int)fmax(down, abs(at(decoded, column, row + 1, k) - at(decoded, column, row - 1, k)));
            }
            *moved += difference;
            *slope += fmax(across, down);
        }
}

/* The same from its description, in fractions: change over gradient, as means over 5 x 5 pixels and with 3 levels more
 * of gradient, from .3 pixels (all stays) to 1 (none). */
static double expected(int x, int y, int c)
{
    double moved = 0, slope = 0;
    sum_square(x, y, &moved, &slope);
    const double share = fmin(1, fmax(0, (1 - moved / 25 / (slope / 2 / 25 + 3)) / 0.7));
    return fmin(255, fmax(0, at(predicted, x, y, c) + share * (at(seen, x, y, c) - at(decoded, x, y, c))));
}

static void draw(unsigned seed, int step)
{
    srand(seed);
    for (int i = 0; i < COUNT; i++) {
        seen[i] = (uint8_t)(rand() >> 8);
        decoded[i] = (uint8_t)(rand() >> 8);
        const int value = decoded[i] + rand() % (2 * step + 1) - step;
        predicted[i] = (uint8_t)(value < 0 ? 0 : value > 255 ? 255 : value);
    }
}

Test(detail, is_what_its_description_says)
{
    for (int step = 0; step < 160; step += 9) {
        draw((unsigned)step, step);
        add();
        for (int y = 0; y < HEIGHT; y++)
            for (int i = 0; i < 3 * WIDTH; i++) {
                const double value = expected(i / 3, y, i % 3);
                cr_assert(fabs(found[y * STRIDE + i] - value) <= 2, "step %d, row %d, byte %d is %d, expected %.2f",
                          step, y, i, found[y * STRIDE + i], value);
            }
    }
}

Test(detail, a_picture_at_rest_is_the_observed_one)
{
    draw(1, 0);
    add();
    for (int y = 0; y < HEIGHT; y++)
        cr_assert_eq(memcmp(found + y * STRIDE, seen + y * 3 * WIDTH, 3 * WIDTH), 0, "row %d", y);
}

Test(detail, a_picture_that_changed_is_left_alone)
{
    draw(2, 0);
    for (int i = 0; i < COUNT; i++)
        predicted[i] = (uint8_t)(decoded[i] ^ 128);
    add();
    for (int y = 0; y < HEIGHT; y++)
        cr_assert_eq(memcmp(found + y * STRIDE, predicted + y * 3 * WIDTH, 3 * WIDTH), 0, "row %d", y);
}

/* On a flat ground, where any change is one by far. */
Test(detail, only_what_is_near_a_change_loses_it)
{
    draw(3, 0);
    memset(decoded, 100, sizeof decoded);
    memset(predicted, 100, sizeof predicted);
    for (int c = 0; c < 3; c++)
        predicted[(5 * WIDTH + 10) * 3 + c] = 255;
    add();
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++) {
            const bool near = abs(x - 10) <= 2 && abs(y - 5) <= 2;
            if (!near)
                cr_assert_eq(memcmp(found + y * STRIDE + 3 * x, seen + (y * WIDTH + x) * 3, 3), 0, "%d, %d", x, y);
        }
    cr_assert_neq(memcmp(found + 5 * STRIDE + 27, seen + (5 * WIDTH + 9) * 3, 3), 0);
}

/* ---- in a rollout ---- */

enum { SIDE = 32, FRAME_BYTES = SIDE * SIDE * 3, SENT = 3, FUTURE = 4, TAKES = 3 };

static uint8_t observed[(SENT + 1) * FRAME_BYTES];

static pv_rollout *start(pv_model *model, pv_detail detail)
{
    pv_rollout_params params;
    pv_rollout_params_init(&params);
    params.detail = detail;
    pv_rollout *r;
    cr_assert(pv_rollout_open(model, &params, &r) == PV_OK, "%s", pv_rollout_message(r));
    for (int i = 0; i < (SENT + 1) * FRAME_BYTES; i++)
        observed[i] = (uint8_t)(128 + 100 * sin(0.013 * i + 0.7 * (i / FRAME_BYTES)));
    for (size_t i = 0; i < SENT; i++)
        golden_send(r, observed, i, NULL);
    return r;
}

static void reconstruct(pv_rollout *r, uint8_t *bytes)
{
    pv_frame frame = {.data = bytes, .stride = 3 * SIDE, .width = SIDE, .height = SIDE};
    cr_assert(pv_rollout_reconstruct(r, &frame) == PV_OK, "%s", pv_rollout_message(r));
}

static void expect_same(const uint8_t *a, const uint8_t *b, const char *what, int frame)
{
    cr_assert_eq(memcmp(a, b, FRAME_BYTES), 0, "%s: frame %d differs", what, frame);
}

/* A seam in the middle: after another observation it is that frame's detail. */
Test(detail, of_a_rollout_is_that_of_the_last_observed_frame)
{
    static uint8_t plain[FRAME_BYTES], given[FRAME_BYTES], want[FRAME_BYTES], codec[FRAME_BYTES], again[FRAME_BYTES];
    pv_model *model = golden_model("plain.safetensors", "cpu", 2);
    pv_rollout *without = start(model, PV_DETAIL_NONE), *with = start(model, PV_DETAIL_KEEP);
    int different = 0;
    for (size_t last = SENT - 1; last <= SENT; last++) {
        if (last == SENT) {
            golden_send(without, observed, last, NULL);
            golden_send(with, observed, last, NULL);
        }
        reconstruct(without, codec);
        reconstruct(with, again);
        expect_same(again, codec, "the codec's picture of an observed frame", (int)last);
        const struct pv_detail_pictures detail = {observed + last * FRAME_BYTES, codec, SIDE, SIDE};
        for (int i = 0; i < FUTURE; i++) {
            golden_predict(without, NULL, plain);
            golden_predict(with, NULL, given);
            pv_detail_add(&detail, &with->detail_scratch, plain, want, 3 * SIDE);
            expect_same(given, want, "kept", i);
            reconstruct(with, again);
            expect_same(again, given, "reconstructed", i);
            different += memcmp(given, plain, FRAME_BYTES) != 0;
        }
    }
    cr_assert(different > 0, "detail changed no frame, so that nothing was tested");
    pv_rollout_close(with);
    pv_rollout_close(without);
    pv_model_close(model);
}

/* A program built before there was detail has a shorter struct, and does not get it. */
Test(detail, is_not_kept_for_programs_that_do_not_know_it)
{
    static uint8_t plain[FRAME_BYTES], old[FRAME_BYTES];
    pv_model *model = golden_model("plain.safetensors", "cpu", 2);
    pv_rollout *r = start(model, PV_DETAIL_NONE), *s;
    pv_rollout_params params;
    pv_rollout_params_init(&params);
    params.struct_size = offsetof(pv_rollout_params, detail);
    params.detail = PV_DETAIL_KEEP; /* lies after what it says it has */
    cr_assert(pv_rollout_open(model, &params, &s) == PV_OK, "%s", pv_rollout_message(s));
    for (size_t i = 0; i < SENT; i++)
        golden_send(s, observed, i, NULL);
    golden_predict(r, NULL, plain);
    golden_predict(s, NULL, old);
    expect_same(old, plain, "without", 0);
    pv_rollout_close(s);
    pv_rollout_close(r);
    pv_model_close(model);
}

/* Forked and saved at the seam, and in the middle with a frame that waits. */
Test(detail, survives_fork_and_save)
{
    static uint8_t want[FRAME_BYTES], got[FRAME_BYTES];
    const struct folder folder = folder_open();
    const char *path = folder_path(&folder, "state");
    pv_model *model = golden_model("plain.safetensors", "cpu", 2);
    for (int before = 0; before < 3; before++) {
        pv_rollout *r = start(model, PV_DETAIL_KEEP), *copies[2];
        for (int i = 0; i < before; i++)
            golden_predict(r, NULL, want);
        if (before)
            cr_assert_eq(pv_rollout_predict(r, NULL), PV_OK);
        cr_assert_eq(pv_rollout_fork(r, &copies[0]), PV_OK);
        cr_assert(pv_rollout_save(r, path) == PV_OK, "%s", pv_rollout_message(r));
        cr_assert(pv_rollout_load(model, path, NULL, &copies[1]) == PV_OK, "%s", pv_rollout_message(copies[1]));
        pv_rollout *const all[3] = {r, copies[0], copies[1]};
        for (int k = 0; !before && k < 3; k++) {
            reconstruct(all[k], k ? got : want);
            expect_same(k ? got : want, want, "the codec's picture of a copy", k);
        }
        for (int i = 0; i < FUTURE; i++)
            for (int k = 0; k < 3; k++) {
                pv_frame frame = {.data = k ? got : want, .stride = 3 * SIDE, .width = SIDE, .height = SIDE};
                if (i > 0 || !before)
                    cr_assert_eq(pv_rollout_predict(all[k], NULL), PV_OK);
                cr_assert(pv_rollout_receive(all[k], &frame) == PV_OK, "%s", pv_rollout_message(all[k]));
                if (k)
                    expect_same(got, want, k == 1 ? "the fork" : "the loaded one", i);
            }
        for (int k = 0; k < 3; k++)
            pv_rollout_close(all[k]);
    }
    pv_model_close(model);
    folder_close(&folder);
}

/* Spread before the first prediction, and after one. */
Test(detail, is_each_takes_own)
{
    static uint8_t alone[FRAME_BYTES], together[FRAME_BYTES];
    pv_model *model = golden_model("plain.safetensors", "cpu", 2);
    for (int before = 0; before < 2; before++) {
        pv_rollout *r = start(model, PV_DETAIL_KEEP), *takes, *forks[TAKES];
        if (before)
            golden_predict(r, NULL, alone);
        cr_assert_eq(pv_rollout_fork_takes(r, TAKES, &takes), PV_OK);
        for (int t = 0; t < TAKES; t++) {
            cr_assert_eq(pv_rollout_fork(r, &forks[t]), PV_OK);
            cr_assert_eq(pv_rollout_set_take(forks[t], (uint64_t)t, 0), PV_OK);
        }
        for (int i = 0; i < FUTURE; i++) {
            cr_assert_eq(pv_rollout_predict(takes, NULL), PV_OK);
            for (int t = 0; t < TAKES; t++) {
                pv_frame frame = {.data = together, .stride = 3 * SIDE, .width = SIDE, .height = SIDE};
                cr_assert_eq(pv_rollout_receive(takes, &frame), PV_OK);
                golden_predict(forks[t], NULL, alone);
                int worst = 0;
                for (int b = 0; b < FRAME_BYTES; b++)
                    worst = (int)fmax(worst, abs(alone[b] - together[b]));
                /* Rounding may move all change in a square by a level, and with it a tenth of what was lost. */
                cr_assert(worst <= 26, "take %d, frame %d: a byte is off by %d", t, i, worst);
            }
        }
        for (int t = 0; t < TAKES; t++)
            pv_rollout_close(forks[t]);
        pv_rollout_close(takes);
        pv_rollout_close(r);
    }
    pv_model_close(model);
}

Test(detail, of_an_unknown_kind_is_refused)
{
    pv_model *model = golden_model("plain.safetensors", "reference", 1);
    pv_rollout_params params;
    pv_rollout_params_init(&params);
    params.detail = (pv_detail)2;
    pv_rollout *r;
    cr_assert_eq(pv_rollout_open(model, &params, &r), PV_ERR_ARGUMENT);
    cr_assert(strstr(pv_rollout_message(r), "detail is 2"), "%s", pv_rollout_message(r));
    pv_rollout_close(r);
    pv_model_close(model);
}
