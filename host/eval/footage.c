/* footage.c: see footage.h. */
#include "eval/footage.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double widest_tolerance = 15; /* degrees of hue */
static const double clear_contact = 2;     /* units a second: slower ones hardly bend a path */

static int frame_count(const struct pv_footage *f)
{
    return f->context + f->ahead;
}

size_t pv_footage_frame_bytes(const struct pv_footage *f)
{
    return (size_t)f->width * (size_t)f->height * 3;
}

pv_status pv_footage_open(struct pv_footage *f, int width, int height, int context, int ahead, bool cover,
                          struct pv_error *err)
{
    *f = (struct pv_footage){.width = width, .height = height, .context = context, .ahead = ahead};
    const size_t bytes = pv_footage_frame_bytes(f), frames = (size_t)frame_count(f);
    f->rgb = calloc(frames, bytes);
    f->predicted = calloc((size_t)ahead, bytes);
    f->cover = cover ? calloc(frames, bytes / 3) : NULL;
    if (!f->rgb || !f->predicted || (cover && !f->cover))
        return pv_fail(err, PV_ERR_MEMORY, "no memory for %zu frames of %dx%d", frames, width, height);
    return PV_OK;
}

void pv_footage_close(struct pv_footage *f)
{
    free(f->rgb);
    free(f->cover);
    free(f->predicted);
    free(f->places);
    free(f->truth);
    pv_pour_close(f->pour);
    *f = (struct pv_footage){0};
}

const uint8_t *pv_footage_frame(const struct pv_footage *f, int t)
{
    return f->rgb + (size_t)(f->context - 1 + t) * pv_footage_frame_bytes(f);
}

const struct pv_place *pv_footage_places(const struct pv_footage *f, int t)
{
    return f->places + (size_t)(f->context - 1 + t) * (size_t)f->objects;
}

const struct pv_sighting *pv_footage_sightings(const struct pv_footage *f, int t)
{
    return f->truth + (size_t)(f->context - 1 + t) * (size_t)f->objects;
}

/* ---- truth ---- */

pv_status pv_footage_render(struct pv_footage *f, struct pv_world *world, json_t **truth, struct pv_error *err)
{
    const size_t bytes = pv_footage_frame_bytes(f);
    pv_world_gravity(world, f->gravity);
    for (int frame = 0; frame < f->context + f->ahead; frame++)
        PV_TRY(pv_world_next(world, f->rgb + (size_t)frame * bytes, (size_t)f->width * 3,
                             f->cover + (size_t)frame * bytes / 3, err));
    *truth = pv_world_truth(world);
    return *truth ? PV_OK : pv_fail(err, PV_ERR_MEMORY, "no memory for the truth of a clip");
}

static double number(const json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key)); /* 0 when there is none */
}

/* Half of the way to the nearest other hue at most, so that masks never overlap. */
static void choose_looks(struct pv_footage *f, const json_t *objects, bool law)
{
    double tolerance = widest_tolerance;
    for (int i = 0; i < f->objects; i++)
        for (int j = 0; j < i; j++) {
            const double apart = fabs(number(json_array_get(objects, (size_t)i), "hue") -
                                      number(json_array_get(objects, (size_t)j), "hue"));
            tolerance = fmin(tolerance, fmin(apart, 360 - apart) / 2);
        }
    for (int i = 0; i < f->objects; i++) {
        const json_t *object = json_array_get(objects, (size_t)i);
        f->looks[i] = (struct pv_object_look){.kind = !law     ? PV_LOOK_HUE
                                                      : i == 0 ? PV_LOOK_RED
                                                               : PV_LOOK_BLUE,
                                              .hue = number(object, "hue"),
                                              .tolerance = tolerance};
        const double radius = number(object, "radius");
        f->half_height[i] = f->pixels_per_unit * (radius > 0 ? radius : number(object, "height") / 2);
    }
}

static void take_places(struct pv_footage *f, const json_t *trajectory)
{
    for (int frame = 0; frame < frame_count(f); frame++) {
        const json_t *states = json_object_get(json_array_get(trajectory, (size_t)frame), "objects");
        for (int i = 0; i < f->objects; i++) {
            const json_t *state = json_array_get(states, (size_t)i);
            f->places[frame * f->objects + i] =
                (struct pv_place){number(state, "px"), number(state, "py"), number(state, "visible")};
        }
    }
}

void pv_footage_contacts(const struct pv_footage *f, const json_t *truth, int contact[PV_OBJECTS])
{
    bool met[PV_OBJECTS] = {false};
    size_t at;
    json_t *event;
    memset(contact, 0, PV_OBJECTS * sizeof *contact);
    json_array_foreach(json_object_get(truth, "events"), at, event)
    {
        const int frame = (int)number(event, "frame") - (f->context - 1);
        const json_int_t sides[2] = {json_integer_value(json_object_get(event, "object")),
                                     json_integer_value(json_object_get(event, "other"))};
        const char *what = json_string_value(json_object_get(event, "what"));
        const bool both = what && what[0] == 'o'; /* object */
        for (int side = 0; side < (both ? 2 : 1); side++) {
            if (sides[side] < 0 || sides[side] >= f->objects || met[sides[side]])
                continue;
            met[sides[side]] = true;
            if (frame >= 1 && frame <= f->ahead && number(event, "speed") >= clear_contact)
                contact[sides[side]] = frame;
        }
    }
}

pv_status pv_footage_take_truth(struct pv_footage *f, const json_t *truth, bool law, struct pv_error *err)
{
    const json_t *objects = json_object_get(truth, "objects"), *trajectory = json_object_get(truth, "trajectory");
    const int frames = frame_count(f);
    if (json_array_size(objects) > PV_OBJECTS ||
        (json_array_size(objects) > 0 && json_array_size(trajectory) < (size_t)frames))
        return pv_fail(err, PV_ERR_INTERNAL, "the truth has %zu objects in %zu frames; %d and %d are expected",
                       json_array_size(objects), json_array_size(trajectory), PV_OBJECTS, frames);
    f->objects = (int)json_array_size(objects);
    f->law = law;
    f->pixels_per_unit = number(truth, "pixels_per_unit");
    const json_t *fps = json_object_get(truth, "fps");
    f->frame_seconds = json_number_value(json_array_get(fps, 1)) / json_number_value(json_array_get(fps, 0));
    f->boxes = (int)number(truth, "boxes");
    if (f->objects == 0)
        return pv_pour_open(truth, frames, &f->pour, err);
    f->places = calloc((size_t)(frames * f->objects), sizeof *f->places);
    f->truth = calloc((size_t)(frames * f->objects), sizeof *f->truth);
    if (!f->places || !f->truth)
        return pv_fail(err, PV_ERR_MEMORY, "no memory for the truth of %d frames", frames);
    choose_looks(f, objects, law);
    take_places(f, trajectory);
    pv_footage_contacts(f, truth, f->contact);
    for (int frame = 0; frame < frames; frame++)
        pv_objects_find(f->rgb + (size_t)frame * pv_footage_frame_bytes(f), f->width, f->height, f->looks, f->objects,
                        f->truth + frame * f->objects);
    return PV_OK;
}
