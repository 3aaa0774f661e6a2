/* truth.c: the ground truth of a clip as JSON.
 *
 * Every world: world, seed, range ("in", "out"), width, height (pixels), frames, skip, fps [num, den], size [width,
 * height] (units), pixels_per_unit, gravity [x, y]; where it changes, gravity_from, the frame, and
 * gravity_then [x, y]. Worlds made of bodies also:
 * objects: [{shape "disc", radius} or {shape "box", width, height, corner_radius}, and mass, restitution, friction,
 *   colour [r, g, b], mark_colour [r, g, b], hue (degrees)], bytes before shading, which scales them by .9 to 1.1;
 * trajectory: one item a frame: {time, objects: [{x, y, px, py, angle, vx, vy, spin, visible}]}; px, py are the middle
 *   in pixels, py down, the middle of pixel (i, j) being (i + .5, j + .5); visible is the part of it in view, 0 to 1;
 * events: [{what: "floor", "ramp", "wall" or "object", object, other, first, frame, time, speed, x, y}]: what object
 *   started to touch, in order. other is the number of the ramp, wall (0 left, 1 right, 2 top, 3 bottom) or object;
 * frame is the first one at or after the contact, and 0 or less for contacts during skipped frames; time is the
 * contact's own, frame 0 being time 0; speed is that of approach. first: of this pair. Later ones are listed when
 * faster than .1; events_lost: how many did not fit. What single worlds add is said at the top of their files. */
#include "world/truth.h"

#include <math.h>
#include <stdlib.h>

pv_status pv_record_open(struct pv_record *record, const struct pv_stage *stage, const struct pv_body *bodies,
                         int body_count, struct pv_error *err)
{
    record->stage = stage;
    record->bodies = bodies;
    record->body_count = body_count;
    record->states = calloc((size_t)stage->params.frames * (size_t)body_count, sizeof *record->states);
    if (!record->states)
        return pv_fail(err, PV_ERR_MEMORY, "no memory for the truth of %d frames; choose fewer", stage->params.frames);
    return PV_OK;
}

void pv_record_close(struct pv_record *record)
{
    free(record->states);
    record->states = NULL;
}

void pv_record_frame(struct pv_record *record, int frame, const struct pv_motion *motions)
{
    for (int i = 0; i < record->body_count; i++) {
        struct pv_state *state = &record->states[(size_t)frame * (size_t)record->body_count + (size_t)i];
        state->motion = motions[i];
        state->visible = pv_body_visible(record->bodies, motions, record->body_count, i, record->stage->width,
                                         record->stage->height);
    }
}

void pv_record_contact(struct pv_record *record, const struct pv_contact *contact)
{
    if (record->contact_count == PV_RECORD_CONTACTS)
        record->contacts_lost++;
    else
        record->contacts[record->contact_count++] = *contact;
}

json_t *pv_truth_pair(double a, double b)
{
    return json_pack("[f, f]", a, b);
}

json_t *pv_truth_colour(struct pv_colour c)
{
    return json_pack("[i, i, i]", (int)(c.r * 255 + 0.5f), (int)(c.g * 255 + 0.5f), (int)(c.b * 255 + 0.5f));
}

json_t *pv_truth_bar(const struct pv_bar *bar)
{
    return json_pack("{s:o, s:o, s:f}", "from", pv_truth_pair(bar->from.x, bar->from.y), "to",
                     pv_truth_pair(bar->to.x, bar->to.y), "radius", bar->radius);
}

json_t *pv_truth_join(json_t *first, json_t *second)
{
    if (!first || !second || json_object_update(first, second) != 0) {
        json_decref(first);
        first = NULL;
    }
    json_decref(second);
    return first;
}

json_t *pv_truth_append(json_t *list, json_t *item)
{
    if (!list || json_array_append(list, item) != 0) { /* a NULL item fails too: never a shorter list */
        json_decref(list);
        list = NULL;
    }
    json_decref(item);
    return list;
}

