/* kind.h: what a world is: one line of the table in world.c, and one file behind it. */
#ifndef PV_WORLD_KIND_H
#define PV_WORLD_KIND_H

#include <stdbool.h>

#include "world/render.h"
#include "world/world.h"

/* What a clip takes place in. world.c fills it and keeps it for as long as the world is open. */
struct pv_stage {
    struct pv_world_params params; /* checked; name is a static string */
    double width, height;          /* units */
    double frame_seconds;
    double gravity_scale;    /* that open applies to what it draws */
    double gravity[2];       /* set by open, scaled; zero before it. It may change from one step to the next */
    double first_gravity[2]; /* what open set it to */
    bool replays;            /* set by open when params.recorded is followed */
};

/* A world's state is allocated, zeroed and freed by world.c. Everything is a function of stage->params: no clock, no
 * global, no other source of chance. */
struct pv_world_kind {
    const char *name;
    const char *summary;
    int width, height, frames, fps; /* of a clip when nothing else is asked for */
    size_t state_size;

    /* Draws the scene from the seed and brings it to the first frame that counts (params.skip). After a failure close
     * is called all the same. */
    pv_status (*open)(void *state, struct pv_stage *stage, struct pv_error *err);
    /* Keeps what the truth will say of the current frame, which is number `frame`. */
    void (*record)(void *state, int frame);
    /* Paints the current frame. Optional when the picture is not wanted: it changes nothing that later frames see. */
    void (*draw)(void *state, const struct pv_canvas *canvas);
    /* To the next frame. */
    void (*step)(void *state);
    /* What the truth says beyond pv_truth_head: a new object over the first `frames` frames, NULL without memory. */
    json_t *(*truth)(const void *state, int frames);
    void (*close)(void *state);
};

extern const struct pv_world_kind pv_world_drop, pv_world_collide, pv_world_pour, pv_world_scene, pv_world_stack;
extern const struct pv_world_kind pv_world_uniform, pv_world_collision, pv_world_parabola;

#endif
