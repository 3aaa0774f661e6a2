/* The worlds uniform, collision and parabola follow their laws, and the published protocol's ranges. */
#include "clip.h"

static struct pv_world_params law_params(const char *name, uint64_t seed, enum pv_world_range range)
{
    struct pv_world_params p;
    pv_world_params_init(&p, name);
    cr_assert(p.width == 128 && p.height == 128 && p.frames == 32 && p.fps_num == 10 && p.fps_den == 1);
    p.seed = seed;
    p.range = range;
    return p;
}

static bool within(double value, double low, double high)
{
    return value >= low - 1e-12 && value <= high + 1e-12;
}

/* Inside the training range, or in one of the two spans beside it, as "beyond" says. */
static void expect_range(const json_t *truth, const char *what, double value, const double spans[6])
{
    const char *beyond = string(truth, "beyond");
    if (strcmp(beyond, what) == 0 || strcmp(beyond, "both") == 0)
        cr_assert(within(value, spans[2], spans[3]) || within(value, spans[4], spans[5]), "%s %g", what, value);
    else
        cr_assert(within(value, spans[0], spans[1]), "%s %g is not in range", what, value);
}

static const double one_radius[6] = {0.7, 1.4, 0.3, 0.6, 1.5, 2}, two_radius[6] = {0.5, 1.5, 0.3, 0.4, 1.7, 2};
static const double speed[6] = {1, 4, 0, 0.8, 4.5, 6};

static void check_one_ball(const json_t *truth, double gravity, double low_y, double high_y)
{
    const json_t *ball = item(truth, "objects", 0), *s0 = state(truth, 0, 0);
    const double r = number(ball, "radius"), v = number(s0, "vx"), x = number(s0, "x"), y = number(s0, "y");
    cr_assert(count(truth, "objects") == 1 && count(truth, "events") == 0 && number(s0, "vy") == 0);
    cr_assert(json_number_value(item(truth, "gravity", 1)) == gravity);
    expect_range(truth, "size", r, one_radius);
    expect_range(truth, "speed", v, speed);
    cr_assert(within(x, r, fmax(r + 0.5, 10 - 2.4 * v - r)), "starts at %g", x);
    cr_assert(within(y, low_y - (gravity < 0 ? r : -r), high_y - r), "starts at height %g", y);
    for (size_t frame = 0; frame < 32; frame++) {
        const double t = (double)frame / 10;
        const json_t *s = state(truth, frame, 0);
        cr_assert(fabs(number(s, "x") - x - v * t) < 1e-12);
        cr_assert(fabs(number(s, "y") - y - gravity * t * t / 2) < 1e-12);
        cr_assert(fabs(number(s, "vy") - gravity * t) < 1e-12);
    }
}

Test(law, uniform_motion_and_the_parabola_are_exact)
{
    const uint64_t first = fresh_seed();
    int beyond[3] = {0, 0, 0};
    for (uint64_t seed = first; seed < first + 400; seed++) {
        struct pv_world_params p = law_params("uniform", seed, seed % 2 ? PV_WORLD_OUT : PV_WORLD_IN);
        json_t *uniform = clip_truth(&p);
        check_one_ball(uniform, 0, 0.5, 9.5);
        const char *what = string(uniform, "beyond");
        cr_assert((strcmp(what, "nothing") == 0) == (p.range == PV_WORLD_IN));
        beyond[0] += strcmp(what, "size") == 0;
        beyond[1] += strcmp(what, "speed") == 0;
        beyond[2] += strcmp(what, "both") == 0;
        json_decref(uniform);
        p.name = "parabola";
        json_t *parabola = clip_truth(&p);
        check_one_ball(parabola, -2.5, 8.5, 9.5);
        json_decref(parabola);
    }
    for (int i = 0; i < 3; i++) /* 200 / 3, five deviations of 6.7 */
        cr_assert(beyond[i] > 33 && beyond[i] < 101, "%d of 200 clips", beyond[i]);
}

/* Momentum and energy, from the truth's own masses and speeds. */
static void conserved(const json_t *truth, size_t frame, double sums[2])
{
    sums[0] = sums[1] = 0;
    for (size_t i = 0; i < 2; i++) {
        const double m = number(item(truth, "objects", i), "mass"), v = number(state(truth, frame, i), "vx");
        sums[0] += m * v;
        sums[1] += m * v * v / 2;
    }
}

