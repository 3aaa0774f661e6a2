/* deinterlace.h: pictures flagged interlaced become progressive (bwdif, one picture per frame); the others pass. The
 * filter looks one picture ahead, so it too must be drained. */
#ifndef PV_CLIP_DEINTERLACE_H
#define PV_CLIP_DEINTERLACE_H

#include <libavfilter/avfilter.h>
#include <libavutil/frame.h>
#include <stdbool.h>

#include "base/error.h"

struct pv_deinterlacer {
    AVRational time_base; /* of the pictures, in and out; set by the owner */
    AVFilterGraph *graph; /* NULL until the first interlaced picture, and after a change of format */
    AVFilterContext *source, *sink;
    int width, height, format; /* of the graph */
    bool draining;
};

/* Whether pictures must go through send and receive: from the first interlaced one on. */
bool pv_deinterlacer_wants(const struct pv_deinterlacer *d, const AVFrame *frame);

/* Whether the graph was made for pictures like this one; if not, drain it first. */
bool pv_deinterlacer_fits(const struct pv_deinterlacer *d, const AVFrame *frame);

/* Takes the reference of frame. */
pv_status pv_deinterlacer_send(struct pv_deinterlacer *d, AVFrame *frame, struct pv_error *err);

/* PV_AGAIN: send more; PV_END: drained; the graph is gone and a new one is made when needed. */
pv_status pv_deinterlacer_receive(struct pv_deinterlacer *d, AVFrame *frame, struct pv_error *err);

/* No more pictures (of this format) come. */
pv_status pv_deinterlacer_drain(struct pv_deinterlacer *d, struct pv_error *err);

void pv_deinterlacer_release(struct pv_deinterlacer *d);

#endif
