/* world.c: the table of worlds, and a clip from open to close. */
#include "world/world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "world/kind.h"
#include "world/truth.h"

/* A new world: its file, and a line here. */
static const struct pv_world_kind *const kinds[] = {
    &pv_world_drop,  &pv_world_collide, &pv_world_stack,     &pv_world_pour,
    &pv_world_scene, &pv_world_uniform, &pv_world_collision, &pv_world_parabola,
};

enum { KINDS = sizeof kinds / sizeof kinds[0], SIDE_MIN = 16, SIDE_MAX = 4096, FRAMES_MAX = 100000, FPS_MAX = 480 };

struct pv_world {
    const struct pv_world_kind *kind;
    struct pv_stage stage;
    void *state; /* the kind's own */
    int frame;   /* the next one to render */
};

void pv_world_params_init(struct pv_world_params *params, const char *name)
{
    const struct pv_world_kind *kind = kinds[0];
    for (size_t i = 0; i < KINDS; i++)
        if (name && strcmp(kinds[i]->name, name) == 0)
            kind = kinds[i];
    *params = (struct pv_world_params){
        .name = name,
        .width = kind->width,
        .height = kind->height,
        .frames = kind->frames,
        .fps_num = kind->fps,
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
        (int64_t)p->fps_num > (int64_t)p->fps_den * FPS_MAX)
        return pv_fail(err, PV_ERR_ARGUMENT, "%d/%d is not a frame rate of a world: choose 1 to %d frames a second",
                       p->fps_num, p->fps_den, FPS_MAX);
    if (p->range != PV_WORLD_IN && p->range != PV_WORLD_OUT)
        return pv_fail(err, PV_ERR_ARGUMENT, "%d is not a range of worlds: use PV_WORLD_IN or PV_WORLD_OUT",
                       (int)p->range);
    if (!(p->gravity_scale >= -4 && p->gravity_scale <= 4))
        return pv_fail(err, PV_ERR_ARGUMENT, "gravity cannot be scaled by %g: choose -4 to 4",
                       (double)p->gravity_scale);
    if (p->gravity_from < 0 || p->gravity_from > FRAMES_MAX)
        return pv_fail(err, PV_ERR_ARGUMENT, "gravity cannot change in frame %d: choose 0 to %d", p->gravity_from,
                       FRAMES_MAX);
    if (p->seed > INT64_MAX)
        return pv_fail(err, PV_ERR_ARGUMENT, "the seed of a world must be below 2^63, so that its truth can hold it");
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
    void *state = calloc(1, kind->state_size);
    if (!w || !state) {
        free(w);
        free(state);
        return pv_fail(err, PV_ERR_MEMORY, "no memory for a world; close other programs");
    }
    w->kind = kind;
    w->state = state;
    w->stage = (struct pv_stage){
        .params = *params,
        .width = PV_WORLD_WIDTH_UNITS,
        .height = PV_WORLD_WIDTH_UNITS * params->height / params->width,
        .frame_seconds = (double)params->fps_den / params->fps_num,
        .gravity_scale = params->gravity_from > 0 ? 1 : (double)params->gravity_scale,
    };
    w->stage.params.name = kind->name;
    pv_status status = kind->open(state, &w->stage, err);
    if (status == PV_OK && params->recorded && !w->stage.replays)
        status = pv_fail(err, PV_ERR_ARGUMENT, "the world %s cannot follow a recording: it is not made of rigid bodies",
                         kind->name);
    memcpy(w->stage.first_gravity, w->stage.gravity, sizeof w->stage.gravity);
    if (status != PV_OK)
        pv_world_close(w);
    else
        *world = w;
    return status;
}

static void to_next_frame(struct pv_world *w)
{
    const struct pv_world_params *p = &w->stage.params;
    if (p->gravity_from > 0 && w->frame == p->gravity_from)
        for (int i = 0; i < 2; i++)
            w->stage.gravity[i] = w->stage.first_gravity[i] * (double)p->gravity_scale;
    w->frame++;
    if (w->frame < p->frames)
        w->kind->step(w->state);
}

pv_status pv_world_next(struct pv_world *w, uint8_t *rgb, size_t stride, uint8_t *coverage, struct pv_error *err)
{
    const struct pv_world_params *p = &w->stage.params;
    const size_t row = (size_t)p->width * 3;
    if (rgb && stride < row)
        return pv_fail(err, PV_ERR_ARGUMENT, "rows of %zu bytes are too short for %d pixels: they need %zu", stride,
                       p->width, row);
    if (coverage && !rgb)
        return pv_fail(err, PV_ERR_ARGUMENT, "a world's coverage is rendered with its picture: pass both or neither");
    if (w->frame == p->frames)
        return PV_END;
    if (rgb)
        w->kind->draw(w->state, &(struct pv_canvas){.width = p->width,
                                                    .height = p->height,
                                                    .pixels = p->width / w->stage.width,
                                                    .rgb = rgb,
                                                    .stride = stride,
                                                    .coverage = coverage});
    w->kind->record(w->state, w->frame);
    to_next_frame(w);
    return PV_OK;
}

void pv_world_gravity(const struct pv_world *w, float gravity[2])
{
    gravity[0] = (float)w->stage.gravity[0];
    gravity[1] = (float)w->stage.gravity[1];
}

json_t *pv_world_truth(const struct pv_world *w)
{
    return pv_truth_join(pv_truth_head(&w->stage, w->frame), w->kind->truth(w->state, w->frame));
}

void pv_world_close(struct pv_world *w)
{
    if (!w)
        return;
    w->kind->close(w->state);
    free(w->state);
    free(w);
}
