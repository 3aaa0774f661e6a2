/* world.c: the table of worlds, and a clip from open to close. */
#include "world/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "world/render.h"
#include "world/scene.h"
#include "world/truth.h"

/* A new world: its file, and a line here. */
static const struct pv_world_kind *const kinds[] = {
    &pv_world_drop,
};

enum {
    KINDS = sizeof kinds / sizeof kinds[0],
    SIDE_MIN = 16,
    SIDE_MAX = 4096,
    FRAMES_MAX = 100000,
    SUBSTEPS_A_SECOND = 480
};

struct pv_world {
    struct pv_world_params params;
    struct pv_scene scene;
    uint8_t *backdrop;       /* [height][width][3] */
    struct pv_state *states; /* [frames][bodies] */
    int frame;               /* the next one to render */
    int substeps;            /* a frame */
    double substep_seconds;
};

void pv_world_params_init(struct pv_world_params *params)
{
    *params = (struct pv_world_params){
        .name = "drop",
        .width = 128,
        .height = 128,
        .frames = 48,
        .fps_num = 24,
        .fps_den = 1,
        .range = PV_WORLD_IN,
        .gravity_scale = 1,
    };
}

const char *pv_world_name(size_t index)
{
    return index < KINDS ? kinds[index]->name : NULL;
}

const char *pv_world_summary(size_t index)
{
    return index < KINDS ? kinds[index]->summary : NULL;
}

static const struct pv_world_kind *find_kind(const char *name, struct pv_error *err)
{
    for (size_t i = 0; i < KINDS; i++)
        if (name && strcmp(kinds[i]->name, name) == 0)
            return kinds[i];
    char list[256] = "";
    for (size_t i = 0; i < KINDS; i++) {
        const size_t used = strlen(list);
        snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "", kinds[i]->name);
    }
    pv_fail(err, PV_ERR_ARGUMENT, "there is no world \"%s\"; choose one of: %s", name ? name : "", list);
    return NULL;
}

static pv_status check_params(const struct pv_world_params *p, struct pv_error *err)
{
    if (p->width < SIDE_MIN || p->width > SIDE_MAX || p->height < SIDE_MIN || p->height > SIDE_MAX)
        return pv_fail(err, PV_ERR_ARGUMENT, "a world cannot be %dx%d pixels: both sides must be %d to %d", p->width,
                       p->height, SIDE_MIN, SIDE_MAX);
    if (p->width > 2 * p->height || p->height > 2 * p->width)
        return pv_fail(err, PV_ERR_ARGUMENT,
                       "a world cannot be %dx%d pixels: one side may be at most twice as long as the other", p->width,
                       p->height);
    if (p->frames < 1 || p->frames > FRAMES_MAX)
        return pv_fail(err, PV_ERR_ARGUMENT, "a clip cannot have %d frames: choose 1 to %d", p->frames, FRAMES_MAX);
    if (p->skip < 0 || p->skip > FRAMES_MAX)
        return pv_fail(err, PV_ERR_ARGUMENT, "cannot skip %d frames: choose 0 to %d", p->skip, FRAMES_MAX);
    if (p->fps_num < 1 || p->fps_den < 1 || p->fps_num < p->fps_den ||
        (int64_t)p->fps_num > (int64_t)p->fps_den * SUBSTEPS_A_SECOND)
        return pv_fail(err, PV_ERR_ARGUMENT, "%d/%d is not a frame rate of a world: choose 1 to %d frames a second",
                       p->fps_num, p->fps_den, SUBSTEPS_A_SECOND);
    if (p->range != PV_WORLD_IN && p->range != PV_WORLD_OUT)
        return pv_fail(err, PV_ERR_ARGUMENT, "%d is not a range of worlds: use PV_WORLD_IN or PV_WORLD_OUT",
                       (int)p->range);
    if (!(p->gravity_scale >= -4 && p->gravity_scale <= 4))
        return pv_fail(err, PV_ERR_ARGUMENT, "gravity cannot be scaled by %g: choose -4 to 4",
                       (double)p->gravity_scale);
    if (p->seed > INT64_MAX)
        return pv_fail(err, PV_ERR_ARGUMENT, "the seed of a world must be below 2^63, so that its truth can hold it");
    return PV_OK;
}

