/* Liquid is counted where it is: by hand, and in pictures of the world itself. */
#include <criterion/criterion.h>

#include <math.h>
#include <string.h>

#include "eval/pour.h"
#include "world/world.h"

enum { SIDE = 100 };

static uint8_t picture[SIDE * SIDE * 3];

static void fill(int left, int top, int width, int height)
{
    for (int j = top; j < top + height; j++)
        for (int i = left; i < left + width; i++)
            memcpy(&picture[(j * SIDE + i) * 3], (uint8_t[]){20, 60, 200}, 3);
}

/* 10 units wide: 10 pixels a unit. The cup is 2 x 3 units around (3, 7), the target 4 x 2 on the floor at y = 1. */
static json_t *truth(void)
{
    return json_pack("{s:f, s:i, s:{s:f}, s:{s:f, s:f, s:f, s:f}, s:{s:f, s:f, s:f, s:f}, s:[{s:f, s:f, s:f}]}",
                     "pixels_per_unit", 10.0, "height", SIDE, "liquid", "hue", 226.7, "cup", "x", 3.0, "y", 7.0,
                     "width", 2.0, "height", 3.0, "target", "x", 7.0, "y", 1.0, "width", 4.0, "height", 2.0,
                     "trajectory", "angle", 0.0, "cup", 0.4, "level", 0.5);
}

Test(eval_pour, liquid_by_hand)
{
    struct pv_pour *pour;
    struct pv_error err = {{0}};
    json_t *json = truth();
    cr_assert_eq(pv_pour_open(json, 1, &pour, &err), PV_OK, "%s", err.text);
    cr_assert_not_null(pour);
    cr_expect_float_eq(pour->frames[0].poured, 0.6, 1e-9);
    cr_expect_float_eq(pour->frames[0].level, 0.25, 1e-9);

    memset(picture, 150, sizeof picture);
    fill(20, 35, 20, 10); /* the lower third of the cup: its inside is 20..40 x 15..45 */
    fill(50, 85, 40, 5);  /* a quarter of the target: 50..90 x 70..90 */
    fill(0, 95, 30, 2);   /* spilled */
    const struct pv_pour_view upright = pv_pour_look(pour, 0, picture, SIDE, SIDE);
    cr_expect_float_eq(upright.area, 200 + 200 + 60, 0);
    cr_expect_float_eq(upright.in_cup, 200, 0);
    cr_expect_float_eq(upright.level, 0.25, 1e-9);
    /* Lying on its side the cup spans 15..45 x 20..40: five rows of the liquid. */
    cr_expect_float_eq(pv_pour_look(pour, -acos(0), picture, SIDE, SIDE).in_cup, 100, 0);
    pv_pour_close(pour);
    json_decref(json);
}

Test(eval_pour, other_truths_have_no_liquid)
{
    struct pv_pour *pour;
    json_t *json = json_pack("{s:[]}", "objects");
    cr_expect_eq(pv_pour_open(json, 1, &pour, NULL), PV_OK);
    cr_expect_null(pour);
    json_decref(json);
}

/* The world's own pictures, read again, say what its truth says. */
Test(eval_pour, pictures_of_the_world_say_what_its_truth_says)
{
    enum { FRAMES = 60 };
    static uint8_t frames[FRAMES][128 * 128 * 3];
    struct pv_world_params params;
    struct pv_world *world;
    struct pv_pour *pour;
    struct pv_error err = {{0}};
    pv_world_params_init(&params, "pour");
    params.seed = PV_WORLD_HELD_OUT_SEED + 77;
    params.width = params.height = 128;
    params.frames = FRAMES;
    cr_assert_eq(pv_world_open(&params, &world, &err), PV_OK, "%s", err.text);
    for (int i = 0; i < FRAMES; i++)
        cr_assert_eq(pv_world_next(world, frames[i], 128 * 3, NULL, &err), PV_OK, "%s", err.text);
    json_t *json = pv_world_truth(world);
    cr_assert_eq(pv_pour_open(json, FRAMES, &pour, &err), PV_OK, "%s", err.text);
    const double all = pv_pour_look(pour, pour->frames[0].angle, frames[0], 128, 128).area;
    for (int i = 0; i < FRAMES; i += 10) {
        const struct pv_pour_view view = pv_pour_look(pour, pour->frames[i].angle, frames[i], 128, 128);
        cr_expect_float_eq(1 - view.in_cup / all, pour->frames[i].poured, 0.06, "frame %d: %f, truly %f", i,
                           1 - view.in_cup / all, pour->frames[i].poured);
    }
    cr_expect_gt(pour->frames[FRAMES - 1].poured, 0.3, "the clip does pour");
    pv_pour_close(pour);
    json_decref(json);
    pv_world_close(world);
}
