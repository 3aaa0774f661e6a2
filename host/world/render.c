/* render.c: bodies, anti-aliased from their distance functions: a pixel is covered by as much as its middle
 * is inside the edge, in pixels, plus one half. */
#include "world/render.h"

#include <math.h>
#include <string.h>

#include "world/clamp.h"

void pv_canvas_start(const struct pv_canvas *canvas, const uint8_t *picture)
{
    const size_t row = (size_t)canvas->width * 3;
    for (int j = 0; j < canvas->height; j++) {
        uint8_t *to = canvas->rgb + (size_t)j * canvas->stride;
        if (picture)
            memcpy(to, picture + (size_t)j * row, row);
        else
            memset(to, 255, row);
    }
    pv_canvas_clear_coverage(canvas);
}

void pv_canvas_clear_coverage(const struct pv_canvas *canvas)
{
    if (canvas->coverage)
        memset(canvas->coverage, 0, (size_t)canvas->width * (size_t)canvas->height);
}

/* A body as it lies in the picture: lengths in pixels, y up. */
struct view {
    const struct pv_body *body;
    double x, y;             /* its middle: pixels from the left, pixels from the bottom */
    double cos, sin;         /* of its angle */
    double pixels;           /* a unit */
    double light_x, light_y; /* shading a pixel of offset from the middle */
};

static float clamp01(double x)
{
    return (float)pv_clamp(x, 0, 1);
}

static void blend(uint8_t *out, float value, float cover)
{
    *out = (uint8_t)((float)*out + (value * 255 - (float)*out) * cover + 0.5f);
}

static void draw_pixel(const struct view *v, double dx, double dy, uint8_t *rgb, uint8_t *coverage)
{
    const struct pv_body *b = v->body;
    const double x = (v->cos * dx + v->sin * dy) / v->pixels, y = (v->cos * dy - v->sin * dx) / v->pixels;
    const float cover = clamp01(0.5 - pv_body_distance(b, x, y) * v->pixels);
    if (cover == 0)
        return;
    struct pv_point nearest;
    const float mark = clamp01(0.5 - pv_bar_distance(&b->mark, (struct pv_point){x, y}, &nearest) * v->pixels);
    /* A factor on all three channels leaves hue and saturation as they are. */
    const float shade = 1 + (float)(v->light_x * dx + v->light_y * dy);
    blend(&rgb[0], shade * (b->colour.r + mark * (b->mark_colour.r - b->colour.r)), cover);
    blend(&rgb[1], shade * (b->colour.g + mark * (b->mark_colour.g - b->colour.g)), cover);
    blend(&rgb[2], shade * (b->colour.b + mark * (b->mark_colour.b - b->colour.b)), cover);
    if (coverage)
        blend(coverage, 1, cover);
}

static int clamp_int(double value, int high)
{
    return (int)pv_clamp(value, 0, high);
}

/* Pixels that a shape can touch. */
struct box {
    int left, right, top, bottom;
};

/* From extents in pixels, y up. */
static struct box box_of(const struct pv_canvas *canvas, double left, double right, double low, double high)
{
    const int width = canvas->width, height = canvas->height;
    return (struct box){clamp_int(floor(left), width), clamp_int(ceil(right), width),
                        clamp_int(floor(height - high), height), clamp_int(ceil(height - low), height)};
}

void pv_render_body(const struct pv_canvas *canvas, const struct pv_body *body, const struct pv_motion *m,
                    struct pv_point light, double shading)
{
    const int width = canvas->width, height = canvas->height;
    const double pixels = canvas->pixels, reach = pv_body_reach(body) * pixels + 1;
    const double slope = shading / reach;
    const struct view v = {
        body, m->x * pixels, m->y * pixels, cos(m->angle), sin(m->angle), pixels, slope * light.x, slope * light.y,
    };
    const struct box box = box_of(canvas, v.x - reach, v.x + reach, v.y - reach, v.y + reach);
    for (int j = box.top; j < box.bottom; j++)
        for (int i = box.left; i < box.right; i++) {
            uint8_t *pixel = &canvas->rgb[(size_t)j * canvas->stride + (size_t)i * 3];
            uint8_t *cover = canvas->coverage ? &canvas->coverage[(size_t)j * (size_t)width + (size_t)i] : NULL;
            draw_pixel(&v, i + 0.5 - v.x, height - j - 0.5 - v.y, pixel, cover);
        }
}

void pv_render_bar(const struct pv_canvas *canvas, const struct pv_bar *bar, struct pv_colour colour, bool moves)
{
    const int width = canvas->width, height = canvas->height;
    const double pixels = canvas->pixels, reach = bar->radius * pixels + 1;
    const struct box box =
        box_of(canvas, fmin(bar->from.x, bar->to.x) * pixels - reach, fmax(bar->from.x, bar->to.x) * pixels + reach,
               fmin(bar->from.y, bar->to.y) * pixels - reach, fmax(bar->from.y, bar->to.y) * pixels + reach);
    for (int j = box.top; j < box.bottom; j++)
        for (int i = box.left; i < box.right; i++) {
            const struct pv_point p = {(i + 0.5) / pixels, (height - j - 0.5) / pixels};
            struct pv_point nearest;
            const float cover = clamp01(0.5 - pv_bar_distance(bar, p, &nearest) * pixels);
            if (cover == 0)
                continue;
            uint8_t *pixel = &canvas->rgb[(size_t)j * canvas->stride + (size_t)i * 3];
            blend(&pixel[0], colour.r, cover);
            blend(&pixel[1], colour.g, cover);
            blend(&pixel[2], colour.b, cover);
            if (canvas->coverage)
                blend(&canvas->coverage[(size_t)j * (size_t)width + (size_t)i], moves, cover);
        }
}
