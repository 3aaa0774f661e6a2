/* render.h: pictures of a scene: what stands still is painted once, what moves is drawn over it every frame. */
#ifndef PV_WORLD_RENDER_H
#define PV_WORLD_RENDER_H

#include "world/scene.h"

/* Paints backdrop, floor and ramps into rgb: [height][width][3], no padding. */
void pv_render_backdrop(const struct pv_scene *scene, int width, int height, uint8_t *rgb);

/* Draws the bodies over a copy of the backdrop. rgb: rows of width * 3 bytes, stride bytes apart. coverage as in
 * pv_world_next, or NULL. */
void pv_render_bodies(const struct pv_scene *scene, int width, int height, uint8_t *rgb, size_t stride,
                      uint8_t *coverage);

#endif
