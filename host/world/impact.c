/* impact.c: restitution that creates no energy.
 *
 * The engine's restitution is Newton's: speed apart is a share of speed together. With friction, at a corner off the
 * line of the middle, that law can leave more energy than there was (Kane and Levinson 1985); a box of restitution .9
 * gained up to a tenth at a blow. With no restitution friction only takes, so there is always a largest one that does
 * not: it is found by trying what the engine is about to do on the two bodies alone. */
#include "world/impact.h"

#include <math.h>
#include <stdbool.h>

enum { POINTS = 2, SWEEPS = 30, HALVINGS = 20 };

static const double rounding = 1e-9; /* so that a blow that loses nothing loses nothing */
static const double rest = 0.05;     /* units a second; slower is lying, not meeting: not worth the trial */

/* What a point's impulses act on. */
struct side {
    double mass_inverse, moment_inverse;
    cpVect velocity;
    double spin;
};

struct point {
    cpVect arm[2]; /* from the middles of the two */
    double normal_mass, tangent_mass, approach, normal_impulse, tangent_impulse;
};

struct impact {
    struct side side[2];
    struct point point[POINTS];
    int points;
    cpVect normal, tangent; /* from side 0 to side 1 */
    double friction;
};

static cpVect speed_apart(const struct side side[2], const struct point *p)
{
    const cpVect a = cpvadd(side[0].velocity, cpvmult(cpvperp(p->arm[0]), side[0].spin));
    const cpVect b = cpvadd(side[1].velocity, cpvmult(cpvperp(p->arm[1]), side[1].spin));
    return cpvsub(b, a);
}

static void push(struct side side[2], const struct point *p, cpVect impulse)
{
    for (int i = 0; i < 2; i++) {
        const cpVect j = i ? impulse : cpvneg(impulse);
        side[i].velocity = cpvadd(side[i].velocity, cpvmult(j, side[i].mass_inverse));
        side[i].spin += side[i].moment_inverse * cpvcross(p->arm[i], j);
    }
}

static double mass_along(const struct side side[2], const struct point *p, cpVect along)
{
    double inverse = 0;
    for (int i = 0; i < 2; i++) {
        const double lever = cpvcross(p->arm[i], along);
        inverse += side[i].mass_inverse + side[i].moment_inverse * lever * lever;
    }
    return 1 / inverse;
}

/* What does not move has inverses of 0 and no energy that could change. */
static double energy(const struct side side[2])
{
    double sum = 0;
    for (int i = 0; i < 2; i++)
        if (side[i].mass_inverse > 0)
            sum += cpvlengthsq(side[i].velocity) / side[i].mass_inverse +
                   side[i].spin * side[i].spin / side[i].moment_inverse;
    return sum / 2;
}

/* The engine's way: one impulse after the other, until all points keep their speed apart. */
static double energy_after(struct impact impact, double restitution)
{
    for (int sweep = 0; sweep < SWEEPS; sweep++)
        for (int i = 0; i < impact.points; i++) {
            struct point *p = &impact.point[i];
            const cpVect apart = speed_apart(impact.side, p);
            const double normal = p->normal_impulse, tangent = p->tangent_impulse;
            const double missing = -restitution * p->approach - cpvdot(apart, impact.normal);
            p->normal_impulse = fmax(0, normal + missing * p->normal_mass);
            const double most = impact.friction * p->normal_impulse;
            p->tangent_impulse = fmin(fmax(tangent - cpvdot(apart, impact.tangent) * p->tangent_mass, -most), most);
            push(impact.side, p,
                 cpvadd(cpvmult(impact.normal, p->normal_impulse - normal),
                        cpvmult(impact.tangent, p->tangent_impulse - tangent)));
        }
    return energy(impact.side);
}

static struct side side_of(const cpBody *body)
{
    return (struct side){1 / cpBodyGetMass(body), 1 / cpBodyGetMoment(body), cpBodyGetVelocity(body),
                         cpBodyGetAngularVelocity(body)};
}

double pv_impact_restitution(const cpArbiter *arbiter, double own)
{
    cpBody *bodies[2];
    cpArbiterGetBodies(arbiter, &bodies[0], &bodies[1]);
    const cpContactPointSet set = cpArbiterGetContactPointSet(arbiter);
    struct impact impact = {.points = set.count < POINTS ? set.count : POINTS,
                            .normal = set.normal,
                            .tangent = cpvperp(set.normal),
                            .friction = cpArbiterGetFriction(arbiter)};
    for (int i = 0; i < 2; i++)
        impact.side[i] = side_of(bodies[i]);

    bool meet = false;
    for (int i = 0; i < impact.points; i++) {
        struct point *p = &impact.point[i];
        p->arm[0] = cpvsub(set.points[i].pointA, cpBodyGetPosition(bodies[0]));
        p->arm[1] = cpvsub(set.points[i].pointB, cpBodyGetPosition(bodies[1]));
        p->approach = cpvdot(speed_apart(impact.side, p), impact.normal);
        meet = meet || p->approach < -rest;
    }
    if (!meet)
        return own;
    for (int i = 0; i < impact.points; i++) {
        struct point *p = &impact.point[i];
        p->normal_mass = mass_along(impact.side, p, impact.normal);
        p->tangent_mass = mass_along(impact.side, p, impact.tangent);
    }
    const double allowed = energy(impact.side) * (1 + rounding);
    if (energy_after(impact, own) <= allowed)
        return own;
    double low = 0, high = own;
    for (int i = 0; i < HALVINGS; i++) {
        const double middle = (low + high) / 2;
        if (energy_after(impact, middle) <= allowed)
            low = middle;
        else
            high = middle;
    }
    return low;
}
