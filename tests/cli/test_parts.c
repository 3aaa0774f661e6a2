/* test_parts.c: the parts of the command that can be judged without running it. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/fresh_seed.h"
#include "geometry.h"
#include "options.h"
#include "suggest.h"
#include "timing.h"

/* ---- geometry ---- */

static void expect_size(int clip_width, int clip_height, int model_width, int model_height, int multiple, int width,
                        int height)
{
    const struct pv_picture_size clip = {clip_width, clip_height}, model = {model_width, model_height};
    const struct pv_picture_size size = pv_working_size(clip, model, multiple);
    cr_expect(size.width == width && size.height == height, "%dx%d with %dx%d by %d gives %dx%d, not %dx%d", clip_width,
              clip_height, model_width, model_height, multiple, size.width, size.height, width, height);
}

Test(geometry, keeps_shape_and_area)
{
    expect_size(128, 128, 128, 128, 16, 128, 128);
    expect_size(1000, 1000, 128, 128, 16, 128, 128);
    expect_size(1920, 1080, 128, 128, 16, 176, 96);
    expect_size(1080, 1920, 128, 128, 16, 96, 176);
    expect_size(1920, 1080, 512, 288, 32, 512, 288);
    expect_size(3840, 2160, 512, 288, 32, 512, 288);
}

/* Shapes up to 12:1, any model: the shape is off by no more than a step of the shorter side, the area by less than 2x.
 */
Test(geometry, holds_for_random_clips)
{
    srand((unsigned)fresh_seed());
    for (int i = 0; i < 300; i++) {
        const int multiple = 8 << rand() % 3, side = multiple * (8 + rand() % 8);
        const struct pv_picture_size model = {side, side};
        const double shape = exp((rand() % 2001 - 1000) / 1000.0 * log(12));
        const struct pv_picture_size clip = {(int)(4000 * sqrt(shape)), (int)(4000 / sqrt(shape))};
        const struct pv_picture_size size = pv_working_size(clip, model, multiple);
        cr_assert(size.width % multiple == 0 && size.height % multiple == 0);
        const double found = (double)size.width / size.height, area = (double)size.width * size.height;
        const int shorter = size.width < size.height ? size.width : size.height;
        cr_expect(fabs(log(found / shape)) <= log(1 + (double)multiple / shorter), "%g becomes %dx%d", shape,
                  size.width, size.height);
        cr_expect(fabs(log(area / side / side)) < log(2), "%g becomes %dx%d with %dx%d", shape, size.width, size.height,
                  side, side);
    }
}

/* ---- timing ---- */

Test(timing, quantiles_are_right_to_a_percent)
{
    struct pv_durations *d = calloc(1, sizeof *d);
    cr_assert_not_null(d);
    cr_expect_eq(pv_durations_quantile(d, 0.5), 0);
    for (int i = 1; i <= 1000; i++)
        pv_durations_add(d, (uint64_t)i * 100000); /* 0.1 to 100 ms */
    cr_expect_float_eq(pv_durations_quantile(d, 0.1), 10, 0.1);
    cr_expect_float_eq(pv_durations_quantile(d, 0.5), 50, 0.5);
    cr_expect_float_eq(pv_durations_quantile(d, 0.9), 90, 0.9);
    pv_durations_add(d, 0);
    pv_durations_add(d, UINT64_MAX);
    cr_expect(pv_durations_quantile(d, 0) > 0 && pv_durations_quantile(d, 1) > 1e6, "extremes have a bin");
    free(d);
}

/* ---- suggestions ---- */

Test(suggest, counts_single_edits)
{
    cr_expect_eq(pv_edit_distance("", ""), 0);
    cr_expect_eq(pv_edit_distance("model", "model"), 0);
    cr_expect_eq(pv_edit_distance("modle", "model"), 1);
    cr_expect_eq(pv_edit_distance("modl", "model"), 1);
    cr_expect_eq(pv_edit_distance("kitten", "sitting"), 3);
    cr_expect_eq(pv_edit_distance("abc", ""), 3);
}

Test(suggest, is_silent_when_nothing_is_near)
{
    struct pv_suggestion s = {.typed = "colour"};
    pv_suggestion_offer(&s, "model");
    pv_suggestion_offer(&s, "seed");
    cr_expect_null(s.best);
    s = (struct pv_suggestion){.typed = "com"};
    pv_suggestion_offer(&s, "completions");
    cr_expect_str_eq(s.best, "completions", "the beginning of a word is near it");
}

/* ---- values ---- */

