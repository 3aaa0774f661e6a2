/* suite.c: see suite.h. */
#include "eval/suite.h"

#include <math.h>
#include <string.h>

#include "eval/score.h"
#include "eval/set.h"
#include "eval/track.h"

enum {
    CLIPS = PV_SUITE_CLIPS,
    FPS = 24,
    CONTEXT = 12,
    LAW_CONTEXT = 3,
    LAW_SIDE = 128,
    LAW_FPS = 10,
    FIRST_SEED = 1000 /* beyond PV_WORLD_HELD_OUT_SEED */
};

static bool is_wide(int width, int height)
{
    return width * 3 > height * 4; /* nearer to 16:9 than to 1:1: their geometric mean is 4:3 */
}

const char *pv_suite_file(int model_width, int model_height)
{
    return is_wide(model_width, model_height) ? "physics-wide.safetensors" : "physics-square.safetensors";
}

/* The size of exactly that shape, sides multiples of what the codec needs, whose area is nearest to the model's. */
static pv_status choose_size(struct pv_suite *suite, const pv_model_info *model, struct pv_error *err)
{
    const bool wide = is_wide(model->width, model->height);
    const int step = wide ? 16 : 1, m = model->size_multiple;
    const double area = (double)model->width * model->height;
    double nearest = INFINITY;
    for (int width = step; width <= 2048; width += step) {
        const int height = wide ? width / 16 * 9 : width;
        const double off = fabs(log((double)width * height / area));
        if (width % m == 0 && height % m == 0 && off < nearest) {
            nearest = off;
            suite->width = width;
            suite->height = height;
        }
    }
    if (nearest > log(4))
        return pv_fail(err, PV_ERR_ARGUMENT,
                       "the model works at %dx%d in steps of %d: the suite's clips have no such size", model->width,
                       model->height, m);
    return PV_OK;
}

static void add_group(struct pv_suite *suite, const char *world, enum pv_world_range range, int clips)
{
    if (clips > 0)
        suite->groups[suite->group_count++] = (struct pv_suite_group){.world = world, .range = range, .clips = clips};
}

static pv_status open_physics(struct pv_suite *suite, const pv_model_info *model, const char *set_path,
                              struct pv_error *err)
{
    static const char *const worlds[] = {"drop", "stack", "collide"};
    suite->name = "physics";
    suite->fps_num = FPS;
    suite->most_context = PV_SET_FRAMES - PV_AHEAD;
    PV_TRY(choose_size(suite, model, err));
    PV_TRY(pv_set_open(set_path, &suite->set, err));
    for (size_t w = 0; w < sizeof worlds / sizeof worlds[0]; w++)
        for (int range = PV_WORLD_IN; range <= PV_WORLD_OUT; range++)
            add_group(suite, worlds[w], (enum pv_world_range)range,
                      pv_set_count(suite->set, worlds[w], (enum pv_world_range)range));
    for (int range = PV_WORLD_IN; range <= PV_WORLD_OUT; range++) {
        add_group(suite, "pour", (enum pv_world_range)range, CLIPS);
        for (int i = 0; i < CLIPS; i++)
            suite->groups[suite->group_count - 1].scenes[i] = i;
    }
    return PV_OK;
}

/* ---- what is simulated: the law worlds in closed form, so that there is nothing to record; and pour, of whose
 * thousands of particles a recording would take a hundred megabytes, while a rounding error moves none of its levels
 * ---- */

static bool is_left_out(const char *world, const json_t *truth)
{
    double radii[PV_OBJECTS];
    const json_t *objects = json_object_get(truth, "objects");
    const int count = (int)json_array_size(objects);
    for (int i = 0; i < count && i < PV_OBJECTS; i++)
        radii[i] = json_number_value(json_object_get(json_array_get(objects, (size_t)i), "radius"));
    return pv_law_leaves_out(world, radii, count);
}

/* skip, frames: as in pv_world_params. */
static pv_status open_scene(const struct pv_suite *suite, const struct pv_suite_group *group, int scene, int skip,
                            int frames, struct pv_world **world, struct pv_error *err)
{
    struct pv_world_params params;
    pv_world_params_init(&params, group->world);
    params.seed = PV_WORLD_HELD_OUT_SEED + FIRST_SEED + (uint64_t)scene;
    params.range = group->range;
    params.width = suite->width;
    params.height = suite->height;
    params.skip = skip;
    params.frames = frames;
    params.fps_num = suite->fps_num;
    params.fps_den = suite->fps_den;
    return pv_world_open(&params, world, err);
}

