/* live_picture.c: see live_picture.h. Takes stand in a grid of whole terminal cells, so that their edges are sharp. */
#include "live_picture.h"

#include <prevue/clip.h>
#include <stdlib.h>
#include <string.h>

#include "glyphs.h"
#include "preview/canvas.h"
#include "timing.h"

enum {
    MOST_TAKES = 12,    /* more are too small to see anything */
    LEAST_COLUMNS = 20, /* of a terminal with room for a picture */
    LEAST_ROWS = 10,
    MOST_COLUMNS = 100,
    MOST_ROWS = 14, /* ... and a third of the terminal */
    PAUSE_MS = 150, /* between two pictures */
    ENLARGED = 4    /* at most, both sides */
};

/* Where takes stand, in cells of the terminal, and their size in pixels. */
struct layout {
    struct pv_glyph_area area;
    int across;                  /* takes beside each other */
    int step_columns, step_rows; /* from one to the next */
    int width, height;           /* of one, pixels */
};

struct pv_live_picture {
    struct pv_terminal *terminal;
    struct pv_glyphs *glyphs;
    int takes, width, height;
    pthread_mutex_t lock; /* of frames and changed */
    uint8_t *frames;      /* [takes][height][width][3] */
    bool changed;
    uint64_t drawn_ns;
    struct pv_terminal_size size; /* the layout is for */
    struct layout layout;         /* area.rows == 0: there is no room */
    pv_clip_scaler *scaler;
    uint8_t *take; /* [layout.height][layout.width][3] */
    uint8_t *rgba; /* the whole area */
};

struct pv_live_picture *pv_live_picture_open(struct pv_terminal *terminal, int takes, int width, int height)
{
    if (!terminal->live || !terminal->colour || terminal->quiet)
        return NULL;
    struct pv_live_picture *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    p->terminal = terminal;
    p->takes = takes < MOST_TAKES ? takes : MOST_TAKES;
    p->width = width;
    p->height = height;
    pthread_mutex_init(&p->lock, NULL);
    p->glyphs = pv_glyphs_open();
    p->frames = calloc((size_t)p->takes * (size_t)height, 3 * (size_t)width);
    if (p->glyphs && p->frames)
        return p;
    pv_live_picture_close(p);
    return NULL;
}

static size_t frame_bytes(const struct pv_live_picture *p)
{
    return 3 * (size_t)p->width * (size_t)p->height;
}

void pv_live_picture_put(struct pv_live_picture *p, int take, const pv_frame *frame)
{
    if (!p || take >= p->takes)
        return;
    const size_t row = 3 * (size_t)p->width;
    pthread_mutex_lock(&p->lock);
    for (int y = 0; y < p->height; y++)
        memcpy(p->frames + (size_t)take * frame_bytes(p) + (size_t)y * row, frame->data + (size_t)y * frame->stride,
               row);
    p->changed = true;
    pthread_mutex_unlock(&p->lock);
}

/* ---- the layout ---- */

static int cells(int pixels, int cell)
{
    return (pixels + cell - 1) / cell;
}

/* Takes in rows of `across`, as large as the box allows. */
static struct layout lay_out(const struct pv_live_picture *p, const struct pv_glyph_area *box, int across)
{
    const int down = cells(p->takes, across), columns = (box->columns + 1) / across - 1, rows = box->rows / down;
    const int gap = down > 1 ? box->cell_height / 2 : 0; /* below each row */
    struct layout l = {.area = *box, .across = across};
    if (columns < 1 || rows < 1)
        return l;
    pv_canvas_fit(p->width, p->height, columns * box->cell_width, rows * box->cell_height - gap, ENLARGED, &l.width,
                  &l.height);
    l.step_columns = cells(l.width, box->cell_width) + 1;
    l.step_rows = cells(l.height + gap, box->cell_height);
    l.area.columns = across * l.step_columns - 1;
    l.area.rows = down * l.step_rows;
    return l;
}

/* Of a cell, in pixels, divided by part. */
static int cell_side(int pixels, int cells, int otherwise, int part)
{
    const int side = pixels / cells / part;
    return side > 0 ? side : otherwise;
}

