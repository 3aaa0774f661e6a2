/* The world drop obeys mechanics: parabolas, restitution, momentum, energy, and nothing passes through anything. */
#include "clip.h"

/* The first event that object i has with anything, in seconds, or a time after the clip. */
static double first_contact(const json_t *truth, size_t i)
{
    for (size_t k = 0; k < count(truth, "events"); k++) {
        const json_t *e = item(truth, "events", k);
        const bool other = strcmp(string(e, "what"), "object") == 0 && (size_t)number(e, "other") == i;
        if ((size_t)number(e, "object") == i || other)
            return number(e, "time");
    }
    return 1e9;
}

Test(drop, free_fall_is_the_parabola)
{
    const uint64_t first = fresh_seed();
    for (uint64_t seed = first; seed < first + 50; seed++) {
        struct pv_world_params p = clip_params(seed, 64, 64, 40);
        p.range = seed % 2 ? PV_WORLD_OUT : PV_WORLD_IN;
        json_t *truth = clip_truth(&p);
        const double g = json_number_value(item(truth, "gravity", 1)), half_substep = 0.5 / 480;
        for (size_t i = 0; i < count(truth, "objects"); i++) {
            const json_t *s0 = state(truth, 0, i);
            const double vx = number(s0, "vx"), vy = number(s0, "vy") - g * half_substep;
            for (size_t frame = 0; frame < 40; frame++) {
                const double t = number(item(truth, "trajectory", frame), "time");
                if (t >= first_contact(truth, i))
                    break;
                const json_t *s = state(truth, frame, i);
                cr_assert(fabs(number(s, "x") - number(s0, "x") - vx * t) < 1e-9);
                cr_assert(fabs(number(s, "y") - number(s0, "y") - vy * t - g * t * t / 2) < 1e-9,
                          "seed %llu object %zu frame %zu", (unsigned long long)seed, i, frame);
                cr_assert(fabs(number(s, "angle") - number(s0, "angle") - number(s0, "spin") * t) < 1e-9);
            }
        }
        json_decref(truth);
    }
}

/* Until the turn, one parabola; from there on the other, without a jump. */
Test(drop, gravity_turns_in_the_middle_of_a_fall)
{
    enum { TURN = 7 };
    const uint64_t first = fresh_seed();
    int falls = 0;
    for (uint64_t seed = first; seed < first + 50; seed++) {
        struct pv_world_params p = clip_params(seed, 64, 64, 40);
        p.skip = (int)(seed % 3);
        p.gravity_scale = 0.5f;
        p.gravity_from = TURN;
        json_t *truth = clip_truth(&p);
        const double before = json_number_value(item(truth, "gravity", 1)), half_substep = 0.5 / 480;
        const double g = json_number_value(item(truth, "gravity_then", 1));
        cr_assert(number(truth, "gravity_from") == TURN && g == before / 2);
        for (size_t i = 0; i < count(truth, "objects"); i++) {
            const json_t *s0 = state(truth, 0, i), *s = state(truth, TURN + 5, i);
            const double early = TURN / 24.0, late = 5 / 24.0, v0 = number(s0, "vy") - before * half_substep;
            if (first_contact(truth, i) < early + late + 2 * half_substep)
                continue;
            falls++;
            const double fell = before * early * early / 2 + before * early * late + g * late * late / 2;
            cr_assert(fabs(number(s, "y") - number(s0, "y") - v0 * (early + late) - fell) < 1e-9,
                      "seed %llu object %zu", (unsigned long long)seed, i);
            cr_assert(fabs(number(s, "vy") - v0 - before * early - g * (late + half_substep)) < 1e-9);
        }
        json_decref(truth);
    }
    cr_assert(falls > 20, "%d bodies fell freely long enough", falls);
}

/* How many objects a clip has, and whether the first is a disc: asked before a long clip is simulated. */
static size_t objects_of(uint64_t seed, bool *disc)
{
    const struct pv_world_params p = clip_params(seed, 32, 32, 1);
    json_t *truth = clip_truth(&p);
    const size_t objects = count(truth, "objects");
    *disc = is_disc(item(truth, "objects", 0));
    json_decref(truth);
    return objects;
}