static void check_collision(const json_t *truth)
{
    const json_t *event = item(truth, "events", 0);
    const double met = number(event, "time") * 10;
    cr_assert(count(truth, "objects") == 2 && count(truth, "events") == 1);
    cr_assert(within(met, 8, 24), "they meet after %g frames", met);
    cr_assert(number(event, "frame") == ceil(met));
    double start[2], now[2];
    conserved(truth, 0, start);
    for (size_t i = 0; i < 2; i++) {
        expect_range(truth, "size", number(item(truth, "objects", i), "radius"), two_radius);
        expect_range(truth, "speed", fabs(number(state(truth, 0, i), "vx")), speed);
        cr_assert(number(state(truth, 0, i), "visible") == 1);
        cr_assert(number(state(truth, 0, i), "vx") * (i == 0 ? 1 : -1) >= 0);
    }
    const double radii = number(item(truth, "objects", 0), "radius") + number(item(truth, "objects", 1), "radius");
    for (size_t frame = 0; frame < 32; frame++) {
        const double apart = number(state(truth, frame, 1), "x") - number(state(truth, frame, 0), "x");
        cr_assert(apart > radii - 1e-9, "frame %zu: they overlap", frame);
        conserved(truth, frame, now);
        cr_assert(fabs(now[0] - start[0]) < 1e-9 && fabs(now[1] - start[1]) < 1e-9);
        for (size_t i = 0; i < 2; i++) { /* places follow speeds, once the frame of the contact is left out */
            const json_t *s = state(truth, frame, i);
            if (frame + 1 < 32 && ((double)frame >= met || (double)frame + 1 <= met))
                cr_assert(fabs(number(state(truth, frame + 1, i), "x") - number(s, "x") - number(s, "vx") / 10) < 1e-9);
            cr_assert(number(s, "y") == number(state(truth, 0, 0), "y") && number(s, "vy") == 0);
        }
    }
}

Test(law, a_collision_keeps_momentum_and_energy)
{
    const uint64_t first = fresh_seed();
    for (uint64_t seed = first; seed < first + 400; seed++) {
        const struct pv_world_params p = law_params("collision", seed, seed % 2 ? PV_WORLD_OUT : PV_WORLD_IN);
        json_t *truth = clip_truth(&p);
        check_collision(truth);
        json_decref(truth);
    }
}

/* Where the published parser sees a ball, in units: its mask's mean, pixel centres at (i + .5). */
static void expect_parsed(const uint8_t *rgb, bool red, double x, double y)
{
    double sum_x = 0, sum_y = 0, pixels = 0;
    for (int j = 0; j < 128; j++)
        for (int i = 0; i < 128; i++) {
            const uint8_t *p = &rgb[(j * 128 + i) * 3];
            if (p[1] < 127 && (red ? p[0] > 127 && p[2] < 127 : p[0] < 127 && p[2] > 127)) {
                sum_x += i + 0.5;
                sum_y += 128 - j - 0.5;
                pixels++;
            }
        }
    cr_assert(pixels > 0);
    cr_assert(fabs(sum_x / pixels / 12.8 - x) < 0.02 && fabs(sum_y / pixels / 12.8 - y) < 0.02,
              "parsed at %.3f, %.3f, is at %.3f, %.3f", sum_x / pixels / 12.8, sum_y / pixels / 12.8, x, y);
}

Test(law, balls_are_seen_where_they_are)
{
    static uint8_t rgb[128 * 128 * 3];
    const uint64_t first = fresh_seed();
    for (uint64_t seed = first; seed < first + 10; seed++) {
        const struct pv_world_params p = law_params("collision", seed, PV_WORLD_IN);
        json_t *truth = clip_truth(&p);
        struct pv_world *world = clip_open(&p);
        for (size_t frame = 0; frame < 32; frame++) {
            cr_assert(pv_world_next(world, rgb, sizeof rgb / 128, NULL, NULL) == PV_OK);
            for (size_t i = 0; i < 2; i++)
                if (number(state(truth, frame, i), "visible") == 1)
                    expect_parsed(rgb, i == 0, number(state(truth, frame, i), "x"),
                                  number(state(truth, frame, i), "y"));
            if (frame == 0) /* the ground is white, and so is its corner */
                cr_assert(rgb[0] == 255 && rgb[1] == 255 && rgb[2] == 255);
        }
        pv_world_close(world);
        json_decref(truth);
    }
}

Test(law, skipped_frames_and_scaled_gravity)
{
    struct pv_world_params p = law_params("parabola", 7, PV_WORLD_IN), later = p, half = p, turned = p;
    later.skip = 5;
    later.frames = 20;
    half.gravity_scale = 0.5f;
    turned.gravity_scale = 0; /* from frame 10 on: then it goes on along a line */
    turned.gravity_from = 10;
    json_t *whole = clip_truth(&p), *part = clip_truth(&later), *slow = clip_truth(&half), *line = clip_truth(&turned);
    cr_assert(number(state(line, 10, 0), "y") == number(state(whole, 10, 0), "y"));
    cr_assert(fabs(number(state(line, 20, 0), "y") - number(state(line, 10, 0), "y") + 2.5) < 1e-12);
    json_decref(line);
    cr_assert(fabs(number(state(whole, 9, 0), "y") - number(state(part, 4, 0), "y")) < 1e-12);
    cr_assert(json_number_value(item(slow, "gravity", 1)) == -1.25);
    cr_assert(number(state(slow, 0, 0), "y") == number(state(whole, 0, 0), "y"));
    json_decref(whole);
    json_decref(part);
    json_decref(slow);
}

Test(law, only_squares)
{
    struct pv_world_params p = law_params("uniform", 0, PV_WORLD_IN);
    p.height = 72;
    struct pv_error err = {""};
    struct pv_world *world;
    cr_assert(pv_world_open(&p, &world, &err) == PV_ERR_ARGUMENT && world == NULL);
    cr_assert(strstr(err.text, "uniform is square: it cannot be 128x72") != NULL, "%s", err.text);
}
