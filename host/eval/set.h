/* set.h: held-out clips as a file: which scenes, and where every body was in every frame. A simulation of colliding
 * bodies makes a visible difference of a rounding error, so trajectories are stored and only drawn again; what a seed
 * draws without simulating (sizes, colours, backdrops) is not. One safetensors file:
 *
 *   places            I16 [entries][3]: x and y in 1/2048 units, angle in 1/65536 turns; clip after clip, of each
 *                     [frames][bodies]
 *   __metadata__.set  JSON: {"schema": 1, "width", "height", "frames", "fps": [num, den], "clips": [{"world", "range",
 *                     "seed", "skip", "bodies", "scene": hash of what the seed drew, "events": as in the truth, the
 * first of every body}]} */
#ifndef PV_EVAL_SET_H
#define PV_EVAL_SET_H

#include "eval/footage.h"
#include "world/world.h"

enum { PV_SET_FRAMES = 64 }; /* of a clip: up to 16 observed, 48 to predict */

struct pv_set;

/* PV_ERR_IO, PV_ERR_FORMAT, PV_ERR_MEMORY. On failure *set is NULL. */
pv_status pv_set_open(const char *path, struct pv_set **set, struct pv_error *err);
void pv_set_close(struct pv_set *set);

/* How many clips it has of a world and range. */
int pv_set_count(const struct pv_set *set, const char *world, enum pv_world_range range);

/* Draws clip `index` of a world and range at width x height, its last context + PV_AHEAD frames, with its truth.
 * PV_ERR_FORMAT: the world has changed since it was recorded. On failure footage is to be closed all the same. */
pv_status pv_set_draw(const struct pv_set *set, const char *world, enum pv_world_range range, int index, int width,
                      int height, int context, struct pv_footage *footage, struct pv_error *err);

/* Draws the same scene from its beginning, with half the gravity from the last observed frame on: simulated, since
 * nobody recorded it. Only contacts count that come at least 3 frames later than they would under its own gravity. */
pv_status pv_set_draw_half_gravity(const struct pv_set *set, const char *world, enum pv_world_range range, int index,
                                   int width, int height, int context, struct pv_footage *footage,
                                   struct pv_error *err);

/* Simulates and records: `clips` clips of each of the worlds and of both ranges, for pictures of the shape width :
 * height. */
pv_status pv_set_record(const char *path, const char *const *worlds, int world_count, int clips, int width, int height,
                        struct pv_error *err);

#endif
