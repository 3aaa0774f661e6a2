/* body.h: what discs and boxes are and how they lie: geometry and colours, whoever moves them. */
#ifndef PV_WORLD_BODY_H
#define PV_WORLD_BODY_H

#include <stdbool.h>
#include <stdint.h>

struct pv_point {
    double x, y;
};

struct pv_colour {
    float r, g, b; /* 0 to 1, as stored in the picture */
};

/* Hue in degrees, saturation and value 0 to 1 (Smith 1978). */
struct pv_colour pv_colour_from_hsv(double hue, double saturation, double value);

enum pv_shape { PV_SHAPE_DISC, PV_SHAPE_BOX };

struct pv_body {
    enum pv_shape shape;
    double half_width, half_height; /* a disc: both its radius */
    double corner_radius;           /* of a box; the half sizes include it */
    double restitution, friction;
    double hue;                           /* degrees, 0 to 360 */
    struct pv_colour colour, mark_colour; /* the same hue and saturation */
    /* The mark that shows rotation: a capsule between two points, in the body's own frame. No radius, no mark. */
    struct pv_point mark_from, mark_to;
    double mark_radius;
};

/* Where a body is and how it moves. */
struct pv_motion {
    double x, y, angle;  /* units, radians */
    double vx, vy, spin; /* a second */
};

double pv_body_area(const struct pv_body *body);
/* Of the circle around its middle that holds it. */
double pv_body_reach(const struct pv_body *body);
/* Distance from a point in the body's own frame to its edge; negative inside. */
double pv_body_distance(const struct pv_body *body, double x, double y);
/* How much of body `index` is in a picture of width x height units and not behind one drawn later, 0 to 1. */
double pv_body_visible(const struct pv_body *bodies, const struct pv_motion *motions, int count, int index,
                       double width, double height);

#endif
