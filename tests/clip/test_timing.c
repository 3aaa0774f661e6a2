/* Rates measured on timestamps, resampling, splices, timecode: all exact, all without a file. */
#include <criterion/criterion.h>

#include <prevue/clip.h>
#include <stdlib.h>
#include <string.h>

#include <libavutil/avutil.h>
#include <libavutil/mathematics.h>

#include "clip/timing.h"

static const AVRational ms = {1, 1000};

static struct pv_rate measure_even(AVRational fps, AVRational tick, size_t count, size_t skip)
{
    int64_t pts[200];
    size_t n = 0;
    for (size_t i = 0; i < count; i++)
        if (skip == 0 || i % skip != skip - 1)
            pts[n++] = av_rescale_q((int64_t)i, av_inv_q(fps), tick) + 77;
    for (size_t i = 0; i + 1 < n; i += 2) { /* out of order, as B pictures come */
        const int64_t t = pts[i];
        pts[i] = pts[i + 1];
        pts[i + 1] = t;
    }
    return pv_rate_measure(pts, n, tick, NULL, 0);
}

Test(timing, rates_are_found_behind_millisecond_rounding)
{
    const AVRational rates[] = {{24, 1}, {24000, 1001}, {25, 1}, {30000, 1001}, {60, 1}, {60000, 1001}, {12, 1}};
    for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++) {
        const struct pv_rate rate = measure_even(rates[i], ms, 120, 0);
        cr_expect_eq(av_cmp_q(rate.fps, rates[i]), 0, "%d/%d read as %d/%d", rates[i].num, rates[i].den, rate.fps.num,
                     rate.fps.den);
        cr_expect_not(rate.variable);
    }
}

Test(timing, unusual_constant_rates_stay_exact)
{
    const AVRational odd = {37, 2};
    const struct pv_rate rate = measure_even(odd, (AVRational){1, 37000}, 50, 0);
    cr_expect_eq(av_cmp_q(rate.fps, odd), 0, "%d/%d", rate.fps.num, rate.fps.den);
    cr_expect_not(rate.variable);
}

Test(timing, missing_pictures_make_a_variable_rate_of_the_common_interval)
{
    struct pv_rate rate = measure_even((AVRational){30, 1}, ms, 120, 7);
    cr_expect_eq(av_cmp_q(rate.fps, (AVRational){30, 1}), 0, "%d/%d", rate.fps.num, rate.fps.den);
    cr_expect(rate.variable);
    rate = measure_even((AVRational){25, 1}, (AVRational){1, 25}, 60, 9); /* ticks as coarse as pictures */
    cr_expect_eq(av_cmp_q(rate.fps, (AVRational){25, 1}), 0, "%d/%d", rate.fps.num, rate.fps.den);
    cr_expect(rate.variable);
}

Test(timing, a_wrong_hint_is_not_believed_and_a_right_one_wins)
{
    int64_t pts[40];
    for (int i = 0; i < 40; i++)
        pts[i] = i * 512;
    const AVRational hints[] = {{0, 0}, {90000, 1}, {50, 1}, {48, 2}};
    const struct pv_rate rate = pv_rate_measure(pts, 40, (AVRational){1, 12288}, hints, 4);
    cr_expect_eq(av_cmp_q(rate.fps, (AVRational){24, 1}), 0);
    cr_expect_not(rate.variable);
    const struct pv_rate none = pv_rate_measure(pts, 1, ms, &hints[2], 1);
    cr_expect_eq(av_cmp_q(none.fps, (AVRational){50, 1}), 0, "one picture: the hint");
}

/* Runs the resampler over pictures at pts; shown[k] is the picture of output frame k. */
static int resample(const int64_t *pts, int count, AVRational tick, AVRational source, AVRational fps, int *shown,
                    int room)
{
    struct pv_resampler r = {
        .time_base = tick, .interval = av_inv_q(fps), .source_interval = av_inv_q(source), .start = pts[0]};
    int current = 0;
    for (;;) {
        const bool has_next = current + 1 < count;
        switch (pv_resampler_pick(&r, pts[current], has_next, has_next ? pts[current + 1] : 0)) {
        case PV_PICK_NEXT: current++; break;
        case PV_PICK_END: return (int)r.index;
        case PV_PICK_CURRENT:
            cr_assert_lt(r.index, room);
            shown[r.index++] = current;
            break;
        }
    }
}

static void expect_shown(const char *what, const int *shown, int count, const int *expected, int expected_count)
{
    cr_assert_eq(count, expected_count, "%s: %d frames, not %d", what, count, expected_count);
    for (int i = 0; i < count; i++)
        cr_expect_eq(shown[i], expected[i], "%s: frame %d shows picture %d, not %d", what, i, shown[i], expected[i]);
}

Test(timing, the_same_rate_shows_every_picture_once_despite_jitter)
{
    int64_t pts[50];
    int shown[64];
    for (int i = 0; i < 50; i++)
        pts[i] = av_rescale(i, 1001, 24) + 5; /* milliseconds, rounded */
    const int count = resample(pts, 50, ms, (AVRational){24000, 1001}, (AVRational){24000, 1001}, shown, 64);
    cr_assert_eq(count, 50);
    for (int i = 0; i < 50; i++)
        cr_expect_eq(shown[i], i);
}

