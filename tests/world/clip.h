/* clip.h: what the tests of the worlds share: clips opened or the test fails, and truth read back from JSON. */
#ifndef PV_TESTS_WORLD_CLIP_H
#define PV_TESTS_WORLD_CLIP_H

#include <criterion/criterion.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/fresh_seed.h"
#include "world/world.h"

static inline struct pv_world_params clip_params(uint64_t seed, int width, int height, int frames)
{
    struct pv_world_params p;
    pv_world_params_init(&p, "drop");
    p.seed = seed;
    p.width = width;
    p.height = height;
    p.frames = frames;
    return p;
}

static inline struct pv_world *clip_open(const struct pv_world_params *p)
{
    struct pv_world *world;
    struct pv_error err = {""};
    cr_assert(pv_world_open(p, &world, &err) == PV_OK, "seed %llu: %s", (unsigned long long)p->seed, err.text);
    return world;
}

/* Runs the clip without rendering and returns its truth. */
static inline json_t *clip_truth(const struct pv_world_params *p)
{
    struct pv_world *world = clip_open(p);
    pv_status status;
    int frames = 0;
    while ((status = pv_world_next(world, NULL, 0, NULL, NULL)) == PV_OK)
        frames++;
    cr_assert(status == PV_END && frames == p->frames);
    json_t *truth = pv_world_truth(world);
    cr_assert(truth != NULL);
    pv_world_close(world);
    return truth;
}

static inline double number(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    cr_assert(json_is_number(value), "no number \"%s\"", key);
    return json_number_value(value);
}

static inline const char *string(const json_t *object, const char *key)
{
    const char *value = json_string_value(json_object_get(object, key));
    cr_assert(value != NULL, "no string \"%s\"", key);
    return value;
}

static inline const json_t *item(const json_t *object, const char *key, size_t index)
{
    const json_t *value = json_array_get(json_object_get(object, key), index);
    cr_assert(value != NULL, "no item %zu in \"%s\"", index, key);
    return value;
}

static inline size_t count(const json_t *object, const char *key)
{
    return json_array_size(json_object_get(object, key));
}

/* What object i does in a frame: x, y, px ... */
static inline const json_t *state(const json_t *truth, size_t frame, size_t i)
{
    return item(item(truth, "trajectory", frame), "objects", i);
}

static inline bool is_disc(const json_t *object)
{
    return strcmp(string(object, "shape"), "disc") == 0;
}

/* Of the largest circle inside it. */
static inline double inner_radius(const json_t *object)
{
    return is_disc(object) ? number(object, "radius") : fmin(number(object, "width"), number(object, "height")) / 2;
}

/* Of a circle around it. */
static inline double outer_radius(const json_t *object)
{
    return is_disc(object) ? number(object, "radius") : hypot(number(object, "width"), number(object, "height")) / 2;
}

#endif
