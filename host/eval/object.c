/* object.c: see object.h. */
#include "eval/object.h"

#include <math.h>
#include <stdbool.h>

static int max3(int a, int b, int c)
{
    return a > b ? (a > c ? a : c) : (b > c ? b : c);
}

double pv_pixel_hue(const uint8_t rgb[3])
{
    const int r = rgb[0], g = rgb[1], b = rgb[2], top = max3(r, g, b), spread = top + max3(-r, -g, -b);
    if (spread == 0)
        return 0;
    const double sixths = top == r   ? (double)(g - b) / spread
                          : top == g ? (double)(b - r) / spread + 2
                                     : (double)(r - g) / spread + 4;
    return sixths < 0 ? 60 * (sixths + 6) : 60 * sixths;
}

static bool is_coloured(const uint8_t p[3])
{
    const int top = max3(p[0], p[1], p[2]), spread = top + max3(-p[0], -p[1], -p[2]);
    return spread > 50 && 100 * spread > 35 * top;
}

static bool looks_like(const struct pv_object_look *look, const uint8_t p[3], bool coloured, double hue)
{
    if (look->kind == PV_LOOK_RED)
        return p[0] > 127 && p[1] < 127 && p[2] < 127;
    if (look->kind == PV_LOOK_BLUE)
        return p[2] > 127 && p[0] < 127 && p[1] < 127;
    const double apart = fabs(hue - look->hue);
    return coloured && fmin(apart, 360 - apart) < look->tolerance;
}

bool pv_pixel_looks_like(const struct pv_object_look *look, const uint8_t rgb[3])
{
    const bool coloured = is_coloured(rgb);
    return looks_like(look, rgb, coloured, coloured ? pv_pixel_hue(rgb) : 0);
}

void pv_objects_find(const uint8_t *rgb, int width, int height, const struct pv_object_look *looks, int count,
                     struct pv_sighting *found)
{
    for (int k = 0; k < count; k++)
        found[k] = (struct pv_sighting){0};
    for (int j = 0; j < height; j++)
        for (int i = 0; i < width; i++) {
            const uint8_t *p = rgb + ((size_t)j * (size_t)width + (size_t)i) * 3;
            const bool coloured = is_coloured(p);
            const double hue = coloured ? pv_pixel_hue(p) : 0;
            for (int k = 0; k < count; k++)
                if (looks_like(&looks[k], p, coloured, hue)) {
                    found[k].area++;
                    found[k].x += i + 0.5;
                    found[k].y += j + 0.5;
                }
        }
    for (int k = 0; k < count; k++) {
        const bool seen = found[k].area >= PV_OBJECT_SEEN;
        found[k].x = seen ? found[k].x / found[k].area : NAN;
        found[k].y = seen ? found[k].y / found[k].area : NAN;
    }
}
