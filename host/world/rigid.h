/* rigid.h: what worlds of rigid bodies share: bodies and obstacles in the physics engine (rigid.c), how they look
 * (look.c, backdrop.c) and what is recorded of them (truth.c). Such a world's file only says what a scene contains:
 *
 *     open: pv_rigid_begin -> gravity, bodies, obstacles, look -> pv_rigid_ready
 *     record, draw, step, close: pv_rigid_record, pv_rigid_draw, pv_rigid_step, pv_rigid_close
 *
 * Its state begins with a struct pv_rigid. */
#ifndef PV_WORLD_RIGID_H
#define PV_WORLD_RIGID_H

#include <chipmunk/chipmunk.h>

#include "world/backdrop.h"
#include "world/truth.h"

enum { PV_RIGID_BODIES = 16, PV_RIGID_OBSTACLES = 8, PV_RIGID_STEPS_A_SECOND = 480 };

/* Walls lie outside the picture and are not drawn. */
struct pv_obstacle {
    struct pv_thing thing; /* the engine's shape points at it */
    struct pv_bar bar;
    cpShape *shape;
};

struct pv_rigid {
    struct pv_stage *stage;
    double width, height;  /* units, the stage's */
    cpVect gravity;        /* unscaled until pv_rigid_ready */
    double floor;          /* height of its top, units; no lower than 0 */
    struct pv_point light; /* unit: where light comes from, for the shading of bodies */
    struct pv_backdrop backdrop;
    struct pv_body bodies[PV_RIGID_BODIES];
    struct pv_thing things[PV_RIGID_BODIES]; /* the engine's shapes point at them */
    cpBody *physics[PV_RIGID_BODIES];
    cpShape *shapes[PV_RIGID_BODIES];
    int body_count;
    struct pv_obstacle obstacles[PV_RIGID_OBSTACLES];
    int obstacle_count;
    cpSpace *space;
    int substeps; /* a frame */
    double substep_seconds;
    int64_t substep;  /* done so far */
    int replayed;     /* frames, with params.recorded */
    uint8_t *picture; /* [height][width][3]: what stands still */
    struct pv_record record;
};

/* An empty space of the stage's size. */
pv_status pv_rigid_begin(struct pv_rigid *rigid, struct pv_stage *stage, struct pv_error *err);
void pv_rigid_add_body(struct pv_rigid *rigid, const struct pv_body *body, const struct pv_motion *motion);
void pv_rigid_add_obstacle(struct pv_rigid *rigid, enum pv_thing_kind kind, cpVect from, cpVect to, double radius);
/* A floor whose top is at rigid->floor. */
void pv_rigid_add_floor(struct pv_rigid *rigid);
/* Along the left, right and upper edge of the picture, outside it. */
void pv_rigid_add_walls(struct pv_rigid *rigid);
/* Scales the gravity, paints what stands still and simulates the frames to skip. */
pv_status pv_rigid_ready(struct pv_rigid *rigid, struct pv_error *err);
void pv_rigid_motions(const struct pv_rigid *rigid, struct pv_motion motions[PV_RIGID_BODIES]);

/* For the world's line in the table; state begins with a struct pv_rigid. */
void pv_rigid_record(void *state, int frame);
void pv_rigid_draw(void *state, const struct pv_canvas *canvas);
void pv_rigid_step(void *state);
json_t *pv_rigid_truth(const void *state, int frames);
void pv_rigid_close(void *state);

/* look.c: a backdrop, floor and ramps of low saturation, and bodies of well separated hues, with their marks. */
void pv_rigid_draw_look(struct pv_rigid *rigid, struct pv_draw *draw);

#endif
