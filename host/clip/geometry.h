/* geometry.h: turning pictures upright and making their pixels square. */
#ifndef PV_CLIP_GEOMETRY_H
#define PV_CLIP_GEOMETRY_H

#include <libavutil/rational.h>
#include <prevue/prevue.h>
#include <stdbool.h>

/* One of the eight ways a picture can lie. Output pixel (X, Y) of a W x H picture comes from
 *   transpose ? (x = Y, y = X) : (x = X, y = Y), X and Y counted from the far end when flipped. */
struct pv_orientation {
    bool transpose, flip_x, flip_y;
};

/* From a display matrix: nine int32 numbers, native order (libavutil/display.h); NULL = upright. Angles that are no
 * multiple of 90 degrees go to the nearest one; *exact tells. Matrices of zeros and other nonsense are upright. */
struct pv_orientation pv_orientation_from_matrix(const void *matrix, bool *exact);

bool pv_orientation_is_upright(struct pv_orientation o);

/* The same as mirroring left-right, when mirrored, then turning clockwise by 0, 90, 180 or 270 degrees. */
int pv_orientation_rotation(struct pv_orientation o, bool *mirrored);

/* from -> to, RGB 8 bits; to has from's size, sides swapped when transposed. */
void pv_orientation_apply(struct pv_orientation o, const pv_frame *from, pv_frame *to);

/* The size that shows a width x height picture with pixels of shape sar with square ones: the side that is too short
 * grows, so nothing is lost. sar outside 1/10 to 10 is taken for damage: *plausible = false, size unchanged. */
void pv_geometry_square(int *width, int *height, AVRational sar, bool *plausible);

#endif
