/* track.c: see track.h. */
#include "eval/track.h"

#include <math.h>

enum { SPAN = 3 }; /* frames a velocity is taken over */

struct vector {
    double x, y;
};

static struct vector at(const struct pv_path *p, int frame)
{
    const struct pv_sighting *s = p->first + (ptrdiff_t)frame * p->stride;
    return (struct vector){s->x, s->y};
}

/* Mean velocity from frame a to frame b. */
static struct vector velocity(const struct pv_path *p, int a, int b)
{
    const struct vector from = at(p, a), to = at(p, b);
    return (struct vector){(to.x - from.x) / (b - a), (to.y - from.y) / (b - a)};
}

/* Mean acceleration over the frames of free flight: the velocities of its two halves, half of it apart. */
static struct vector acceleration(const struct pv_path *p, int free)
{
    const int half = free / 2;
    if (half < 1 || free < 3)
        return (struct vector){0, 0};
    const struct vector a = velocity(p, 0, half), b = velocity(p, free - 1 - half, free - 1);
    const double apart = free - 1 - half;
    return (struct vector){(b.x - a.x) / apart, (b.y - a.y) / apart};
}

/* How much the velocity changes at frame t, beyond the steady acceleration g. NAN where the body was not seen. */
static double change_at(const struct pv_path *p, int t, struct vector g)
{
    if (t < SPAN || t + SPAN >= p->count)
        return NAN;
    const struct vector before = velocity(p, t - SPAN, t), then = velocity(p, t, t + SPAN);
    return hypot(then.x - before.x - SPAN * g.x, then.y - before.y - SPAN * g.y);
}

int pv_path_contact(const struct pv_path *path, int free, int after, double jump)
{
    const struct vector g = acceleration(path, free);
    double largest = jump;
    int found = -1;
    for (int t = after > SPAN ? after : SPAN; t + SPAN < path->count && (found < 0 || t <= found + SPAN); t++) {
        const double change = change_at(path, t, g);
        if (change >= largest) {
            largest = change;
            found = t;
        }
    }
    if (found < 0)
        return -1;
    /* The bend lies between the two frames that show most of it; the later one is the first after the contact. */
    const double earlier = change_at(path, found - 1, g), later = change_at(path, found + 1, g);
    return later > earlier ? found + 1 : found;
}
