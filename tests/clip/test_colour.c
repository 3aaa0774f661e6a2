/* Known colours through every matrix, range and depth; untagged and overridden; HDR; many generations. The files are
 * made from code values computed here, so no other converter is trusted. */
#include <criterion/criterion.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/fresh_seed.h"
#include "clip/clip_fixture.h"

TestSuite(colour, .init = enter_folder, .fini = leave_folder, .timeout = 120);

enum { BLOCK = 16, ACROSS = 4, DOWN = 4, WIDTH = BLOCK * ACROSS, HEIGHT = BLOCK * DOWN, PATCHES = ACROSS * DOWN };

struct patches {
    uint8_t rgb[PATCHES][3];
};

/* Skin, the corners of the cube, greys, and some at random. */
static struct patches choose_patches(void)
{
    struct patches p = {{{224, 172, 105},
                         {255, 255, 255},
                         {0, 0, 0},
                         {255, 0, 0},
                         {0, 255, 0},
                         {0, 0, 255},
                         {255, 255, 0},
                         {128, 128, 128},
                         {16, 16, 16},
                         {235, 235, 235}}};
    srand((unsigned)fresh_seed());
    for (int i = 10; i < PATCHES; i++)
        for (int c = 0; c < 3; c++)
            p.rgb[i][c] = (uint8_t)(rand() % 256);
    return p;
}

struct coding {
    const char *matrix, *range, *format; /* FFmpeg's words */
    double kr, kb;
    bool full;
    int depth;
};

static long code_of(double v, double low, double span, int depth)
{
    const double max = (1 << depth) - 1;
    return lrint(fmin(fmax(low + span * v, 0.0), max));
}

/* ITU-R BT.601/709/2020: Y' = Kr R' + Kg G' + Kb B', Cb = (B' - Y') / (2 - 2 Kb), Cr likewise; then quantised. */
static void encode(const uint8_t rgb[3], const struct coding *k, uint16_t yuv[3])
{
    const double r = rgb[0] / 255.0, g = rgb[1] / 255.0, b = rgb[2] / 255.0;
    const double y = k->kr * r + (1.0 - k->kr - k->kb) * g + k->kb * b;
    const double cb = (b - y) / (2.0 - 2.0 * k->kb), cr = (r - y) / (2.0 - 2.0 * k->kr);
    const double unit = 1 << (k->depth - 8), max = (1 << k->depth) - 1;
    yuv[0] = (uint16_t)(k->full ? code_of(y, 0.0, max, k->depth) : code_of(y, 16 * unit, 219 * unit, k->depth));
    yuv[1] = (uint16_t)code_of(cb, 128 * unit, k->full ? max : 224 * unit, k->depth);
    yuv[2] = (uint16_t)code_of(cr, 128 * unit, k->full ? max : 224 * unit, k->depth);
}

/* Planes of a 4:2:0 picture, 8 bits or 16 little-endian. */
static void write_raw(const char *path, const struct patches *p, const struct coding *k)
{
    FILE *file = fopen(path, "wb");
    cr_assert_not_null(file);
    for (int plane = 0; plane < 3; plane++) {
        const int shift = plane > 0;
        for (int y = 0; y < HEIGHT >> shift; y++)
            for (int x = 0; x < WIDTH >> shift; x++) {
                uint16_t yuv[3];
                encode(p->rgb[((y << shift) / BLOCK) * ACROSS + (x << shift) / BLOCK], k, yuv);
                fputc(yuv[plane] & 255, file);
                if (k->depth > 8)
                    fputc(yuv[plane] >> 8, file);
            }
    }
    fclose(file);
}

static int worst_patch(const struct reading *r, const struct patches *p, int *which)
{
    int worst = 0;
    for (int i = 0; i < PATCHES; i++) {
        const uint8_t *got = pixel(r, 0, i % ACROSS * BLOCK + BLOCK / 2, i / ACROSS * BLOCK + BLOCK / 2);
        for (int c = 0; c < 3; c++) {
            const int d = abs(got[c] - p->rgb[i][c]);
            if (d > worst) {
                worst = d;
                *which = i;
            }
        }
    }
    return worst;
}

/* The tags are put on the finished stream: FFmpeg 7 converts pictures whose tags the encoder or a filter does not take,
 * and tags what was not. NUT holds no colour at all, so what is in it is untagged. */
static void make_tagged(const char *raw, const char *format, int width, int height, const char *tags, const char *path)
{
    ffmpeg("-f rawvideo -pix_fmt %s -s %dx%d -i %s -c:v ffv1 untagged.nut", format, width, height, raw);
    ffmpeg("-i untagged.nut -c copy %s %s", tags, path);
}

