/* texture.h: procedural pictures that look like nothing in particular and like anything: what the world `scene` is
 * covered with. A texture is a square that repeats without a seam; its colours go on under what is cut away. */
#ifndef PV_WORLD_TEXTURE_H
#define PV_WORLD_TEXTURE_H

#include "base/error.h"
#include "world/draw.h"
#include "world/render.h"

#define PV_TEXTURE_UNITS 20.0 /* of a layer: twice the picture's width */

struct pv_texture {
    int side;       /* texels, a power of two */
    double units;   /* the same in units */
    uint32_t *rgba; /* [side][side], y up; red in the lowest byte, alpha in the highest */
    int *columns;   /* [side], these three while painting */
    float *weights;
    float *field; /* [side][side] */
};

/* side: at least 16. Opaque black. close is safe on a zeroed one. */
pv_status pv_texture_open(struct pv_texture *texture, int side, double units, struct pv_error *err);
void pv_texture_close(struct pv_texture *texture);

/* Paints all of it, opaque: fractal noise, dead leaves, gradients, gratings or letters, drawn at random. The same draw
 * gives the same picture at any side, as far as its texels can show it. */
void pv_texture_paint(struct pv_texture *texture, struct pv_draw *draw);
/* Cuts holes: noise above a level stays, `share` of the area. */
void pv_texture_cut_islands(struct pv_texture *texture, struct pv_draw *draw, double share);
/* Cuts away all but letters, in one colour. */
void pv_texture_cut_letters(struct pv_texture *texture, struct pv_draw *draw);
/* Cuts away all but a disc, a box or a blob in the middle; returns the radius of a circle that holds it, in units. */
double pv_texture_cut_shape(struct pv_texture *texture, struct pv_draw *draw);

/* ---- warp.c ---- */

/* How a texture lies in the picture: its point (0, 0) at x, y units, turned counter-clockwise and enlarged. */
struct pv_placing {
    double x, y, angle, scale;
};

/* Draws a texture that repeats everywhere. */
void pv_texture_cover(const struct pv_texture *texture, const struct pv_placing *placing,
                      const struct pv_canvas *canvas);
/* Draws it once, its middle at x, y. It counts as moving. */
void pv_texture_stick(const struct pv_texture *texture, const struct pv_placing *placing,
                      const struct pv_canvas *canvas);

#endif
