/* drop.c: the world `drop`: one to three discs and boxes fall, bounce, roll and meet on a floor with up to two ramps.
 * It asks when and where something bounces. */
#include "world/rigid.h"

#include <math.h>

enum { MAX_BODIES = 3, MAX_RAMPS = 2, LAYOUT_TRIES = 60, PLACE_TRIES = 30 };

struct ramp {
    cpVect from, to;
    double radius;
};

struct layout {
    struct ramp ramps[MAX_RAMPS];
    int ramp_count;
    struct pv_body bodies[MAX_BODIES];
    struct pv_motion motions[MAX_BODIES];
    int body_count;
};

static double distance_to_segment(cpVect p, cpVect a, cpVect b)
{
    const cpVect ab = cpvsub(b, a);
    const double t = cpvdot(cpvsub(p, a), ab) / cpvdot(ab, ab);
    return cpvdist(p, cpvlerp(a, b, fmin(fmax(t, 0), 1)));
}

/* A shelf from the left (side 0) or right wall, down towards the middle, or a short ramp in mid-air (side -1). */
static struct ramp draw_ramp(struct pv_draw *draw, const struct pv_rigid *rigid, int side)
{
    struct ramp ramp = {.radius = pv_draw_uniform(draw, 0.11, 0.17)};
    const double slope = pv_draw_uniform(draw, 0.2, 0.6);
    const double clear = rigid->height - rigid->floor;
    const double low = rigid->floor + pv_draw_uniform(draw, 0.1, 0.3) * clear;
    if (side < 0) {
        const double x = pv_draw_uniform(draw, 3, 7), half = pv_draw_uniform(draw, 0.8, 1.5);
        const double sign = pv_draw_int(draw, 2) ? 1 : -1;
        ramp.from = cpv(x - half * cos(slope), low + half * sin(slope) * (1 + sign));
        ramp.to = cpv(x + half * cos(slope), low + half * sin(slope) * (1 - sign));
        return ramp;
    }
    const double length = pv_draw_uniform(draw, 1.8, 3.4);
    const double wall = side == 0 ? -0.3 : rigid->width + 0.3, inwards = side == 0 ? 1 : -1;
    ramp.from = cpv(wall, low + (length + 0.3) * tan(slope));
    ramp.to = cpv(wall + inwards * (length + 0.3), low);
    return ramp;
}

static struct pv_body draw_body(struct pv_draw *draw, enum pv_world_range range)
{
    const bool out = range == PV_WORLD_OUT;
    struct pv_body body = {.shape = pv_draw_uniform(draw, 0, 1) < 0.6 ? PV_SHAPE_DISC : PV_SHAPE_BOX};
    const bool large = pv_draw_int(draw, 2);
    if (body.shape == PV_SHAPE_DISC) {
        const double in_range = pv_draw_uniform(draw, 0.45, 1.1);
        const double outside = large ? pv_draw_uniform(draw, 1.2, 1.5) : pv_draw_uniform(draw, 0.28, 0.4);
        body.half_width = body.half_height = out ? outside : in_range;
    } else {
        const double in_range = pv_draw_uniform(draw, 0.5, 0.95);
        const double outside = large ? pv_draw_uniform(draw, 1.1, 1.3) : pv_draw_uniform(draw, 0.28, 0.36);
        const double ratio = pv_draw_uniform(draw, 0.6, 1);
        body.half_width = out ? outside : in_range;
        body.half_height = out ? outside * (large ? 0.85 + 0.15 * ratio : ratio) : fmax(0.45, in_range * ratio);
        body.corner_radius = 0.12 * body.half_height;
    }
    body.restitution = pv_draw_uniform(draw, 0.2, 0.9);
    body.friction = pv_draw_uniform(draw, 0.2, 0.8);
    return body;
}

/* Anywhere in the upper two thirds, clear of the floor; never so fast upwards that it would reach the ceiling. */
static struct pv_motion draw_motion(struct pv_draw *draw, const struct pv_rigid *rigid, const struct pv_body *body,
                                    enum pv_world_range range)
{
    static const double tau = 6.28318530717958647692;
    const bool out = range == PV_WORLD_OUT;
    const double reach = pv_body_reach(body);
    const double low = fmax(rigid->height / 3, rigid->floor + reach + 0.1), high = rigid->height - reach - 0.05;
    const double speed = out ? pv_draw_uniform(draw, 3.5, 5) : pv_draw_uniform(draw, 0, 3);
    const double heading = pv_draw_uniform(draw, 0, tau);
    const double spin_sign = pv_draw_int(draw, 2) ? 1 : -1;
    const double spin = spin_sign * (out ? pv_draw_uniform(draw, 5, 7) : pv_draw_uniform(draw, 0, 4));
    struct pv_motion m = {.vx = speed * cos(heading), .vy = speed * sin(heading), .spin = spin};
    m.x = pv_draw_uniform(draw, reach + 0.05, rigid->width - reach - 0.05);
    m.y = low < high ? pv_draw_uniform(draw, low, high) : high;
    m.angle = pv_draw_uniform(draw, 0, tau);
    m.vy = fmin(m.vy, sqrt(2 * -rigid->gravity.y * (high - m.y)));
    return m;
}

