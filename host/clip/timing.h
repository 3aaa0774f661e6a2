/* timing.h: which source picture stands at which output time.
 *
 * Everything is exact: timestamps stay integers in the stream's time base, rates stay fractions, and comparisons go
 * through av_compare_ts. Container rates and packet durations are hints only; what counts is where timestamps are. */
#ifndef PV_CLIP_TIMING_H
#define PV_CLIP_TIMING_H

#include <libavutil/rational.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pv_rate {
    AVRational fps;
    bool variable; /* the timestamps are not evenly spaced; fps is then that of the most common interval */
};

/* The rate of a stream from the timestamps of its first pictures, in any order, in ticks of time_base; pts is sorted
 * in place. hints: rates the container claims, best first; entries that are not positive are skipped. A hint or a usual
 * rate (24000/1001 ...) is taken when it explains the timestamps to within their rounding. With fewer than two
 * timestamps: the first hint, else 25. */
struct pv_rate pv_rate_measure(int64_t *pts, size_t count, AVRational time_base, const AVRational *hints,
                               size_t hint_count);

/* Resampling in time. The source pictures are seen two at a time: the current one (the last at or before the output
 * time) and the next. */
struct pv_resampler {
    AVRational time_base;
    AVRational interval;        /* of the output: 1/fps, seconds */
    AVRational source_interval; /* 1/fps of the source, seconds: how long its last picture stands */
    int64_t start;              /* timestamp of the first picture: output time 0 */
    int64_t index;              /* of the output frame wanted now */
};

enum pv_pick {
    PV_PICK_CURRENT, /* show the current picture */
    PV_PICK_NEXT,    /* the next picture becomes the current one; ask again */
    PV_PICK_END      /* the clip is over */
};

/* What to do for output frame index. next_pts is ignored unless has_next. The picture whose timestamp is nearest is
 * shown, but none more than half an output interval early: a picture that is held long is held to its end. */
enum pv_pick pv_resampler_pick(const struct pv_resampler *r, int64_t current_pts, bool has_next, int64_t next_pts);

/* Makes a sequence of timestamps rise: what a damaged or spliced stream says is replaced by what it can mean. */
struct pv_clock {
    int64_t interval; /* of the source, ticks, at least 1 */
    int64_t max_gap;  /* ticks; a longer silence is a splice, not a held picture */
    int64_t offset;   /* added to what comes in */
    int64_t last;     /* the last timestamp given out */
    bool started;
};

/* The timestamp to use for a picture that claims pts (unknown = AV_NOPTS_VALUE). Repeats of a timestamp stay repeats.
 */
int64_t pv_clock_next(struct pv_clock *clock, int64_t pts, bool *spliced);

#endif
