/* The world stack: what should stand stands, what should fall falls, and the truth says which. */
#include "clip.h"

static struct pv_world_params stack_params(uint64_t seed, int frames, enum pv_world_range range)
{
    struct pv_world_params p = clip_params(seed, 32, 18, frames);
    p.name = "stack";
    p.range = range;
    return p;
}

static bool is_true(const json_t *truth, const char *key)
{
    const json_t *value = json_object_get(truth, key);
    cr_assert(json_is_boolean(value), "no truth value \"%s\"", key);
    return json_is_true(value);
}

static bool is_pushed(const json_t *truth)
{
    return json_is_integer(json_object_get(truth, "pusher"));
}

/* The farthest that a box is from where it was in the first frame. */
static double moved(const json_t *truth, size_t frame)
{
    double most = 0;
    for (size_t i = 0; i < (size_t)number(truth, "boxes"); i++) {
        const json_t *a = state(truth, 0, i), *b = state(truth, frame, i);
        most = fmax(most, hypot(number(a, "x") - number(b, "x"), number(a, "y") - number(b, "y")));
    }
    return most;
}

Test(stack, half_of_them_stand_and_they_do_what_their_weight_says, .timeout = 120)
{
    enum { CLIPS = 50 };
    const uint64_t first = fresh_seed();
    for (int r = 0; r < 2; r++) {
        int stable = 0, fallen = 0, pushed = 0;
        for (uint64_t seed = first; seed < first + CLIPS; seed++) {
            const struct pv_world_params p = stack_params(seed, 72, r ? PV_WORLD_OUT : PV_WORLD_IN);
            json_t *truth = clip_truth(&p);
            const double boxes = number(truth, "boxes");
            cr_assert(r ? boxes >= 7 && boxes <= 8 : boxes >= 2 && boxes <= 6);
            cr_assert(count(truth, "objects") == (size_t)boxes + is_pushed(truth));
            stable += is_true(truth, "stable");
            fallen += is_true(truth, "fell");
            pushed += is_pushed(truth);
            if (!is_pushed(truth)) /* three seconds are enough for the slowest */
                cr_assert(is_true(truth, "fell") == !is_true(truth, "stable"), "seed %llu", (unsigned long long)seed);
            cr_assert((number(truth, "direction") == 0) == !is_true(truth, "fell"));
            cr_assert(json_is_null(json_object_get(truth, "fell_frame")) == !is_true(truth, "fell"));
            json_decref(truth);
        }
        /* Halves and a quarter, five deviations; what is pushed falls more often. */
        cr_assert(abs(stable - CLIPS / 2) < 18, "%d of %d", stable, CLIPS);
        cr_assert(abs(fallen - CLIPS / 2) < 22, "%d of %d", fallen, CLIPS);
        cr_assert(pushed > 0 && pushed < CLIPS / 4 + 16, "%d of %d", pushed, CLIPS);
    }
}

Test(stack, a_stack_that_stands_stays_at_rest, .timeout = 60)
{
    const uint64_t first = fresh_seed();
    int seen = 0;
    for (uint64_t seed = first; seen < 4; seed++) {
        const enum pv_world_range range = seed % 2 ? PV_WORLD_OUT : PV_WORLD_IN;
        const struct pv_world_params glance = stack_params(seed, 1, range), p = stack_params(seed, 256, range);
        json_t *start = clip_truth(&glance);
        const bool wanted = is_true(start, "stable") && !is_pushed(start);
        json_decref(start);
        if (!wanted)
            continue;
        json_t *truth = clip_truth(&p);
        cr_assert(moved(truth, 255) < 0.03, "seed %llu: moved by %g", (unsigned long long)seed, moved(truth, 255));
        json_decref(truth);
        seen++;
    }
}

/* Whether a frame has a box that lies by stack.c's words; *shift: how far those are to the right of where they were. */
static bool lies(const json_t *truth, size_t frame, double *shift)
{
    bool any = false;
    *shift = 0;
    for (size_t i = 0; i < (size_t)number(truth, "boxes"); i++) {
        const json_t *from = state(truth, 0, i), *to = state(truth, frame, i);
        const double height = number(item(truth, "objects", i), "height");
        const double sunk = number(from, "y") - number(to, "y"), turned = fabs(number(to, "angle")) * 180 / acos(-1);
        if (sunk < height / 2 && turned < 30)
            continue;
        any = true;
        *shift += number(to, "x") - number(from, "x");
    }
    return any;
}

Test(stack, the_fall_is_where_the_truth_says)
{
    const uint64_t first = fresh_seed();
    for (uint64_t seed = first; seed < first + 40; seed++) {
        const struct pv_world_params p = stack_params(seed, 60, PV_WORLD_IN);
        json_t *truth = clip_truth(&p);
        if (is_true(truth, "fell")) {
            const size_t fell = (size_t)number(truth, "fell_frame");
            double shift;
            cr_assert(fell > 0 && fell < 60);
            for (size_t frame = 0; frame <= fell; frame++)
                cr_assert(lies(truth, frame, &shift) == (frame == fell), "seed %llu", (unsigned long long)seed);
            cr_assert(lies(truth, 59, &shift) && shift * number(truth, "direction") > 0, "seed %llu",
                      (unsigned long long)seed);
            cr_assert(moved(truth, 59) > 0.2);
        }
        json_decref(truth);
    }
}