static void make_lossless(const struct patches *p, const struct coding *k, const char *tags, const char *path)
{
    write_raw("a.raw", p, k);
    make_tagged("a.raw", k->format, WIDTH, HEIGHT, tags, path);
}

static const struct coding codings[] = {
    {"smpte170m", "tv", "yuv420p", 0.299, 0.114, false, 8},
    {"smpte170m", "pc", "yuv420p", 0.299, 0.114, true, 8},
    {"smpte170m", "tv", "yuv420p10le", 0.299, 0.114, false, 10},
    {"smpte170m", "pc", "yuv420p10le", 0.299, 0.114, true, 10},
    {"bt709", "tv", "yuv420p", 0.2126, 0.0722, false, 8},
    {"bt709", "pc", "yuv420p", 0.2126, 0.0722, true, 8},
    {"bt709", "tv", "yuv420p10le", 0.2126, 0.0722, false, 10},
    {"bt709", "pc", "yuv420p10le", 0.2126, 0.0722, true, 10},
    {"bt2020nc", "tv", "yuv420p", 0.2627, 0.0593, false, 8},
    {"bt2020nc", "pc", "yuv420p", 0.2627, 0.0593, true, 8},
    {"bt2020nc", "tv", "yuv420p10le", 0.2627, 0.0593, false, 10},
    {"bt2020nc", "pc", "yuv420p10le", 0.2627, 0.0593, true, 10},
};
enum { CODINGS = sizeof codings / sizeof codings[0] };

/* 8-bit chroma steps are worth up to 1.07 code values of blue or red, so rounding alone can cost 1; 2 is allowed. */
Test(colour, every_matrix_range_and_depth_reads_back)
{
    const struct patches p = choose_patches();
    for (int i = 0; i < CODINGS; i++) {
        const struct coding *k = &codings[i];
        char tags[128];
        snprintf(tags, sizeof tags, "-colorspace %s -color_range %s -color_primaries bt709 -color_trc bt709", k->matrix,
                 k->range);
        make_lossless(&p, k, tags, "a.mkv");
        struct reading r = read_clip("a.mkv", NULL);
        int which = 0;
        const int worst = worst_patch(&r, &p, &which);
        cr_expect_leq(worst, k->depth > 8 ? 1 : 2, "%s %s %s: patch %d is off by %d", k->matrix, k->range, k->format,
                      which, worst);
        cr_expect_not(r.info.matrix_guessed || r.info.range_guessed);
        cr_expect_not(r.info.hdr);
        free_reading(&r);
    }
}

Test(colour, untagged_clips_are_guessed_by_size_and_the_guess_is_said)
{
    const struct patches p = choose_patches();
    make_lossless(&p, &codings[0], "", "sd.nut");
    struct reading r = read_clip("sd.nut", NULL);
    int which;
    cr_expect_leq(worst_patch(&r, &p, &which), 2);
    cr_expect_eq(r.info.matrix, PV_CLIP_MATRIX_BT601);
    cr_expect(r.info.matrix_guessed && r.info.range_guessed);
    cr_expect(strstr(r.heard.text, "BT.601"), "%s", r.heard.text);
    free_reading(&r);
    const struct {
        int width, height;
        pv_clip_matrix matrix;
    } sizes[] = {{1280, 16, PV_CLIP_MATRIX_BT709},
                 {1278, 16, PV_CLIP_MATRIX_BT601},
                 {16, 576, PV_CLIP_MATRIX_BT601},
                 {16, 578, PV_CLIP_MATRIX_BT709}};
    for (int i = 0; i < 4; i++) {
        ffmpeg("-f lavfi -i color=gray:s=%dx%d -frames:v 1 -c:v ffv1 -pix_fmt yuv420p b.mkv", sizes[i].width,
               sizes[i].height);
        r = read_clip("b.mkv", NULL);
        cr_expect_eq(r.info.matrix, sizes[i].matrix, "%dx%d", sizes[i].width, sizes[i].height);
        free_reading(&r);
    }
}

Test(colour, overrides_win_over_tags)
{
    const struct patches p = choose_patches();
    make_lossless(&p, &codings[9], "-colorspace smpte170m -color_range tv -color_primaries bt709", "a.mkv");
    pv_clip_reader_params params = reader_params();
    params.matrix = PV_CLIP_MATRIX_BT2020;
    params.range = PV_CLIP_RANGE_FULL;
    struct reading r = read_clip("a.mkv", &params);
    int which;
    cr_expect_leq(worst_patch(&r, &p, &which), 2);
    cr_expect_eq(r.info.matrix, PV_CLIP_MATRIX_BT2020);
    free_reading(&r);
    r = read_clip("a.mkv", NULL);
    cr_expect_gt(worst_patch(&r, &p, &which), 10, "the tags must have been wrong to begin with");
    free_reading(&r);
}

