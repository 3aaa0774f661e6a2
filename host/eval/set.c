/* set.c: see set.h. */
#include "eval/set.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "eval/score.h"
#include "eval/set_part.h"
#include "model/safetensors.h"

static const char format_hint[] = "install it again";

struct pv_set {
    struct pv_safetensors *file;
    const struct pv_tensor_view *places; /* [entries][3] */
    json_t *json;
    const json_t *clips; /* of json */
};

static double number(const json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key));
}

static const char *text(const json_t *object, const char *key)
{
    const char *value = json_string_value(json_object_get(object, key));
    return value ? value : "";
}

const char *pv_set_range_name(enum pv_world_range range)
{
    return range == PV_WORLD_OUT ? "out" : "in";
}

json_int_t pv_set_scene_hash(const json_t *truth)
{
    static const char *const keys[] = {"objects", "floor", "ramps", "gravity"};
    uint64_t hash = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        char *dump = json_dumps(json_object_get(truth, keys[i]),
                                JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY | JSON_REAL_PRECISION(6));
        for (const char *c = dump; c && *c; c++)
            hash = (hash ^ (unsigned char)*c) * UINT64_C(1099511628211);
        free(dump);
    }
    return (json_int_t)(hash >> 1); /* fits a JSON integer */
}

/* ---- reading ---- */

/* Entries of all clips before this one are skipped over by the caller. */
static size_t entries_of(const json_t *clip)
{
    return (size_t)number(clip, "bodies") * PV_SET_FRAMES;
}

static pv_status check(const struct pv_set *set, const char *path, struct pv_error *err)
{
    if (!set->json || number(set->json, "schema") != PV_SET_SCHEMA || number(set->json, "frames") != PV_SET_FRAMES ||
        !json_is_array(set->clips))
        return pv_fail(err, PV_ERR_FORMAT, "'%s' is not a set of held-out clips of this version: %s", path,
                       format_hint);
    size_t entries = 0, at;
    json_t *clip;
    json_array_foreach((json_t *)(uintptr_t)set->clips, at, clip)
    {
        if (number(clip, "bodies") < 1 || number(clip, "bodies") > PV_OBJECTS)
            return pv_fail(err, PV_ERR_FORMAT, "clip %zu of '%s' has %g bodies: %s", at, path, number(clip, "bodies"),
                           format_hint);
        entries += entries_of(clip);
    }
    const struct pv_tensor_view *p = set->places;
    if (!p || p->dtype != PV_DTYPE_I16 || p->rank != 2 || p->shape[0] != (int64_t)entries || p->shape[1] != 3)
        return pv_fail(err, PV_ERR_FORMAT, "'%s' has no tensor 'places' of %zu x 3 numbers (I16): %s", path, entries,
                       format_hint);
    return PV_OK;
}

pv_status pv_set_open(const char *path, struct pv_set **out, struct pv_error *err)
{
    *out = NULL;
    struct pv_set *set = calloc(1, sizeof *set);
    if (!set)
        return pv_fail(err, PV_ERR_MEMORY, "no memory to open '%s'", path);
    pv_status status = pv_safetensors_open(path, PV_ERR_FORMAT, &set->file, err);
    if (status == PV_OK) {
        const char *json = pv_safetensors_metadata(set->file, "set");
        set->places = pv_safetensors_find(set->file, "places");
        set->json = json ? json_loads(json, JSON_REJECT_DUPLICATES, NULL) : NULL;
        set->clips = json_object_get(set->json, "clips");
        status = check(set, path, err);
    }
    if (status != PV_OK)
        pv_set_close(set);
    else
        *out = set;
    return status;
}

void pv_set_close(struct pv_set *set)
{
    if (!set)
        return;
    pv_safetensors_close(set->file);
    json_decref(set->json);
    free(set);
}

static bool is_of(const json_t *clip, const char *world, enum pv_world_range range)
{
    return strcmp(text(clip, "world"), world) == 0 && strcmp(text(clip, "range"), pv_set_range_name(range)) == 0;
}

int pv_set_count(const struct pv_set *set, const char *world, enum pv_world_range range)
{
    int count = 0;
    for (size_t i = 0; i < json_array_size(set->clips); i++)
        count += is_of(json_array_get(set->clips, i), world, range);
    return count;
}

static const json_t *find(const struct pv_set *set, const char *world, enum pv_world_range range, int index,
                          size_t *first_entry)
{
    *first_entry = 0;
    for (size_t i = 0; i < json_array_size(set->clips); i++) {
        const json_t *clip = json_array_get(set->clips, i);
        if (is_of(clip, world, range) && index-- == 0)
            return clip;
        *first_entry += entries_of(clip);
    }
    return NULL;
}

static void read_places(const struct pv_set *set, size_t first, size_t count, struct pv_world_place *places)
{
    for (size_t i = 0; i < count; i++) {
        int16_t v[3]; /* little-endian, as the hosts prevue runs on are */
        memcpy(v, (const char *)set->places->data + (first + i) * sizeof v, sizeof v);
        places[i] = (struct pv_world_place){v[0] / PV_SET_STEPS_A_UNIT, v[1] / PV_SET_STEPS_A_UNIT,
                                            v[2] / PV_SET_STEPS_A_RADIAN};
    }
}

