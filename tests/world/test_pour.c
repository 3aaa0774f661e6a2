/* The world pour: liquid keeps its volume, comes to rest flat, stays in what holds it, and is drawn where it is. */
#include "clip.h"
#include "world/fluid.h"
#include "world/liquid.h"

enum { STEPS_A_SECOND = 240 };

/* A tank, 2 wide inside, its floor at y = 1, in a box of 6 x 5 units. Liquid is dropped in as a tilted heap. */
static void open_tank(struct pv_fluid *f, int count, double spacing)
{
    struct pv_error err = {""};
    cr_assert(pv_fluid_open(f, count, spacing, (struct pv_point){0, 0}, (struct pv_point){6, 5}, &err) == PV_OK);
    f->gravity.y = -8;
    const struct pv_bar bars[] = {
        {{1.92, 4}, {1.92, 0.92}, 0.08}, {{1.92, 0.92}, {4.08, 0.92}, 0.08}, {{4.08, 0.92}, {4.08, 4}, 0.08}};
    for (int i = 0; i < 3; i++)
        f->solids[f->solid_count++] = bars[i];
    const int across = (int)(1 / spacing);
    for (int i = 0; i < count; i++)
        f->at[i] = (struct pv_point){2.05 + spacing * (i % across), 1.1 + spacing * (i / across)};
}

static void run(struct pv_fluid *f, double seconds)
{
    for (int i = 0; i < seconds * STEPS_A_SECOND; i++)
        pv_fluid_step(f, 1.0 / STEPS_A_SECOND);
}

Test(fluid, keeps_its_volume_and_comes_to_rest_flat)
{
    static const double spacings[] = {0.04, 0.055};
    for (size_t n = 0; n < 2; n++) {
        struct pv_fluid f = {0};
        const int count = n ? 600 : 1200;
        open_tank(&f, count, spacings[n]);
        run(&f, 9);
        /* In 20 columns: the highest particle. In all: the mean height, which is half the depth over the floor. */
        double top[20] = {0}, mean = 0, speed = 0;
        for (int i = 0; i < count; i++) {
            const int column = (int)((f.at[i].x - 2) * 10);
            cr_assert(column >= 0 && column < 20 && f.at[i].y > 1, "a particle left the tank");
            top[column] = fmax(top[column], f.at[i].y);
            mean += f.at[i].y / count;
            speed += hypot(f.velocity[i].x, f.velocity[i].y) / count;
        }
        const double depth = count * spacings[n] * spacings[n] / 2;
        cr_assert(fabs(2 * (mean - 1) - depth) < 0.03 * depth, "depth %g, not %g", 2 * (mean - 1), depth);
        for (int i = 0; i < 20; i++) /* the middle of the highest is half a spacing under the surface */
            cr_assert(fabs(top[i] - 1 - (depth - spacings[n] / 2)) < spacings[n], "column %d: %g, not %g", i,
                      top[i] - 1, depth);
        cr_assert(speed < 0.08, "still moves at %g", speed);
        pv_fluid_close(&f);
    }
}

Test(fluid, density_never_runs_away)
{
    /* While it splashes: no particle has far more neighbours than at rest, where a disc of the kernel's reach holds
     * pi * 2.5^2 = 19.6 of them. */
    struct pv_fluid f = {0};
    open_tank(&f, 800, 0.05);
    for (int frame = 0; frame < 40; frame++) {
        run(&f, 1.0 / 24);
        double sum = 0;
        int most = 0;
        for (int i = 0; i < f.count; i++) {
            int near = 0;
            for (int k = 0; k < f.count; k++)
                near += hypot(f.at[i].x - f.at[k].x, f.at[i].y - f.at[k].y) < 2.5 * f.spacing;
            most = near > most ? near : most;
            sum += near;
        }
        cr_assert(sum / f.count < 20.5 && most < 34, "frame %d: mean %g, most %d", frame, sum / f.count, most);
    }
    pv_fluid_close(&f);
}

static struct pv_world_params pour_params(uint64_t seed, int frames, enum pv_world_range range)
{
    struct pv_world_params p = clip_params(seed, 128, 72, frames);
    p.name = "pour";
    p.range = range;
    return p;
}

Test(pour, nothing_leaks_and_shares_add_up, .timeout = 120)
{
    const uint64_t first = fresh_seed();
    int targets = 0, caught = 0;
    for (uint64_t seed = first; seed < first + 4; seed++) {
        const struct pv_world_params p = pour_params(seed, 80, seed % 2 ? PV_WORLD_OUT : PV_WORLD_IN);
        json_t *truth = clip_truth(&p);
        const json_t *cup = json_object_get(truth, "cup");
        const bool has_target = json_is_object(json_object_get(truth, "target"));
        targets += has_target;
        cr_assert(has_target == json_is_null(json_object_get(truth, "obstacle")));
        const double particles = number(json_object_get(truth, "liquid"), "particles");
        cr_assert(p.range == PV_WORLD_IN ? particles >= 600 && particles <= 1500 : particles >= 1800);
        for (size_t frame = 0; frame < 80; frame++) {
            const json_t *s = item(truth, "trajectory", frame);
            const double in = number(s, "cup"), target = number(s, "target"), spilled = number(s, "spilled");
            cr_assert(in >= 0 && target >= 0 && spilled >= 0 && in + target + spilled <= 1 + 1e-9);
            if (number(s, "time") < number(cup, "starts"))
                cr_assert(in == 1, "seed %llu: %g in the cup before it tilts", (unsigned long long)seed, in);
        }
        const json_t *last = item(truth, "trajectory", 79);
        cr_assert(fabs(fabs(number(last, "angle")) - 1.9199) < 1e-3);
        cr_assert(number(truth, "poured") > 0.9, "seed %llu: poured %g", (unsigned long long)seed,
                  number(truth, "poured"));
        caught += has_target && number(last, "target") > 0.3;
        cr_assert(strcmp(string(item(truth, "events", 0), "what"), "pours") == 0);
        json_decref(truth);
    }
    cr_assert(targets < 3 || caught > 0, "%d targets, and none caught anything", targets);
}

Test(pour, is_drawn_as_large_as_it_is)
{
    /* A block of particles, drawn: coverage adds up to the area. Twice as fine a picture shows the same. */
    enum { COUNT = 900 };
    const double spacing = 0.05;
    static struct pv_point at[COUNT];
    for (int i = 0; i < COUNT; i++)
        at[i] = (struct pv_point){2 + spacing * (i % 30 + 0.5), 2 + spacing * (i / 30 + 0.5)};
    for (int size = 128; size <= 512; size *= 2) {
        struct pv_liquid liquid = {.deep = {0, 0, 1}, .bright = {0, 0, 1}};
        struct pv_error err = {""};
        cr_assert(pv_liquid_open(&liquid, size, size, &err) == PV_OK);
        const size_t pixels = (size_t)size * (size_t)size;
        uint8_t *rgb = calloc(pixels, 3), *coverage = calloc(pixels, 1);
        cr_assert(rgb && coverage);
        const struct pv_canvas canvas = {size, size, size / 10.0, rgb, (size_t)size * 3, coverage};
        pv_liquid_draw(&liquid, &canvas, at, COUNT, spacing);
        double area = 0;
        for (size_t i = 0; i < pixels; i++)
            area += coverage[i] / 255.0 * 100 / (double)pixels;
        cr_assert(fabs(area - 2.25) < 0.06, "%d pixels: area %g, not 2.25", size, area);
        free(rgb);
        free(coverage);
        pv_liquid_close(&liquid);
    }
}
