/* world.h: simulated scenes with exact ground truth, one clip a seed: for training, tests and sample clips.
 *
 *     pv_world_open -> pv_world_next ... until PV_END -> pv_world_truth -> pv_world_close
 *
 * A clip is a function of its params alone: the same params give the same bytes and the same truth. A scene does not
 * depend on the resolution, only on the shape of the picture: seed 7 at 128x128 and at 256x256 is the same clip.
 *
 * Units: a picture is 10 units wide and 10 * height / width units high; x to the right, y up, the origin in the lower
 * left corner; seconds; radians, counter-clockwise. The middle of pixel (i, j) is at (i + .5, j + .5) pixels, j down.
 *
 * Seeds: training uses seeds below PV_WORLD_HELD_OUT_SEED; clips that judge a model use seeds from there on. Clips of
 * PV_WORLD_OUT never enter training, whatever their seed. */
#ifndef PV_WORLD_WORLD_H
#define PV_WORLD_WORLD_H

#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/error.h"

#define PV_WORLD_HELD_OUT_SEED (UINT64_C(1) << 32)
#define PV_WORLD_WIDTH_UNITS   10.0

enum pv_world_range {
    PV_WORLD_IN, /* what models are trained on */
    PV_WORLD_OUT /* gravity x1.5, sizes and speeds that PV_WORLD_IN never has */
};

/* Where a body is: units, radians. */
struct pv_world_place {
    double x, y, angle;
};

struct pv_world_params {
    const char *name;     /* one of pv_world_name(0), (1) ... */
    uint64_t seed;        /* below 2^63, so that it fits a JSON integer */
    int width, height;    /* pixels, 16 to 4096; width / height from 1/2 to 2 */
    int frames;           /* 1 to 100000 */
    int skip;             /* frames simulated before the first one that counts, 0 to 100000 */
    int fps_num, fps_den; /* frames a second, a fraction, 1 to 480 */
    enum pv_world_range range;
    float gravity_scale; /* 1 = as drawn from the seed; 0 = none; -4 to 4 */
    int gravity_from;    /* the frame from which on gravity is scaled, counted as the first that counts is 0; until then
                            it is as drawn. 0 = always scaled, the skipped frames too. 0 to 100000 */

    /* A recording of the same clip, [frames][recorded_bodies], the caller's until close; NULL = simulate. The scene is
     * built from the seed, but then bodies are where the recording has them: what a simulation makes of a rounding
     * error changes nothing. The truth then has no events, and no speeds. Worlds of rigid bodies only. */
    const struct pv_world_place *recorded;
    int recorded_bodies;
};

struct pv_world;

/* The size, frames and frame rate that suit the world `name` (drop's if there is no such world: pv_world_open then says
 * so), seed 0, in range, gravity as drawn. The string must live until pv_world_open. */
void pv_world_params_init(struct pv_world_params *params, const char *name);

/* The worlds there are, for help texts: NULL when index is past the last. Static strings. */
const char *pv_world_name(size_t index);
const char *pv_world_summary(size_t index);

/* On failure *world is NULL. params->name is not kept. Worlds on different threads are independent, but the first call
 * in a process points stdout elsewhere for a moment (rigid.c says why): make it before other threads print. */
pv_status pv_world_open(const struct pv_world_params *params, struct pv_world **world, struct pv_error *err);

/* Renders the current frame, then advances by 1 / fps. rgb: [height] rows of width * 3 bytes, stride bytes apart, or
 * NULL to advance without rendering. coverage: [height][width] bytes without padding, how much of each pixel moving
 * bodies cover (255 = all), or NULL. PV_END after the last frame, with nothing written. */
pv_status pv_world_next(struct pv_world *world, uint8_t *rgb, size_t stride, uint8_t *coverage, struct pv_error *err);

/* Gravity, x, y in units a second squared, of the way to the next frame that is rendered (to the last one, after it);
 * before the first frame, of its start. gravity_scale is in it where it counts. */
void pv_world_gravity(const struct pv_world *world, float gravity[2]);

/* The ground truth of the frames so far, complete after the last: keys are described in truth.c. A new reference: the
 * caller drops it with json_decref. NULL when there is no memory. */
json_t *pv_world_truth(const struct pv_world *world);

/* NULL is allowed. */
void pv_world_close(struct pv_world *world);

#endif
