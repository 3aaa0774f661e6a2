/* render.h: drawing bodies into a picture. */
#ifndef PV_WORLD_RENDER_H
#define PV_WORLD_RENDER_H

#include <stddef.h>

#include "world/body.h"

/* A picture to draw into. The middle of pixel (i, j) is at (i + .5, j + .5) pixels, j down. */
struct pv_canvas {
    int width, height;
    double pixels;     /* a unit */
    uint8_t *rgb;      /* rows of width * 3 bytes */
    size_t stride;     /* bytes from row to row */
    uint8_t *coverage; /* [height][width], how much of a pixel moving things cover, 255 = all; or NULL */
};

/* Copies a picture without padding, or paints all white if it is NULL, and clears the coverage. */
void pv_canvas_start(const struct pv_canvas *canvas, const uint8_t *picture);

/* The coverage alone. */
void pv_canvas_clear_coverage(const struct pv_canvas *canvas);

/* Draws one body, anti-aliased. light is the unit vector to where light comes from; shading: how much brighter the side
 * towards it is, and how much darker the other, as a share of the colour (0 = flat). */
void pv_render_body(const struct pv_canvas *canvas, const struct pv_body *body, const struct pv_motion *motion,
                    struct pv_point light, double shading);

/* Draws a bar in one colour. What does not move takes coverage away from what it hides. */
void pv_render_bar(const struct pv_canvas *canvas, const struct pv_bar *bar, struct pv_colour colour, bool moves);

#endif
