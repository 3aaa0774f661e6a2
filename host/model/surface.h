/* surface.h: a decoder's picture on its way to the op that makes RGB of it. */
#ifndef PV_MODEL_SURFACE_H
#define PV_MODEL_SURFACE_H

#include "backend/op.h"

/* A surface that can become a frame of width x height, as the op needs it but for dst; its planes are still the
 * caller's. Anything else is refused with a sentence. */
pv_status pv_surface_read(const pv_surface *surface, int width, int height, struct pv_yuv_to_rgb *yuv,
                          struct pv_error *error);
/* Its planes without gaps, one behind the other: 3 bytes a pixel at most. */
size_t pv_surface_bytes(const struct pv_yuv_to_rgb *yuv);
/* Copies them so, and leaves yuv without its planes. */
void pv_surface_pack(struct pv_yuv_to_rgb *yuv, uint8_t *to);
/* yuv's planes are those that lie packed at `planes`. */
void pv_surface_unpack(struct pv_yuv_to_rgb *yuv, const uint8_t *planes);

#endif