static bool is_free(const struct layout *layout, const struct pv_rigid *rigid, const struct pv_body *body,
                    const struct pv_motion *m)
{
    const double gap = 0.1, reach = pv_body_reach(body);
    const cpVect p = cpv(m->x, m->y);
    if (m->y - reach < rigid->floor)
        return false;
    for (int i = 0; i < layout->ramp_count; i++) {
        const struct ramp *r = &layout->ramps[i];
        if (distance_to_segment(p, r->from, r->to) < reach + r->radius + gap)
            return false;
    }
    for (int i = 0; i < layout->body_count; i++) {
        const double apart = hypot(m->x - layout->motions[i].x, m->y - layout->motions[i].y);
        if (apart < reach + pv_body_reach(&layout->bodies[i]) + gap)
            return false;
    }
    return true;
}

static bool draw_layout(struct pv_draw *draw, const struct pv_rigid *rigid, enum pv_world_range range, int bodies,
                        int ramps, struct layout *layout)
{
    *layout = (struct layout){.ramp_count = ramps};
    const int side = pv_draw_int(draw, 2);
    const bool floating = ramps == 1 && pv_draw_int(draw, 2);
    for (int i = 0; i < ramps; i++)
        layout->ramps[i] = draw_ramp(draw, rigid, floating ? -1 : side ^ i);
    while (layout->body_count < bodies) {
        bool placed = false;
        for (int i = 0; i < PLACE_TRIES && !placed; i++) {
            const struct pv_body body = draw_body(draw, range);
            const struct pv_motion motion = draw_motion(draw, rigid, &body, range);
            placed = is_free(layout, rigid, &body, &motion);
            if (placed) {
                layout->bodies[layout->body_count] = body;
                layout->motions[layout->body_count++] = motion;
            }
        }
        if (!placed)
            return false;
    }
    return true;
}

static void build(struct pv_rigid *rigid, uint64_t seed, enum pv_world_range range)
{
    struct pv_draw draw = pv_draw_start(seed, PV_DRAW_LAYOUT, (uint32_t)range);
    rigid->floor = pv_draw_uniform(&draw, 0.4, 1.2);
    rigid->gravity = cpv(0, -pv_draw_uniform(&draw, 6, 10) * (range == PV_WORLD_OUT ? 1.5 : 1));
    int bodies = 1 + pv_draw_int(&draw, MAX_BODIES), ramps = pv_draw_int(&draw, MAX_RAMPS + 1);

    /* A crowded layout in a low picture may not fit: then with fewer ramps, then with fewer bodies. One body and no
     * ramp always fit: the lowest picture is 5 units high and the tallest floor and body take 4.8 of them. */
    struct layout layout;
    for (int tries = 1; !draw_layout(&draw, rigid, range, bodies, ramps, &layout); tries++)
        if (tries % LAYOUT_TRIES == 0) {
            if (ramps > 0)
                ramps--;
            else if (bodies > 1)
                bodies--;
        }

    pv_rigid_add_floor(rigid);
    pv_rigid_add_walls(rigid);
    for (int i = 0; i < layout.ramp_count; i++)
        pv_rigid_add_obstacle(rigid, PV_THING_RAMP, layout.ramps[i].from, layout.ramps[i].to, layout.ramps[i].radius);
    for (int i = 0; i < layout.body_count; i++)
        pv_rigid_add_body(rigid, &layout.bodies[i], &layout.motions[i]);

    struct pv_draw look = pv_draw_start(seed, PV_DRAW_LOOK, (uint32_t)range);
    pv_rigid_draw_look(rigid, &look);
}

static pv_status open(void *state, struct pv_stage *stage, struct pv_error *err)
{
    PV_TRY(pv_rigid_begin(state, stage, err));
    build(state, stage->params.seed, stage->params.range);
    return pv_rigid_ready(state, err);
}

const struct pv_world_kind pv_world_drop = {
    .name = "drop",
    .summary = "one to three bodies fall and bounce on a floor with up to two ramps",
    .width = 256,
    .height = 256,
    .frames = 48,
    .fps = 24,
    .state_size = sizeof(struct pv_rigid),
    .open = open,
    .record = pv_rigid_record,
    .draw = pv_rigid_draw,
    .step = pv_rigid_step,
    .truth = pv_rigid_truth,
    .close = pv_rigid_close,
};
