/* Forecasts without a model do what their names say. */
#include <criterion/criterion.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "eval/forecast.h"
#include "eval/picture.h"

Test(eval_forecast, polynomials_go_on)
{
    double line[6], parabola[6];
    for (int i = 0; i < 6; i++) {
        line[i] = 4 - 1.5 * i;
        parabola[i] = 2 + 3 * i - 0.25 * i * i;
    }
    cr_expect_float_eq(pv_extrapolate(line, 6, 1, 10), 4 - 1.5 * 15, 1e-9);
    cr_expect_float_eq(pv_extrapolate(line, 2, 1, 3), 4 - 1.5 * 4, 1e-9);
    cr_expect_float_eq(pv_extrapolate(parabola, 6, 2, 48), 2 + 3 * 53 - 0.25 * 53 * 53, 1e-7);
    cr_expect_float_eq(pv_extrapolate(parabola, 3, 2, 4), 2 + 3 * 6 - 0.25 * 36, 1e-9);
}

/* Points 0, 3, 3: the line of least squares has slope 1.5 through the mean 2 at the middle. */
Test(eval_forecast, a_line_through_three_points_is_the_nearest_one)
{
    cr_expect_float_eq(pv_extrapolate((double[]){0, 3, 3}, 3, 1, 2), 2 + 1.5 * 3, 1e-12);
}

Test(eval_forecast, too_few_values_lower_the_degree)
{
    cr_expect_float_eq(pv_extrapolate((double[]){5}, 1, 2, 9), 5, 1e-12);
    cr_expect_float_eq(pv_extrapolate((double[]){5, 6}, 2, 2, 9), 15, 1e-12);
}

/* ---- flow ---- */

enum { WIDTH = 128, HEIGHT = 96, PIXELS = WIDTH * HEIGHT, RADIUS = 14 };

/* A textured disc over a still, textured ground. */
static void draw(uint8_t *rgb, double cx, double cy)
{
    for (int j = 0; j < HEIGHT; j++)
        for (int i = 0; i < WIDTH; i++) {
            const double dx = i + 0.5 - cx, dy = j + 0.5 - cy;
            const double ground = 110 + 12 * sin(0.23 * i) + 12 * cos(0.31 * j + 0.1 * i);
            const double disc = 190 + 25 * sin(0.5 * dx) + 25 * cos(0.6 * dy);
            const double cover = fmin(fmax(0.5 + RADIUS - hypot(dx, dy), 0), 1);
            const double value = ground + cover * (disc - ground);
            uint8_t *p = rgb + (j * WIDTH + i) * 3;
            p[0] = (uint8_t)value;
            p[1] = (uint8_t)(value * 0.8);
            p[2] = (uint8_t)(255 - value);
        }
}

struct pictures {
    uint8_t before[PIXELS * 3], after[PIXELS * 3], later[PIXELS * 3], forecast[PIXELS * 3];
};

static struct pictures p;

Test(eval_forecast, flow_of_a_disc_is_its_velocity)
{
    struct pv_flow flow;
    struct pv_error err = {{0}};
    draw(p.before, 40, 50);
    draw(p.after, 43.5, 48.25);
    cr_assert_eq(pv_flow_find(p.before, p.after, WIDTH, HEIGHT, &flow, &err), PV_OK, "%s", err.text);
    double right = 0, down = 0, still = 0;
    for (int j = 43; j < 53; j++)
        for (int i = 39; i < 49; i++) {
            right += (double)flow.right[j * WIDTH + i] / 100;
            down += (double)flow.down[j * WIDTH + i] / 100;
        }
    for (int j = 0; j < 20; j++)
        for (int i = 80; i < WIDTH; i++)
            still = fmax(still, (double)hypotf(flow.right[j * WIDTH + i], flow.down[j * WIDTH + i]));
    cr_expect_float_eq(right, 3.5, 0.1, "%f pixels a frame to the right", right);
    cr_expect_float_eq(down, -1.75, 0.1, "%f pixels a frame down", down);
    cr_expect_lt(still, 0.1, "the ground moves by %f", still);
    pv_flow_free(&flow);
}

Test(eval_forecast, advection_carries_the_disc_along)
{
    struct pv_flow flow;
    struct pv_error err = {{0}};
    draw(p.before, 40, 50);
    draw(p.after, 43, 49);
    draw(p.later, 43 + 8 * 3, 49 - 8);
    cr_assert_eq(pv_flow_find(p.before, p.after, WIDTH, HEIGHT, &flow, &err), PV_OK, "%s", err.text);
    cr_assert_eq(pv_flow_advect(&flow, p.after, 8, p.forecast, &err), PV_OK, "%s", err.text);
    const double moved = pv_psnr(pv_picture_error(p.forecast, p.later, NULL, PIXELS));
    const double copied = pv_psnr(pv_picture_error(p.after, p.later, NULL, PIXELS));
    cr_log_info("%f dB, copying %f dB", moved, copied);
    cr_expect_gt(moved, copied + 3, "%f dB, copying %f dB", moved, copied);
    pv_flow_free(&flow);
}

Test(eval_forecast, nothing_moves_where_nothing_moved)
{
    struct pv_flow flow;
    struct pv_error err = {{0}};
    draw(p.before, 60, 40);
    cr_assert_eq(pv_flow_find(p.before, p.before, WIDTH, HEIGHT, &flow, &err), PV_OK, "%s", err.text);
    cr_assert_eq(pv_flow_advect(&flow, p.before, 48, p.forecast, &err), PV_OK, "%s", err.text);
    cr_expect_arr_eq(p.forecast, p.before, sizeof p.before);
    pv_flow_free(&flow);
}

Test(eval_forecast, tiny_pictures_are_refused_in_words)
{
    struct pv_flow flow;
    struct pv_error err = {{0}};
    cr_expect_eq(pv_flow_find(p.before, p.after, 8, 96, &flow, &err), PV_ERR_ARGUMENT);
    cr_expect(strstr(err.text, "8x96"), "%s", err.text);
}