struct values {
    struct pv_common_values common;
    double number;
    int64_t count;
    uint64_t seed;
    struct pv_size_value size;
    struct pv_pair_value pair;
    struct pv_rate_value rate;
    int choice;
};

#define AT(field) offsetof(struct values, field)
static const struct pv_option number = {
    .name = "n", .kind = PV_OPTION_NUMBER, .offset = AT(number), .min = -2, .max = 9};
static const struct pv_option count = {.name = "c", .kind = PV_OPTION_COUNT, .offset = AT(count), .min = 1, .max = 64};
static const struct pv_option seed_option = {.name = "s", .kind = PV_OPTION_SEED, .offset = AT(seed)};
static const struct pv_option size = {
    .name = "z", .kind = PV_OPTION_SIZE, .offset = AT(size), .min = 2, .max = 99, .choices = "source|model"};
static const struct pv_option pair = {.name = "p", .kind = PV_OPTION_PAIR, .offset = AT(pair), .min = -9, .max = 9};
static const struct pv_option rate = {.name = "r", .kind = PV_OPTION_RATE, .offset = AT(rate)};
static const struct pv_option choice = {
    .name = "w", .kind = PV_OPTION_CHOICE, .offset = AT(choice), .choices = "red|green|blue"};

static void expect_refused(const struct pv_option *option, const char *text)
{
    struct values v;
    struct pv_error err = {{0}};
    cr_expect_eq(pv_option_store(option, text, &v, &err), PV_ERR_ARGUMENT, "--%s accepts '%s'", option->name, text);
    cr_expect_not_null(strstr(err.text, text), "the sentence does not show '%s': %s", text, err.text);
}

static struct values stored(const struct pv_option *option, const char *text)
{
    struct values v = {0};
    struct pv_error err = {{0}};
    cr_expect_eq(pv_option_store(option, text, &v, &err), PV_OK, "--%s: %s", option->name, err.text);
    return v;
}

Test(values, numbers_are_whole_texts_in_range)
{
    cr_expect_eq(stored(&number, "-1.5").number, -1.5);
    cr_expect_eq(stored(&number, "1e0").number, 1);
    cr_expect_eq(stored(&count, "64").count, 64);
    cr_expect_eq(stored(&seed_option, "9223372036854775807").seed, INT64_MAX);
    static const char *const bad[] = {"", " 1", "1 ", "x", "10", "nan", "inf", "0x1", "1,5", "--1"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        expect_refused(&number, bad[i]);
    static const char *const bad_counts[] = {"0", "65", "1.5", "1e1", "99999999999999999999", "-1"};
    for (size_t i = 0; i < sizeof bad_counts / sizeof bad_counts[0]; i++)
        expect_refused(&count, bad_counts[i]);
    expect_refused(&seed_option, "9223372036854775808");
    expect_refused(&seed_option, "-1");
}

Test(values, sizes_pairs_and_choices)
{
    struct values v = stored(&size, "64x48");
    cr_expect(v.size.choice == -1 && v.size.width == 64 && v.size.height == 48);
    cr_expect_eq(stored(&size, "model").size.choice, 1);
    static const char *const bad[] = {"64", "x48", "64x", "64x48x2", "1x48", "64x100", "-64x48", "64X48", "Model"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        expect_refused(&size, bad[i]);
    v = stored(&pair, "-1,2.5");
    cr_expect(v.pair.given && v.pair.x == -1 && v.pair.y == 2.5);
    expect_refused(&pair, "1");
    expect_refused(&pair, "1,");
    expect_refused(&pair, "1,2,3");
    expect_refused(&pair, "1,20");
    cr_expect_eq(stored(&choice, "blue").choice, 2);
    expect_refused(&choice, "blu");
    expect_refused(&choice, "red|green");
}

Test(values, rates_are_fractions)
{
    static const struct {
        const char *text;
        int num, den;
    } rows[] = {{"24", 24, 1},           {"25.0", 25, 1},
                {"23.976", 24000, 1001}, {"29.97", 30000, 1001},
                {"59.94", 60000, 1001},  {"24000/1001", 24000, 1001},
                {"12.5", 12500, 1000},   {"1", 1, 1}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct pv_rate_value r = stored(&rate, rows[i].text).rate;
        cr_expect(r.num == rows[i].num && r.den == rows[i].den, "%s is %d/%d", rows[i].text, r.num, r.den);
    }
    static const char *const bad[] = {"0", "-24", "24/0", "24/", "/1", "481", "1/2", "24fps", "9999999999/1"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        expect_refused(&rate, bad[i]);
}