Test(timing, slower_takes_the_nearest_and_faster_repeats)
{
    int64_t pts[10];
    int shown[64];
    for (int i = 0; i < 10; i++)
        pts[i] = i;
    const int half[] = {0, 2, 4, 6, 8};
    expect_shown("60 to 30", shown,
                 resample(pts, 10, (AVRational){1, 60}, (AVRational){60, 1}, (AVRational){30, 1}, shown, 64), half, 5);
    const int nearest[] = {0, 2, 5, 7}; /* 2.5 is as near to 2 as to 3: the earlier */
    const int got = resample(pts, 9, (AVRational){1, 60}, (AVRational){60, 1}, (AVRational){24, 1}, shown, 64);
    expect_shown("60 to 24", shown, got, nearest, 4);
    const int twice[] = {0, 0, 1, 1, 2, 2};
    expect_shown("12 to 24", shown,
                 resample(pts, 3, (AVRational){1, 12}, (AVRational){12, 1}, (AVRational){24, 1}, shown, 64), twice, 6);
}

Test(timing, a_picture_held_long_is_held_to_its_end)
{
    const int64_t pts[] = {0, 1, 2, 12, 13};
    const int expected[] = {0, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 4};
    int shown[64];
    const AVRational ten = {10, 1};
    expect_shown("hold", shown, resample(pts, 5, (AVRational){1, 10}, ten, ten, shown, 64), expected, 14);
}

Test(timing, the_clock_never_runs_back_and_joins_splices)
{
    struct pv_clock clock = {.interval = 40, .max_gap = 60000};
    bool spliced;
    cr_expect_eq(pv_clock_next(&clock, 1000, &spliced), 1000);
    cr_expect_eq(pv_clock_next(&clock, AV_NOPTS_VALUE, &spliced), 1040);
    cr_expect_eq(pv_clock_next(&clock, 1040, &spliced), 1040, "a repeated timestamp stays one");
    cr_expect_not(spliced);
    cr_expect_eq(pv_clock_next(&clock, 20, &spliced), 1080);
    cr_expect(spliced);
    cr_expect_eq(pv_clock_next(&clock, 60, &spliced), 1120);
    cr_expect_not(spliced);
    cr_expect_eq(pv_clock_next(&clock, INT64_C(1) << 50, &spliced), 1160);
    cr_expect(spliced);
    cr_expect_eq(pv_clock_next(&clock, INT64_MAX, &spliced), 1200, "nonsense counts as unknown");
}

static void expect_timecode(const char *from, int num, int den, int64_t frames, const char *expected)
{
    char out[PV_CLIP_TIMECODE_SIZE];
    cr_expect_eq(pv_clip_timecode_add(from, num, den, frames, out), PV_OK, "%s", from);
    cr_expect_str_eq(out, expected, "%s + %lld at %d/%d is %s, not %s", from, (long long)frames, num, den, out,
                     expected);
}

Test(timing, timecode_counts_on)
{
    expect_timecode("01:00:00:00", 24, 1, 101, "01:00:04:05");
    expect_timecode("23:59:59:23", 24, 1, 1, "00:00:00:00");
    expect_timecode("00:00:00:00", 25, 1, -1, "23:59:59:24");
    expect_timecode("00:00:59;29", 30000, 1001, 1, "00:01:00;02");
    expect_timecode("00:09:59;29", 30000, 1001, 1, "00:10:00;00");
    expect_timecode("23:59:59;29", 30000, 1001, 1, "00:00:00;00");
    expect_timecode("00:00:59;59", 60000, 1001, 1, "00:01:00;04");
    char out[PV_CLIP_TIMECODE_SIZE];
    cr_expect_eq(pv_clip_timecode_add("soon", 24, 1, 1, out), PV_ERR_ARGUMENT);
    cr_expect_str_empty(out);
    cr_expect_eq(pv_clip_timecode_add("01:00:00:00", 0, 1, 1, out), PV_ERR_ARGUMENT);
}

/* The inverse of counting on, also where drop frame leaves numbers out. */
Test(timecode, frames_after_zero)
{
    const struct {
        const char *zero;
        int num, den;
    } rows[] = {{"00:00:00:00", 24000, 1001}, {"00:00:00:00", 25, 1}, {"00:00:00;00", 30000, 1001}};
    for (int i = 0; i < 3; i++)
        for (int64_t frames = 0; frames < 200000; frames += 997) {
            char text[PV_CLIP_TIMECODE_SIZE];
            int64_t back;
            cr_assert_eq(pv_clip_timecode_add(rows[i].zero, rows[i].num, rows[i].den, frames, text), PV_OK);
            cr_expect_eq(pv_clip_timecode_frames(text, rows[i].num, rows[i].den, &back), PV_OK);
            cr_expect_eq(back, frames, "%s is %lld, not %lld", text, (long long)back, (long long)frames);
        }
    int64_t frames = 7;
    cr_expect_eq(pv_clip_timecode_frames("no timecode", 24, 1, &frames), PV_ERR_ARGUMENT);
    cr_expect_eq(frames, 0);
}
