/* track.h: what the path of a body says: when it touched something, and how fast it was. */
#ifndef PV_EVAL_TRACK_H
#define PV_EVAL_TRACK_H

#include "eval/footage.h"
#include "eval/score.h"

/* Centres of one body, a frame each, pixels. */
struct pv_path {
    const struct pv_sighting *first; /* the body's sighting in the first frame */
    int stride;                      /* sightings from frame to frame */
    int count;                       /* frames */
};

/* The first frame at or after a contact, counted from the path's first: where the velocity changes by at least `jump`
 * pixels a frame beyond the steady acceleration of the first `free` frames. Velocities are taken over 3 frames, so that
 * wobbling by half a pixel is no contact. `after`: the first frame that may show one. -1 if there is none. */
int pv_path_contact(const struct pv_path *path, int free, int after, double jump);

/* ---- law.c: the physical-law protocol ---- */

/* Of one ball: both parses of the velocity error and the position error, in units, over the predicted frames until the
 * ball is no longer wholly in view; NAN if there are not two of them. track: [ahead][objects], the sightings of frames
 * 1 ... ahead. */
struct pv_law_score {
    double velocity;   /* |mean velocity - true mean velocity|: only the end points count; the published table */
    double velocities; /* mean over frames of |velocity - true velocity|: the formula in the text */
    double position;   /* mean over frames of the distance */
};
struct pv_law_score pv_law_score(const struct pv_footage *footage, const struct pv_sighting *track, int object);

/* Does the published table leave such a clip out? Radii in units. */
bool pv_law_leaves_out(const char *world, const double *radii, int count);

/* Published velocity errors (physics.md's source: arXiv 2411.02385), to stand beside ours. high > low: a span over all
 * model sizes. NULL past the last of that world and range. */
struct pv_published {
    const char *world;
    bool out; /* of range */
    const char *who;
    double low, high;
};
const struct pv_published *pv_published_get(const char *world, bool out, size_t index);

#endif