static pv_status start(struct pv_world *w, const struct pv_world_kind *kind, struct pv_error *err)
{
    const struct pv_world_params *p = &w->params;
    /* A frame is the same whole number of equal substeps for any frame rate, the longest being 1/480 s: frame times are
     * exact. The sides are checked: no product below overflows. */
    const int64_t wanted = (int64_t)SUBSTEPS_A_SECOND * p->fps_den;
    w->substeps = (int)((wanted + p->fps_num - 1) / p->fps_num);
    w->substep_seconds = (double)p->fps_den / ((double)p->fps_num * w->substeps);

    w->scene.width = PV_WORLD_WIDTH_UNITS;
    w->scene.height = PV_WORLD_WIDTH_UNITS * p->height / p->width;
    PV_TRY(pv_scene_open(&w->scene, err));
    kind->build(&w->scene, p->seed, p->range);
    w->scene.gravity = cpvmult(w->scene.gravity, (double)p->gravity_scale);
    pv_scene_kick(&w->scene, w->substep_seconds);

    w->backdrop = malloc((size_t)p->width * (size_t)p->height * 3);
    w->states = calloc((size_t)p->frames * (size_t)w->scene.body_count, sizeof *w->states);
    if (!w->backdrop || !w->states)
        return pv_fail(err, PV_ERR_MEMORY, "no memory for a world of %dx%d pixels and %d frames; choose fewer",
                       p->width, p->height, p->frames);
    pv_render_backdrop(&w->scene, p->width, p->height, w->backdrop);
    for (int64_t i = 0; i < (int64_t)p->skip * w->substeps; i++)
        pv_scene_step(&w->scene, w->substep_seconds);
    return PV_OK;
}

pv_status pv_world_open(const struct pv_world_params *params, struct pv_world **world, struct pv_error *err)
{
    *world = NULL;
    const struct pv_world_kind *kind = find_kind(params->name, err);
    if (!kind)
        return PV_ERR_ARGUMENT;
    PV_TRY(check_params(params, err));
    struct pv_world *w = calloc(1, sizeof *w);
    if (!w)
        return pv_fail(err, PV_ERR_MEMORY, "no memory for a world; close other programs");
    w->params = *params;
    w->params.name = kind->name;
    const pv_status status = start(w, kind, err);
    if (status != PV_OK)
        pv_world_close(w);
    else
        *world = w;
    return status;
}

pv_status pv_world_next(struct pv_world *w, uint8_t *rgb, size_t stride, uint8_t *coverage, struct pv_error *err)
{
    const size_t row = (size_t)w->params.width * 3;
    if (rgb && stride < row)
        return pv_fail(err, PV_ERR_ARGUMENT, "rows of %zu bytes are too short for %d pixels: they need %zu", stride,
                       w->params.width, row);
    if (coverage && !rgb)
        return pv_fail(err, PV_ERR_ARGUMENT, "a world's coverage is rendered with its picture: pass both or neither");
    if (w->frame == w->params.frames)
        return PV_END;
    if (rgb) {
        for (int j = 0; j < w->params.height; j++)
            memcpy(rgb + (size_t)j * stride, w->backdrop + (size_t)j * row, row);
        pv_render_bodies(&w->scene, w->params.width, w->params.height, rgb, stride, coverage);
    }
    for (int i = 0; i < w->scene.body_count; i++) {
        struct pv_state *state = &w->states[(size_t)w->frame * (size_t)w->scene.body_count + (size_t)i];
        state->motion = pv_body_motion(&w->scene.bodies[i]);
        state->visible = pv_body_visible(&w->scene, i);
    }
    w->frame++;
    if (w->frame < w->params.frames)
        for (int i = 0; i < w->substeps; i++)
            pv_scene_step(&w->scene, w->substep_seconds);
    return PV_OK;
}

void pv_world_gravity(const struct pv_world *w, float gravity[2])
{
    gravity[0] = (float)w->scene.gravity.x;
    gravity[1] = (float)w->scene.gravity.y;
}

json_t *pv_world_truth(const struct pv_world *w)
{
    const struct pv_record record = {w->params, &w->scene, w->states, w->frame, w->substeps};
    return pv_truth_json(&record);
}

void pv_world_close(struct pv_world *w)
{
    if (!w)
        return;
    pv_scene_close(&w->scene);
    free(w->backdrop);
    free(w->states);
    free(w);
}
