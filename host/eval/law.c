/* law.c: the score of the published physical-law protocol (arXiv 2411.02385) and its published rows. */
#include <math.h>
#include <string.h>

#include "eval/track.h"

static bool whole_in_view(const struct pv_footage *f, int t, int object)
{
    const struct pv_place *p = pv_footage_places(f, t) + object;
    const double r = f->half_height[object];
    return p->x >= r && p->x <= f->width - r && p->y >= r && p->y <= f->height - r;
}

/* Where the ball was seen; one that is not stands where it was seen last. */
static void seen_at(const struct pv_footage *f, const struct pv_sighting *track, int object, int t, double *x,
                    double *y)
{
    for (; t >= 1; t--) {
        const struct pv_sighting *s = &track[(t - 1) * f->objects + object];
        if (!isnan(s->x)) {
            *x = s->x;
            *y = s->y;
            return;
        }
    }
    const struct pv_sighting *s = pv_footage_sightings(f, 0) + object;
    *x = s->x;
    *y = s->y;
}

struct pv_law_score pv_law_score(const struct pv_footage *f, const struct pv_sighting *track, int object)
{
    struct pv_law_score score = {NAN, NAN, NAN};
    double first_x = 0, first_y = 0, x = 0, y = 0, velocities = 0, position = 0;
    const struct pv_place *first = NULL, *place = NULL;
    int frames = 0;
    for (int t = 1; t <= f->ahead && whole_in_view(f, t, object); t++) {
        const double old_x = x, old_y = y;
        const struct pv_place *old = place;
        place = pv_footage_places(f, t) + object;
        seen_at(f, track, object, t, &x, &y);
        if (!first) {
            first = place;
            first_x = x;
            first_y = y;
        } else {
            velocities += hypot((x - old_x) - (place->x - old->x), (y - old_y) - (place->y - old->y));
        }
        position += hypot(x - place->x, y - place->y);
        frames++;
    }
    if (frames < 2)
        return score;
    const double steps = frames - 1, seconds = steps * f->frame_seconds;
    const double off_x = (x - first_x) - (place->x - first->x), off_y = (y - first_y) - (place->y - first->y);
    score.velocity = hypot(off_x, off_y) / f->pixels_per_unit / seconds;
    score.velocities = velocities / steps / f->pixels_per_unit / f->frame_seconds;
    score.position = position / frames / f->pixels_per_unit;
    return score;
}

bool pv_law_leaves_out(const char *world, const double *radii, int count)
{
    const bool two = strcmp(world, "collision") == 0;
    for (int i = 0; i < count; i++)
        if (two ? radii[i] <= 0.5 : radii[i] < 0.6)
            return true;
    return false;
}

static const struct pv_published published[] = {
    {"uniform", false, "DiT-S 22.5M, 30K clips", 0.022, 0.022},
    {"uniform", false, "DiT-S 22.5M, 3M clips", 0.015, 0.015},
    {"uniform", false, "DiT-L 310M, 3M clips", 0.012, 0.012},
    {"uniform", false, "truth, parsed", 0.0099, 0.0099},
    {"uniform", true, "DiT, all sizes", 0.29, 0.43},
    {"collision", false, "DiT-S 22.5M, 30K clips", 0.027, 0.027},
    {"collision", false, "DiT-S 22.5M, 3M clips", 0.023, 0.023},
    {"collision", false, "DiT-L 310M, 3M clips", 0.015, 0.015},
    {"collision", false, "truth, parsed", 0.0117, 0.0117},
    {"collision", true, "DiT, all sizes", 0.15, 0.27},
    {"parabola", false, "DiT-S 22.5M, 30K clips", 0.051, 0.051},
    {"parabola", false, "DiT-S 22.5M, 3M clips", 0.047, 0.047},
    {"parabola", false, "DiT-L 310M, 3M clips", 0.033, 0.033},
    {"parabola", false, "truth, parsed", 0.0210, 0.0210},
    {"parabola", true, "DiT, all sizes", 0.28, 0.38},
};

const struct pv_published *pv_published_get(const char *world, bool out, size_t index)
{
    for (size_t i = 0; i < sizeof published / sizeof published[0]; i++)
        if (published[i].out == out && strcmp(published[i].world, world) == 0 && index-- == 0)
            return &published[i];
    return NULL;
}
