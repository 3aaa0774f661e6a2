/* sheet.c: the contact sheet (rows are takes, columns are times), the strip that shows where takes disagree, and what
 * still pictures have in common. */
#include "preview/sheet.h"

#include <stdio.h>
#include <stdlib.h>

#include "preview/burn_in.h"
#include "preview/frames.h"
#include "preview/spread.h"
#include "preview/write.h"

enum { GAP = 6, TIMES = 7, CELL = 256, MOST_HEIGHT = 12000, LETTER_LONGEST = 24, LETTER_MOST = 18 };

static pv_status open_words(struct pv_sheet *s, const char *title, struct pv_error *err)
{
    const struct pv_preview_plan *plan = s->preview->plan;
    const int caption = s->strip * 2 / 3, heading = s->title * 5 / 9;
    const pv_clip_label captions[2] = {
        {s->cell_width / 2, caption, PV_CLIP_ALIGN_CENTRE, caption, PV_PREVIEW_SOURCE_RGB},
        {s->cell_width / 2, caption, PV_CLIP_ALIGN_CENTRE, caption, PV_PREVIEW_PREDICTED_RGB},
    };
    const pv_clip_label head = {GAP, s->title * 2 / 3, PV_CLIP_ALIGN_LEFT, heading, PV_PREVIEW_WORDS_RGB};
    char message[PV_CLIP_MESSAGE_SIZE];
    pv_frame strip = pv_canvas_part(&s->canvas, 0, 0, s->canvas.width, s->title);
    pv_status status = pv_clip_lettering_open(s->cell_width, s->strip, plan->font, captions, 2, &s->caption, message);
    if (status == PV_OK)
        status = pv_clip_lettering_open(s->canvas.width, s->title, plan->font, &head, 1, &s->heading, message);
    if (status != PV_OK)
        return pv_fail(err, status, "%s", message);
    return pv_clip_lettering_draw(s->heading, &strip, &title);
}

pv_status pv_sheet_open(struct pv_sheet *s, const struct pv_preview *preview, int columns, int rows, int box,
                        const char *title, struct pv_error *err)
{
    const struct pv_preview_plan *plan = preview->plan;
    const struct pv_preview_source *source = &plan->source;
    *s = (struct pv_sheet){.preview = preview, .columns = columns};
    const int highest = MOST_HEIGHT / rows < box ? MOST_HEIGHT / rows : box;
    pv_canvas_fit(source->width, source->height, box, highest, 4, &s->cell_width, &s->cell_height);
    if (plan->sheet_words) { /* the words under a cell are as wide as it at most */
        const int size = (int)(s->cell_width / 0.602 / LETTER_LONGEST);
        s->strip = (size < 8 ? 8 : size > LETTER_MOST ? LETTER_MOST : size) * 3 / 2;
        s->title = 36;
    }
    const int width = GAP + columns * (s->cell_width + GAP);
    const int height = s->title + GAP + rows * (s->cell_height + s->strip + GAP);
    PV_TRY(pv_canvas_open(width, height, PV_CANVAS_RGB, &s->canvas, err));
    if (pv_clip_scaler_open(source->width, source->height, s->cell_width, s->cell_height, &s->real) != PV_OK ||
        pv_clip_scaler_open(plan->model.width, plan->model.height, s->cell_width, s->cell_height, &s->new) != PV_OK)
        return pv_fail(err, PV_ERR_MEMORY, "no memory to scale frames to %dx%d", s->cell_width, s->cell_height);
    return plan->sheet_words ? open_words(s, title, err) : PV_OK;
}

pv_status pv_sheet_put(struct pv_sheet *s, int column, int row, const pv_frame *frame, bool predicted,
                       const char *words, struct pv_error *err)
{
    const int x = GAP + column * (s->cell_width + GAP);
    const int y = s->title + GAP + row * (s->cell_height + s->strip + GAP);
    pv_frame cell = pv_canvas_part(&s->canvas, x, y, s->cell_width, s->cell_height);
    pv_status status = pv_clip_scaler_run(predicted ? s->new : s->real, frame, &cell);
    if (status == PV_OK && s->caption) {
        pv_frame strip = pv_canvas_part(&s->canvas, x, y + s->cell_height, s->cell_width, s->strip);
        status = pv_clip_lettering_draw(s->caption, &strip,
                                        (const char *const[]){predicted ? NULL : words, predicted ? words : NULL});
    }
    return status == PV_OK ? PV_OK : pv_fail(err, status, "cannot draw a cell: %s", pv_status_text(status));
}

pv_status pv_sheet_save(struct pv_sheet *s, enum pv_preview_kind kind, struct pv_error *err)
{
    char name[PV_PREVIEW_NAME_BYTES], path[PV_PREVIEW_PATH_BYTES], message[PV_CLIP_MESSAGE_SIZE];
    pv_preview_name(s->preview->plan, kind, 0, name);
    PV_TRY(pv_preview_path(s->preview->plan, name, path, err));
    const pv_status status = pv_clip_picture_save(path, &s->canvas, s->preview->overwrite, message);
    return status == PV_OK ? PV_OK : pv_fail(err, status, "%s", message);
}

