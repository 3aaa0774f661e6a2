/* eval_sheet.c: the contact sheet of prevue eval: of every clip two strips, truth above prediction, from the last
 * observed frame on. Above each stands how many frames ahead its columns are. */
#include <stdlib.h>
#include <string.h>

#include <prevue/clip.h>

#include "eval_part.h"
#include "preview/canvas.h"

enum {
    COLUMNS = 9,
    CELL_WIDTH = 128,
    GAP = 2,
    STEP = CELL_WIDTH + GAP,
    WIDTH = COLUMNS * STEP - GAP,
    HEADING = 26, /* its height, and where the letters stand in it */
    BASELINE = 19,
    LETTERS = 13,
    INK = 0xf0f0f2
};

struct pv_eval_sheet {
    pv_clip_lettering *lettering; /* of a heading; NULL where no font is found */
    uint8_t *rgb;                 /* so far: [height][WIDTH][3] */
    int height;
    int step; /* frames from column to column; 0 = so that all is shown */
    char last_name[96];
};

pv_status pv_eval_sheet_open(int step, struct pv_eval_sheet **sheet, struct pv_error *err)
{
    pv_clip_label labels[COLUMNS] = {{.x = 4, .baseline = BASELINE, .size = LETTERS, .rgb = INK}};
    char message[PV_CLIP_MESSAGE_SIZE];
    for (int i = 1; i < COLUMNS; i++) {
        labels[i] = labels[0];
        labels[i].x = i * STEP + CELL_WIDTH / 2;
        labels[i].align = PV_CLIP_ALIGN_CENTRE;
    }
    *sheet = calloc(1, sizeof **sheet);
    if (!*sheet)
        return pv_fail(err, PV_ERR_MEMORY, "no memory for a contact sheet");
    (*sheet)->step = step;
    const pv_status status =
        pv_clip_lettering_open(WIDTH, HEADING, NULL, labels, COLUMNS, &(*sheet)->lettering, message);
    return status == PV_OK || status == PV_ERR_UNSUPPORTED ? PV_OK : pv_fail(err, status, "%s", message);
}

void pv_eval_sheet_close(struct pv_eval_sheet *sheet)
{
    if (!sheet)
        return;
    pv_clip_lettering_close(sheet->lettering);
    free(sheet->rgb);
    free(sheet);
}

/* Rows of background at the end of the sheet; data is NULL when there is no memory. */
static pv_frame add_rows(struct pv_eval_sheet *s, int rows)
{
    pv_frame frame = {.stride = (size_t)WIDTH * 3, .width = WIDTH, .height = rows};
    uint8_t *more = realloc(s->rgb, (size_t)(s->height + rows) * frame.stride);
    if (!more)
        return frame;
    s->rgb = more;
    frame.data = more + (size_t)s->height * frame.stride;
    s->height += rows;
    pv_canvas_fill(&frame, PV_CANVAS_RGB);
    return frame;
}

static int time_of(const struct pv_eval_sheet *s, const struct pv_footage *f, int column)
{
    const int time = s->step ? column * s->step : column * f->ahead / (COLUMNS - 1);
    return time < f->ahead ? time : f->ahead;
}

/* The group's name over its first clip, the times over each. */
static void write_heading(struct pv_eval_sheet *s, pv_frame *heading, const struct pv_footage *f, const char *name)
{
    char text[COLUMNS][24] = {""};
    const char *words[COLUMNS];
    if (!s->lettering)
        return;
    if (strcmp(name, s->last_name) != 0)
        snprintf(text[0], sizeof text[0], "%.20s", name); /* more would run into the next column's word */
    snprintf(s->last_name, sizeof s->last_name, "%s", name);
    for (int i = 0; i < COLUMNS; i++) {
        if (i > 0)
            snprintf(text[i], sizeof text[i], "+%d", time_of(s, f, i));
        words[i] = text[i];
    }
    pv_clip_lettering_draw(s->lettering, heading, words);
}

pv_status pv_eval_sheet_add(struct pv_eval_sheet *s, const struct pv_footage *f, const char *name, struct pv_error *err)
{
    const int height = (int)((double)CELL_WIDTH * f->height / f->width + 0.5);
    pv_clip_scaler *scaler = NULL;
    pv_frame heading = add_rows(s, HEADING);
    pv_status status =
        heading.data ? pv_clip_scaler_open(f->width, f->height, CELL_WIDTH, height, &scaler) : PV_ERR_MEMORY;
    if (status == PV_OK)
        write_heading(s, &heading, f, name);
    for (int predicted = 0; predicted < 2 && status == PV_OK; predicted++) {
        const pv_frame strip = add_rows(s, height + GAP);
        status = strip.data ? PV_OK : PV_ERR_MEMORY;
        for (int column = 0; column < COLUMNS && status == PV_OK; column++) {
            const uint8_t *rgb = pv_gallery_frame(f, time_of(s, f, column), predicted);
            const pv_frame from = {.data = (uint8_t *)(uintptr_t)rgb, /* only read */
                                   .stride = (size_t)f->width * 3,
                                   .width = f->width,
                                   .height = f->height};
            pv_frame to = pv_canvas_part(&strip, column * STEP, 0, CELL_WIDTH, height);
            status = pv_clip_scaler_run(scaler, &from, &to);
        }
    }
    pv_clip_scaler_close(scaler);
    return status == PV_OK ? PV_OK : pv_fail(err, status, "no memory for a contact sheet");
}

pv_status pv_eval_sheet_save(const struct pv_eval_sheet *s, const char *path, bool overwrite, struct pv_error *err)
{
    char message[PV_CLIP_MESSAGE_SIZE];
    const pv_frame sheet = {.data = s->rgb, .stride = (size_t)WIDTH * 3, .width = WIDTH, .height = s->height};
    const pv_status status = pv_clip_picture_save(path, &sheet, overwrite, message);
    return status == PV_OK ? PV_OK : pv_fail(err, status, "%s", message);
}
