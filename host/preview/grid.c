/* grid.c: the videos that show all takes at once: side by side, and as one picture with a heat map of where they
 * disagree. Both begin with the handles, so that they run in step with the new-only clips. */
#include <stdio.h>
#include <stdlib.h>

#include "preview/burn_in.h"
#include "preview/canvas.h"
#include "preview/frames.h"
#include "preview/spread.h"
#include "preview/write.h"

enum { BOX_WIDTH = 1920, BOX_HEIGHT = 1080 };

struct screen {
    const struct pv_preview *preview;
    struct pv_preview_frames frames;
    struct pv_cells cells;
    pv_frame canvas;
    struct pv_burn_in burn_in;  /* of a cell */
    pv_clip_scaler *real, *new; /* source and predicted frames to a cell */
    struct pv_spread spread;    /* the difference only */
    pv_frame shown;             /* of it, at the size the model works at */
    pv_clip_writer *writer;
};

static pv_status open_writer(struct screen *s, enum pv_preview_kind kind, struct pv_error *err)
{
    const struct pv_preview_plan *plan = s->preview->plan;
    char name[PV_PREVIEW_NAME_BYTES], path[PV_PREVIEW_PATH_BYTES], timecode[PV_CLIP_TIMECODE_SIZE];
    pv_preview_name(plan, kind, 0, name);
    PV_TRY(pv_preview_path(plan, name, path, err));
    const pv_clip_writer_params w =
        pv_preview_writer_params(s->preview, PV_CLIP_PRESET_REVIEW, s->canvas.width, s->canvas.height,
                                 plan->source.frames - pv_preview_handles(plan), timecode);
    const pv_status status = pv_clip_writer_open(path, &w, &s->writer);
    return status == PV_OK ? PV_OK : pv_fail(err, status, "%s", s->writer ? pv_clip_writer_message(s->writer) : "");
}

static pv_status screen_open(struct screen *s, enum pv_preview_kind kind, int cells, struct pv_error *err)
{
    const struct pv_preview_plan *plan = s->preview->plan;
    const struct pv_preview_source *source = &plan->source;
    s->cells = pv_cells_arrange(cells, source->width, source->height, BOX_WIDTH, BOX_HEIGHT);
    PV_TRY(pv_preview_frames_open(&s->frames, s->preview, err));
    PV_TRY(pv_canvas_open(pv_cells_width(&s->cells), pv_cells_height(&s->cells), PV_CANVAS_RGB, &s->canvas, err));
    if (plan->sheet_words)
        PV_TRY(pv_burn_in_open(&s->burn_in, plan, s->cells.width, s->cells.height, err));
    if (pv_clip_scaler_open(source->width, source->height, s->cells.width, s->cells.height, &s->real) != PV_OK ||
        pv_clip_scaler_open(plan->model.width, plan->model.height, s->cells.width, s->cells.height, &s->new) != PV_OK)
        return pv_fail(err, PV_ERR_MEMORY, "no memory to scale frames to %dx%d", s->cells.width, s->cells.height);
    return open_writer(s, kind, err);
}

static void screen_close(struct screen *s)
{
    pv_clip_writer_close(s->writer);
    pv_clip_scaler_close(s->real);
    pv_clip_scaler_close(s->new);
    pv_burn_in_release(&s->burn_in);
    pv_spread_release(&s->spread);
    pv_preview_frames_release(&s->frames);
    free(s->shown.data);
    free(s->canvas.data);
}

/* ---- side by side ---- */

static pv_status grid_frame(struct screen *s, int64_t index, struct pv_error *err)
{
    const struct pv_preview_plan *plan = s->preview->plan;
    const int64_t predicted = index - plan->source.frames;
    for (int take = 0; take < plan->takes; take++) {
        pv_frame cell = pv_cells_part(&s->cells, &s->canvas, take);
        if (predicted < 0)
            pv_clip_scaler_run(s->real, &s->frames.real, &cell);
        else {
            PV_TRY(pv_preview_frames_predicted(&s->frames, take, predicted, err));
            pv_clip_scaler_run(s->new, &s->frames.predicted, &cell);
        }
        PV_TRY(pv_burn_in_draw(&s->burn_in, &cell, take, index, err));
    }
    return PV_OK;
}

/* ---- the difference ---- */

static pv_status difference_frame(struct screen *s, int64_t index, struct pv_error *err)
{
    const struct pv_preview_plan *plan = s->preview->plan;
    const int64_t predicted = index - plan->source.frames;
    if (predicted < 0)
        pv_clip_scaler_run(s->real, &s->frames.real, &s->canvas);
    else {
        pv_spread_clear(&s->spread);
        for (int take = 0; take < plan->takes; take++) {
            PV_TRY(pv_preview_frames_predicted(&s->frames, take, predicted, err));
            pv_spread_add(&s->spread, &s->frames.predicted);
        }
        pv_spread_show(&s->spread, &s->shown);
        pv_clip_scaler_run(s->new, &s->shown, &s->canvas);
    }
    return pv_burn_in_draw(&s->burn_in, &s->canvas, -1, index, err);
}

static pv_status run(struct screen *s, pv_status (*compose)(struct screen *, int64_t, struct pv_error *),
                     struct pv_error *err)
{
    const struct pv_preview_plan *plan = s->preview->plan;
    const int handles = pv_preview_handles(plan);
    for (int64_t i = plan->source.frames - handles; i < plan->source.frames + plan->frames; i++) {
        if (i < plan->source.frames)
            PV_TRY(pv_preview_frames_real(&s->frames, (int)(i - plan->source.frames) + plan->source.tail, err));
        const pv_status status = compose(s, i, err);
        if (status == PV_END)
            break; /* an end was asked for */
        PV_TRY(status);
        PV_TRY(pv_preview_send(s->preview, s->writer, &s->canvas, err));
    }
    const pv_status status = pv_clip_writer_finish(s->writer);
    return status == PV_OK ? PV_OK : pv_fail(err, status, "%s", pv_clip_writer_message(s->writer));
}

pv_status pv_preview_write_grid(const struct pv_preview *preview, struct pv_error *err)
{
    struct screen s = {.preview = preview};
    pv_status status = screen_open(&s, PV_PREVIEW_GRID, preview->plan->takes, err);
    if (status == PV_OK)
        status = run(&s, grid_frame, err);
    screen_close(&s);
    return status;
}

pv_status pv_preview_write_difference(const struct pv_preview *preview, struct pv_error *err)
{
    const struct pv_preview_model *model = &preview->plan->model;
    struct screen s = {.preview = preview};
    pv_status status = pv_spread_open(&s.spread, model->width, model->height, err);
    if (status == PV_OK)
        status = pv_canvas_open(model->width, model->height, 0, &s.shown, err);
    if (status == PV_OK)
        status = screen_open(&s, PV_PREVIEW_DIFFERENCE, 1, err);
    if (status == PV_OK)
        status = run(&s, difference_frame, err);
    screen_close(&s);
    return status;
}
