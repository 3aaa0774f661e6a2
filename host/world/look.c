/* look.c: the colours of a scene. Everything that moves is saturated, everything that does not is not: a mask by hue
 * is exact. */
#include "world/rigid.h"

#include <math.h>

static void draw_backdrop(struct pv_backdrop *b, const struct pv_rigid *rigid, struct pv_draw *draw)
{
    static const double pi = 3.14159265358979323846;
    const double hue = pv_draw_uniform(draw, 0, 360);
    const double value = pv_draw_uniform(draw, 0.42, 0.88), change = pv_draw_uniform(draw, -0.1, 0.1);
    b->from = pv_colour_from_hsv(hue, pv_draw_uniform(draw, 0, 0.14), value + change);
    const double saturation = pv_draw_uniform(draw, 0, 0.14), turn = pv_draw_uniform(draw, 0, 90);
    b->to = pv_colour_from_hsv(fmod(hue + turn, 360), saturation, value - change);
    const double angle = pi * (0.5 + pv_draw_uniform(draw, -0.25, 0.25)); /* vertical to diagonal */
    b->direction = (struct pv_point){cos(angle), sin(angle)};
    b->texture = pv_draw_uniform(draw, 0.005, 0.03);
    b->light.y = pv_draw_uniform(draw, 0.4, 1) * rigid->height;
    b->light.x = pv_draw_uniform(draw, 0, rigid->width);
    b->light_strength = pv_draw_uniform(draw, 0, 0.08);
    b->seed = (uint64_t)pv_draw_bits(draw) << 32;
    b->seed |= pv_draw_bits(draw);

    /* Floor and ramps stand out from the wall behind them, darker where it is bright. */
    const double down = value > 0.6 ? -1 : 1;
    const double ground = pv_draw_uniform(draw, 0, 360), grey = pv_draw_uniform(draw, 0.02, 0.16);
    b->floor = pv_colour_from_hsv(ground, grey, value + down * pv_draw_uniform(draw, 0.16, 0.3));
    b->ramp = pv_colour_from_hsv(ground, grey, value + down * pv_draw_uniform(draw, 0.22, 0.36));
}

void pv_rigid_draw_look(struct pv_rigid *rigid, struct pv_draw *draw)
{
    static const double tau = 6.28318530717958647692;
    draw_backdrop(&rigid->backdrop, rigid, draw);
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
        b->mark_radius = size * pv_draw_uniform(draw, 0.2, 0.3);
        const double far = b->half_width - size * 0.2 - b->mark_radius;
        const double near = pv_draw_int(draw, 2) ? far : 0; /* a dot or a hand */
        b->mark_from = (struct pv_point){near * cos(angle), near * sin(angle)};
        b->mark_to = (struct pv_point){far * cos(angle), far * sin(angle)};
    }
}
