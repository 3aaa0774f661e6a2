/* test_parts.c: rates, names, the file of predicted frames, the spread of takes. */
#include <criterion/criterion.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/scratch_folder.h"
#include "preview/canvas.h"
#include "preview/clock.h"
#include "preview/frame_file.h"
#include "preview/plan.h"
#include "preview/spread.h"

/* ---- the clock ---- */

static const int rates[][2] = {{24, 1},       {25, 1}, {24000, 1001}, {30000, 1001}, {30, 1},
                               {60000, 1001}, {50, 1}, {25, 2},       {10, 1},       {179, 6}};
enum { RATES = sizeof rates / sizeof rates[0] };

Test(clock, near_rates_go_frame_by_frame)
{
    for (int i = 0; i < 3; i++) {
        const struct pv_preview_clock c = pv_preview_clock_of(24, 1, rates[i][0], rates[i][1]);
        for (int frame = 0; frame < 100; frame++)
            cr_expect_eq(pv_preview_clock_shown(&c, frame), frame);
        cr_expect_eq(pv_preview_clock_back(&c, 11), 11);
    }
}

/* Each frame shows the predicted one that is nearest in time: never more than half a model frame away. */
Test(clock, shows_the_nearest_frame_at_every_rate)
{
    for (int i = 3; i < RATES; i++) {
        const struct pv_preview_clock c = pv_preview_clock_of(24, 1, rates[i][0], rates[i][1]);
        for (int frame = 0; frame < 5000; frame++) {
            const double wanted = (frame + 1) * 24.0 * rates[i][1] / rates[i][0],
                         shown = (double)pv_preview_clock_shown(&c, frame) + 1;
            if (wanted >= 0.5) /* before that, the first predicted frame stands for the seam */
                cr_expect(fabs(shown - wanted) <= 0.5 + 1e-9, "%d/%d, frame %d: %g for %g", rates[i][0], rates[i][1],
                          frame, shown, wanted);
        }
    }
}

Test(clock, covered_is_exactly_what_can_be_shown)
{
    for (int i = 0; i < RATES; i++) {
        const struct pv_preview_clock c = pv_preview_clock_of(24, 1, rates[i][0], rates[i][1]);
        cr_expect_eq(pv_preview_clock_covered(&c, 0), 0);
        for (int predicted = 1; predicted < 300; predicted++) {
            const int64_t covered = pv_preview_clock_covered(&c, predicted);
            cr_expect_geq(pv_preview_clock_shown(&c, covered), predicted, "rate %d, %d predicted", i, predicted);
            cr_expect(covered == 0 || pv_preview_clock_shown(&c, covered - 1) < predicted, "rate %d, %d predicted", i,
                      predicted);
        }
    }
}

/* ---- names ---- */