json_t *pv_truth_head(const struct pv_stage *s, int frames)
{
    const struct pv_world_params *p = &s->params;
    const double *first = s->first_gravity, scale = (double)p->gravity_scale;
    json_t *turn = p->gravity_from > 0 ? json_pack("{s:i, s:o}", "gravity_from", p->gravity_from, "gravity_then",
                                                   pv_truth_pair(first[0] * scale, first[1] * scale))
                                       : json_object();
    json_t *head = json_pack("{s:s, s:I, s:s, s:i, s:i, s:i, s:i, s:[i, i], s:o, s:f, s:o}", "world", p->name, "seed",
                             (json_int_t)p->seed, "range", p->range == PV_WORLD_OUT ? "out" : "in", "width", p->width,
                             "height", p->height, "frames", frames, "skip", p->skip, "fps", p->fps_num, p->fps_den,
                             "size", pv_truth_pair(s->width, s->height), "pixels_per_unit", p->width / s->width,
                             "gravity", pv_truth_pair(first[0], first[1]));
    return pv_truth_join(head, turn);
}

static json_t *object_json(const struct pv_body *b)
{
    json_t *shape;
    if (b->shape == PV_SHAPE_DISC)
        shape = json_pack("{s:s, s:f}", "shape", "disc", "radius", b->half_width);
    else
        shape = json_pack("{s:s, s:f, s:f, s:f}", "shape", "box", "width", 2 * b->half_width, "height",
                          2 * b->half_height, "corner_radius", b->corner_radius);
    return pv_truth_join(shape, json_pack("{s:f, s:f, s:f, s:o, s:o, s:f}", "mass", pv_body_area(b), "restitution",
                                          b->restitution, "friction", b->friction, "colour", pv_truth_colour(b->colour),
                                          "mark_colour", pv_truth_colour(b->mark_colour), "hue", b->hue));
}

static json_t *state_json(const struct pv_record *r, const struct pv_state *s)
{
    const struct pv_stage *stage = r->stage;
    const double pixels = stage->params.width / stage->width;
    const struct pv_motion *m = &s->motion;
    return json_pack("{s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f}", "x", m->x, "y", m->y, "px", m->x * pixels, "py",
                     stage->params.height - m->y * pixels, "angle", m->angle, "vx", m->vx, "vy", m->vy, "spin", m->spin,
                     "visible", s->visible);
}

static json_t *event_json(const struct pv_record *r, const struct pv_contact *c)
{
    static const char *const what[] = {
        [PV_THING_BODY] = "object", [PV_THING_FLOOR] = "floor", [PV_THING_RAMP] = "ramp", [PV_THING_WALL] = "wall"};
    const double frames = c->frames - r->stage->params.skip;
    return json_pack("{s:s, s:i, s:i, s:b, s:I, s:f, s:f, s:f, s:f}", "what", what[c->b.kind], "object", c->a.index,
                     "other", c->b.index, "first", c->first, "frame", (json_int_t)ceil(frames), "time",
                     frames * r->stage->frame_seconds, "speed", c->speed, "x", c->x, "y", c->y);
}

static json_t *objects_json(const struct pv_record *r)
{
    json_t *list = json_array();
    for (int i = 0; list && i < r->body_count; i++)
        list = pv_truth_append(list, object_json(&r->bodies[i]));
    return list;
}

static json_t *states_json(const struct pv_record *r, int frame)
{
    json_t *list = json_array();
    for (int i = 0; list && i < r->body_count; i++)
        list = pv_truth_append(list, state_json(r, &r->states[frame * r->body_count + i]));
    return list;
}

static json_t *trajectory_json(const struct pv_record *r, int frames)
{
    json_t *list = json_array();
    for (int i = 0; list && i < frames; i++)
        list = pv_truth_append(
            list, json_pack("{s:f, s:o}", "time", i * r->stage->frame_seconds, "objects", states_json(r, i)));
    return list;
}

static json_t *events_json(const struct pv_record *r)
{
    json_t *list = json_array();
    for (int i = 0; list && i < r->contact_count; i++)
        list = pv_truth_append(list, event_json(r, &r->contacts[i]));
    return list;
}

json_t *pv_truth_bodies(const struct pv_record *r, int frames)
{
    return json_pack("{s:o, s:o, s:o, s:i}", "objects", objects_json(r), "trajectory", trajectory_json(r, frames),
                     "events", events_json(r), "events_lost", r->contacts_lost);
}
