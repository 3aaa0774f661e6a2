/* canvas.c: see canvas.h. */
#include "preview/canvas.h"

#include <math.h>
#include <stdlib.h>

pv_status pv_canvas_open(int width, int height, uint32_t rgb, pv_frame *frame, struct pv_error *err)
{
    *frame = (pv_frame){.stride = 3 * (size_t)width, .width = width, .height = height};
    frame->data = malloc(frame->stride * (size_t)height);
    if (!frame->data)
        return pv_fail(err, PV_ERR_MEMORY, "no memory for a picture of %dx%d", width, height);
    pv_canvas_fill(frame, rgb);
    return PV_OK;
}

void pv_canvas_fill(pv_frame *frame, uint32_t rgb)
{
    for (int y = 0; y < frame->height; y++) {
        uint8_t *row = frame->data + (size_t)y * frame->stride;
        for (int x = 0; x < frame->width; x++) {
            row[3 * x] = (uint8_t)(rgb >> 16);
            row[3 * x + 1] = (uint8_t)(rgb >> 8);
            row[3 * x + 2] = (uint8_t)rgb;
        }
    }
}

pv_frame pv_canvas_part(const pv_frame *canvas, int x, int y, int width, int height)
{
    pv_frame part = *canvas;
    part.data = canvas->data + (size_t)y * canvas->stride + 3 * (size_t)x;
    part.width = width;
    part.height = height;
    return part;
}

void pv_canvas_fit(int width, int height, int box_width, int box_height, int most, int *fit_width, int *fit_height)
{
    const double across = (double)box_width / width, down = (double)box_height / height;
    double scale = across < down ? across : down;
    scale = scale > most ? most : scale;
    const int w = (int)(width * scale / 2) * 2, h = (int)(height * scale / 2) * 2;
    *fit_width = w < 2 ? 2 : w;
    *fit_height = h < 2 ? 2 : h;
}

/* Empty cells cost as much as being out of shape. */
static double arrangement_cost(int count, int columns, double shape)
{
    const int rows = (count + columns - 1) / columns;
    return fabs(log(columns * shape / rows / (16.0 / 9.0))) + (double)(rows * columns - count) / count;
}

struct pv_cells pv_cells_arrange(int count, int width, int height, int box_width, int box_height)
{
    const double shape = (double)width / height;
    struct pv_cells cells = {.columns = 1, .gap = 4};
    for (int columns = 2; columns <= count; columns++)
        if (arrangement_cost(count, columns, shape) < arrangement_cost(count, cells.columns, shape))
            cells.columns = columns;
    cells.rows = (count + cells.columns - 1) / cells.columns;
    pv_canvas_fit(width, height, (box_width - cells.gap * (cells.columns - 1)) / cells.columns,
                  (box_height - cells.gap * (cells.rows - 1)) / cells.rows, 4, &cells.width, &cells.height);
    return cells;
}

int pv_cells_width(const struct pv_cells *c)
{
    return c->columns * c->width + (c->columns - 1) * c->gap;
}

int pv_cells_height(const struct pv_cells *c)
{
    return c->rows * c->height + (c->rows - 1) * c->gap;
}

pv_frame pv_cells_part(const struct pv_cells *c, const pv_frame *canvas, int number)
{
    return pv_canvas_part(canvas, number % c->columns * (c->width + c->gap), number / c->columns * (c->height + c->gap),
                          c->width, c->height);
}