Test(names, a_shot_is_named_after_its_clip)
{
    static const char *const rows[][2] = {
        {"a/b/bottle run.mov", "bottle_run"},
        {"shot.####.exr", "shot"},
        {"sh010.%04d.png", "sh010"},
        {"frames/", "frames"},
        {"-x.mp4", "shot"},
        {"../...", "shot"},
        {"Szene Ä 1.mov", "Szene_1"},
        {"a__b--.mp4", "a_b"},
        {"clip.mp4", "clip"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char shot[PV_PREVIEW_SHOT_BYTES];
        struct pv_error err = {""};
        pv_preview_shot_from_path(rows[i][0], shot);
        cr_expect_str_eq(shot, rows[i][1], "'%s' gives '%s'", rows[i][0], shot);
        cr_expect_eq(pv_preview_check_shot(shot, &err), PV_OK, "%s", err.text);
    }
    struct pv_error err = {""};
    cr_expect_eq(pv_preview_check_shot("a/b", &err), PV_ERR_ARGUMENT);
    cr_expect_eq(pv_preview_check_shot("", &err), PV_ERR_ARGUMENT);
    cr_expect_eq(pv_preview_check_shot("..", &err), PV_ERR_ARGUMENT);
}

Test(names, the_last_version_is_found_unfinished_ones_included)
{
    const struct folder f = folder_open();
    cr_expect_eq(pv_preview_last_version(f.path, "a"), 0);
    cr_expect_eq(pv_preview_last_version("no such folder", "a"), 0);
    folder_write_text(&f, "a_new_v002_s1.mp4", "");
    folder_write_text(&f, "a_new_v.mp4", "");
    folder_write_text(&f, "b_new_v009_s1.mp4", "");
    folder_write_text(&f, "a_b_new_v008_s1.mp4", "");
    cr_expect_eq(pv_preview_last_version(f.path, "a"), 2);
    folder_write_text(&f, ".a_v004.partial", "");
    cr_expect_eq(pv_preview_last_version(f.path, "a"), 4);
    cr_expect_eq(pv_preview_last_version(f.path, "a_b"), 8);
    folder_close(&f);
}

/* ---- the file of predicted frames ---- */

enum { W = 6, H = 4, BYTES = W * H * 3, TAKES = 3, STEPS = 40 };

static pv_frame framed(uint8_t *pixels, int step, int take)
{
    memset(pixels, step * TAKES + take, BYTES);
    return (pv_frame){.data = pixels, .stride = 3 * W, .width = W, .height = H};
}

static void append(struct pv_frame_file *file, int step)
{
    uint8_t pixels[BYTES];
    for (int take = 0; take < TAKES; take++) {
        const pv_frame frame = framed(pixels, step, take);
        cr_assert_eq(pv_frame_file_put(file, take, &frame, NULL), PV_OK);
    }
    pv_frame_file_publish(file);
}

static void *read_along(void *file)
{
    uint8_t pixels[BYTES];
    pv_frame frame = {.data = pixels, .stride = 3 * W, .width = W, .height = H};
    intptr_t wrong = 0, step = 0;
    for (; pv_frame_file_wait(file, step) > step; step++)
        for (int take = 0; take < TAKES; take++) {
            wrong += pv_frame_file_read(file, step, take, &frame, NULL) != PV_OK;
            wrong += pixels[0] != step * TAKES + take || pixels[BYTES - 1] != pixels[0];
        }
    return (void *)(wrong * 1000 + step);
}

Test(frame_file, readers_follow_along_and_see_the_end, .timeout = 20)
{
    const struct folder f = folder_open();
    struct pv_frame_file *file;
    pthread_t readers[3];
    cr_assert_eq(pv_frame_file_open(folder_path(&f, "x"), W, H, TAKES, 0, &file, NULL), PV_OK);
    for (int i = 0; i < 3; i++)
        cr_assert_eq(pthread_create(&readers[i], NULL, read_along, file), 0);
    for (int step = 0; step < STEPS; step++) {
        nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
        append(file, step);
    }
    pv_frame_file_end(file);
    for (int i = 0; i < 3; i++) {
        void *seen;
        pthread_join(readers[i], &seen);
        cr_expect_eq((intptr_t)seen, STEPS, "reader %d: %d", i, (int)(intptr_t)seen);
    }
    pv_frame_file_close(file);
    folder_close(&f);
}

Test(frame_file, goes_on_where_it_was_cut)
{
    const struct folder f = folder_open();
    const char *path = folder_path(&f, "x");
    struct pv_frame_file *file;
    struct pv_error err = {""};
    uint8_t pixels[BYTES];
    cr_assert_eq(pv_frame_file_open(path, W, H, TAKES, 0, &file, NULL), PV_OK);
    for (int step = 0; step < 5; step++)
        append(file, step);
    pv_frame frame = framed(pixels, 99, 0);
    pv_frame_file_put(file, 0, &frame, NULL); /* half a step */
    pv_frame_file_close(file);
    cr_assert_eq(pv_frame_file_open(path, W, H, TAKES, 3, &file, NULL), PV_OK);
    cr_expect_eq(pv_frame_file_count(file), 3);
    append(file, 3);
    cr_expect_eq(pv_frame_file_read(file, 3, 2, &frame, NULL), PV_OK);
    cr_expect_eq(pixels[7], 3 * TAKES + 2);
    pv_frame_file_close(file);
    cr_expect_eq(pv_frame_file_open(path, W, H, TAKES, 9, &file, &err), PV_ERR_IO);
    cr_expect_not_null(strstr(err.text, "shorter"), "%s", err.text);
    folder_close(&f);
}

/* ---- the spread ---- */

Test(spread, is_the_standard_deviation_over_takes)
{
    struct pv_spread spread;
    uint8_t pixels[BYTES], shown[BYTES];
    pv_frame frame = {.data = pixels, .stride = 3 * W, .width = W, .height = H}, out = frame;
    out.data = shown;
    cr_assert_eq(pv_spread_open(&spread, W, H, NULL), PV_OK);
    for (int take = 0; take < 2; take++) { /* 100 +- 0 on the left, 100 +- 60 on the right */
        for (int i = 0; i < BYTES; i++)
            pixels[i] = i / 3 % W < W / 2 ? 100 : take ? 160 : 40;
        pv_spread_add(&spread, &frame);
    }
    cr_expect_float_eq(pv_spread_show(&spread, &out), 30, 1e-9);
    cr_expect(shown[0] == 100 && shown[1] == 100 && shown[2] == 100, "%d %d %d: agreed, so grey", shown[0], shown[1],
              shown[2]);
    const uint8_t *hot = shown + 3 * (W - 1);
    cr_expect(hot[0] > 200 && hot[1] < 80 && hot[2] < 80, "%d %d %d: disputed, so red", hot[0], hot[1], hot[2]);
    pv_spread_clear(&spread);
    pv_spread_add(&spread, &frame);
    cr_expect_float_eq(pv_spread_show(&spread, &out), 0, 1e-9);
    pv_spread_release(&spread);
}

/* ---- cells ---- */

Test(cells, fit_their_box_and_do_not_overlap)
{
    static const int shapes[][2] = {{1920, 1080}, {1080, 1920}, {128, 128}, {4000, 300}, {33, 17}};
    for (int i = 0; i < 5; i++)
        for (int count = 1; count <= PV_PREVIEW_TAKES; count++) {
            const struct pv_cells c = pv_cells_arrange(count, shapes[i][0], shapes[i][1], 1920, 1080);
            const int width = pv_cells_width(&c), height = pv_cells_height(&c);
            cr_expect(width <= 1920 && height <= 1080 && c.columns * c.rows >= count, "%d cells: %dx%d", count, width,
                      height);
            cr_expect(width % 2 == 0 && height % 2 == 0);
            pv_frame canvas = {.stride = 3 * (size_t)width, .width = width, .height = height};
            const pv_frame last = pv_cells_part(&c, &canvas, count - 1);
            const size_t at = (size_t)(last.data - canvas.data);
            cr_expect(at % canvas.stride / 3 + (size_t)c.width <= (size_t)width &&
                          at / canvas.stride + (size_t)c.height <= (size_t)height,
                      "the last of %d cells leaves the canvas", count);
        }
}
