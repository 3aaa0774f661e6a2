/* set_record.c: simulates held-out clips and writes them down, once. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "eval/set_part.h"
#include "model/safetensors.h"

enum {
    FPS = 24,
    FIRST_SEED = 1000, /* beyond PV_WORLD_HELD_OUT_SEED */
    SKIP_SPAN = 24     /* clips start 0 to 23 frames into the scene: the seam falls at different moments */
};

struct recorder {
    int width, height; /* the shape */
    int16_t *places;   /* [entries][3] */
    size_t entries, room;
    json_t *clips;
    struct pv_error *err;
};

static double number(const json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key));
}

static int16_t quantise(double value)
{
    return (int16_t)lround(fmin(fmax(value, INT16_MIN), INT16_MAX));
}

static bool grow(struct recorder *r, size_t count)
{
    if (r->entries + count <= r->room)
        return true;
    const size_t room = 2 * (r->room + count);
    int16_t *more = realloc(r->places, room * 3 * sizeof *more);
    if (!more)
        return false;
    r->places = more;
    r->room = room;
    return true;
}

static bool add_places(struct recorder *r, const json_t *trajectory, size_t bodies)
{
    if (!grow(r, bodies * PV_SET_FRAMES))
        return false;
    for (size_t frame = 0; frame < PV_SET_FRAMES; frame++)
        for (size_t i = 0; i < bodies; i++) {
            const json_t *state = json_array_get(json_object_get(json_array_get(trajectory, frame), "objects"), i);
            int16_t *v = r->places + 3 * r->entries++;
            v[0] = quantise(number(state, "x") * PV_SET_STEPS_A_UNIT);
            v[1] = quantise(number(state, "y") * PV_SET_STEPS_A_UNIT);
            const double turns = number(state, "angle") * PV_SET_STEPS_A_RADIAN / 65536;
            v[2] = quantise((turns - floor(turns + 0.5)) * 65536); /* -.5 to .5 turns */
        }
    return true;
}

/* The first of every body. */
static json_t *first_events(const json_t *events)
{
    json_t *kept = json_array();
    bool met[PV_OBJECTS] = {false};
    for (size_t i = 0; i < json_array_size(events); i++) {
        const json_t *event = json_array_get(events, i);
        const char *what = json_string_value(json_object_get(event, "what"));
        const int sides[2] = {(int)number(event, "object"), (int)number(event, "other")};
        const bool both = what && strcmp(what, "object") == 0;
        bool news = false;
        for (int side = 0; side < (both ? 2 : 1); side++)
            if (sides[side] >= 0 && sides[side] < PV_OBJECTS && !met[sides[side]])
                met[sides[side]] = news = true;
        if (news)
            json_array_append_new(kept, json_pack("{s:s, s:i, s:i, s:i, s:f}", "what", what, "object", sides[0],
                                                  "other", sides[1], "frame", (int)number(event, "frame"), "speed",
                                                  round(number(event, "speed") * 1000) / 1000));
    }
    return kept;
}

static pv_status record_clip(struct recorder *r, const char *name, enum pv_world_range range, int index)
{
    struct pv_world_params params;
    pv_world_params_init(&params, name);
    params.seed = PV_WORLD_HELD_OUT_SEED + FIRST_SEED + (uint64_t)index;
    params.range = range;
    params.width = r->width;
    params.height = r->height;
    params.frames = PV_SET_FRAMES;
    params.fps_num = FPS;
    params.fps_den = 1;
    params.skip = strcmp(name, "stack") == 0 ? 0 : index % SKIP_SPAN; /* a stack is judged from its first moment */
    struct pv_world *world = NULL;
    PV_TRY(pv_world_open(&params, &world, r->err));
    pv_status status = PV_OK;
    for (int i = 0; i < PV_SET_FRAMES && status == PV_OK; i++)
        status = pv_world_next(world, NULL, 0, NULL, r->err);
    json_t *truth = status == PV_OK ? pv_world_truth(world) : NULL;
    pv_world_close(world);
    if (status != PV_OK)
        return status;
    const size_t bodies = json_array_size(json_object_get(truth, "objects"));
    json_t *clip =
        json_pack("{s:s, s:s, s:I, s:i, s:i, s:I, s:o}", "world", name, "range", pv_set_range_name(range), "seed",
                  (json_int_t)params.seed, "skip", params.skip, "bodies", (int)bodies, "scene",
                  truth ? pv_set_scene_hash(truth) : 0, "events", first_events(json_object_get(truth, "events")));
    if (!truth || !add_places(r, json_object_get(truth, "trajectory"), bodies) ||
        json_array_append_new(r->clips, clip) != 0)
        status = pv_fail(r->err, PV_ERR_MEMORY, "no memory to record held-out clips");
    json_decref(truth);
    return status;
}

static pv_status write(struct recorder *r, const char *path)
{
    json_t *set = json_pack("{s:i, s:i, s:i, s:i, s:[i, i], s:O}", "schema", PV_SET_SCHEMA, "width", r->width, "height",
                            r->height, "frames", PV_SET_FRAMES, "fps", FPS, 1, "clips", r->clips);
    char *text = set ? json_dumps(set, JSON_COMPACT) : NULL;
    json_decref(set);
    if (!text)
        return pv_fail(r->err, PV_ERR_MEMORY, "no memory to write '%s'", path);
    const struct pv_metadata metadata = {"set", text};
    const struct pv_tensor_view places = {.name = "places",
                                          .dtype = PV_DTYPE_I16,
                                          .rank = 2,
                                          .shape = {(int64_t)r->entries, 3},
                                          .data = r->places,
                                          .bytes = r->entries * 3 * sizeof *r->places};
    const pv_status status = pv_safetensors_write(path, &places, 1, &metadata, 1, r->err);
    free(text);
    return status;
}

pv_status pv_set_record(const char *path, const char *const *worlds, int world_count, int clips, int width, int height,
                        struct pv_error *err)
{
    struct recorder r = {.width = width, .height = height, .clips = json_array(), .err = err};
    pv_status status = r.clips ? PV_OK : pv_fail(err, PV_ERR_MEMORY, "no memory to record held-out clips");
    for (int w = 0; w < world_count; w++)
        for (int range = PV_WORLD_IN; range <= PV_WORLD_OUT; range++)
            for (int i = 0; i < clips && status == PV_OK; i++)
                status = record_clip(&r, worlds[w], (enum pv_world_range)range, i);
    if (status == PV_OK)
        status = write(&r, path);
    json_decref(r.clips);
    free(r.places);
    return status;
}
