/* rigid.c: bodies and obstacles in the physics engine, and the record of who touched whom.
 *
 * Truth, beyond that of all worlds of bodies (truth.c): floor: its height. ramps: [{from [x, y], to [x, y], radius}],
 * thick lines with round ends. A state's vx, vy are those that carry it through the next substep, so of half a substep
 * later. */
#include "world/rigid.h"

#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "world/impact.h"

/* Slower meetings are bodies settling, and recorded only once. Units a second. */
static const double slow_contact = 0.1;

static bool same_thing(struct pv_thing a, struct pv_thing b)
{
    return a.kind == b.kind && a.index == b.index;
}

static bool met_before(const struct pv_record *record, struct pv_thing a, struct pv_thing b)
{
    for (int i = 0; i < record->contact_count; i++) {
        const struct pv_contact *c = &record->contacts[i];
        if (same_thing(c->a, a) && same_thing(c->b, b))
            return true;
    }
    return false;
}

/* Body first, and of two bodies the lower number first. */
static bool out_of_order(struct pv_thing a, struct pv_thing b)
{
    return a.kind != b.kind ? a.kind > b.kind : a.index > b.index;
}

static cpBool contact_begins(cpArbiter *arbiter, cpSpace *space, cpDataPointer user)
{
    (void)space;
    struct pv_rigid *rigid = user;
    cpShape *shape_a, *shape_b;
    cpArbiterGetShapes(arbiter, &shape_a, &shape_b);
    struct pv_thing a = *(struct pv_thing *)cpShapeGetUserData(shape_a);
    struct pv_thing b = *(struct pv_thing *)cpShapeGetUserData(shape_b);

    const cpVect point = cpArbiterGetPointA(arbiter, 0);
    const cpVect velocity = cpvsub(cpBodyGetVelocityAtWorldPoint(cpShapeGetBody(shape_b), point),
                                   cpBodyGetVelocityAtWorldPoint(cpShapeGetBody(shape_a), point));
    const double speed = fmax(0, -cpvdot(velocity, cpArbiterGetNormal(arbiter)));
    if (out_of_order(a, b)) {
        const struct pv_thing swap = a;
        a = b;
        b = swap;
    }
    const bool first = !met_before(&rigid->record, a, b);
    if (!first && speed < slow_contact)
        return cpTrue;
    /* A step moves bodies first and then looks for contacts: they touch at its end. */
    const double frames = (double)(rigid->substep + 1) / rigid->substeps;
    pv_record_contact(&rigid->record, &(struct pv_contact){a, b, frames, speed, point.x, point.y, first});
    return cpTrue;
}

/* The engine multiplies both sides' restitution and friction. Obstacles have 1, so there a body's own value counts;
 * between bodies the geometric mean keeps two balls of .8 bouncing like one ball of .8 on the floor. */
static cpBool contact_before_solve(cpArbiter *arbiter, cpSpace *space, cpDataPointer user)
{
    (void)space;
    (void)user;
    cpShape *a, *b;
    cpArbiterGetShapes(arbiter, &a, &b);
    double restitution = cpShapeGetElasticity(a) * cpShapeGetElasticity(b);
    if (((struct pv_thing *)cpShapeGetUserData(a))->kind == PV_THING_BODY &&
        ((struct pv_thing *)cpShapeGetUserData(b))->kind == PV_THING_BODY) {
        restitution = sqrt(restitution);
        cpArbiterSetFriction(arbiter, sqrt(cpShapeGetFriction(a) * cpShapeGetFriction(b)));
    }
    cpArbiterSetRestitution(arbiter, pv_impact_restitution(arbiter, restitution));
    return cpTrue;
}

/* Debian's Chipmunk is a debug build: its first space in a process prints two lines on stdout, where clips may be about
 * to go. The first space is therefore made, once, while stdout leads nowhere. */
