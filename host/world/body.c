/* body.c: sizes, distances and visibility of discs and boxes. */
#include "world/body.h"

#include <math.h>

#include "world/clamp.h"

static const double pi = 3.14159265358979323846;

struct pv_colour pv_colour_from_hsv(double hue, double saturation, double value)
{
    double channel[3];
    for (int i = 0; i < 3; i++) {
        static const double offset[3] = {5, 3, 1};
        const double k = fmod(offset[i] + hue / 60, 6);
        channel[i] = value * (1 - saturation * fmax(0, fmin(fmin(k, 4 - k), 1)));
    }
    return (struct pv_colour){(float)channel[0], (float)channel[1], (float)channel[2]};
}

double pv_bar_distance(const struct pv_bar *bar, struct pv_point p, struct pv_point *nearest)
{
    const double dx = bar->to.x - bar->from.x, dy = bar->to.y - bar->from.y;
    const double px = p.x - bar->from.x, py = p.y - bar->from.y;
    const double length2 = dx * dx + dy * dy;
    const double t = length2 > 0 ? pv_clamp((px * dx + py * dy) / length2, 0, 1) : 0;
    const double ex = px - t * dx, ey = py - t * dy;
    *nearest = (struct pv_point){bar->from.x + t * dx, bar->from.y + t * dy};
    return sqrt(ex * ex + ey * ey) - bar->radius;
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
    const double ox = dx > 0 ? dx : 0, oy = dy > 0 ? dy : 0, deeper = dx > dy ? dx : dy;
    return sqrt(ox * ox + oy * oy) + (deeper < 0 ? deeper : 0) - c;
}

static bool inside(const struct pv_body *body, const struct pv_motion *m, double x, double y)
{
    const double c = cos(m->angle), s = sin(m->angle), dx = x - m->x, dy = y - m->y;
    return pv_body_distance(body, c * dx + s * dy, c * dy - s * dx) < 0;
}

double pv_body_visible(const struct pv_body *bodies, const struct pv_motion *motions, int count, int index,
                       double width, double height)
{
    const struct pv_body *body = &bodies[index];
    const struct pv_motion m = motions[index];
    const double reach = pv_body_reach(body);
    bool whole = m.x >= reach && m.x <= width - reach && m.y >= reach && m.y <= height - reach;
    for (int i = index + 1; i < count; i++)
        whole &= hypot(motions[i].x - m.x, motions[i].y - m.y) > reach + pv_body_reach(&bodies[i]);
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
            bool visible = x >= 0 && x <= width && y >= 0 && y <= height;
            for (int k = index + 1; k < count && visible; k++)
                visible = !inside(&bodies[k], &motions[k], x, y);
            seen += visible;
        }
    return total ? (double)seen / total : 0;
}
