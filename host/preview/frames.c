/* frames.c: see frames.h. */
#include "preview/frames.h"

#include <stdlib.h>

#include "preview/canvas.h"

pv_status pv_preview_frames_open(struct pv_preview_frames *f, const struct pv_preview *preview, struct pv_error *err)
{
    const struct pv_preview_plan *plan = preview->plan;
    *f = (struct pv_preview_frames){.preview = preview};
    PV_TRY(pv_canvas_open(plan->model.width, plan->model.height, 0, &f->predicted, err));
    return pv_canvas_open(plan->source.width, plan->source.height, 0, &f->real, err);
}

pv_status pv_preview_frames_predicted(struct pv_preview_frames *f, int take, int64_t i, struct pv_error *err)
{
    const int64_t step = pv_preview_clock_shown(&f->preview->plan->clock, i);
    if (pv_frame_file_wait(f->preview->predicted, step) <= step)
        return PV_END;
    return pv_frame_file_read(f->preview->predicted, step, take, &f->predicted, err);
}

pv_status pv_preview_frames_real(struct pv_preview_frames *f, int i, struct pv_error *err)
{
    return pv_frame_file_read(f->preview->tail, i, 0, &f->real, err);
}

void pv_preview_frames_release(struct pv_preview_frames *f)
{
    free(f->predicted.data);
    free(f->real.data);
}

int64_t pv_preview_frames_count(const struct pv_preview *preview)
{
    const int64_t steps = pv_frame_file_wait_for_end(preview->predicted);
    const int64_t covered = pv_preview_clock_covered(&preview->plan->clock, steps);
    return covered < preview->plan->frames ? covered : preview->plan->frames;
}
