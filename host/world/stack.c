/* stack.c: the world `stack`: two to six boxes on top of each other, at rest at first. Half of the stacks stand by
 * themselves; sometimes a disc is thrown at them. It asks whether the stack stands, and which way it falls.
 *
 * Truth, beyond that of rigid.c: boxes: how many; objects 0 to boxes - 1 are they, from the bottom up. stable: whether
 * it stands if nothing touches it. pusher: the number of the disc, or null. fell: whether, in the last frame, a box
 * has sunk by more than half its height from where it was at rest, or lies turned by more than 30 degrees; fell_frame:
 * the first frame that shows it, or null; direction: -1 it fell to the left, 1 to the right, 0 it stands. */
#include <math.h>

#include "world/rigid.h"

enum { MAX_BOXES = 8, TRIES = 200 };

static const double friction = 0.6, restitution = 0.05;

struct stack {
    struct pv_rigid rigid; /* first: rigid.h */
    struct pv_point start[MAX_BOXES];
    int boxes;
    bool stable, pushed;
};

/* How far inside its support the weight above the least supported joint is, in units; negative: the stack falls. Each
 * box rests on the one below and on nothing else, so that joint by joint the weight above must lie over both faces. */
static double margin(const struct pv_body *boxes, const double *x, int count)
{
    double least = INFINITY, weight = 0, moment = 0;
    for (int i = count - 1; i > 0; i--) {
        const struct pv_body *above = &boxes[i], *below = &boxes[i - 1];
        weight += pv_body_area(above);
        moment += pv_body_area(above) * x[i];
        const double centre = moment / weight;
        const double a = above->half_width - above->corner_radius, b = below->half_width - below->corner_radius;
        const double left = fmax(x[i] - a, x[i - 1] - b), right = fmin(x[i] + a, x[i - 1] + b);
        least = fmin(least, fmin(centre - left, right - centre));
    }
    return least;
}

/* Offsets with the deviation of a quarter of the width, until the stack clearly stands or clearly falls. */
static void draw_places(struct pv_draw *draw, const struct pv_body *boxes, int count, bool stable, double *x)
{
    double deviation = 0.25;
    for (int tries = 1;; tries++) {
        for (int i = 1; i < count; i++)
            x[i] = x[i - 1] + deviation * 2 * boxes[i].half_width * pv_draw_normal(draw);
        const double m = margin(boxes, x, count), clear = 0.15 * boxes[0].half_width;
        bool stacked = true; /* and not beside each other */
        for (int i = 1; i < count; i++)
            stacked &= fabs(x[i] - x[i - 1]) < 0.85 * (boxes[i].half_width + boxes[i - 1].half_width);
        if (stacked && (stable ? m > clear : m < -clear))
            return;
        if (tries % TRIES == 0) /* high stacks hardly ever stand, low ones hardly ever fall */
            deviation *= stable ? 0.8 : 1.1;
    }
}

/* A disc thrown at the upper part of the stack from the side, on the arc that brings it there at the height at which it
 * was thrown. */
static void add_pusher(struct stack *s, struct pv_draw *draw, bool out)
{
    struct pv_rigid *rigid = &s->rigid;
    const double radius = pv_draw_uniform(draw, 0.35, 0.6), side = pv_draw_int(draw, 2) ? 1 : -1;
    const double speed = out ? pv_draw_uniform(draw, 7.5, 9) : pv_draw_uniform(draw, 3.5, 7);
    const int target = s->boxes / 2 + pv_draw_int(draw, s->boxes - s->boxes / 2);
    const double x = side > 0 ? radius + 0.1 : rigid->width - radius - 0.1;
    const double seconds = fabs(s->start[target].x - x) / speed;
    const double arc = -rigid->gravity.y * seconds * seconds / 8; /* how high it flies */
    const double lowest = rigid->floor + radius, highest = rigid->height - radius - arc - 0.05;
    const struct pv_motion motion = {
        .x = x,
        .y = fmax(lowest, fmin(s->start[target].y, highest)),
        .vx = side * speed,
        .vy = -rigid->gravity.y * seconds / 2,
        .spin = pv_draw_uniform(draw, -3, 3),
    };
    const struct pv_body disc = {PV_SHAPE_DISC, radius, radius, .restitution = restitution, .friction = friction};
    pv_rigid_add_body(rigid, &disc, &motion);
}