Test(drop, a_disc_bounces_as_high_as_its_restitution_says)
{
    const uint64_t first = fresh_seed();
    int bounces = 0;
    for (uint64_t seed = first; bounces < 12; seed++) {
        bool disc_first;
        if (objects_of(seed, &disc_first) != 1 || !disc_first)
            continue;
        struct pv_world_params p = clip_params(seed, 32, 32, 1200);
        p.fps_num = 480; /* a frame a substep */
        json_t *truth = clip_truth(&p);
        const json_t *disc = item(truth, "objects", 0);
        bool suits = count(truth, "events") >= 2;
        for (size_t k = 0; suits && k < 2; k++) /* a wall's friction would take part */
            suits = strcmp(string(item(truth, "events", k), "what"), "floor") == 0;
        if (suits) {
            const json_t *hit = item(truth, "events", 0);
            const double g = -json_number_value(item(truth, "gravity", 1)), e = number(disc, "restitution");
            const size_t from = (size_t)number(hit, "frame"), to = (size_t)number(item(truth, "events", 1), "frame");
            double top = 0;
            for (size_t f = from; f < to; f++)
                top = fmax(top, number(state(truth, f, 0), "y"));
            const double rise = top - number(truth, "floor") - number(disc, "radius");
            const double fall = number(hit, "speed") * number(hit, "speed") / (2 * g);
            /* A hit is noticed up to a substep late: v / 480 of depth, under .03 units; g / 480 of speed. */
            cr_assert(fabs(rise - e * e * fall) < 0.03 + 0.01 * fall, "seed %llu: rose %g of %g, restitution %g",
                      (unsigned long long)seed, rise, fall, e);
            bounces++;
        }
        json_decref(truth);
    }
}

/* Objects i and j meet in `hit`; from frame `before` to frame `after` nothing else touches them. */
static void compare_momentum(const json_t *truth, const json_t *hit, size_t before, size_t after)
{
    const size_t i = (size_t)number(hit, "object"), j = (size_t)number(hit, "other");
    const double ma = number(item(truth, "objects", i), "mass"), mb = number(item(truth, "objects", j), "mass");
    const double g = json_number_value(item(truth, "gravity", 1)), t = (double)(after - before) / 480;
    const json_t *a0 = state(truth, before, i), *a1 = state(truth, after, i);
    const json_t *b0 = state(truth, before, j), *b1 = state(truth, after, j);
    const double px = ma * (number(a1, "vx") - number(a0, "vx")) + mb * (number(b1, "vx") - number(b0, "vx"));
    const double py = ma * (number(a1, "vy") - number(a0, "vy")) + mb * (number(b1, "vy") - number(b0, "vy"));
    cr_assert(fabs(px) < 1e-6 && fabs(py - (ma + mb) * g * t) < 1e-6, "seed %.0f: momentum changed by %g, %g",
              number(truth, "seed"), px, py - (ma + mb) * g * t);
}

/* Between discs the normal is the line of their middles, and spin has no part in it. */
static void compare_speed_apart(const json_t *truth, const json_t *hit, size_t after)
{
    const size_t i = (size_t)number(hit, "object"), j = (size_t)number(hit, "other");
    const json_t *a = state(truth, (size_t)number(hit, "frame"), i), *b = state(truth, (size_t)number(hit, "frame"), j);
    const double nx = number(b, "x") - number(a, "x"), ny = number(b, "y") - number(a, "y");
    const json_t *a1 = state(truth, after, i), *b1 = state(truth, after, j);
    const double vx = number(b1, "vx") - number(a1, "vx"), vy = number(b1, "vy") - number(a1, "vy");
    const double away = (vx * nx + vy * ny) / hypot(nx, ny), met = number(hit, "speed");
    const double e =
        sqrt(number(item(truth, "objects", i), "restitution") * number(item(truth, "objects", j), "restitution"));
    cr_assert(fabs(away - e * met) < 0.02 * met + 0.02, "seed %.0f: apart at %g after meeting at %g, restitution %g",
              number(truth, "seed"), away, met, e);
}

Test(drop, a_collision_in_mid_air_keeps_momentum_and_bounces_by_the_mean_restitution)
{
    const uint64_t first = fresh_seed();
    int collisions = 0, discs = 0;
    for (uint64_t seed = first; collisions < 8 || discs < 2; seed++) {
        bool disc_first;
        if (objects_of(seed, &disc_first) < 2)
            continue;
        struct pv_world_params p = clip_params(seed, 32, 32, 480);
        p.fps_num = 480;
        json_t *truth = clip_truth(&p);
        const bool touched = count(truth, "events") >= 2;
        const json_t *hit = touched ? item(truth, "events", 0) : NULL;
        if (touched && strcmp(string(hit, "what"), "object") == 0 && number(hit, "frame") >= 4) {
            const size_t before = (size_t)number(hit, "frame") - 4, after = before + 24;
            if (number(item(truth, "events", 1), "frame") > (double)after && after < 480) {
                compare_momentum(truth, hit, before, after);
                collisions++;
                if (is_disc(item(truth, "objects", (size_t)number(hit, "object"))) &&
                    is_disc(item(truth, "objects", (size_t)number(hit, "other")))) {
                    compare_speed_apart(truth, hit, after);
                    discs++;
                }
            }
        }
        json_decref(truth);
    }
}

