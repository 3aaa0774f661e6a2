/* footage.h: one clip to judge a prediction by: what was observed, what came, and, of simulated ones, the truth. */
#ifndef PV_EVAL_FOOTAGE_H
#define PV_EVAL_FOOTAGE_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "base/error.h"
#include "eval/object.h"
#include "eval/pour.h"
#include "world/world.h"

/* Of one body in one frame: the true place, pixels, y down. */
struct pv_place {
    double x, y;
    double visible; /* part of it in the picture and not covered, 0 to 1 */
};

struct pv_footage {
    int width, height;  /* pixels */
    int context, ahead; /* frames observed, frames to predict */
    uint8_t *rgb;       /* [context + ahead][height][width][3] */
    uint8_t *cover;     /* [context + ahead][height][width], how much of a pixel is a moving thing; NULL = not known */
    uint8_t *predicted; /* [ahead][height][width][3]: the model's, after pv_predict_footage */

    /* Of simulated clips; no objects otherwise. */
    int objects;
    struct pv_object_look looks[PV_OBJECTS];
    double half_height[PV_OBJECTS]; /* pixels */
    int contact[PV_OBJECTS];        /* frames after the last observed one of its first contact; 0 = none that counts */
    struct pv_place *places;        /* [context + ahead][objects] */
    struct pv_sighting *truth;      /* [context + ahead][objects]: the true pictures, parsed */
    double pixels_per_unit, frame_seconds;
    float gravity[2]; /* of the observed frames: x and y in units a second squared */
    bool gravity_turns; /* gravity changes at the seam to turned_gravity; then contacts count that this moves */
    float turned_gravity[2];
    int boxes;            /* of a stack, which falls or stands: the first of the objects; 0 = it is none */
    struct pv_pour *pour; /* of the world pour */
    bool law;             /* the physical-law protocol */
};

/* Memory for the pictures. On failure footage is to be closed all the same. */
pv_status pv_footage_open(struct pv_footage *footage, int width, int height, int context, int ahead, bool cover,
                          struct pv_error *err);
void pv_footage_close(struct pv_footage *footage);

size_t pv_footage_frame_bytes(const struct pv_footage *footage);
/* Frame t: 0 is the last observed one, 1 the first to predict; t > -context. */
const uint8_t *pv_footage_frame(const struct pv_footage *footage, int t);
const struct pv_place *pv_footage_places(const struct pv_footage *footage, int t);
const struct pv_sighting *pv_footage_sightings(const struct pv_footage *footage, int t);

/* Renders the frames of an open world, from the next one on, into rgb and cover, and gives its truth, a new reference.
 */
pv_status pv_footage_render(struct pv_footage *footage, struct pv_world *world, json_t **truth, struct pv_error *err);

/* Of each body the first contact that a truth's events tell, if the body was in free flight from the first frame on and
 * if it bends the path clearly: frames after the last observed one; else 0. */
void pv_footage_contacts(const struct pv_footage *footage, const json_t *truth, int contact[PV_OBJECTS]);

/* What the truth of a world (truth.c) says of the frames: objects, places, contacts; then parses the pictures. law: the
 * masks of the physical-law protocol. */
pv_status pv_footage_take_truth(struct pv_footage *footage, const json_t *truth, bool law, struct pv_error *err);

#endif
