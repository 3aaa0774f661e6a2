/* yuv.c: the constants of YUV -> RGB, from ITU-T H.273, section 8.3: with E'Y in [0, 1], E'PB and E'PR in [-1/2, 1/2],
 *   Y = 219 E'Y + 16, U = 224 E'PB + 128, V = 224 E'PR + 128         limited range, in 8 bits; times 4 in 10
 *   Y = m E'Y, U = m E'PB + 128, V = m E'PR + 128, m = 2^bits - 1    full range, in 8 bits; 512 in 10
 *   E'PB = (B - E'Y) / (2 - 2 kb), E'PR = (R - E'Y) / (2 - 2 kr)     and E'Y as in op.h
 * A constant is off by half of 1/2^20 of a byte at most, so what a picture's samples make of it by less than 0.01. */
#include "backend/yuv.h"

#include <math.h>

static int32_t nearest(double x)
{
    return (int32_t)floor(x + 0.5);
}

struct pv_yuv_scale pv_yuv_scale_of(const struct pv_yuv_to_rgb *p)
{
    const int32_t unit = 1 << (p->bits - 8), most = (1 << p->bits) - 1, one = 1 << PV_YUV_SHIFT;
    const double luma = 255.0 * one / (p->full_range ? most : 219 * unit);
    const double chroma = 255.0 * one / (16 * (p->full_range ? most : 224 * unit));
    const double red = 2 - 2 * p->kr, blue = 2 - 2 * p->kb, kg = 1 - p->kr - p->kb;
    struct pv_yuv_scale k = {.luma = nearest(luma),
                             .red_v = nearest(chroma * red),
                             .green_u = nearest(-chroma * blue * p->kb / kg),
                             .green_v = nearest(-chroma * red * p->kr / kg),
                             .blue_u = nearest(chroma * blue)};
    const int32_t grey = 16 * 128 * unit, base = one / 2 - k.luma * (p->full_range ? 0 : 16 * unit);
    k.red = base - k.red_v * grey;
    k.green = base - (k.green_u + k.green_v) * grey;
    k.blue = base - k.blue_u * grey;
    return k;
}
