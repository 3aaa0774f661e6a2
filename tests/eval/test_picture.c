/* Differences of pictures: against values that were computed by hand or by somebody else's program. */
#include <criterion/criterion.h>

#include <math.h>
#include <string.h>

#include "eval/picture.h"

enum { WIDTH = 97, HEIGHT = 41, PIXELS = WIDTH * HEIGHT };

static uint8_t a[PIXELS * 3], b[PIXELS * 3];

/* Two related pictures with structure, by a formula that another program can repeat. */
static void fill(void)
{
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 0; x < WIDTH; x++)
            for (int c = 0; c < 3; c++) {
                const int at = (y * WIDTH + x) * 3 + c;
                a[at] = (uint8_t)((x * x * 3 + y * 5 * x + c * 37 + y * y) / 7 % 256);
                b[at] = (uint8_t)((a[at] * 3 + (x * 11 + y * 17 + c * 29) % 64) / 4);
            }
}

/* scikit-image 0.26.0: structural_similarity(a, b, channel_axis=2, gaussian_weights=True, sigma=1.5,
 * use_sample_covariance=False, data_range=255) and peak_signal_noise_ratio(a, b, data_range=255). */
static const double their_ssim = 0.936426315444, their_psnr = 18.4682751257;

Test(eval_picture, ssim_is_that_of_scikit_image, .init = fill)
{
    const double mine = pv_picture_ssim(a, b, WIDTH, HEIGHT);
    cr_expect_float_eq(mine, their_ssim, 1e-6, "%.9f, scikit-image says %.9f", mine, their_ssim);
}

Test(eval_picture, psnr_is_that_of_scikit_image, .init = fill)
{
    const double mine = pv_psnr(pv_picture_error(a, b, NULL, PIXELS));
    cr_expect_float_eq(mine, their_psnr, 1e-9, "%.12f, scikit-image says %.12f", mine, their_psnr);
}

/* Without variance only the first factor is left: (2 m n + C1) / (m^2 + n^2 + C1). */
Test(eval_picture, ssim_of_flat_pictures_follows_from_their_means)
{
    memset(a, 100, sizeof a);
    memset(b, 130, sizeof b);
    const double c1 = 2.55 * 2.55, expected = (2 * 100 * 130 + c1) / (100 * 100 + 130 * 130 + c1);
    cr_expect_float_eq(pv_picture_ssim(a, b, WIDTH, HEIGHT), expected, 1e-9);
    cr_expect_float_eq(pv_picture_ssim(a, a, WIDTH, HEIGHT), 1, 1e-12);
}

Test(eval_picture, ssim_needs_one_whole_window)
{
    cr_expect(isnan(pv_picture_ssim(a, b, 10, 41)));
    cr_expect(isnan(pv_picture_ssim(a, b, 97, 10)));
    cr_expect_float_eq(pv_picture_ssim(a, a, 11, 11), 1, 1e-12);
}

/* Four pixels that differ by 1, 2, 3 and 4 levels in red, 0 in the others. */
Test(eval_picture, weights_choose_what_counts)
{
    const uint8_t p[12] = {0}, q[12] = {1, 0, 0, 2, 0, 0, 3, 0, 0, 4, 0, 0};
    cr_expect_float_eq(pv_picture_error(p, q, NULL, 4), (1 + 4 + 9 + 16) / 12.0, 1e-12);
    cr_expect_float_eq(pv_picture_error(p, q, (uint8_t[]){0, 0, 255, 0}, 4), 9 / 3.0, 1e-12);
    cr_expect_float_eq(pv_picture_error(p, q, (uint8_t[]){1, 0, 0, 3}, 4), (1 + 3 * 16) / 12.0, 1e-12);
    cr_expect(isnan(pv_picture_error(p, q, (uint8_t[]){0, 0, 0, 0}, 4)));
}

Test(eval_picture, psnr_in_decibels)
{
    cr_expect_float_eq(pv_psnr(1), 48.130803609, 1e-9); /* 20 log10(255) */
    cr_expect_float_eq(pv_psnr(0), 78.130803609, 1e-9);
    cr_expect(isnan(pv_psnr(NAN)));
}

Test(eval_picture, change_is_the_mean_of_channels_rounded_up)
{
    const uint8_t p[9] = {10, 10, 10, 200, 0, 50, 7, 7, 7}, q[9] = {10, 10, 11, 100, 255, 50, 7, 7, 7};
    uint8_t change[3];
    pv_picture_change(p, q, change, 3);
    cr_expect_eq(change[0], 1);
    cr_expect_eq(change[1], 119, "%d", change[1]); /* (100 + 255 + 0) / 3 */
    cr_expect_eq(change[2], 0);
}
