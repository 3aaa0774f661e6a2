/* Shots end where everything changes, not where something moves. */
#include <criterion/criterion.h>

#include <math.h>

#include "eval/cut.h"

enum { WIDTH = 160, HEIGHT = 90 };

static uint8_t picture[WIDTH * HEIGHT * 3];

/* Kinds of shots: a street with a bright square that drives across it, and an evening in warm colours. */
static struct pv_cut_picture street(int car, int brightness)
{
    for (int j = 0; j < HEIGHT; j++)
        for (int i = 0; i < WIDTH; i++) {
            uint8_t *p = &picture[(j * WIDTH + i) * 3];
            const bool inside = i >= car && i < car + 50 && j > 40 && j < 75;
            p[0] = (uint8_t)((inside ? 200 : 70 + j) + brightness);
            p[1] = (uint8_t)((inside ? 40 : 90 + j) + brightness);
            p[2] = (uint8_t)((inside ? 40 : 110 + j / 2) + brightness);
        }
    struct pv_cut_picture cut;
    pv_cut_look(picture, WIDTH, HEIGHT, &cut);
    return cut;
}

static struct pv_cut_picture evening(void)
{
    for (int j = 0; j < HEIGHT; j++)
        for (int i = 0; i < WIDTH; i++) {
            uint8_t *p = &picture[(j * WIDTH + i) * 3];
            p[0] = (uint8_t)(220 - j);
            p[1] = (uint8_t)(60 + i / 4);
            p[2] = 30;
        }
    struct pv_cut_picture cut;
    pv_cut_look(picture, WIDTH, HEIGHT, &cut);
    return cut;
}

Test(eval_cut, motion_is_no_cut_and_another_scene_is)
{
    const struct pv_cut_picture a = street(0, 0), moved = street(90, 0), lighter = street(0, 6), other = evening();
    cr_expect(!pv_cut_between(&a, &a));
    cr_expect(!pv_cut_between(&a, &moved), "a large object that jumped across the picture");
    cr_expect(!pv_cut_between(&a, &lighter), "a little more light");
    cr_expect(pv_cut_between(&a, &other));
    cr_expect(pv_cut_between(&other, &moved));
}

Test(eval_cut, a_look_holds_the_means)
{
    const struct pv_cut_picture a = street(0, 0);
    double sum = 0;
    for (int i = 0; i < PV_CUT_BINS; i++)
        sum += (double)a.histogram[1][i];
    cr_expect_float_eq(sum, 1, 1e-4);
    /* The lower right block, rows 80 to 89: green is 90 + 84.5. */
    cr_expect_float_eq((double)a.block[8][15][1], 174.5, 1e-3);
}
