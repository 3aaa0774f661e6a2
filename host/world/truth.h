/* truth.h: the ground truth of a clip as JSON. */
#ifndef PV_WORLD_TRUTH_H
#define PV_WORLD_TRUTH_H

#include "world/scene.h"

/* One body in one frame. */
struct pv_state {
    struct pv_motion motion;
    double visible;
};

/* What a clip is and what was seen of it. */
struct pv_record {
    struct pv_world_params params; /* name is a static string */
    const struct pv_scene *scene;
    const struct pv_state *states; /* [frames][bodies] */
    int frames;                    /* recorded so far */
    int substeps;                  /* a frame */
};

/* A new reference; NULL without memory. */
json_t *pv_truth_json(const struct pv_record *record);

#endif
