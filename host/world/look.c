/* look.c: the colours of a scene. Everything that moves is saturated, everything that does not is not: a mask by hue
 * is exact. */
#include "world/rigid.h"

#include <math.h>

void pv_rigid_draw_look(struct pv_rigid *rigid, struct pv_draw *draw)
{
    static const double tau = 6.28318530717958647692;
    pv_backdrop_choose(&rigid->backdrop, rigid->width, rigid->height, draw);
    const double side = rigid->backdrop.light.x / rigid->width * 2 - 1;
    const cpVect light = cpvnormalize(cpv(side, 1));
    rigid->light = (struct pv_point){light.x, light.y};

    /* At least 90 degrees apart for three bodies: evenly spread, then moved by up to a quarter of the gap. */
    const double first_hue = pv_draw_uniform(draw, 0, 360), gap = 360.0 / rigid->body_count;
    for (int i = 0; i < rigid->body_count; i++) {
        struct pv_body *b = &rigid->bodies[i];
        b->hue = fmod(first_hue + gap * (i + pv_draw_uniform(draw, 0, 0.25)), 360);
        const double saturation = pv_draw_uniform(draw, 0.78, 0.95), value = pv_draw_uniform(draw, 0.72, 0.9);
        b->colour = pv_colour_from_hsv(b->hue, saturation, value);
        b->mark_colour = pv_colour_from_hsv(b->hue, saturation, value * pv_draw_uniform(draw, 0.45, 0.6));

        const double size = fmin(b->half_width, b->half_height);
        const double angle = b->shape == PV_SHAPE_DISC ? pv_draw_uniform(draw, 0, tau) : 0;
        b->mark.radius = size * pv_draw_uniform(draw, 0.2, 0.3);
        const double far = b->half_width - size * 0.2 - b->mark.radius;
        const double near = pv_draw_int(draw, 2) ? far : 0; /* a dot or a hand */
        b->mark.from = (struct pv_point){near * cos(angle), near * sin(angle)};
        b->mark.to = (struct pv_point){far * cos(angle), far * sin(angle)};
    }
}