static void make_first_space(void)
{
    fflush(stdout);
    const int out = dup(STDOUT_FILENO), nowhere = out < 0 ? -1 : open("/dev/null", O_WRONLY);
    const bool silent = nowhere >= 0 && dup2(nowhere, STDOUT_FILENO) >= 0;
    cpSpace *space = cpSpaceNew();
    if (space)
        cpSpaceFree(space);
    if (silent) {
        fflush(stdout);
        dup2(out, STDOUT_FILENO);
    }
    if (nowhere >= 0)
        close(nowhere);
    if (out >= 0)
        close(out);
}

pv_status pv_rigid_begin(struct pv_rigid *rigid, struct pv_stage *stage, struct pv_error *err)
{
    static pthread_once_t first = PTHREAD_ONCE_INIT;
    pthread_once(&first, make_first_space);
    rigid->stage = stage;
    rigid->width = stage->width;
    rigid->height = stage->height;
    /* A frame is the same whole number of equal substeps for any frame rate, the longest being 1/480 s: frame times are
     * exact. */
    const struct pv_world_params *p = &stage->params;
    const int64_t wanted = (int64_t)PV_RIGID_STEPS_A_SECOND * p->fps_den;
    rigid->substeps = (int)((wanted + p->fps_num - 1) / p->fps_num);
    rigid->substep_seconds = (double)p->fps_den / ((double)p->fps_num * rigid->substeps);

    rigid->space = cpSpaceNew();
    if (!rigid->space)
        return pv_fail(err, PV_ERR_MEMORY, "no memory for the simulation of a world; close other programs");
    cpSpaceSetIterations(rigid->space, 30);
    cpSpaceSetCollisionSlop(rigid->space, 0.005); /* the default .1 shows in a world of 10 units */
    cpCollisionHandler *handler = cpSpaceAddDefaultCollisionHandler(rigid->space);
    handler->beginFunc = contact_begins;
    handler->preSolveFunc = contact_before_solve;
    handler->userData = rigid;
    return PV_OK;
}

void pv_rigid_close(void *state)
{
    struct pv_rigid *rigid = state;
    if (rigid->space) {
        for (int i = 0; i < rigid->body_count; i++) {
            cpSpaceRemoveShape(rigid->space, rigid->shapes[i]);
            cpSpaceRemoveBody(rigid->space, rigid->physics[i]);
            cpShapeFree(rigid->shapes[i]);
            cpBodyFree(rigid->physics[i]);
        }
        for (int i = 0; i < rigid->obstacle_count; i++) {
            cpSpaceRemoveShape(rigid->space, rigid->obstacles[i].shape);
            cpShapeFree(rigid->obstacles[i].shape);
        }
        cpSpaceFree(rigid->space);
    }
    pv_record_close(&rigid->record);
    free(rigid->picture);
}

void pv_rigid_add_body(struct pv_rigid *rigid, const struct pv_body *body, const struct pv_motion *motion)
{
    const int i = rigid->body_count;
    rigid->bodies[i] = *body;
    rigid->things[i] = (struct pv_thing){PV_THING_BODY, i};
    const double mass = pv_body_area(body); /* density 1 */
    if (body->shape == PV_SHAPE_DISC) {
        rigid->physics[i] = cpBodyNew(mass, cpMomentForCircle(mass, 0, body->half_width, cpvzero));
        rigid->shapes[i] = cpCircleShapeNew(rigid->physics[i], body->half_width, cpvzero);
    } else {
        const double c = body->corner_radius;
        rigid->physics[i] = cpBodyNew(mass, cpMomentForBox(mass, 2 * body->half_width, 2 * body->half_height));
        rigid->shapes[i] = cpBoxShapeNew(rigid->physics[i], 2 * (body->half_width - c), 2 * (body->half_height - c), c);
    }
    cpShapeSetElasticity(rigid->shapes[i], body->restitution);
    cpShapeSetFriction(rigid->shapes[i], body->friction);
    cpShapeSetUserData(rigid->shapes[i], &rigid->things[i]);
    cpBodySetPosition(rigid->physics[i], cpv(motion->x, motion->y));
    cpBodySetAngle(rigid->physics[i], motion->angle);
    cpBodySetVelocity(rigid->physics[i], cpv(motion->vx, motion->vy));
    cpBodySetAngularVelocity(rigid->physics[i], motion->spin);
    cpSpaceAddBody(rigid->space, rigid->physics[i]);
    cpSpaceAddShape(rigid->space, rigid->shapes[i]);
    rigid->body_count++;
}

