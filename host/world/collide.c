/* collide.c: the world `collide`: two to four discs seen from above, on a table without friction whose edges are the
 * picture's. It asks who moves where after they meet: momentum. */
#include <math.h>

#include "world/rigid.h"

enum { MAX_DISCS = 4, PLACE_TRIES = 100 };

static const double gap = 0.15; /* between discs, and to the edges, at the start */

static double draw_radius(struct pv_draw *draw, bool out)
{
    const bool large = pv_draw_int(draw, 2);
    const double in_range = pv_draw_uniform(draw, 0.45, 1.1);
    const double outside = large ? pv_draw_uniform(draw, 1.2, 1.4) : pv_draw_uniform(draw, 0.28, 0.4);
    return out ? outside : in_range;
}

static bool is_free(const struct pv_body *bodies, const struct pv_motion *motions, int i)
{
    for (int k = 0; k < i; k++)
        if (hypot(motions[i].x - motions[k].x, motions[i].y - motions[k].y) <
            bodies[i].half_width + bodies[k].half_width + gap)
            return false;
    return true;
}

/* Places disc i clear of those before it; false if no place was found. */
static bool place(const struct pv_rigid *rigid, struct pv_draw *draw, const struct pv_body *bodies,
                  struct pv_motion *motions, int i)
{
    const double keep = bodies[i].half_width + gap;
    for (int tries = 0; tries < PLACE_TRIES; tries++) {
        motions[i].x = pv_draw_uniform(draw, keep, rigid->width - keep);
        motions[i].y = pv_draw_uniform(draw, keep, rigid->height - keep);
        if (is_free(bodies, motions, i))
            return true;
    }
    return false;
}

static void build(struct pv_rigid *rigid, uint64_t seed, enum pv_world_range range)
{
    static const double tau = 6.28318530717958647692;
    const bool out = range == PV_WORLD_OUT;
    struct pv_draw draw = pv_draw_start(seed, PV_DRAW_LAYOUT, (uint32_t)range);
    const double restitution = pv_draw_uniform(&draw, 0.85, 1), friction = pv_draw_uniform(&draw, 0, 0.3);
    const int wanted = 2 + pv_draw_int(&draw, MAX_DISCS - 1);

    struct pv_body bodies[MAX_DISCS] = {{0}};
    struct pv_motion motions[MAX_DISCS] = {{0}};
    int count = 0;
    while (count < 2) /* two always fit: the lowest picture is 5 units high and 10 wide */
        for (count = 0; count < wanted; count++) {
            const double r = draw_radius(&draw, out);
            bodies[count] = (struct pv_body){PV_SHAPE_DISC, r, r, .restitution = restitution, .friction = friction};
            if (!place(rigid, &draw, bodies, motions, count))
                break;
        }
    /* The first is shot at the second, within a slip of their edges; the others rest or drift. */
    const double dx = motions[1].x - motions[0].x, dy = motions[1].y - motions[0].y;
    const double slip = 0.8 * (bodies[0].half_width + bodies[1].half_width) / hypot(dx, dy);
    for (int i = 0; i < count; i++) {
        const double aim = atan2(dy, dx) + pv_draw_uniform(&draw, -slip, slip), any = pv_draw_uniform(&draw, 0, tau);
        const double shot = out ? pv_draw_uniform(&draw, 6.5, 8) : pv_draw_uniform(&draw, 2, 5.5);
        const double drift = pv_draw_uniform(&draw, 0.3, 2), spin = pv_draw_uniform(&draw, -2, 2);
        const bool moves = i == 0 || pv_draw_int(&draw, 2);
        const double speed = i == 0 ? shot : moves ? drift : 0, heading = i == 0 ? aim : any;
        motions[i].vx = speed * cos(heading);
        motions[i].vy = speed * sin(heading);
        motions[i].angle = pv_draw_uniform(&draw, 0, tau);
        motions[i].spin = moves ? spin : 0;
    }

    pv_rigid_add_walls(rigid);
    const double w = rigid->width, r = 2;
    pv_rigid_add_obstacle(rigid, PV_THING_WALL, cpv(-r, -r), cpv(w + r, -r), r);
    for (int i = 0; i < count; i++)
        pv_rigid_add_body(rigid, &bodies[i], &motions[i]);
    struct pv_draw look = pv_draw_start(seed, PV_DRAW_LOOK, (uint32_t)range);
    pv_rigid_draw_look(rigid, &look);
}

static pv_status open(void *state, struct pv_stage *stage, struct pv_error *err)
{
    PV_TRY(pv_rigid_begin(state, stage, err));
    build(state, stage->params.seed, stage->params.range);
    return pv_rigid_ready(state, err);
}

const struct pv_world_kind pv_world_collide = {
    .name = "collide",
    .summary = "two to four discs slide and collide on a table seen from above",
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