static void build(struct stack *s, uint64_t seed, enum pv_world_range range)
{
    struct pv_rigid *rigid = &s->rigid;
    const bool out = range == PV_WORLD_OUT;
    struct pv_draw draw = pv_draw_start(seed, PV_DRAW_LAYOUT, (uint32_t)range);
    rigid->floor = pv_draw_uniform(&draw, 0.4, 0.8);
    rigid->gravity = cpv(0, -pv_draw_uniform(&draw, 6, 10) * (out ? 1.5 : 1));
    s->boxes = out ? 7 + pv_draw_int(&draw, 2) : 2 + pv_draw_int(&draw, 5);
    s->stable = pv_draw_int(&draw, 2);
    s->pushed = pv_draw_int(&draw, 4) == 0;

    pv_rigid_add_floor(rigid);
    pv_rigid_add_walls(rigid);
    struct pv_body boxes[MAX_BOXES] = {{0}};
    double x[MAX_BOXES], y = rigid->floor;
    const double room = 0.9 * (rigid->height - rigid->floor) / s->boxes;
    const double size = fmin(1.1, room) * pv_draw_uniform(&draw, 0.85, 1);
    for (int i = 0; i < s->boxes; i++) {
        struct pv_body *b = &boxes[i];
        b->shape = PV_SHAPE_BOX;
        b->half_height = size / 2 * pv_draw_uniform(&draw, 0.8, 1);
        b->half_width = size / 2 * pv_draw_uniform(&draw, 1.1, 1.7);
        b->corner_radius = 0.06 * b->half_height;
        b->friction = friction;
        b->restitution = restitution;
    }
    x[0] = rigid->width / 2 + pv_draw_uniform(&draw, -1.5, 1.5);
    draw_places(&draw, boxes, s->boxes, s->stable, x);
    for (int i = 0; i < s->boxes; i++) {
        y += boxes[i].half_height;
        s->start[i] = (struct pv_point){x[i], y};
        pv_rigid_add_body(rigid, &boxes[i], &(struct pv_motion){.x = x[i], .y = y});
        y += boxes[i].half_height;
    }

    if (s->pushed)
        add_pusher(s, &draw, out);
    struct pv_draw look = pv_draw_start(seed, PV_DRAW_LOOK, (uint32_t)range);
    pv_rigid_draw_look(rigid, &look);
}

static pv_status open(void *state, struct pv_stage *stage, struct pv_error *err)
{
    struct stack *s = state;
    PV_TRY(pv_rigid_begin(&s->rigid, stage, err));
    build(s, stage->params.seed, stage->params.range);
    return pv_rigid_ready(&s->rigid, err);
}

/* Whether a frame shows a fallen box; *shift: how far those have gone to the right, in all. */
static bool shows_fall(const struct stack *s, int frame, double *shift)
{
    static const double turned = 0.5236;
    const struct pv_record *r = &s->rigid.record;
    bool fell = false;
    *shift = 0;
    for (int i = 0; i < s->boxes; i++) {
        const struct pv_motion *m = &r->states[frame * r->body_count + i].motion;
        if (s->start[i].y - m->y < r->bodies[i].half_height && fabs(m->angle) < turned)
            continue;
        fell = true;
        *shift += m->x - s->start[i].x;
    }
    return fell;
}

static json_t *truth(const void *state, int frames)
{
    const struct stack *s = state;
    double shift = 0;
    int first = 0;
    while (first < frames && !shows_fall(s, first, &shift))
        first++;
    const bool fell = frames > 0 && shows_fall(s, frames - 1, &shift);
    json_t *own = json_pack("{s:i, s:b, s:o, s:b, s:o, s:i}", "boxes", s->boxes, "stable", s->stable, "pusher",
                            s->pushed ? json_integer(s->boxes) : json_null(), "fell", fell, "fell_frame",
                            fell ? json_integer(first) : json_null(), "direction",
                            !fell       ? 0
                            : shift < 0 ? -1
                                        : 1);
    return pv_truth_join(own, pv_rigid_truth(&s->rigid, frames));
}

const struct pv_world_kind pv_world_stack = {
    .name = "stack",
    .summary = "two to six boxes on top of each other stand or fall",
    .width = 256,
    .height = 256,
    .frames = 48,
    .fps = 24,
    .state_size = sizeof(struct stack),
    .open = open,
    .record = pv_rigid_record,
    .draw = pv_rigid_draw,
    .step = pv_rigid_step,
    .truth = truth,
    .close = pv_rigid_close,
};
