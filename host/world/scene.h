/* scene.h: what every world is made of: bodies that move, obstacles that do not, a look, and the physics engine that
 * holds them. A world's build function fills a scene; stepping, rendering and truth are the same for all. */
#ifndef PV_WORLD_SCENE_H
#define PV_WORLD_SCENE_H

#include <stdbool.h>

#include <chipmunk/chipmunk.h>

#include "world/draw.h"
#include "world/world.h"

enum { PV_SCENE_BODIES = 16, PV_SCENE_OBSTACLES = 8, PV_SCENE_EVENTS = 512 };

struct pv_colour {
    float r, g, b; /* 0 to 1, as stored in the picture */
};

/* In the order of a contact's sides. */
enum pv_thing_kind { PV_THING_BODY, PV_THING_FLOOR, PV_THING_RAMP, PV_THING_WALL };

/* Who takes part in a contact; the physics engine's shapes point at it. */
struct pv_thing {
    enum pv_thing_kind kind;
    int index; /* among its kind */
};

enum pv_shape { PV_SHAPE_DISC, PV_SHAPE_BOX };

struct pv_body {
    struct pv_thing thing;
    enum pv_shape shape;
    double half_width, half_height; /* a disc: both its radius */
    double corner_radius;           /* of a box; the half sizes include it */
    double restitution, friction;
    struct pv_colour colour, mark_colour; /* the same hue and saturation */
    double hue;                           /* degrees, 0 to 360 */
    /* The mark that shows rotation: a capsule between two points, in the body's own frame. */
    cpVect mark_from, mark_to;
    double mark_radius;
    cpBody *physics;
    cpShape *physics_shape;
};

/* A thick line with round ends. Walls lie outside the picture and are not drawn. */
struct pv_obstacle {
    struct pv_thing thing;
    cpVect from, to;
    double radius; /* half its thickness */
    cpShape *physics_shape;
};

struct pv_backdrop {
    struct pv_colour from, to; /* gradient along `direction`, over the picture's extent */
    cpVect direction;          /* unit */
    double texture;            /* amplitude of the noise, in value */
    cpVect light;              /* units: middle of the lit spot */
    double light_strength;     /* in value */
    struct pv_colour floor, ramp;
    uint64_t seed; /* of the noise */
};

/* Two things started to touch. Recorded the first time, then whenever they meet faster than .1 units a second. */
struct pv_contact {
    struct pv_thing a, b; /* a is always a body */
    int64_t substep;      /* the one at whose end they touch; 1 = after the first */
    double speed;         /* of approach, along the normal, units a second */
    double x, y;          /* where */
    bool first;           /* of this pair */
};

struct pv_scene {
    double width, height; /* units */
    cpVect gravity;
    double floor; /* height of its top, units */
    cpVect light; /* unit: where light comes from, for the shading of bodies */
    struct pv_backdrop backdrop;
    struct pv_body bodies[PV_SCENE_BODIES];
    int body_count;
    struct pv_obstacle obstacles[PV_SCENE_OBSTACLES];
    int obstacle_count;
    struct pv_contact contacts[PV_SCENE_EVENTS];
    int contact_count;
    int contacts_lost; /* beyond PV_SCENE_EVENTS */
    int64_t substep;   /* done so far */
    cpSpace *space;
};

/* One line of the table of worlds. build draws everything from (seed, range): it sets the gravity (unscaled), adds
 * bodies and obstacles, and the look. scene->width and height are set, everything else is zero. */
struct pv_world_kind {
    const char *name;
    const char *summary;
    void (*build)(struct pv_scene *scene, uint64_t seed, enum pv_world_range range);
};

extern const struct pv_world_kind pv_world_drop;

/* ---- scene.c: the physics ---- */

/* Where a body is and how it moves. */
struct pv_motion {
    double x, y, angle;  /* units, radians */
    double vx, vy, spin; /* a second */
};
void pv_scene_add_body(struct pv_scene *scene, const struct pv_body *body, const struct pv_motion *motion);
void pv_scene_add_obstacle(struct pv_scene *scene, enum pv_thing_kind kind, cpVect from, cpVect to, double radius);
/* A floor whose top is at scene->floor, walls and a ceiling along the picture's edges. */
void pv_scene_add_box_room(struct pv_scene *scene);
/* Once, before the first step: gives every body the velocity of half a step later. The engine moves bodies by their
 * velocity and only then adds gravity's share, so that from here on (leapfrog) free fall follows the parabola exactly.
 */
void pv_scene_kick(struct pv_scene *scene, double seconds);
void pv_scene_step(struct pv_scene *scene, double seconds);
struct pv_motion pv_body_motion(const struct pv_body *body);
double pv_body_area(const struct pv_body *body);
/* Of the circle around its middle that holds it. */
double pv_body_reach(const struct pv_body *body);
/* Distance from a point in the body's own frame to its edge; negative inside. */
double pv_body_distance(const struct pv_body *body, double x, double y);
/* How much of the body is in the picture and not behind one drawn later, 0 to 1. */
double pv_body_visible(const struct pv_scene *scene, int index);
pv_status pv_scene_open(struct pv_scene *scene, struct pv_error *err);
void pv_scene_close(struct pv_scene *scene);

/* ---- look.c: colours ---- */

/* A backdrop, floor and ramps of low saturation, and bodies of well separated hues, with their marks. */
void pv_scene_draw_look(struct pv_scene *scene, struct pv_draw *draw);

#endif
