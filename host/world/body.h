/* body.h: what discs and boxes are and how they lie: geometry and colours, whoever moves them. */
#ifndef PV_WORLD_BODY_H
#define PV_WORLD_BODY_H

#include <stdbool.h>
#include <stdint.h>

struct pv_point {
    double x, y;
};

/* A thick line with round ends; a disc has two equal ends. */
struct pv_bar {
    struct pv_point from, to;
    double radius; /* half its thickness */
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
    struct pv_bar mark;                   /* shows rotation, in the body's own frame */
};

/* Where a body is and how it moves. */
struct pv_motion {
    double x, y, angle;  /* units, radians */
    double vx, vy, spin; /* a second */
};

/* From a point to a bar's edge, negative inside. *nearest: the point of its middle line that is nearest. */
double pv_bar_distance(const struct pv_bar *bar, struct pv_point p, struct pv_point *nearest);

double pv_body_area(const struct pv_body *body);
/* Of the circle around its middle that holds it. */
double pv_body_reach(const struct pv_body *body);
/* Distance from a point in the body's own frame to its edge; negative inside. */
double pv_body_distance(const struct pv_body *body, double x, double y);
/* How much of body `index` is in a picture of width x height units and not behind one drawn later, 0 to 1. */
double pv_body_visible(const struct pv_body *bodies, const struct pv_motion *motions, int count, int index,
                       double width, double height);

#endif
