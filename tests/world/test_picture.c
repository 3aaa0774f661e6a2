/* Pictures show what the truth says: masks by hue, coverage, backgrounds that stand still. */
#include "clip.h"

enum { SIDE = 128, FRAMES = 30 };

struct picture {
    uint8_t rgb[SIDE * SIDE * 3];
    uint8_t coverage[SIDE * SIDE];
};

static double saturation_of(const uint8_t *rgb)
{
    const int most = rgb[0] > rgb[1] ? (rgb[0] > rgb[2] ? rgb[0] : rgb[2]) : (rgb[1] > rgb[2] ? rgb[1] : rgb[2]);
    const int least = rgb[0] < rgb[1] ? (rgb[0] < rgb[2] ? rgb[0] : rgb[2]) : (rgb[1] < rgb[2] ? rgb[1] : rgb[2]);
    return most ? (double)(most - least) / most : 0;
}

/* Degrees, by the angle in the plane of equal grey. */
static double hue_of(const uint8_t *rgb)
{
    const double angle = atan2(sqrt(3) * (rgb[1] - rgb[2]), 2.0 * rgb[0] - rgb[1] - rgb[2]) * 57.29577951308232;
    return angle < 0 ? angle + 360 : angle;
}

static double hue_distance(double a, double b)
{
    const double d = fabs(a - b);
    return fmin(d, 360 - d);
}

/* The object whose hue a saturated pixel has, or -1. */
static int object_at(const json_t *truth, const uint8_t *rgb)
{
    if (saturation_of(rgb) < 0.45)
        return -1;
    int best = 0;
    for (size_t i = 1; i < count(truth, "objects"); i++)
        if (hue_distance(hue_of(rgb), number(item(truth, "objects", i), "hue")) <
            hue_distance(hue_of(rgb), number(item(truth, "objects", (size_t)best), "hue")))
            best = (int)i;
    return best;
}

/* Two pixels of anything else at each side: its edge is its own. */
static bool stands_alone(const json_t *truth, size_t frame, size_t i)
{
    const json_t *s = state(truth, frame, i);
    if (number(s, "visible") < 1)
        return false;
    for (size_t j = 0; j < count(truth, "objects"); j++) {
        const json_t *o = state(truth, frame, j);
        const double reach = outer_radius(item(truth, "objects", i)) + outer_radius(item(truth, "objects", j));
        if (j != i && hypot(number(s, "x") - number(o, "x"), number(s, "y") - number(o, "y")) < reach + 0.2)
            return false;
    }
    return true;
}

static double area_in_pixels(const json_t *truth, size_t i)
{
    const double unit = number(truth, "pixels_per_unit");
    return number(item(truth, "objects", i), "mass") * unit * unit; /* density is 1 */
}

/* Runs a clip, and look for every frame once the truth is known. */
static void each_frame(const struct pv_world_params *p, void (*look)(const json_t *, size_t, const struct picture *))
{
    static struct picture picture;
    json_t *truth = clip_truth(p);
    struct pv_world *world = clip_open(p);
    for (size_t frame = 0; frame < (size_t)p->frames; frame++) {
        cr_assert(pv_world_next(world, picture.rgb, SIDE * 3, picture.coverage, NULL) == PV_OK);
        look(truth, frame, &picture);
    }
    pv_world_close(world);
    json_decref(truth);
}

static void each_clip(int clips, void (*look)(const json_t *, size_t, const struct picture *))
{
    const uint64_t first = fresh_seed();
    for (uint64_t seed = first; seed < first + (uint64_t)clips; seed++) {
        struct pv_world_params p = clip_params(seed, SIDE, SIDE, FRAMES);
        p.range = seed % 4 == 0 ? PV_WORLD_OUT : PV_WORLD_IN;
        each_frame(&p, look);
    }
}

/* Errors of mask centres over all frames, pixels. */
static struct {
    double sum_x, sum_y, sum_distance;
    int count;
} mask_error;

