/* geometry.c: see geometry.h. */
#include "clip/geometry.h"

#include <libavutil/mathematics.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct pv_orientation pv_orientation_from_matrix(const void *matrix, bool *exact)
{
    struct pv_orientation o = {false, false, false};
    *exact = true;
    if (!matrix)
        return o;
    int32_t m[9];
    memcpy(m, matrix, sizeof m);
    /* A point (p, q) goes to (m0 p + m3 q, m1 p + m4 q). */
    const double straight = fabs((double)m[0]) + fabs((double)m[4]);
    const double crossed = fabs((double)m[1]) + fabs((double)m[3]);
    if (straight == 0.0 && crossed == 0.0)
        return o;
    o.transpose = crossed > straight;
    o.flip_x = o.transpose ? m[3] < 0 : m[0] < 0;
    o.flip_y = o.transpose ? m[1] < 0 : m[4] < 0;
    *exact = fmin(straight, crossed) <= 0.01 * fmax(straight, crossed);
    return o;
}

bool pv_orientation_is_upright(struct pv_orientation o)
{
    return !o.transpose && !o.flip_x && !o.flip_y;
}

int pv_orientation_rotation(struct pv_orientation o, bool *mirrored)
{
    *mirrored = o.transpose ? o.flip_x == o.flip_y : o.flip_x != o.flip_y;
    if (o.transpose)
        return o.flip_x ? 90 : 270;
    return o.flip_y ? 180 : 0;
}

void pv_orientation_apply(struct pv_orientation o, const pv_frame *from, pv_frame *to)
{
    const ptrdiff_t step_x = (o.transpose ? (ptrdiff_t)from->stride : 3) * (o.flip_x ? -1 : 1);
    const ptrdiff_t step_y = (o.transpose ? 3 : (ptrdiff_t)from->stride) * (o.flip_y ? -1 : 1);
    const uint8_t *origin = from->data;
    if (o.flip_x)
        origin -= step_x * (to->width - 1);
    if (o.flip_y)
        origin -= step_y * (to->height - 1);
    for (int y = 0; y < to->height; y++) {
        const uint8_t *source = origin + step_y * y;
        uint8_t *target = to->data + (size_t)y * to->stride;
        for (int x = 0; x < to->width; x++, source += step_x, target += 3) {
            target[0] = source[0];
            target[1] = source[1];
            target[2] = source[2];
        }
    }
}

void pv_geometry_square(int *width, int *height, AVRational sar, bool *plausible)
{
    *plausible = true;
    if (sar.num <= 0 || sar.den <= 0 || sar.num == sar.den)
        return;
    const double shape = av_q2d(sar);
    const int64_t wide = av_rescale(*width, sar.num, sar.den), tall = av_rescale(*height, sar.den, sar.num);
    *plausible = shape >= 0.1 && shape <= 10.0 && wide <= INT_MAX / 16 && tall <= INT_MAX / 16;
    if (!*plausible)
        return;
    if (shape > 1.0)
        *width = (int)wide;
    else
        *height = (int)tall;
}