static double energy(const json_t *truth, size_t frame)
{
    double sum = 0;
    const double g = -json_number_value(item(truth, "gravity", 1));
    for (size_t i = 0; i < count(truth, "objects"); i++) {
        const json_t *o = item(truth, "objects", i), *s = state(truth, frame, i);
        const double m = number(o, "mass"), vx = number(s, "vx"), vy = number(s, "vy"), w = number(s, "spin");
        const double moment = is_disc(o) ? m * number(o, "radius") * number(o, "radius") / 2
                                         : m * (pow(number(o, "width"), 2) + pow(number(o, "height"), 2)) / 12;
        sum += m * g * (number(s, "y") - number(truth, "floor")) + m * (vx * vx + vy * vy) / 2 + moment * w * w / 2;
    }
    return sum;
}

static double distance_to_ramp(const json_t *ramp, double x, double y)
{
    const double ax = json_number_value(item(ramp, "from", 0)), ay = json_number_value(item(ramp, "from", 1));
    const double dx = json_number_value(item(ramp, "to", 0)) - ax, dy = json_number_value(item(ramp, "to", 1)) - ay;
    const double t = fmin(fmax(((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy), 0), 1);
    return hypot(x - ax - t * dx, y - ay - t * dy) - number(ramp, "radius");
}

/* Whether something may touch two others at once: both contacts are solved together, each with its own restitution, and
 * what is squeezed like that may gain. */
static bool squeezed(const json_t *truth, size_t frame)
{
    const double room = 0.25;
    for (size_t i = 0; i < count(truth, "objects"); i++) {
        const double reach = outer_radius(item(truth, "objects", i)) + room;
        const json_t *s = state(truth, frame, i);
        const double x = number(s, "x"), y = number(s, "y");
        int near = (y < number(truth, "floor") + reach) + (x < reach) + (x > 10 - reach) +
                   (y > json_number_value(item(truth, "size", 1)) - reach);
        for (size_t k = 0; k < count(truth, "ramps"); k++)
            near += distance_to_ramp(item(truth, "ramps", k), x, y) < reach;
        for (size_t j = 0; j < count(truth, "objects"); j++) {
            const json_t *o = state(truth, frame, j);
            const double gap = hypot(number(o, "x") - x, number(o, "y") - y) - outer_radius(item(truth, "objects", j));
            near += j != i && gap < reach;
        }
        if (near > 1)
            return true;
    }
    return false;
}

/* Energy grows by no more than half a substep of gravity is, where nothing is squeezed. Returns how many frames that
 * was looked at in; blows: how many contacts the clip has. */
static int expect_no_gain(uint64_t seed, int *blows)
{
    struct pv_world_params p = clip_params(seed, 64, 64, 120);
    p.range = seed % 2 ? PV_WORLD_OUT : PV_WORLD_IN;
    json_t *truth = clip_truth(&p);
    *blows = (int)count(truth, "events");
    int compared = 0;
    double least = energy(truth, 0);
    const double allowed = 0.01 * least + 0.05;
    for (size_t frame = 1; frame < 120; frame++) {
        const double now = energy(truth, frame);
        if (squeezed(truth, frame - 1) || squeezed(truth, frame)) {
            least = fmax(least, now);
            continue;
        }
        cr_assert(now < least + allowed, "seed %llu frame %zu: %g after %g", (unsigned long long)seed, frame, now,
                  least);
        least = fmin(least, now);
        compared++;
    }
    json_decref(truth);
    return compared;
}

Test(drop, energy_does_not_grow)
{
    const uint64_t first = fresh_seed();
    int blows = 0, compared = 0;
    for (uint64_t seed = first; seed < first + 60; seed++) {
        int here;
        compared += expect_no_gain(seed, &here);
        blows += here;
    }
    cr_assert(blows > 120 && compared > 60 * 40, "%d blows, %d frames compared", blows, compared);
}

/* Boxes that meet something with a corner: by Newton's law alone each gains more than 2 % at a blow. */
Test(drop, friction_at_a_corner_gives_no_energy)
{
    static const uint64_t seeds[] = {3000016, 4000061, 33000114, 37000165, 56000214, 112255657633024};
    for (size_t i = 0; i < sizeof seeds / sizeof seeds[0]; i++) {
        int blows;
        cr_assert(expect_no_gain(seeds[i], &blows) > 40);
        cr_assert(blows > 0);
    }
}

Test(drop, nothing_leaves_the_picture_or_enters_anything)
{
    static const int sizes[][2] = {{64, 64}, {128, 72}, {64, 128}, {128, 64}};
    const uint64_t first = fresh_seed();
    const double give = 0.08; /* corners are pushed in a little when three things squeeze one */
    for (uint64_t seed = first; seed < first + 240; seed++) {
        const int *size = sizes[seed % 4];
        struct pv_world_params p = clip_params(seed, size[0], size[1], 96);
        p.range = seed / 4 % 2 ? PV_WORLD_OUT : PV_WORLD_IN;
        p.gravity_scale = seed % 5 ? 1 : 2;
        json_t *truth = clip_truth(&p);
        const double high = json_number_value(item(truth, "size", 1)), low = number(truth, "floor");
        for (size_t frame = 0; frame < 96; frame++)
            for (size_t i = 0; i < count(truth, "objects"); i++) {
                const double r = inner_radius(item(truth, "objects", i));
                const json_t *s = state(truth, frame, i);
                const double x = number(s, "x"), y = number(s, "y");
                cr_assert(x > r - give && x < 10 - r + give && y > low + r - give && y < high - r + give,
                          "seed %llu frame %zu object %zu is at %g, %g", (unsigned long long)seed, frame, i, x, y);
                for (size_t k = 0; k < count(truth, "ramps"); k++)
                    cr_assert(distance_to_ramp(item(truth, "ramps", k), x, y) > r - give,
                              "seed %llu frame %zu object %zu is in ramp %zu", (unsigned long long)seed, frame, i, k);
                for (size_t j = 0; j < i; j++) {
                    const json_t *o = state(truth, frame, j);
                    cr_assert(hypot(x - number(o, "x"), y - number(o, "y")) >
                                  r + inner_radius(item(truth, "objects", j)) - give,
                              "seed %llu frame %zu: objects %zu and %zu overlap", (unsigned long long)seed, frame, i,
                              j);
                }
            }
        json_decref(truth);
    }
}

Test(drop, first_contact_is_when_a_disc_is_a_radius_above_the_floor)
{
    const uint64_t first = fresh_seed();
    int found = 0;
    for (uint64_t seed = first; seed < first + 60; seed++) {
        struct pv_world_params p = clip_params(seed, 64, 64, 60);
        json_t *truth = clip_truth(&p);
        for (size_t k = 0; k < count(truth, "events"); k++) {
            const json_t *e = item(truth, "events", k);
            const size_t i = (size_t)number(e, "object"), frame = (size_t)number(e, "frame");
            const json_t *o = item(truth, "objects", i);
            if (strcmp(string(e, "what"), "floor") != 0 || !json_is_true(json_object_get(e, "first")) || !is_disc(o))
                continue;
            const double ground = number(truth, "floor") + number(o, "radius");
            for (size_t f = 0; f < frame; f++)
                cr_assert(number(state(truth, f, i), "y") > ground - 1e-9);
            const double late = number(e, "time") * 24 - (double)frame;
            cr_assert(late <= 1e-9 && late > -1);
            cr_assert(fabs(number(e, "y") - number(truth, "floor")) < 0.05);
            found++;
        }
        json_decref(truth);
    }
    cr_assert(found > 10);
}

Test(drop, ranges_do_not_overlap)
{
    const uint64_t first = fresh_seed();
    for (uint64_t seed = first; seed < first + 200; seed++)
        for (int out = 0; out < 2; out++) {
            struct pv_world_params p = clip_params(seed, 128, 72, 1);
            p.range = out ? PV_WORLD_OUT : PV_WORLD_IN;
            json_t *truth = clip_truth(&p);
            const double g = -json_number_value(item(truth, "gravity", 1));
            cr_assert(out ? g >= 9 && g < 15 : g >= 6 && g < 10);
            cr_assert(count(truth, "objects") >= 1 && count(truth, "objects") <= 3 && count(truth, "ramps") <= 2);
            for (size_t i = 0; i < count(truth, "objects"); i++) {
                const json_t *o = item(truth, "objects", i), *s = state(truth, 0, i);
                const double half = is_disc(o) ? number(o, "radius") : number(o, "width") / 2;
                const bool usual = half >= 0.45 && half < 1.1;
                cr_assert(usual == !out, "seed %llu: half size %g", (unsigned long long)seed, half);
                cr_assert(number(o, "restitution") >= 0.2 && number(o, "restitution") < 0.9);
                cr_assert(number(o, "friction") >= 0.2 && number(o, "friction") < 0.8);
                cr_assert(hypot(number(s, "vx"), number(s, "vy")) < (out ? 5.02 : 3.02));
                cr_assert(number(s, "y") > json_number_value(item(truth, "size", 1)) / 3 - 1e-9);
            }
            json_decref(truth);
        }
}
