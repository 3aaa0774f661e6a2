/* Bodies are found where they are, by hue alone. */
#include <criterion/criterion.h>

#include <math.h>
#include <string.h>

#include "eval/object.h"

enum { WIDTH = 80, HEIGHT = 60 };

static uint8_t picture[WIDTH * HEIGHT * 3];

static void paint_grey(void)
{
    memset(picture, 140, sizeof picture);
}

static void rectangle(int left, int top, int width, int height, uint8_t r, uint8_t g, uint8_t b)
{
    for (int j = top; j < top + height; j++)
        for (int i = left; i < left + width; i++) {
            uint8_t *p = &picture[(j * WIDTH + i) * 3];
            p[0] = r;
            p[1] = g;
            p[2] = b;
        }
}

Test(eval_object, hues_are_those_of_the_colour_circle)
{
    static const struct {
        uint8_t rgb[3];
        double hue;
    } known[] = {{{255, 0, 0}, 0},     {{255, 255, 0}, 60}, {{0, 255, 0}, 120},
                 {{0, 255, 255}, 180}, {{0, 0, 255}, 240},  {{255, 0, 255}, 300},
                 {{200, 100, 50}, 20}, {{50, 50, 50}, 0},   {{255, 0, 51}, 348}};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        cr_expect_float_eq(pv_pixel_hue(known[i].rgb), known[i].hue, 1e-9, "colour %zu: %f", i,
                           pv_pixel_hue(known[i].rgb));
}

Test(eval_object, centre_and_area_of_a_rectangle, .init = paint_grey)
{
    const struct pv_object_look looks[2] = {{PV_LOOK_HUE, 120, 15}, {PV_LOOK_HUE, 5, 15}};
    struct pv_sighting found[2];
    rectangle(10, 20, 8, 5, 20, 200, 30);
    rectangle(50, 30, 3, 7, 220, 20, 60); /* hue 348: 17 degrees away from 5 */
    rectangle(60, 30, 4, 4, 220, 20, 40); /* hue 354: 11 degrees away, across 0 */
    pv_objects_find(picture, WIDTH, HEIGHT, looks, 2, found);
    cr_expect_float_eq(found[0].area, 40, 0);
    cr_expect_float_eq(found[0].x, 14, 1e-12);
    cr_expect_float_eq(found[0].y, 22.5, 1e-12);
    cr_expect_float_eq(found[1].area, 16, 0);
    cr_expect_float_eq(found[1].x, 62, 1e-12);
}

Test(eval_object, pale_and_tiny_things_are_not_bodies, .init = paint_grey)
{
    const struct pv_object_look look = {PV_LOOK_HUE, 0, 15};
    struct pv_sighting found;
    rectangle(0, 0, 30, 30, 180, 140, 140); /* a reddish wall */
    rectangle(40, 40, 11, 1, 220, 20, 20);
    pv_objects_find(picture, WIDTH, HEIGHT, &look, 1, &found);
    cr_expect_float_eq(found.area, 11, 0);
    cr_expect(isnan(found.x) && isnan(found.y), "11 pixels are too few for a centre");
}

/* The protocol's masks are thresholds at 127, whatever the hue. */
Test(eval_object, the_law_masks_are_thresholds)
{
    const struct pv_object_look looks[2] = {{PV_LOOK_RED, 0, 0}, {PV_LOOK_BLUE, 0, 0}};
    struct pv_sighting found[2];
    memset(picture, 255, sizeof picture);
    rectangle(4, 4, 6, 6, 255, 0, 0);
    rectangle(10, 4, 1, 6, 255, 126, 126); /* more than half covered */
    rectangle(3, 4, 1, 6, 255, 129, 129);  /* less */
    rectangle(40, 10, 4, 8, 120, 90, 128);
    pv_objects_find(picture, WIDTH, HEIGHT, looks, 2, found);
    cr_expect_float_eq(found[0].area, 42, 0);
    cr_expect_float_eq(found[0].x, 7.5, 1e-12);
    cr_expect_float_eq(found[1].area, 32, 0);
    cr_expect_float_eq(found[1].y, 14, 1e-12);
}