/* ---- HDR ---- */

/* SMPTE ST 2084: light in cd/m2 -> code value 0..1. */
static double pq(double nits)
{
    const double l = pow(nits / 10000.0, 0.1593017578125);
    return pow((0.8359375 + 18.8515625 * l) / (1.0 + 18.6875 * l), 78.84375);
}

/* A grey picture whose 10-bit full-range luma is the value. */
static struct reading read_grey(double value, const char *tags, const pv_clip_reader_params *params)
{
    FILE *file = fopen("grey.raw", "wb");
    cr_assert_not_null(file);
    const unsigned luma = (unsigned)lrint(1023.0 * value);
    for (int i = 0; i < 32 * 32 * 3 / 2; i++) {
        const unsigned code = i < 32 * 32 ? luma : 512;
        fputc((int)(code & 255), file);
        fputc((int)(code >> 8), file);
    }
    fclose(file);
    char all[128];
    snprintf(all, sizeof all, "-color_range pc %s", tags);
    make_tagged("grey.raw", "yuv420p10le", 32, 32, all, "grey.mkv");
    return read_clip("grey.mkv", params);
}

static const char pq_tags[] = "-colorspace bt2020nc -color_primaries bt2020 -color_trc smpte2084";

Test(colour, pq_is_tone_mapped_with_a_notice)
{
    int before = -1;
    const double nits[] = {0.0, 1.0, 50.0, 203.0, 500.0, 1000.0, 4000.0};
    for (int i = 0; i < 7; i++) {
        struct reading r = read_grey(pq(nits[i]), pq_tags, NULL);
        cr_assert_eq(r.count, 1, "%s", r.message);
        const uint8_t *p = pixel(&r, 0, 10, 10);
        cr_expect(r.info.hdr);
        cr_expect(strstr(r.heard.text, "tone-mapped"), "%s", r.heard.text);
        cr_expect(p[0] == p[1] && p[1] == p[2], "grey stays grey: %d %d %d", p[0], p[1], p[2]);
        cr_expect_geq(p[0], before, "brighter stays brighter: %.0f cd/m2 is %d after %d", nits[i], p[0], before);
        before = p[0];
        if (nits[i] <= 50.0) { /* below the knee light is untouched: 203 cd/m2 is white, gamma 2.4 (BT.1886) */
            const double expected = 255.0 * pow(nits[i] / 203.0, 1.0 / 2.4);
            cr_expect_float_eq(p[0], expected, 1.5, "%.0f cd/m2 is %d, not %.1f", nits[i], p[0], expected);
        }
        if (nits[i] >= 1000.0)
            cr_expect_geq(p[0], 254, "the peak is white: %d", p[0]);
        if (nits[i] == 203.0)
            cr_expect(p[0] > 180 && p[0] < 250, "diffuse white leaves room for highlights: %d", p[0]);
        free_reading(&r);
    }
}

Test(colour, hlg_is_tone_mapped)
{
    const char *tags = "-colorspace bt2020nc -color_primaries bt2020 -color_trc arib-std-b67";
    int before = -1;
    for (int i = 0; i <= 4; i++) {
        struct reading r = read_grey(0.25 * i, tags, NULL);
        cr_assert_eq(r.count, 1, "%s", r.message);
        const uint8_t *p = pixel(&r, 0, 10, 10);
        cr_expect(r.info.hdr);
        cr_expect(abs(p[0] - p[1]) <= 1 && abs(p[1] - p[2]) <= 1, "%d %d %d", p[0], p[1], p[2]);
        cr_expect_gt(p[0], before);
        before = p[0];
        if (i == 2) { /* half signal: scene 1/12, display 1000 (1/12)^1.2 = 50.7 cd/m2, below the knee */
            const double expected = 255.0 * pow(50.7 / 203.0, 1.0 / 2.4);
            cr_expect_float_eq(p[0], expected, 2.0, "%d, not %.1f", p[0], expected);
        }
        free_reading(&r);
    }
    cr_expect_geq(before, 254);
}

