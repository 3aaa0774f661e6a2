/* canvas.h: pictures made of pictures: RGB memory to put frames into, and how many go beside each other. */
#ifndef PV_PREVIEW_CANVAS_H
#define PV_PREVIEW_CANVAS_H

#include "base/error.h"

enum { PV_CANVAS_RGB = 0x17171b }; /* behind everything */

/* New memory in one colour; free frame->data. */
pv_status pv_canvas_open(int width, int height, uint32_t rgb, pv_frame *frame, struct pv_error *err);
void pv_canvas_fill(pv_frame *frame, uint32_t rgb);

/* A rectangle of a canvas, to be written to like a frame. */
pv_frame pv_canvas_part(const pv_frame *canvas, int x, int y, int width, int height);

/* The largest size of the shape width x height that fits a box, at most `most` times as large, sides even. */
void pv_canvas_fit(int width, int height, int box_width, int box_height, int most, int *fit_width, int *fit_height);

/* Cells beside and below each other, a gap between them. */
struct pv_cells {
    int columns, rows, width, height; /* of one cell */
    int gap;
};

/* `count` cells of the shape width x height, arranged to fill a wide screen, in a box at most. */
struct pv_cells pv_cells_arrange(int count, int width, int height, int box_width, int box_height);
int pv_cells_width(const struct pv_cells *cells);
int pv_cells_height(const struct pv_cells *cells);
pv_frame pv_cells_part(const struct pv_cells *cells, const pv_frame *canvas, int number);

#endif
