/* fluid.h: a liquid in two dimensions: position-based fluids (Macklin and Mueller 2013). Particles carry the same share
 * of the liquid each; between solids they keep the liquid's density by moving apart. Every sum runs in a fixed order:
 * the same start gives the same bytes. */
#ifndef PV_WORLD_FLUID_H
#define PV_WORLD_FLUID_H

#include "base/error.h"
#include "world/body.h"

enum { PV_FLUID_SOLIDS = 16 };

/* What one iteration knows of a particle: its density, the gradient of the constraint and its squares by the
 * neighbours' places, the solids' part of it, and the constraint's multiplier. */
struct pv_fluid_sum {
    double density, squares, lambda;
    struct pv_point gradient, wall;
};

struct pv_fluid_pair {
    int a, b;
};

/* Of a pair: the gradient, and how crowded it is. */
struct pv_fluid_term {
    double x, y, crowd;
};

struct pv_fluid {
    int count;
    double spacing;      /* square root of the area of liquid that one particle stands for, units */
    struct pv_point *at; /* [count]; the order changes from step to step */
    struct pv_point *velocity;
    struct pv_bar solids[PV_FLUID_SOLIDS]; /* liquid does not enter them */
    int solid_count, moving;               /* how many, and how many of them, the first ones, move */
    struct pv_point low, high;             /* corners of the box that holds everything */
    struct pv_point gravity;

    /* The rest is the solver's own. */
    double reach;                           /* of a particle, units: its kernel's radius */
    double density, stiffness, crowding;    /* of the liquid at rest: sums over a lattice */
    double *wall_density, *wall_change;     /* what a solid adds to the density, over the distance to it */
    struct pv_point *old, *moved, *scratch; /* [count] */
    struct pv_fluid_sum *sums;              /* [count] */
    uint32_t *near;                         /* [count] */
    struct pv_fluid_pair *pairs;            /* of neighbours */
    struct pv_fluid_term *terms;            /* [pairs] */
    int pair_count;
    int *cell_start, *cell_of; /* [cells + 1], [count] */
    int columns, rows;
};

/* Room for `count` particles of the given spacing in the box from low to high; at and velocity are the caller's to
 * fill, solids to add. */
pv_status pv_fluid_open(struct pv_fluid *fluid, int count, double spacing, struct pv_point low, struct pv_point high,
                        struct pv_error *err);
/* Safe on a zeroed one. */
void pv_fluid_close(struct pv_fluid *fluid);

/* A particle must not travel half a solid's thickness in a step. */
void pv_fluid_step(struct pv_fluid *fluid, double seconds);

#endif