static void compare_mask_centres(const json_t *truth, size_t frame, const struct picture *picture)
{
    double x[3] = {0}, y[3] = {0}, n[3] = {0};
    for (int j = 0; j < SIDE; j++)
        for (int i = 0; i < SIDE; i++) {
            const int k = object_at(truth, &picture->rgb[(j * SIDE + i) * 3]);
            if (k < 0)
                continue;
            x[k] += i + 0.5;
            y[k] += j + 0.5;
            n[k]++;
        }
    for (size_t k = 0; k < count(truth, "objects"); k++) {
        const json_t *s = state(truth, frame, k);
        if (!stands_alone(truth, frame, k))
            continue;
        cr_assert(n[k] > 0);
        const double dx = x[k] / n[k] - number(s, "px"), dy = y[k] / n[k] - number(s, "py");
        /* A box along the axes is rounded to whole pixels on both sides at once: up to half a pixel. */
        const double limit = is_disc(item(truth, "objects", k)) ? 0.35 : 0.6;
        cr_assert(hypot(dx, dy) < limit, "seed %.0f frame %zu object %zu: mask is off by %g, %g", number(truth, "seed"),
                  frame, k, dx, dy);
        mask_error.sum_x += dx;
        mask_error.sum_y += dy;
        mask_error.sum_distance += hypot(dx, dy);
        mask_error.count++;
    }
}

Test(drop_picture, centres_of_hue_masks_are_those_of_the_truth)
{
    each_clip(24, compare_mask_centres);
    const double n = mask_error.count;
    printf("mask centres: mean distance %.3f px, bias %.3f, %.3f px, %d masks\n", mask_error.sum_distance / n,
           mask_error.sum_x / n, mask_error.sum_y / n, mask_error.count);
    cr_assert(n > 200 && mask_error.sum_distance / n < 0.15);
    /* Truth and renderer differing by half a pixel would show here. */
    cr_assert(fabs(mask_error.sum_x / n) < 0.05 && fabs(mask_error.sum_y / n) < 0.05);
}

static void compare_coverage(const json_t *truth, size_t frame, const struct picture *picture)
{
    for (size_t k = 0; k < count(truth, "objects"); k++) {
        if (!stands_alone(truth, frame, k))
            continue;
        const double px = number(state(truth, frame, k), "px"), py = number(state(truth, frame, k), "py");
        const double reach = outer_radius(item(truth, "objects", k)) * number(truth, "pixels_per_unit") + 1.5;
        double sum = 0, x = 0, y = 0;
        for (int j = 0; j < SIDE; j++)
            for (int i = 0; i < SIDE; i++) {
                if (hypot(i + 0.5 - px, j + 0.5 - py) > reach)
                    continue;
                const double cover = picture->coverage[j * SIDE + i] / 255.0;
                sum += cover;
                x += cover * (i + 0.5);
                y += cover * (j + 0.5);
            }
        const double area = area_in_pixels(truth, k);
        cr_assert(fabs(sum - area) < 0.02 * area + 1, "seed %.0f frame %zu object %zu: %g pixels, not %g",
                  number(truth, "seed"), frame, k, sum, area);
        /* The distance to the edge is not quite coverage at corners: it shows on small boxes. */
        cr_assert(hypot(x / sum - px, y / sum - py) < 0.15, "seed %.0f frame %zu object %zu: off by %g, %g",
                  number(truth, "seed"), frame, k, x / sum - px, y / sum - py);
    }
}

Test(drop_picture, coverage_has_the_area_and_the_middle_of_the_bodies)
{
    each_clip(24, compare_coverage);
}

static void compare_colours(const json_t *truth, size_t frame, const struct picture *picture)
{
    for (int i = 0; i < SIDE * SIDE; i++) {
        const uint8_t *rgb = &picture->rgb[i * 3];
        if (picture->coverage[i] == 0)
            cr_assert(saturation_of(rgb) < 0.25, "seed %.0f frame %zu: background %d %d %d", number(truth, "seed"),
                      frame, rgb[0], rgb[1], rgb[2]);
        else if (picture->coverage[i] == 255)
            cr_assert(saturation_of(rgb) > 0.7 && object_at(truth, rgb) >= 0, "seed %.0f frame %zu: body %d %d %d",
                      number(truth, "seed"), frame, rgb[0], rgb[1], rgb[2]);
    }
}