void pv_sheet_release(struct pv_sheet *s)
{
    pv_clip_lettering_close(s->heading);
    pv_clip_lettering_close(s->caption);
    pv_clip_scaler_close(s->real);
    pv_clip_scaler_close(s->new);
    free(s->canvas.data);
}

int64_t pv_sheet_time(int64_t frames, int count, int number)
{
    return (number + 1) * frames / count - 1;
}

/* "1012 s3 +0.50 s", or without a seed */
static void cell_words(const struct pv_preview_plan *plan, int take, int64_t index, char words[96])
{
    char offset[32], seed[32] = "";
    pv_preview_offset(plan, index, offset);
    if (take >= 0)
        snprintf(seed, sizeof seed, "s%llu ", (unsigned long long)pv_preview_seed(plan, take));
    snprintf(words, 96, "%lld %s%s", (long long)(plan->first_number + index), seed, offset);
}

/* ---- the contact sheet ---- */

static pv_status fill_contact(struct pv_sheet *s, struct pv_preview_frames *frames, int64_t count, int times,
                              struct pv_error *err)
{
    const struct pv_preview_plan *plan = s->preview->plan;
    char words[96];
    for (int take = 0; take < plan->takes; take++) {
        PV_TRY(pv_preview_frames_real(frames, plan->source.tail - 1, err));
        cell_words(plan, take, plan->source.frames - 1, words);
        PV_TRY(pv_sheet_put(s, 0, take, &frames->real, false, words, err));
        for (int time = 0; time < times; time++) {
            const int64_t i = pv_sheet_time(count, times, time);
            PV_TRY(pv_preview_frames_predicted(frames, take, i, err));
            cell_words(plan, take, plan->source.frames + i, words);
            PV_TRY(pv_sheet_put(s, time + 1, take, &frames->predicted, true, words, err));
        }
    }
    return pv_sheet_save(s, PV_PREVIEW_CONTACT, err);
}

static int times_for(int64_t count)
{
    return count < TIMES ? (int)count : TIMES;
}

pv_status pv_preview_write_contact(const struct pv_preview *preview, struct pv_error *err)
{
    const struct pv_preview_plan *plan = preview->plan;
    const int64_t count = pv_preview_frames_count(preview);
    const int times = times_for(count);
    struct pv_sheet sheet = {0};
    struct pv_preview_frames frames;
    char title[256];
    if (count == 0)
        return PV_END;
    snprintf(title, sizeof title, "%s v%03d   %.60s, %d %s   green: source, orange: predicted", plan->shot,
             plan->version, plan->model.name, plan->steps, plan->steps == 1 ? "step" : "steps");
    pv_status status = pv_preview_frames_open(&frames, preview, err);
    if (status == PV_OK)
        status = pv_sheet_open(&sheet, preview, times + 1, plan->takes, CELL, title, err);
    if (status == PV_OK)
        status = fill_contact(&sheet, &frames, count, times, err);
    pv_sheet_release(&sheet);
    pv_preview_frames_release(&frames);
    return status;
}

/* ---- the strip ---- */

static pv_status fill_strip(struct pv_sheet *s, struct pv_preview_frames *frames, struct pv_spread *spread,
                            pv_frame *shown, int64_t count, struct pv_error *err)
{
    const struct pv_preview_plan *plan = s->preview->plan;
    for (int time = 0; time < s->columns; time++) {
        const int64_t i = pv_sheet_time(count, s->columns, time);
        char words[96], all[128];
        pv_spread_clear(spread);
        for (int take = 0; take < plan->takes; take++) {
            PV_TRY(pv_preview_frames_predicted(frames, take, i, err));
            pv_spread_add(spread, &frames->predicted);
        }
        const double deviation = pv_spread_show(spread, shown);
        cell_words(plan, -1, plan->source.frames + i, words);
        snprintf(all, sizeof all, "%s  %.1f", words, deviation);
        PV_TRY(pv_sheet_put(s, time, 0, shown, true, all, err));
    }
    return pv_sheet_save(s, PV_PREVIEW_STRIP, err);
}

pv_status pv_preview_write_strip(const struct pv_preview *preview, struct pv_error *err)
{
    const struct pv_preview_plan *plan = preview->plan;
    const int64_t count = pv_preview_frames_count(preview);
    struct pv_sheet sheet = {0};
    struct pv_preview_frames frames;
    struct pv_spread spread = {0};
    pv_frame shown = {0};
    char title[256];
    if (count == 0)
        return PV_END;
    snprintf(title, sizeof title, "%s v%03d   where %d takes disagree: yellow, then red   (number: mean deviation)",
             plan->shot, plan->version, plan->takes);
    pv_status status = pv_preview_frames_open(&frames, preview, err);
    if (status == PV_OK)
        status = pv_spread_open(&spread, plan->model.width, plan->model.height, err);
    if (status == PV_OK)
        status = pv_canvas_open(plan->model.width, plan->model.height, 0, &shown, err);
    if (status == PV_OK)
        status = pv_sheet_open(&sheet, preview, times_for(count), 1, CELL, title, err);
    if (status == PV_OK)
        status = fill_strip(&sheet, &frames, &spread, &shown, count, err);
    pv_sheet_release(&sheet);
    pv_spread_release(&spread);
    pv_preview_frames_release(&frames);
    free(shown.data);
    return status;
}
