/* backdrop.h: what stands still behind everything: a soft gradient with light and texture, a floor and ramps. */
#ifndef PV_WORLD_BACKDROP_H
#define PV_WORLD_BACKDROP_H

#include "world/body.h"
#include "world/draw.h"

struct pv_backdrop {
    struct pv_colour from, to; /* gradient along `direction`, over the picture's extent */
    struct pv_point direction; /* unit */
    double texture;            /* amplitude of the noise, in value */
    struct pv_point light;     /* units: middle of the lit spot */
    double light_strength;     /* in value */
    struct pv_colour floor, ramp;
    uint64_t seed; /* of the noise */
};

/* Colours of low saturation for a picture of width x height units. */
void pv_backdrop_choose(struct pv_backdrop *backdrop, double width, double height, struct pv_draw *draw);

/* Paints it, a floor up to floor_height and ramps, into rgb: [height][width][3] pixels without padding, `units` wide.
 */
void pv_backdrop_paint(const struct pv_backdrop *backdrop, double units, double floor_height,
                       const struct pv_bar *ramps, int ramp_count, int width, int height, uint8_t *rgb);

#endif
