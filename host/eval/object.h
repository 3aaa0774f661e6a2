/* object.h: finds coloured bodies in a picture again. Simulated worlds give every body a hue of its own over
 * backgrounds without one, so that a mask is a test of each pixel alone. */
#ifndef PV_EVAL_OBJECT_H
#define PV_EVAL_OBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a body's pixels look like. */
struct pv_object_look {
    enum {
        PV_LOOK_HUE, /* within `tolerance` degrees of `hue`, and clearly coloured: max - min > 50 and > .35 max */
        PV_LOOK_RED, /* the physical-law protocol: red > 127, green and blue < 127 */
        PV_LOOK_BLUE /* the same with blue */
    } kind;
    double hue, tolerance; /* degrees */
};

enum { PV_OBJECTS = 16, PV_OBJECT_SEEN = 12 };

/* Where a body is in one picture. */
struct pv_sighting {
    double area; /* pixels */
    double x, y; /* centre, pixels, y down; the middle of pixel (i, j) is (i + .5, j + .5). NAN when area is under
                    PV_OBJECT_SEEN */
};

/* rgb: [height][width][3]. One sighting a look; count is at most PV_OBJECTS. */
void pv_objects_find(const uint8_t *rgb, int width, int height, const struct pv_object_look *looks, int count,
                     struct pv_sighting *found);

bool pv_pixel_looks_like(const struct pv_object_look *look, const uint8_t rgb[3]);
/* Of one pixel, degrees, 0 to 360; 0 for grey. */
double pv_pixel_hue(const uint8_t rgb[3]);

#endif
