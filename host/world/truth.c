/* truth.c: the ground truth of a clip as JSON.
 *
 * world, seed, range ("in", "out"), width, height (pixels), frames, skip, fps [num, den], size [width, height] (units),
 * pixels_per_unit, gravity [x, y];
 * floor: its height. ramps: [{from [x, y], to [x, y], radius}], thick lines with round ends;
 * objects: [{shape "disc", radius} or {shape "box", width, height, corner_radius}, and mass, restitution, friction,
 *   colour [r, g, b], mark_colour [r, g, b], hue (degrees)], bytes before shading, which scales them by .9 to 1.1;
 * trajectory: one item a frame: {time, objects: [{x, y, px, py, angle, vx, vy, spin, visible}]}; px, py are the middle
 *   in pixels, py down, the middle of pixel (i, j) being (i + .5, j + .5); vx, vy are those that carry it through the
 *   next substep, so of half a substep later; visible is the part of it in view, 0 to 1;
 * events: [{what: "floor", "ramp", "wall" or "object", object, other, first, frame, time, speed, x, y}]: what object
 *   started to touch, in order. other is the number of the ramp, wall (0 left, 1 right, 2 top) or object; frame is the
 *   first one at or after the contact, and 0 or less for contacts during skipped frames; time is the contact's own,
 *   frame 0 being time 0; speed is that of approach. first: of this pair. Later ones are listed when faster than .1;
 * events_lost: how many did not fit. */
#include "world/truth.h"

#include <math.h>

static json_t *pair(double a, double b)
{
    return json_pack("[f, f]", a, b);
}

static json_t *colour_json(struct pv_colour c)
{
    return json_pack("[i, i, i]", (int)(c.r * 255 + 0.5f), (int)(c.g * 255 + 0.5f), (int)(c.b * 255 + 0.5f));
}

static json_t *object_json(const struct pv_body *b)
{
    json_t *shape;
    if (b->shape == PV_SHAPE_DISC)
        shape = json_pack("{s:s, s:f}", "shape", "disc", "radius", b->half_width);
    else
        shape = json_pack("{s:s, s:f, s:f, s:f}", "shape", "box", "width", 2 * b->half_width, "height",
                          2 * b->half_height, "corner_radius", b->corner_radius);
    json_t *rest = json_pack("{s:f, s:f, s:f, s:o, s:o, s:f}", "mass", cpBodyGetMass(b->physics), "restitution",
                             b->restitution, "friction", b->friction, "colour", colour_json(b->colour), "mark_colour",
                             colour_json(b->mark_colour), "hue", b->hue);
    if (!shape || !rest || json_object_update(shape, rest) != 0) {
        json_decref(shape);
        shape = NULL;
    }
    json_decref(rest);
    return shape;
}

/* json_array_append_new fails on a NULL item: one lost allocation is never a shorter list. */
static json_t *objects_json(const struct pv_scene *scene)
{
    json_t *list = json_array();
    for (int i = 0; list && i < scene->body_count; i++)
        if (json_array_append_new(list, object_json(&scene->bodies[i])) != 0) {
            json_decref(list);
            list = NULL;
        }
    return list;
}

static json_t *ramps_json(const struct pv_scene *scene)
{
    json_t *list = json_array();
    for (int i = 0; list && i < scene->obstacle_count; i++) {
        const struct pv_obstacle *o = &scene->obstacles[i];
        if (o->thing.kind != PV_THING_RAMP)
            continue;
        json_t *ramp = json_pack("{s:o, s:o, s:f}", "from", pair(o->from.x, o->from.y), "to", pair(o->to.x, o->to.y),
                                 "radius", o->radius);
        if (json_array_append_new(list, ramp) != 0) {
            json_decref(list);
            list = NULL;
        }
    }
    return list;
}

static json_t *state_json(const struct pv_record *r, const struct pv_state *s)
{
    const double pixels = r->params.width / r->scene->width;
    const struct pv_motion *m = &s->motion;
    return json_pack("{s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:f}", "x", m->x, "y", m->y, "px", m->x * pixels, "py",
                     r->params.height - m->y * pixels, "angle", m->angle, "vx", m->vx, "vy", m->vy, "spin", m->spin,
                     "visible", s->visible);
}

static double frame_seconds(const struct pv_record *r)
{
    return (double)r->params.fps_den / r->params.fps_num;
}

static json_t *trajectory_json(const struct pv_record *r)
{
    json_t *list = json_array();
    for (int frame = 0; list && frame < r->frames; frame++) {
        json_t *objects = json_array();
        int failed = !objects;
        for (int i = 0; !failed && i < r->scene->body_count; i++)
            failed = json_array_append_new(objects, state_json(r, &r->states[frame * r->scene->body_count + i]));
        if (failed) {
            json_decref(objects);
            objects = NULL;
        }
        json_t *item = json_pack("{s:f, s:o}", "time", frame * frame_seconds(r), "objects", objects);
        if (json_array_append_new(list, item) != 0) {
            json_decref(list);
            list = NULL;
        }
    }
    return list;
}

static json_t *event_json(const struct pv_record *r, const struct pv_contact *c)
{
    static const char *const what[] = {
        [PV_THING_BODY] = "object", [PV_THING_FLOOR] = "floor", [PV_THING_RAMP] = "ramp", [PV_THING_WALL] = "wall"};
    /* Counted from the first frame; at the end of substep n, n / substeps frames have passed. */
    const int64_t substep = c->substep - (int64_t)r->params.skip * r->substeps;
    const int64_t frame = (substep > 0 ? substep + r->substeps - 1 : substep) / r->substeps;
    return json_pack("{s:s, s:i, s:i, s:b, s:I, s:f, s:f, s:f, s:f}", "what", what[c->b.kind], "object", c->a.index,
                     "other", c->b.index, "first", c->first, "frame", (json_int_t)frame, "time",
                     (double)substep / r->substeps * frame_seconds(r), "speed", c->speed, "x", c->x, "y", c->y);
}

static json_t *events_json(const struct pv_record *r)
{
    json_t *list = json_array();
    for (int i = 0; list && i < r->scene->contact_count; i++)
        if (json_array_append_new(list, event_json(r, &r->scene->contacts[i])) != 0) {
            json_decref(list);
            list = NULL;
        }
    return list;
}

json_t *pv_truth_json(const struct pv_record *r)
{
    const struct pv_world_params *p = &r->params;
    const struct pv_scene *s = r->scene;
    return json_pack("{s:s, s:I, s:s, s:i, s:i, s:i, s:i, s:[i, i], s:o, s:f, s:o, s:f, s:o, s:o, s:o, s:o, s:i}",
                     "world", p->name, "seed", (json_int_t)p->seed, "range", p->range == PV_WORLD_OUT ? "out" : "in",
                     "width", p->width, "height", p->height, "frames", r->frames, "skip", p->skip, "fps", p->fps_num,
                     p->fps_den, "size", pair(s->width, s->height), "pixels_per_unit", p->width / s->width, "gravity",
                     pair(s->gravity.x, s->gravity.y), "floor", s->floor, "ramps", ramps_json(s), "objects",
                     objects_json(s), "trajectory", trajectory_json(r), "events", events_json(r), "events_lost",
                     s->contacts_lost);
}
