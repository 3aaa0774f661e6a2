/* render.c: bodies, anti-aliased from their distance functions: a pixel is covered by as much as its middle
 * is inside the edge, in pixels, plus one half. */
#include "world/render.h"

#include <math.h>
#include <string.h>

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
    return (float)fmin(fmax(x, 0), 1);
}

/* How far a point of the body's own frame (units) is from its mark; negative inside. */
static double mark_distance(const struct pv_body *b, double x, double y)
{
    const double dx = b->mark_to.x - b->mark_from.x, dy = b->mark_to.y - b->mark_from.y;
    const double px = x - b->mark_from.x, py = y - b->mark_from.y;
    const double length = dx * dx + dy * dy;
    const double t = length > 0 ? fmin(fmax((px * dx + py * dy) / length, 0), 1) : 0;
    const double ex = px - t * dx, ey = py - t * dy;
    return sqrt(ex * ex + ey * ey) - b->mark_radius;
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
    const float mark = clamp01(0.5 - mark_distance(b, x, y) * v->pixels);
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
    return (int)fmin(fmax(value, 0), high);
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
    const int left = clamp_int(floor(v.x - reach), width), right = clamp_int(ceil(v.x + reach), width);
    const int top = clamp_int(floor(height - v.y - reach), height),
              bottom = clamp_int(ceil(height - v.y + reach), height);
    for (int j = top; j < bottom; j++)
        for (int i = left; i < right; i++) {
            uint8_t *pixel = &canvas->rgb[(size_t)j * canvas->stride + (size_t)i * 3];
            uint8_t *cover = canvas->coverage ? &canvas->coverage[(size_t)j * (size_t)width + (size_t)i] : NULL;
            draw_pixel(&v, i + 0.5 - v.x, height - j - 0.5 - v.y, pixel, cover);
        }
}