/* The recorded events in the truth's place, counted from the first frame that is drawn. */
static pv_status put_events(json_t *truth, const json_t *clip, int dropped, struct pv_error *err)
{
    json_t *events = json_deep_copy(json_object_get(clip, "events")), *event;
    size_t at;
    json_array_foreach(events, at, event)
    {
        json_object_set_new(event, "frame", json_integer((json_int_t)number(event, "frame") - dropped));
    }
    if (!events || json_object_set_new(truth, "events", events) != 0)
        return pv_fail(err, PV_ERR_MEMORY, "no memory for the events of a clip");
    return PV_OK;
}

/* Draws the clip, with the events of the recording if that is what the world follows. */
static pv_status draw(const json_t *clip, const struct pv_world_params *params, struct pv_footage *footage,
                      struct pv_error *err)
{
    struct pv_world *world = NULL;
    json_t *truth = NULL;
    pv_status status = pv_world_open(params, &world, err);
    if (status == PV_OK)
        status = pv_footage_render(footage, world, &truth, err);
    if (status == PV_OK && pv_set_scene_hash(truth) != json_integer_value(json_object_get(clip, "scene")))
        status = pv_fail(err, PV_ERR_FORMAT,
                         "the world %s no longer draws scene %llu as it was recorded; record the held-out clips again "
                         "(prevue-eval-record)",
                         params->name, (unsigned long long)params->seed);
    if (status == PV_OK && params->recorded)
        status = put_events(truth, clip, PV_SET_FRAMES - params->frames, err);
    if (status == PV_OK)
        status = pv_footage_take_truth(footage, truth, false, err);
    if (world)
        pv_world_gravity(world, footage->turned_gravity);
    json_decref(truth);
    pv_world_close(world);
    return status;
}

static pv_status missing(const char *world, int index, int context, struct pv_error *err)
{
    return pv_fail(err, PV_ERR_ARGUMENT, "there is no recorded clip %d of %s with %d observed frames", index, world,
                   context);
}

/* The last context + PV_AHEAD frames of a recorded clip. */
static struct pv_world_params params_of(const json_t *clip, const char *world, enum pv_world_range range,
                                        const struct pv_footage *footage)
{
    struct pv_world_params params;
    pv_world_params_init(&params, world);
    params.seed = (uint64_t)json_integer_value(json_object_get(clip, "seed"));
    params.range = range;
    params.width = footage->width;
    params.height = footage->height;
    params.frames = footage->context + footage->ahead;
    params.skip = (int)number(clip, "skip");
    return params;
}

pv_status pv_set_draw(const struct pv_set *set, const char *world, enum pv_world_range range, int index, int width,
                      int height, int context, struct pv_footage *footage, struct pv_error *err)
{
    size_t first;
    const json_t *clip = find(set, world, range, index, &first);
    const int frames = context + PV_AHEAD;
    *footage = (struct pv_footage){0};
    if (!clip || context < 1 || frames > PV_SET_FRAMES)
        return missing(world, index, context, err);
    PV_TRY(pv_footage_open(footage, width, height, context, PV_AHEAD, true, err));
    const size_t bodies = (size_t)number(clip, "bodies"), dropped = (size_t)(PV_SET_FRAMES - frames);
    struct pv_world_place *places = calloc((size_t)frames * bodies, sizeof *places);
    if (!places)
        return pv_fail(err, PV_ERR_MEMORY, "no memory for a recorded clip");
    read_places(set, first + dropped * bodies, (size_t)frames * bodies, places);
    struct pv_world_params params = params_of(clip, world, range, footage);
    params.recorded = places;
    params.recorded_bodies = (int)bodies;
    const pv_status status = draw(clip, &params, footage, err);
    free(places);
    return status;
}

/* params: of the clip whose gravity turns. */
static pv_status drop_unmoved_contacts(struct pv_footage *footage, struct pv_world_params params, struct pv_error *err)
{
    enum { MOVED = 3 }; /* frames */
    int unturned[PV_OBJECTS];
    struct pv_world *world;
    params.gravity_scale = 1;
    PV_TRY(pv_world_open(&params, &world, err));
    while (pv_world_next(world, NULL, 0, NULL, err) == PV_OK) /* not drawn: until PV_END nothing can go wrong */
        ;
    json_t *truth = pv_world_truth(world);
    pv_world_close(world);
    if (!truth)
        return pv_fail(err, PV_ERR_MEMORY, "no memory for the truth of a clip");
    pv_footage_contacts(footage, truth, unturned);
    json_decref(truth);
    for (int i = 0; i < footage->objects; i++)
        if (unturned[i] == 0 || footage->contact[i] - unturned[i] < MOVED)
            footage->contact[i] = 0;
    return PV_OK;
}

pv_status pv_set_draw_half_gravity(const struct pv_set *set, const char *world, enum pv_world_range range, int index,
                                   int width, int height, int context, struct pv_footage *footage, struct pv_error *err)
{
    size_t first;
    const json_t *clip = find(set, world, range, index, &first);
    *footage = (struct pv_footage){0};
    if (!clip || context < 1 || context + PV_AHEAD > PV_SET_FRAMES)
        return missing(world, index, context, err);
    PV_TRY(pv_footage_open(footage, width, height, context, PV_AHEAD, true, err));
    footage->gravity_turns = true;
    struct pv_world_params params = params_of(clip, world, range, footage);
    params.skip = 0; /* the earlier the seam, the more of the fall lies behind it */
    params.gravity_scale = 0.5f;
    params.gravity_from = context - 1;
    PV_TRY(draw(clip, &params, footage, err));
    return drop_unmoved_contacts(footage, params, err);
}
