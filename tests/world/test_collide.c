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

/* Whether an edge of the table is touched between a frame and the one before it. */
static bool meets_edge(const json_t *truth, size_t frame)
{
    for (size_t k = 0; k < count(truth, "events"); k++) {
        const json_t *e = item(truth, "events", k);
        if ((size_t)number(e, "frame") == frame && strcmp(string(e, "what"), "wall") == 0)
            return true;
    }
    return false;
}

Test(collide, momentum_changes_at_the_edges_only)
{
    const uint64_t first = fresh_seed();
    int met = 0;
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
            /* Slow contacts, and the edge that is left in the next frame, are not listed: only what moves on freely. */
            if (!meets_edge(truth, frame) && !meets_edge(truth, frame - 1) && !meets_edge(truth, frame + 1))
                cr_assert(hypot(after[0] - before[0], after[1] - before[1]) < 0.02, "seed %llu frame %zu: by %g",
                          (unsigned long long)seed, frame, hypot(after[0] - before[0], after[1] - before[1]));
            for (size_t i = 0; i < count(truth, "objects"); i++)
                cr_assert(number(state(truth, frame, i), "visible") > 0.97);
        }
        json_decref(truth);
    }
    cr_assert(met > 45, "discs met in %d of 60 clips", met);
}