void pv_rigid_add_obstacle(struct pv_rigid *rigid, enum pv_thing_kind kind, cpVect from, cpVect to, double radius)
{
    struct pv_obstacle *o = &rigid->obstacles[rigid->obstacle_count];
    int index = 0;
    for (int i = 0; i < rigid->obstacle_count; i++)
        index += rigid->obstacles[i].thing.kind == kind;
    *o = (struct pv_obstacle){{kind, index}, {{from.x, from.y}, {to.x, to.y}, radius}, NULL};
    o->shape = cpSegmentShapeNew(cpSpaceGetStaticBody(rigid->space), from, to, radius);
    cpShapeSetElasticity(o->shape, 1);
    cpShapeSetFriction(o->shape, 1);
    cpShapeSetUserData(o->shape, &o->thing);
    cpSpaceAddShape(rigid->space, o->shape);
    rigid->obstacle_count++;
}

static const double thick = 2; /* radius of floor and walls: there is no swept collision */

void pv_rigid_add_floor(struct pv_rigid *rigid)
{
    const double y = rigid->floor - thick;
    pv_rigid_add_obstacle(rigid, PV_THING_FLOOR, cpv(-thick, y), cpv(rigid->width + thick, y), thick);
}

void pv_rigid_add_walls(struct pv_rigid *rigid)
{
    const double w = rigid->width, y = rigid->floor - thick, top = rigid->height + thick;
    pv_rigid_add_obstacle(rigid, PV_THING_WALL, cpv(-thick, y), cpv(-thick, top), thick);
    pv_rigid_add_obstacle(rigid, PV_THING_WALL, cpv(w + thick, y), cpv(w + thick, top), thick);
    pv_rigid_add_obstacle(rigid, PV_THING_WALL, cpv(-thick, top), cpv(w + thick, top), thick);
}

/* The space's gravity from now on; at first it has none. Bodies have the velocity of half a step later: the engine
 * moves them by their velocity and only then adds gravity's share, and so (leapfrog) free fall follows the parabola
 * exactly. */
static void set_gravity(struct pv_rigid *rigid, cpVect gravity)
{
    const cpVect change = cpvmult(cpvsub(gravity, cpSpaceGetGravity(rigid->space)), rigid->substep_seconds / 2);
    cpSpaceSetGravity(rigid->space, gravity);
    for (int i = 0; i < rigid->body_count; i++)
        cpBodySetVelocity(rigid->physics[i], cpvadd(cpBodyGetVelocity(rigid->physics[i]), change));
}

/* Bodies to the next frame of the recording. */
static void replay(struct pv_rigid *rigid)
{
    const struct pv_world_params *p = &rigid->stage->params;
    const struct pv_world_place *places = p->recorded + (ptrdiff_t)rigid->replayed++ * p->recorded_bodies;
    for (int i = 0; i < rigid->body_count; i++) {
        cpBodySetPosition(rigid->physics[i], cpv(places[i].x, places[i].y));
        cpBodySetAngle(rigid->physics[i], places[i].angle);
        cpBodySetVelocity(rigid->physics[i], cpvzero);
        cpBodySetAngularVelocity(rigid->physics[i], 0);
    }
}

