/* scene.c: bodies and obstacles in the physics engine, and the record of who touched whom. */
#include "world/scene.h"

#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

static const double pi = 3.14159265358979323846;

/* Slower meetings are bodies settling, and recorded only once. Units a second. */
static const double slow_contact = 0.1;

static bool same_thing(struct pv_thing a, struct pv_thing b)
{
    return a.kind == b.kind && a.index == b.index;
}

static bool met_before(const struct pv_scene *scene, struct pv_thing a, struct pv_thing b)
{
    for (int i = 0; i < scene->contact_count; i++) {
        const struct pv_contact *c = &scene->contacts[i];
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
    struct pv_scene *scene = user;
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
    const bool first = !met_before(scene, a, b);
    if (!first && speed < slow_contact)
        return cpTrue;
    if (scene->contact_count == PV_SCENE_EVENTS) {
        scene->contacts_lost++;
        return cpTrue;
    }
    /* A step moves bodies first and then looks for contacts: they touch at its end. */
    const struct pv_contact contact = {a, b, scene->substep + 1, speed, point.x, point.y, first};
    scene->contacts[scene->contact_count++] = contact;
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
    if (((struct pv_thing *)cpShapeGetUserData(a))->kind == PV_THING_BODY &&
        ((struct pv_thing *)cpShapeGetUserData(b))->kind == PV_THING_BODY) {
        cpArbiterSetRestitution(arbiter, sqrt(cpShapeGetElasticity(a) * cpShapeGetElasticity(b)));
        cpArbiterSetFriction(arbiter, sqrt(cpShapeGetFriction(a) * cpShapeGetFriction(b)));
    }
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

pv_status pv_scene_open(struct pv_scene *scene, struct pv_error *err)
{
    static pthread_once_t first = PTHREAD_ONCE_INIT;
    pthread_once(&first, make_first_space);
    scene->space = cpSpaceNew();
    if (!scene->space)
        return pv_fail(err, PV_ERR_MEMORY, "no memory for the simulation of a world; close other programs");
    cpSpaceSetIterations(scene->space, 30);
    cpSpaceSetCollisionSlop(scene->space, 0.005); /* the default .1 shows in a world of 10 units */
    cpCollisionHandler *handler = cpSpaceAddDefaultCollisionHandler(scene->space);
    handler->beginFunc = contact_begins;
    handler->preSolveFunc = contact_before_solve;
    handler->userData = scene;
    return PV_OK;
}

void pv_scene_close(struct pv_scene *scene)
{
    if (!scene->space)
        return;
    for (int i = 0; i < scene->body_count; i++) {
        cpSpaceRemoveShape(scene->space, scene->bodies[i].physics_shape);
        cpSpaceRemoveBody(scene->space, scene->bodies[i].physics);
        cpShapeFree(scene->bodies[i].physics_shape);
        cpBodyFree(scene->bodies[i].physics);
    }
    for (int i = 0; i < scene->obstacle_count; i++) {
        cpSpaceRemoveShape(scene->space, scene->obstacles[i].physics_shape);
        cpShapeFree(scene->obstacles[i].physics_shape);
    }
    cpSpaceFree(scene->space);
    scene->space = NULL;
}

double pv_body_area(const struct pv_body *body)
{
    if (body->shape == PV_SHAPE_DISC)
        return pi * body->half_width * body->half_width;
    return 4 * body->half_width * body->half_height - (4 - pi) * body->corner_radius * body->corner_radius;
}

double pv_body_reach(const struct pv_body *body)
{
    if (body->shape == PV_SHAPE_DISC)
        return body->half_width;
    const double c = body->corner_radius;
    return hypot(body->half_width - c, body->half_height - c) + c;
}

double pv_body_distance(const struct pv_body *body, double x, double y)
{
    if (body->shape == PV_SHAPE_DISC)
        return sqrt(x * x + y * y) - body->half_width;
    const double c = body->corner_radius;
    const double dx = fabs(x) - (body->half_width - c), dy = fabs(y) - (body->half_height - c);
    const double ox = fmax(dx, 0), oy = fmax(dy, 0);
    return sqrt(ox * ox + oy * oy) + fmin(fmax(dx, dy), 0) - c;
}

void pv_scene_add_body(struct pv_scene *scene, const struct pv_body *body, const struct pv_motion *motion)
{
    struct pv_body *b = &scene->bodies[scene->body_count];
    *b = *body;
    b->thing = (struct pv_thing){PV_THING_BODY, scene->body_count};
    const double mass = pv_body_area(b); /* density 1 */
    if (b->shape == PV_SHAPE_DISC) {
        b->physics = cpBodyNew(mass, cpMomentForCircle(mass, 0, b->half_width, cpvzero));
        b->physics_shape = cpCircleShapeNew(b->physics, b->half_width, cpvzero);
    } else {
        const double c = b->corner_radius;
        b->physics = cpBodyNew(mass, cpMomentForBox(mass, 2 * b->half_width, 2 * b->half_height));
        b->physics_shape = cpBoxShapeNew(b->physics, 2 * (b->half_width - c), 2 * (b->half_height - c), c);
    }
    cpShapeSetElasticity(b->physics_shape, b->restitution);
    cpShapeSetFriction(b->physics_shape, b->friction);
    cpShapeSetUserData(b->physics_shape, &b->thing);
    cpBodySetPosition(b->physics, cpv(motion->x, motion->y));
    cpBodySetAngle(b->physics, motion->angle);
    cpBodySetVelocity(b->physics, cpv(motion->vx, motion->vy));
    cpBodySetAngularVelocity(b->physics, motion->spin);
    cpSpaceAddBody(scene->space, b->physics);
    cpSpaceAddShape(scene->space, b->physics_shape);
    scene->body_count++;
}

void pv_scene_add_obstacle(struct pv_scene *scene, enum pv_thing_kind kind, cpVect from, cpVect to, double radius)
{
    struct pv_obstacle *o = &scene->obstacles[scene->obstacle_count];
    int index = 0;
    for (int i = 0; i < scene->obstacle_count; i++)
        index += scene->obstacles[i].thing.kind == kind;
    *o = (struct pv_obstacle){{kind, index}, from, to, radius, NULL};
    o->physics_shape = cpSegmentShapeNew(cpSpaceGetStaticBody(scene->space), from, to, radius);
    cpShapeSetElasticity(o->physics_shape, 1);
    cpShapeSetFriction(o->physics_shape, 1);
    cpShapeSetUserData(o->physics_shape, &o->thing);
    cpSpaceAddShape(scene->space, o->physics_shape);
    scene->obstacle_count++;
}

void pv_scene_add_box_room(struct pv_scene *scene)
{
    const double w = scene->width, h = scene->height, r = 2; /* thick: there is no swept collision */
    const double y = scene->floor - r;
    pv_scene_add_obstacle(scene, PV_THING_FLOOR, cpv(-r, y), cpv(w + r, y), r);
    pv_scene_add_obstacle(scene, PV_THING_WALL, cpv(-r, y), cpv(-r, h + r), r);
    pv_scene_add_obstacle(scene, PV_THING_WALL, cpv(w + r, y), cpv(w + r, h + r), r);
    pv_scene_add_obstacle(scene, PV_THING_WALL, cpv(-r, h + r), cpv(w + r, h + r), r);
}

void pv_scene_kick(struct pv_scene *scene, double seconds)
{
    const cpVect change = cpvmult(scene->gravity, seconds / 2);
    for (int i = 0; i < scene->body_count; i++) {
        cpBody *body = scene->bodies[i].physics;
        cpBodySetVelocity(body, cpvadd(cpBodyGetVelocity(body), change));
    }
}

void pv_scene_step(struct pv_scene *scene, double seconds)
{
    cpSpaceSetGravity(scene->space, scene->gravity);
    cpSpaceStep(scene->space, seconds);
    scene->substep++;
}

struct pv_motion pv_body_motion(const struct pv_body *body)
{
    const cpVect p = cpBodyGetPosition(body->physics), v = cpBodyGetVelocity(body->physics);
    const struct pv_motion motion = {
        p.x, p.y, cpBodyGetAngle(body->physics), v.x, v.y, cpBodyGetAngularVelocity(body->physics),
    };
    return motion;
}

static bool inside(const struct pv_body *body, const struct pv_motion *m, double x, double y)
{
    const double c = cos(m->angle), s = sin(m->angle), dx = x - m->x, dy = y - m->y;
    return pv_body_distance(body, c * dx + s * dy, c * dy - s * dx) < 0;
}

double pv_body_visible(const struct pv_scene *scene, int index)
{
    const struct pv_body *body = &scene->bodies[index];
    const struct pv_motion m = pv_body_motion(body);
    const double reach = pv_body_reach(body);
    struct pv_motion others[PV_SCENE_BODIES];
    bool whole = m.x >= reach && m.x <= scene->width - reach && m.y >= reach && m.y <= scene->height - reach;
    for (int i = index + 1; i < scene->body_count; i++) {
        others[i] = pv_body_motion(&scene->bodies[i]);
        whole &= hypot(others[i].x - m.x, others[i].y - m.y) > reach + pv_body_reach(&scene->bodies[i]);
    }
    if (whole)
        return 1;

    enum { GRID = 32 };
    int total = 0, seen = 0;
    for (int j = 0; j < GRID; j++)
        for (int i = 0; i < GRID; i++) {
            const double x = m.x + reach * ((2 * i + 1) / (double)GRID - 1);
            const double y = m.y + reach * ((2 * j + 1) / (double)GRID - 1);
            if (!inside(body, &m, x, y))
                continue;
            total++;
            bool visible = x >= 0 && x <= scene->width && y >= 0 && y <= scene->height;
            for (int k = index + 1; k < scene->body_count && visible; k++)
                visible = !inside(&scene->bodies[k], &others[k], x, y);
            seen += visible;
        }
    return total ? (double)seen / total : 0;
}
