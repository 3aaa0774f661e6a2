/* sheet.h: a still picture of many cells: a title, and under each cell a line of words. */
#ifndef PV_PREVIEW_SHEET_H
#define PV_PREVIEW_SHEET_H

#include "preview/canvas.h"
#include "preview/clips.h"

struct pv_sheet {
    const struct pv_preview *preview;
    int columns, cell_width, cell_height, strip, title; /* heights of the words under a cell and above all; 0 = none */
    pv_frame canvas;
    pv_clip_lettering *heading, *caption;
    pv_clip_scaler *real, *new; /* source and predicted frames to a cell */
};

/* Cells as large as fit a box of box x box pixels. sheet is overwritten; release it also after a failure. */
pv_status pv_sheet_open(struct pv_sheet *sheet, const struct pv_preview *preview, int columns, int rows, int box,
                        const char *title, struct pv_error *err);
/* A frame at the source's size or, predicted, at the model's, and the words under it. */
pv_status pv_sheet_put(struct pv_sheet *sheet, int column, int row, const pv_frame *frame, bool predicted,
                       const char *words, struct pv_error *err);
pv_status pv_sheet_save(struct pv_sheet *sheet, enum pv_preview_kind kind, struct pv_error *err);
void pv_sheet_release(struct pv_sheet *sheet);

/* The place, behind the seam, of one of `count` times that are spread over `frames` frames; the last is the last. */
int64_t pv_sheet_time(int64_t frames, int count, int number);

#endif
