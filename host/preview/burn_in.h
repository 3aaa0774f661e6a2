/* burn_in.h: what is written on frames that people look at, so that no picture can be taken for another: shot and
 * version, timecode, frame number, seed, model, and whether it is real or predicted. */
#ifndef PV_PREVIEW_BURN_IN_H
#define PV_PREVIEW_BURN_IN_H

#include "preview/plan.h"

struct pv_burn_in {
    const struct pv_preview_plan *plan;
    pv_clip_lettering *lettering; /* NULL = nothing is written */
};

/* The colour of PREDICTED and of the seam, everywhere; and of SOURCE. */
enum { PV_PREVIEW_PREDICTED_RGB = 0xffa033, PV_PREVIEW_SOURCE_RGB = 0xb8e0b8, PV_PREVIEW_WORDS_RGB = 0xffffff };

/* For frames of one size. burn_in is overwritten; release it also after a failure. */
pv_status pv_burn_in_open(struct pv_burn_in *burn_in, const struct pv_preview_plan *plan, int width, int height,
                          struct pv_error *err);
/* Frame `index` of the clip and its future, 0 = the source's first; take -1 = all takes. */
pv_status pv_burn_in_draw(struct pv_burn_in *burn_in, pv_frame *frame, int take, int64_t index, struct pv_error *err);
void pv_burn_in_release(struct pv_burn_in *burn_in);

/* "+0.50 s" behind the seam, "-0.25 s" before it. */
void pv_preview_offset(const struct pv_preview_plan *plan, int64_t index, char text[32]);

#endif
