/* frames.h: the frames of a preview by their place: source frames before the seam, predicted ones behind it. */
#ifndef PV_PREVIEW_FRAMES_H
#define PV_PREVIEW_FRAMES_H

#include "preview/clips.h"

/* Reads frames for one thread, into memory of its own. */
struct pv_preview_frames {
    const struct pv_preview *preview;
    pv_frame predicted; /* at the size the model works at */
    pv_frame real;      /* at the source's size */
};

/* frames is overwritten; release it also after a failure. */
pv_status pv_preview_frames_open(struct pv_preview_frames *frames, const struct pv_preview *preview,
                                 struct pv_error *err);
/* The i-th predicted frame of a take, at the source's rate. PV_END: it was not predicted before an end was asked for.
 */
pv_status pv_preview_frames_predicted(struct pv_preview_frames *frames, int take, int64_t i, struct pv_error *err);
/* Of the kept source frames, number i, oldest first. */
pv_status pv_preview_frames_real(struct pv_preview_frames *frames, int i, struct pv_error *err);
void pv_preview_frames_release(struct pv_preview_frames *frames);

/* Waits for the end of prediction; how many frames there are behind the seam, at the source's rate. */
int64_t pv_preview_frames_count(const struct pv_preview *preview);

#endif
