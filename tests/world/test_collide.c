/* The world collide: momentum is kept, nothing leaves the table, and mostly something happens. */
#include "clip.h"

static struct pv_world_params collide_params(uint64_t seed, enum pv_world_range range)
{
    struct pv_world_params p = clip_params(seed, 32, 18, 40);
    p.name = "collide";
    p.range = range;
    return p;
}

static void momentum(const json_t *truth, size_t frame, double sum[2])
{
    sum[0] = sum[1] = 0;
    for (size_t i = 0; i < count(truth, "objects"); i++) {
        const double m = number(item(truth, "objects", i), "mass");
        sum[0] += m * number(state(truth, frame, i), "vx");
        sum[1] += m * number(state(truth, frame, i), "vy");
    }
}

/* Whether a disc may touch an edge of the table before the next frame (slow contacts are not events). */
static bool near_edge(const json_t *truth, size_t frame)
{
    const double height = json_number_value(item(truth, "size", 1));
    for (size_t i = 0; i < count(truth, "objects"); i++) {
        const json_t *s = state(truth, frame, i);
        const double x = number(s, "x"), y = number(s, "y");
        const double reach = number(item(truth, "objects", i), "radius") + hypot(number(s, "vx"), number(s, "vy")) / 24;
        if (fmin(fmin(x, 10 - x), fmin(y, height - y)) < reach + 0.05)
            return true;
    }
    return false;
}

Test(collide, momentum_changes_at_the_edges_only)
{
    const uint64_t first = fresh_seed();
    int met = 0, compared = 0;
    for (uint64_t seed = first; seed < first + 60; seed++) {
        const struct pv_world_params p = collide_params(seed, seed % 2 ? PV_WORLD_OUT : PV_WORLD_IN);
        json_t *truth = clip_truth(&p);
        cr_assert(number(truth, "floor") == 0 && json_number_value(item(truth, "gravity", 1)) == 0);
        bool object = false;
        for (size_t k = 0; k < count(truth, "events"); k++)
            object |= strcmp(string(item(truth, "events", k), "what"), "object") == 0;
        met += object;
        for (size_t frame = 1; frame < 40; frame++) {
            double before[2], after[2];
            momentum(truth, frame - 1, before);
            momentum(truth, frame, after);
            const bool edge = near_edge(truth, frame - 1) || near_edge(truth, frame);
            compared += !edge;
            if (!edge)
                cr_assert(hypot(after[0] - before[0], after[1] - before[1]) < 0.02, "seed %llu frame %zu: by %g",
                          (unsigned long long)seed, frame, hypot(after[0] - before[0], after[1] - before[1]));
            for (size_t i = 0; i < count(truth, "objects"); i++)
                cr_assert(number(state(truth, frame, i), "visible") > 0.97);
        }
        json_decref(truth);
    }
    cr_assert(compared > 300, "only %d frames are free of edges", compared);
    cr_assert(met > 45, "discs met in %d of 60 clips", met);
}
