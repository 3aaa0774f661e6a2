/* timeline.h: a preview for editing programs: OpenTimelineIO, with the takes as alternatives of one clip, and CMX3600
 * edit decision lists, which know one file a clip: one list a take. */
#ifndef PV_PREVIEW_TIMELINE_H
#define PV_PREVIEW_TIMELINE_H

#include "preview/plan.h"

/* frames: predicted, at the source's rate. Both replace a file that is there. */
pv_status pv_preview_write_otio(const struct pv_preview_plan *plan, int64_t frames, struct pv_error *err);
pv_status pv_preview_write_edl(const struct pv_preview_plan *plan, int take, int64_t frames, struct pv_error *err);

/* CMX3600 counts 24, 25, 30, 50 or 60 frames a second. */
bool pv_preview_edl_knows_rate(const struct pv_preview_plan *plan);

#endif
