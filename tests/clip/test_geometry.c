/* Orientation from display matrices, square pixels, names of image sequences: without a file. */
#include <criterion/criterion.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "clip/geometry.h"
#include "clip/sequence.h"

/* The matrix that turns clockwise by degrees, as a file holds it (16.16 fixed point). */
static void turning(double degrees, int32_t m[9])
{
    const double a = degrees * 3.14159265358979323846 / 180.0;
    const int32_t c = (int32_t)lrint(65536.0 * cos(a)), s = (int32_t)lrint(65536.0 * sin(a));
    const int32_t matrix[9] = {c, s, 0, -s, c, 0, 0, 0, 1 << 30};
    memcpy(m, matrix, sizeof matrix);
}

Test(geometry, matrices_become_quarter_turns)
{
    for (int angle = 0; angle < 360; angle += 90)
        for (int mirrored = 0; mirrored < 2; mirrored++) {
            int32_t m[9];
            bool exact, is_mirrored;
            turning(angle, m);
            if (mirrored) { /* x is turned round first */
                m[0] = -m[0];
                m[1] = -m[1];
            }
            const struct pv_orientation o = pv_orientation_from_matrix(m, &exact);
            cr_expect(exact);
            cr_expect_eq(pv_orientation_rotation(o, &is_mirrored), angle, "%d, mirrored %d", angle, mirrored);
            cr_expect_eq(is_mirrored, mirrored, "%d, mirrored %d", angle, mirrored);
        }
}

Test(geometry, odd_angles_go_to_the_nearest_and_nonsense_is_upright)
{
    int32_t m[9] = {0};
    bool exact, mirrored;
    cr_expect(pv_orientation_is_upright(pv_orientation_from_matrix(NULL, &exact)));
    cr_expect(pv_orientation_is_upright(pv_orientation_from_matrix(m, &exact)), "zeros: the angle is no number");
    turning(80.0, m);
    cr_expect_eq(pv_orientation_rotation(pv_orientation_from_matrix(m, &exact), &mirrored), 90);
    cr_expect_not(exact);
    for (int i = 0; i < 9; i++)
        m[i] = INT32_MIN;
    pv_orientation_from_matrix(m, &exact); /* must not overflow */
}

/* A 3 x 2 picture whose red channel counts its pixels. */
Test(geometry, all_eight_orientations_move_every_pixel)
{
    uint8_t source[18], target[18];
    for (int i = 0; i < 18; i++)
        source[i] = (uint8_t)(i % 3 == 0 ? i / 3 : 9);
    const struct {
        struct pv_orientation o;
        uint8_t red[6]; /* row by row */
    } cases[] = {
        {{false, false, false}, {0, 1, 2, 3, 4, 5}}, {{false, true, false}, {2, 1, 0, 5, 4, 3}},
        {{false, false, true}, {3, 4, 5, 0, 1, 2}},  {{false, true, true}, {5, 4, 3, 2, 1, 0}},
        {{true, false, false}, {0, 3, 1, 4, 2, 5}},  {{true, true, false}, {3, 0, 4, 1, 5, 2}},
        {{true, false, true}, {2, 5, 1, 4, 0, 3}},   {{true, true, true}, {5, 2, 4, 1, 3, 0}},
    };
    for (int i = 0; i < 8; i++) {
        const pv_frame from = {.data = source, .stride = 9, .width = 3, .height = 2};
        const int width = cases[i].o.transpose ? 2 : 3;
        pv_frame to = {.data = target, .stride = 3 * (size_t)width, .width = width, .height = 6 / width};
        pv_orientation_apply(cases[i].o, &from, &to);
        for (int p = 0; p < 6; p++)
            cr_expect_eq(target[3 * p], cases[i].red[p], "case %d, pixel %d: %d", i, p, target[3 * p]);
    }
}

Test(geometry, absurd_pixel_shapes_are_ignored)
{
    int width = 64, height = 48;
    bool plausible;
    pv_geometry_square(&width, &height, (AVRational){1, 255}, &plausible);
    cr_expect_not(plausible);
    cr_expect(width == 64 && height == 48);
    pv_geometry_square(&width, &height, (AVRational){0, 1}, &plausible);
    cr_expect(plausible && width == 64 && height == 48, "unknown is square");
}

Test(geometry, patterns_are_taken_apart_and_put_together)
{
    const struct {
        const char *path, *name, *pattern;
    } cases[] = {{"a/shot.%04d.png", "a/shot.0042.png", "a/shot.%04d.png"},
                 {"shot.######.exr", "shot.000042.exr", "shot.%06d.exr"},
                 {"50% %d.png", "50% 42.png", "50%% %01d.png"}};
    for (int i = 0; i < 3; i++) {
        struct pv_sequence s;
        cr_assert(pv_sequence_is_pattern(cases[i].path));
        cr_assert_eq(pv_sequence_parse(cases[i].path, &s, NULL), PV_OK);
        char *name = pv_sequence_name(&s, 42, ""), *pattern = pv_sequence_pattern(&s);
        cr_expect_str_eq(name, cases[i].name);
        cr_expect_str_eq(pattern, cases[i].pattern);
        free(name);
        free(pattern);
        pv_sequence_release(&s);
    }
    struct pv_sequence s;
    cr_expect_not(pv_sequence_is_pattern("plain.mp4"));
    cr_expect_not(pv_sequence_is_pattern("100%.mp4"));
    cr_expect_not(pv_sequence_is_pattern("%99999999999d.png"));
    cr_expect_eq(pv_sequence_parse("a%d-%d.png", &s, NULL), PV_ERR_ARGUMENT);
}