Test(drop_picture, bodies_are_saturated_and_nothing_else_is)
{
    each_clip(12, compare_colours);
}

Test(drop_picture, hues_of_a_clip_are_well_separated)
{
    const uint64_t first = fresh_seed();
    for (uint64_t seed = first; seed < first + 500; seed++) {
        const struct pv_world_params p = clip_params(seed, 32, 32, 1);
        json_t *truth = clip_truth(&p);
        for (size_t i = 0; i < count(truth, "objects"); i++)
            for (size_t j = 0; j < i; j++)
                cr_assert(hue_distance(number(item(truth, "objects", i), "hue"),
                                       number(item(truth, "objects", j), "hue")) > 85,
                          "seed %llu", (unsigned long long)seed);
        json_decref(truth);
    }
}

Test(drop_picture, what_no_body_covers_stands_still)
{
    const struct pv_world_params p = clip_params(fresh_seed(), SIDE, SIDE, FRAMES);
    static struct picture picture;
    static uint8_t still[SIDE * SIDE * 3];
    static bool seen[SIDE * SIDE];
    struct pv_world *world = clip_open(&p);
    int compared = 0;
    while (pv_world_next(world, picture.rgb, SIDE * 3, picture.coverage, NULL) == PV_OK)
        for (int i = 0; i < SIDE * SIDE; i++) {
            if (picture.coverage[i] > 0)
                continue;
            if (seen[i])
                cr_assert(memcmp(&still[i * 3], &picture.rgb[i * 3], 3) == 0);
            compared += seen[i];
            seen[i] = true;
            memcpy(&still[i * 3], &picture.rgb[i * 3], 3);
        }
    cr_assert(compared > SIDE * SIDE * FRAMES / 2);
    pv_world_close(world);
}

Test(drop_picture, a_mark_turns_with_its_disc)
{
    /* The dark pixels' direction from the middle, against the angle: their difference is constant in free fall. */
    const uint64_t first = fresh_seed();
    int measured = 0;
    for (uint64_t seed = first; measured < 5; seed++) {
        const struct pv_world_params p = clip_params(seed, SIDE, SIDE, 6);
        json_t *truth = clip_truth(&p);
        const json_t *disc = item(truth, "objects", 0);
        if (count(truth, "objects") == 1 && is_disc(disc) && number(disc, "radius") > 0.7) {
            static struct picture picture;
            struct pv_world *world = clip_open(&p);
            double offset = 0;
            for (size_t frame = 0; frame < 6; frame++) {
                const json_t *s = state(truth, frame, 0);
                cr_assert(pv_world_next(world, picture.rgb, SIDE * 3, picture.coverage, NULL) == PV_OK);
                double x = 0, y = 0;
                for (int i = 0; i < SIDE * SIDE; i++) {
                    const uint8_t *rgb = &picture.rgb[i * 3];
                    int most = 0, colour = 0;
                    for (size_t c = 0; c < 3; c++) {
                        most = rgb[c] > most ? rgb[c] : most;
                        const int full = (int)json_integer_value(item(disc, "colour", c));
                        colour = full > colour ? full : colour;
                    }
                    if (picture.coverage[i] == 255 && most < 0.75 * colour) {
                        x += i % SIDE + 0.5 - number(s, "px");
                        y -= (int)(i / SIDE) + 0.5 - number(s, "py");
                    }
                }
                const double turned = atan2(y, x) - number(s, "angle");
                if (frame == 0)
                    offset = turned;
                cr_assert(fabs(remainder(turned - offset, 6.283185307179586)) < 0.3, "seed %llu frame %zu",
                          (unsigned long long)seed, frame);
            }
            pv_world_close(world);
            measured++;
        }
        json_decref(truth);
    }
}
