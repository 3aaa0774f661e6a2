/* liquid.h: the picture of a liquid: one smooth surface around particles. */
#ifndef PV_WORLD_LIQUID_H
#define PV_WORLD_LIQUID_H

#include "base/error.h"
#include "world/render.h"

struct pv_liquid {
    struct pv_colour deep, bright; /* inside, and along its surface: the same hue */
    float *field;                  /* [height][width][3] */
    int width, height;             /* pixels */
};

pv_status pv_liquid_open(struct pv_liquid *liquid, int width, int height, struct pv_error *err);
/* Safe on a zeroed one. */
void pv_liquid_close(struct pv_liquid *liquid);

/* Draws `count` particles that stand for spacing * spacing units of liquid each. */
void pv_liquid_draw(struct pv_liquid *liquid, const struct pv_canvas *canvas, const struct pv_point *at, int count,
                    double spacing);

#endif
