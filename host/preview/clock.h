/* clock.h: which predicted frame is seen at which frame of the clip, when model and clip have different rates. Nothing
 * is blended: each frame of the output is the predicted frame nearest in time. Exact: fractions, no seconds. */
#ifndef PV_PREVIEW_CLOCK_H
#define PV_PREVIEW_CLOCK_H

#include <stdint.h>

struct pv_preview_clock {
    int64_t model, clip; /* model frames pass while clip frames do; equal = frame by frame */
};

/* Rates within 5 % of each other are taken frame by frame, as the reader does for `prevue predict`. */
struct pv_preview_clock pv_preview_clock_of(int model_num, int model_den, int clip_num, int clip_den);

/* The predicted frame, counted from 0, shown at the clip's frame `frame` after the seam, counted from 0. */
int64_t pv_preview_clock_shown(const struct pv_preview_clock *clock, int64_t frame);
/* How many frames after the seam can be shown once so many are predicted. */
int64_t pv_preview_clock_covered(const struct pv_preview_clock *clock, int64_t predicted);
/* How many frames before the clip's last one the model's i-th frame back is. */
int64_t pv_preview_clock_back(const struct pv_preview_clock *clock, int64_t i);

#endif