/* The first scenes that the published table would not leave out. */
static pv_status choose_scenes(const struct pv_suite *suite, struct pv_suite_group *group, struct pv_error *err)
{
    for (int scene = 0; group->clips < CLIPS; scene++) {
        struct pv_world *world = NULL;
        PV_TRY(open_scene(suite, group, scene, 0, PV_LAW_FRAMES, &world, err));
        json_t *truth = pv_world_truth(world);
        if (truth && !is_left_out(group->world, truth))
            group->scenes[group->clips++] = scene;
        json_decref(truth);
        pv_world_close(world);
    }
    return PV_OK;
}

/* Simulates a clip. A long context begins earlier, so that the seam falls at the same moment. */
static pv_status draw_scene(const struct pv_suite *suite, const struct pv_suite_group *group, int index, int ahead,
                            struct pv_footage *footage, struct pv_error *err)
{
    struct pv_world *world = NULL;
    json_t *truth = NULL;
    const int skip = suite->most_context - suite->context;
    pv_status status = pv_footage_open(footage, suite->width, suite->height, suite->context, ahead, true, err);
    if (status == PV_OK)
        status = open_scene(suite, group, group->scenes[index], skip, suite->context + ahead, &world, err);
    if (status == PV_OK)
        status = pv_footage_render(footage, world, &truth, err);
    if (status == PV_OK)
        status = pv_footage_take_truth(footage, truth, !suite->set, err);
    json_decref(truth);
    pv_world_close(world);
    return status;
}

static pv_status open_law(struct pv_suite *suite, struct pv_error *err)
{
    static const char *const worlds[] = {"uniform", "collision", "parabola"};
    suite->name = "law";
    suite->fps_num = LAW_FPS;
    suite->width = suite->height = LAW_SIDE;
    suite->most_context = LAW_CONTEXT;
    for (size_t w = 0; w < sizeof worlds / sizeof worlds[0]; w++)
        for (int range = PV_WORLD_IN; range <= PV_WORLD_OUT; range++) {
            struct pv_suite_group *group = &suite->groups[suite->group_count++];
            *group = (struct pv_suite_group){.world = worlds[w], .range = (enum pv_world_range)range};
            PV_TRY(choose_scenes(suite, group, err));
        }
    return PV_OK;
}

/* ---- both ---- */

pv_status pv_suite_open(enum pv_suite_kind kind, const pv_model_info *model, int context, const char *set_path,
                        struct pv_suite *suite, struct pv_error *err)
{
    *suite = (struct pv_suite){.fps_den = 1};
    PV_TRY(kind == PV_SUITE_PHYSICS ? open_physics(suite, model, set_path, err) : open_law(suite, err));
    suite->context = context ? context : kind == PV_SUITE_LAW ? LAW_CONTEXT : CONTEXT;
    if (suite->context > suite->most_context)
        return pv_fail(err, PV_ERR_ARGUMENT, "clips of the %s suite have %d frames to observe, not %d", suite->name,
                       suite->most_context, suite->context);
    if (LAW_SIDE % model->size_multiple != 0 && kind == PV_SUITE_LAW)
        return pv_fail(err, PV_ERR_ARGUMENT, "the law suite has frames of %dx%d; the model needs multiples of %d",
                       LAW_SIDE, LAW_SIDE, model->size_multiple);
    return PV_OK;
}

void pv_suite_close(struct pv_suite *suite)
{
    pv_set_close(suite->set);
    *suite = (struct pv_suite){0};
}

pv_status pv_suite_draw(const struct pv_suite *suite, const struct pv_suite_group *group, int index,
                        struct pv_footage *footage, struct pv_error *err)
{
    *footage = (struct pv_footage){0};
    if (!suite->set)
        return draw_scene(suite, group, index, PV_LAW_FRAMES - suite->context, footage, err);
    if (strcmp(group->world, "pour") != 0)
        return pv_set_draw(suite->set, group->world, group->range, index, suite->width, suite->height, suite->context,
                           footage, err);
    return draw_scene(suite, group, index, PV_AHEAD, footage, err);
}

bool pv_suite_turns(const struct pv_suite *suite, const struct pv_suite_group *group)
{
    return suite->set && strcmp(group->world, "drop") == 0;
}

pv_status pv_suite_draw_half_gravity(const struct pv_suite *suite, const struct pv_suite_group *group, int index,
                                     struct pv_footage *footage, struct pv_error *err)
{
    return pv_set_draw_half_gravity(suite->set, group->world, group->range, index, suite->width, suite->height,
                                    suite->context, footage, err);
}