Test(colour, bt2020_colours_are_brought_to_bt709_and_hdr_can_be_refused)
{
    const char *wide = "-colorspace bt2020nc -color_primaries bt2020 -color_trc bt2020-10";
    struct reading r = read_grey(0.5, wide, NULL);
    cr_assert_eq(r.count, 1, "%s", r.message);
    cr_expect(r.info.hdr);
    cr_expect_leq(abs(pixel(&r, 0, 5, 5)[1] - 128), 1, "grey stays where it is: %d", pixel(&r, 0, 5, 5)[1]);
    free_reading(&r);
    pv_clip_reader_params refuse = reader_params();
    refuse.hdr = PV_CLIP_HDR_REFUSE;
    const char *const tags[] = {wide, pq_tags};
    for (int i = 0; i < 2; i++) {
        r = read_grey(0.5, tags[i], &refuse);
        cr_expect_eq(r.opened, PV_ERR_UNSUPPORTED);
        cr_expect(strstr(r.message, "grey.mkv") && strstr(r.message, "bt2020"), "%s", r.message);
    }
    /* A saturated BT.2020 green lies outside BT.709: red and blue clip at 0. */
    struct patches p = {{{0}}};
    memset(p.rgb, 0, sizeof p.rgb);
    for (int i = 0; i < PATCHES; i++)
        p.rgb[i][1] = 200;
    make_lossless(&p, &codings[11], "-color_range pc -colorspace bt2020nc -color_primaries bt2020 -color_trc bt709",
                  "green.mkv");
    r = read_clip("green.mkv", NULL);
    const uint8_t *green = pixel(&r, 0, 20, 20);
    const double expected = 255.0 * pow(pow(200.0 / 255.0, 2.4) * 1.1329, 1.0 / 2.4);
    cr_expect(green[0] <= 1 && green[2] <= 1, "%d %d %d", green[0], green[1], green[2]);
    cr_expect_float_eq(green[1], expected, 2.0, "%d, not %.1f", green[1], expected);
    free_reading(&r);
}

Test(colour, what_is_no_matrix_is_refused_until_told_otherwise)
{
    struct reading r = read_grey(0.5, "-colorspace ictcp -color_primaries bt709 -color_trc bt709", NULL);
    cr_expect_eq(r.opened, PV_ERR_UNSUPPORTED);
    cr_expect(strstr(r.message, "ictcp"), "%s", r.message);
    pv_clip_reader_params params = reader_params();
    params.matrix = PV_CLIP_MATRIX_BT709;
    r = read_grey(0.5, "-colorspace ictcp -color_primaries bt709 -color_trc bt709", &params);
    cr_expect_eq(r.opened, PV_OK, "%s", r.message);
    free_reading(&r);
}

/* ---- both ways ---- */

static void mean_of(const struct reading *r, double mean[3])
{
    const int area = r->info.width * r->info.height;
    mean[0] = mean[1] = mean[2] = 0.0;
    for (int i = 0; i < area; i++)
        for (int c = 0; c < 3; c++)
            mean[c] += pixel(r, 0, 0, 0)[3 * i + c] / (double)area;
}

static void expect_stable(const char *path, pv_clip_preset preset, int width, int height)
{
    enum { GENERATIONS = 10 };
    pv_clip_writer_params params = writer_params(width, height, preset);
    params.overwrite = 1;
    write_clip(path, &params, 1);
    pv_frame original = new_frame(width, height);
    paint(&original, 0);
    double first[3] = {0}, last[3] = {0};
    for (int i = 0; i < width * height; i++)
        for (int c = 0; c < 3; c++)
            first[c] += original.data[3 * i + c] / (double)(width * height);
    for (int generation = 0; generation < GENERATIONS; generation++) {
        struct reading r = read_clip(path, NULL);
        cr_assert_eq(r.count, 1, "%s", r.message);
        mean_of(&r, last);
        if (generation + 1 < GENERATIONS) {
            pv_clip_writer *writer;
            cr_assert_eq(pv_clip_writer_open(path, &params, &writer), PV_OK);
            const pv_frame frame = {.data = r.pixels, .stride = 3 * (size_t)width, .width = width, .height = height};
            cr_assert_eq(pv_clip_writer_send(writer, &frame), PV_OK);
            cr_assert_eq(pv_clip_writer_finish(writer), PV_OK);
            pv_clip_writer_close(writer);
        }
        free_reading(&r);
    }
    for (int c = 0; c < 3; c++)
        cr_expect_leq(fabs(last[c] - first[c]), 1.0, "%s: channel %d shifted from %.2f to %.2f", path, c, first[c],
                      last[c]);
    free(original.data);
}

Test(colour, ten_generations_shift_the_mean_by_at_most_one)
{
    expect_stable("a.mp4", PV_CLIP_PRESET_REVIEW, 96, 64);
    expect_stable("b.mp4", PV_CLIP_PRESET_REVIEW, 512, 288);
    expect_stable("a.mov", PV_CLIP_PRESET_EDIT, 96, 64);
    expect_stable("a.webm", PV_CLIP_PRESET_REVIEW, 96, 64);
}