pv_status pv_rigid_ready(struct pv_rigid *rigid, struct pv_error *err)
{
    const struct pv_world_params *p = &rigid->stage->params;
    rigid->gravity = cpvmult(rigid->gravity, rigid->stage->gravity_scale);
    rigid->stage->gravity[0] = rigid->gravity.x;
    rigid->stage->gravity[1] = rigid->gravity.y;
    set_gravity(rigid, rigid->gravity);

    PV_TRY(pv_record_open(&rigid->record, rigid->stage, rigid->bodies, rigid->body_count, err));
    rigid->picture = malloc((size_t)p->width * (size_t)p->height * 3);
    if (!rigid->picture)
        return pv_fail(err, PV_ERR_MEMORY, "no memory for a world of %dx%d pixels; choose a smaller one", p->width,
                       p->height);
    struct pv_bar ramps[PV_RIGID_OBSTACLES];
    int ramp_count = 0;
    for (int i = 0; i < rigid->obstacle_count; i++)
        if (rigid->obstacles[i].thing.kind == PV_THING_RAMP)
            ramps[ramp_count++] = rigid->obstacles[i].bar;
    pv_backdrop_paint(&rigid->backdrop, rigid->width, rigid->floor, ramps, ramp_count, p->width, p->height,
                      rigid->picture);
    if (p->recorded) {
        if (p->recorded_bodies != rigid->body_count)
            return pv_fail(err, PV_ERR_ARGUMENT, "the recording has %d bodies and the scene has %d", p->recorded_bodies,
                           rigid->body_count);
        rigid->stage->replays = true;
        replay(rigid);
        return PV_OK;
    }
    for (int i = 0; i < p->skip; i++)
        pv_rigid_step(rigid);
    return PV_OK;
}

void pv_rigid_step(void *state)
{
    struct pv_rigid *rigid = state;
    if (rigid->stage->replays) {
        replay(rigid);
        return;
    }
    set_gravity(rigid, cpv(rigid->stage->gravity[0], rigid->stage->gravity[1]));
    for (int i = 0; i < rigid->substeps; i++) {
        cpSpaceStep(rigid->space, rigid->substep_seconds);
        rigid->substep++;
    }
}

void pv_rigid_motions(const struct pv_rigid *rigid, struct pv_motion motions[PV_RIGID_BODIES])
{
    for (int i = 0; i < rigid->body_count; i++) {
        const cpBody *b = rigid->physics[i];
        const cpVect p = cpBodyGetPosition(b), v = cpBodyGetVelocity(b);
        motions[i] = (struct pv_motion){p.x, p.y, cpBodyGetAngle(b), v.x, v.y, cpBodyGetAngularVelocity(b)};
    }
}

void pv_rigid_record(void *state, int frame)
{
    struct pv_rigid *rigid = state;
    struct pv_motion motions[PV_RIGID_BODIES];
    pv_rigid_motions(rigid, motions);
    pv_record_frame(&rigid->record, frame, motions);
}

void pv_rigid_draw(void *state, const struct pv_canvas *canvas)
{
    static const double shading = 0.1;
    struct pv_rigid *rigid = state;
    struct pv_motion motions[PV_RIGID_BODIES];
    pv_rigid_motions(rigid, motions);
    pv_canvas_start(canvas, rigid->picture);
    for (int i = 0; i < rigid->body_count; i++)
        pv_render_body(canvas, &rigid->bodies[i], &motions[i], rigid->light, shading);
}

static json_t *ramps_json(const struct pv_rigid *rigid)
{
    json_t *list = json_array();
    for (int i = 0; list && i < rigid->obstacle_count; i++)
        if (rigid->obstacles[i].thing.kind == PV_THING_RAMP)
            list = pv_truth_append(list, pv_truth_bar(&rigid->obstacles[i].bar));
    return list;
}

json_t *pv_rigid_truth(const void *state, int frames)
{
    const struct pv_rigid *rigid = state;
    json_t *still = json_pack("{s:f, s:o}", "floor", rigid->floor, "ramps", ramps_json(rigid));
    return pv_truth_join(still, pv_truth_bodies(&rigid->record, frames));
}
