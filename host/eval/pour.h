/* pour.h: how full, and how much is poured: liquid counted in a picture. */
#ifndef PV_EVAL_POUR_H
#define PV_EVAL_POUR_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "base/error.h"
#include "eval/object.h"

/* What the truth of the world pour says; pixels, y down. */
struct pv_pour {
    struct pv_object_look look;                 /* of the liquid */
    double cup_x, cup_y, cup_width, cup_height; /* middle and size of the cup's inside, upright */
    bool has_target;                            /* else it pours onto an obstacle */
    double target_x, bottom, width, height;     /* middle, bottom and size of the target's inside */
    struct pv_pour_frame *frames;               /* the truth of every frame */
};

struct pv_pour_frame {
    double angle;  /* of the cup, radians counter-clockwise */
    double poured; /* share of the liquid that is no longer in the cup */
    double level;  /* mean depth in the target, part of its height */
};

/* NULL, without failure, when the truth is not of pour. */
pv_status pv_pour_open(const json_t *truth, int frames, struct pv_pour **pour, struct pv_error *err);
void pv_pour_close(struct pv_pour *pour);

/* What a picture shows: liquid anywhere and in the cup, pixels; the level in the target as above. angle: the cup's. */
struct pv_pour_view {
    double area, in_cup, level;
};
struct pv_pour_view pv_pour_look(const struct pv_pour *pour, double angle, const uint8_t *rgb, int width, int height);

#endif