static struct layout choose_layout(const struct pv_live_picture *p, const struct pv_terminal_size *size)
{
    struct layout best = {.width = 0};
    if (size->columns < LEAST_COLUMNS || size->rows < LEAST_ROWS)
        return best;
    const bool known = size->width > 0 && size->height > 0;
    const int part = known && pv_glyphs_stretch(p->glyphs) ? 2 : 1;
    const struct pv_glyph_area box = {
        .columns = size->columns - 1 < MOST_COLUMNS ? size->columns - 1 : MOST_COLUMNS,
        .rows = size->rows / 3 < MOST_ROWS ? size->rows / 3 : MOST_ROWS,
        .cell_width = cell_side(size->width, size->columns, 8, part),
        .cell_height = cell_side(size->height, size->rows, 16, part),
        .cell_known = known,
    };
    for (int across = 1; across <= p->takes; across++) {
        const struct layout l = lay_out(p, &box, across);
        if (l.width > best.width)
            best = l;
    }
    return best;
}

/* false when nothing can be shown in a terminal of that size. */
static bool fit(struct pv_live_picture *p, const struct pv_terminal_size *size)
{
    if (memcmp(size, &p->size, sizeof *size) == 0)
        return p->rgba;
    p->size = *size;
    p->layout = choose_layout(p, size);
    pv_clip_scaler_close(p->scaler);
    free(p->take);
    free(p->rgba);
    p->scaler = NULL;
    p->take = p->rgba = NULL;
    const struct layout *l = &p->layout;
    if (l->width == 0)
        return false;
    const size_t pixels = (size_t)(l->area.columns * l->area.cell_width) * (size_t)(l->area.rows * l->area.cell_height);
    p->take = malloc(3 * (size_t)l->width * (size_t)l->height);
    if (p->take && pv_clip_scaler_open(p->width, p->height, l->width, l->height, &p->scaler) == PV_OK)
        p->rgba = calloc(pixels, 4);
    return p->rgba;
}

/* ---- drawing ---- */

static void compose_take(struct pv_live_picture *p, int number)
{
    const struct layout *l = &p->layout;
    const size_t across = (size_t)(l->area.columns * l->area.cell_width);
    const size_t x = (size_t)(number % l->across * l->step_columns * l->area.cell_width),
                 y = (size_t)(number / l->across * l->step_rows * l->area.cell_height);
    const pv_frame from = {.data = p->frames + (size_t)number * frame_bytes(p),
                           .stride = 3 * (size_t)p->width,
                           .width = p->width,
                           .height = p->height};
    pv_frame to = {.data = p->take, .stride = 3 * (size_t)l->width, .width = l->width, .height = l->height};
    if (pv_clip_scaler_run(p->scaler, &from, &to) != PV_OK)
        return;
    for (int row = 0; row < l->height; row++) {
        const uint8_t *rgb = p->take + (size_t)row * to.stride;
        uint8_t *out = p->rgba + 4 * ((y + (size_t)row) * across + x);
        for (int i = 0; i < l->width; i++, rgb += 3, out += 4) {
            memcpy(out, rgb, 3);
            out[3] = 255;
        }
    }
}

void pv_live_picture_draw(struct pv_live_picture *p)
{
    struct pv_terminal_size size;
    const uint64_t now = pv_now_ns();
    if (!p || now - p->drawn_ns < PAUSE_MS * UINT64_C(1000000))
        return;
    pv_terminal_size_of(&size);
    const bool resized = memcmp(&size, &p->size, sizeof size) != 0;
    pthread_mutex_lock(&p->lock);
    const bool due = p->changed || (p->drawn_ns > 0 && (resized || !pv_terminal_has_picture(p->terminal)));
    const bool composed = due && fit(p, &size);
    for (int i = 0; composed && i < p->takes; i++)
        compose_take(p, i);
    p->changed = p->changed && !due;
    pthread_mutex_unlock(&p->lock);
    if (!due)
        return;
    p->drawn_ns = now;
    if (!composed) {
        pv_terminal_picture_end(p->terminal);
        return;
    }
    const char *text;
    size_t length;
    pv_glyphs_encode(p->glyphs, &p->layout.area, p->rgba, &text, &length);
    if (text)
        pv_terminal_picture(p->terminal, text, length, p->layout.area.rows,
                            pv_glyphs_erase(p->glyphs, &p->layout.area));
}

void pv_live_picture_close(struct pv_live_picture *p)
{
    if (!p)
        return;
    pv_terminal_picture_end(p->terminal);
    pv_glyphs_close(p->glyphs);
    pv_clip_scaler_close(p->scaler);
    pthread_mutex_destroy(&p->lock);
    free(p->frames);
    free(p->take);
    free(p->rgba);
    free(p);
}
