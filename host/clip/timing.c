/* timing.c: see timing.h. */
#include "clip/timing.h"

#include <libavutil/avutil.h>
#include <libavutil/mathematics.h>
#include <math.h>
#include <stdlib.h>

/* Rates that clips really have, most usual first. */
static const AVRational usual_rates[] = {
    {24, 1}, {24000, 1001}, {25, 1}, {30, 1}, {30000, 1001}, {50, 1}, {60, 1},  {60000, 1001},
    {48, 1}, {48000, 1001}, {10, 1}, {12, 1}, {15, 1},       {20, 1}, {100, 1}, {120, 1},
};
static const int64_t MAX_PTS = INT64_C(1) << 60; /* sums of a few stay in range */
enum { USUAL_RATES = sizeof usual_rates / sizeof usual_rates[0] };

static int compare_int64(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static bool is_rate(AVRational r)
{
    return r.num > 0 && r.den > 0 && av_q2d(r) <= 1000.0;
}

/* Evenly spaced at fps: no timestamp strays from a line by more than its rounding to a tick (rounded or cut), and none
 * by so much that a picture could be missing. */
static bool explains(AVRational fps, const int64_t *pts, size_t count, double tick)
{
    const double interval = 1.0 / av_q2d(fps);
    double low = 0.0, high = 0.0;
    for (size_t i = 1; i < count; i++) {
        const double stray = (double)(pts[i] - pts[0]) * tick - (double)i * interval;
        low = fmin(low, stray);
        high = fmax(high, stray);
    }
    return high - low <= 1.05 * tick && high - low < 0.75 * interval;
}

/* The most common interval, seconds: the mean of those within a tick of the median one (rounding), unless a tick is so
 * coarse that it could be a missing picture. */
static double common_interval(const int64_t *pts, size_t count, double tick, int64_t *scratch)
{
    for (size_t i = 1; i < count; i++)
        scratch[i - 1] = pts[i] - pts[i - 1];
    qsort(scratch, count - 1, sizeof scratch[0], compare_int64);
    const int64_t median = scratch[(count - 1) / 2];
    const int64_t rounding = median >= 3 ? 1 : 0;
    double sum = 0.0;
    size_t used = 0;
    for (size_t i = 0; i + 1 < count; i++) {
        if (llabs(scratch[i] - median) <= rounding) {
            sum += (double)scratch[i];
            used++;
        }
    }
    return sum / (double)used * tick;
}

static AVRational nearest_rate(double fps, const AVRational *hints, size_t hint_count)
{
    AVRational best = av_d2q(fps, 100000);
    double best_error = 0.002; /* further away than this, a usual rate is not what was meant */
    for (size_t i = 0; i < hint_count + USUAL_RATES; i++) {
        const AVRational rate = i < hint_count ? hints[i] : usual_rates[i - hint_count];
        const double error = is_rate(rate) ? fabs(av_q2d(rate) / fps - 1.0) : 1.0;
        if (error < best_error * 0.999) {
            best = rate;
            best_error = error;
        }
    }
    return best;
}

struct pv_rate pv_rate_measure(int64_t *pts, size_t count, AVRational time_base, const AVRational *hints,
                               size_t hint_count)
{
    struct pv_rate rate = {.fps = {25, 1}, .variable = false};
    for (size_t i = hint_count; i-- > 0;)
        if (is_rate(hints[i]))
            rate.fps = hints[i];
    qsort(pts, count, sizeof pts[0], compare_int64);
    size_t unique = 0;
    for (size_t i = 0; i < count; i++)
        if (unique == 0 || pts[i] != pts[unique - 1])
            pts[unique++] = pts[i];
    if (unique < 2)
        return rate;

    const double tick = av_q2d(time_base);
    for (size_t i = 0; i < hint_count + USUAL_RATES; i++) {
        const AVRational candidate = i < hint_count ? hints[i] : usual_rates[i - hint_count];
        if (is_rate(candidate) && explains(candidate, pts, unique, tick)) {
            rate.fps = candidate;
            return rate;
        }
    }
    const int64_t span = pts[unique - 1] - pts[0];
    int num, den;
    if (span <= INT64_MAX / time_base.num) {
        av_reduce(&num, &den, (int64_t)(unique - 1) * time_base.den, span * time_base.num, 1001000);
        rate.fps = (AVRational){num, den};
        if (is_rate(rate.fps) && explains(rate.fps, pts, unique, tick))
            return rate;
    }

    int64_t *scratch = malloc(unique * sizeof *scratch);
    const double interval = scratch ? common_interval(pts, unique, tick, scratch)
                                    : (double)(pts[unique - 1] - pts[0]) * tick / (double)(unique - 1);
    free(scratch);
    rate.fps = nearest_rate(fmin(1.0 / interval, 1000.0), hints, hint_count);
    rate.variable = true;
    return rate;
}

enum pv_pick pv_resampler_pick(const struct pv_resampler *r, int64_t current_pts, bool has_next, int64_t next_pts)
{
    const int64_t current = current_pts - r->start, next = next_pts - r->start;
    if (has_next) {
        const bool reached = av_compare_ts(next, r->time_base, r->index, r->interval) <= 0;
        const bool nearer = av_compare_ts(next + current, r->time_base, 2 * r->index, r->interval) < 0;
        const bool soon = av_compare_ts(2 * next, r->time_base, 2 * r->index + 1, r->interval) <= 0;
        return reached || (nearer && soon) ? PV_PICK_NEXT : PV_PICK_CURRENT;
    }
    /* The last picture stands for one source interval, rounded to whole output frames, and at least where it is. */
    if (av_compare_ts(current, r->time_base, r->index, r->interval) >= 0)
        return PV_PICK_CURRENT;
    const AVRational tick_now = av_mul_q(r->interval, (AVRational){1, 2});
    const double now = (double)(2 * r->index + 1) * av_q2d(tick_now);
    const double end = (double)current * av_q2d(r->time_base) + av_q2d(r->source_interval);
    const double rounding = 1.05 * av_q2d(r->time_base);
    return now <= end + fmin(rounding, 0.25 * av_q2d(r->interval)) ? PV_PICK_CURRENT : PV_PICK_END;
}

int64_t pv_clock_next(struct pv_clock *clock, int64_t pts, bool *spliced)
{
    *spliced = false;
    if (pts > MAX_PTS || pts < -MAX_PTS) /* damaged, or AV_NOPTS_VALUE */
        pts = AV_NOPTS_VALUE;
    if (!clock->started) {
        clock->started = true;
        clock->last = pts == AV_NOPTS_VALUE ? 0 : pts;
        return clock->last;
    }
    if (pts == AV_NOPTS_VALUE) {
        clock->last += clock->interval;
        return clock->last;
    }
    int64_t now = pts + clock->offset;
    if (now < clock->last || now - clock->last > clock->max_gap) {
        clock->offset += clock->last + clock->interval - now;
        now = clock->last + clock->interval;
        *spliced = true;
    }
    clock->last = now;
    return now;
}
