/* picture.c: see picture.h. */
#include "eval/picture.h"

#include <math.h>
#include <stdlib.h>

double pv_picture_error(const uint8_t *a, const uint8_t *b, const uint8_t *weight, size_t pixels)
{
    double sum = 0, weights = 0;
    for (size_t i = 0; i < pixels; i++) {
        const int r = a[3 * i] - b[3 * i], g = a[3 * i + 1] - b[3 * i + 1], c = a[3 * i + 2] - b[3 * i + 2];
        const double w = weight ? weight[i] : 1;
        sum += w * (r * r + g * g + c * c);
        weights += w;
    }
    return weights > 0 ? sum / (3 * weights) : NAN;
}

double pv_psnr(double error)
{
    return isnan(error) ? NAN : 10 * log10(255.0 * 255.0 / fmax(error, 1e-3));
}

void pv_picture_change(const uint8_t *a, const uint8_t *b, uint8_t *change, size_t pixels)
{
    for (size_t i = 0; i < pixels; i++) {
        const int sum = abs(a[3 * i] - b[3 * i]) + abs(a[3 * i + 1] - b[3 * i + 1]) + abs(a[3 * i + 2] - b[3 * i + 2]);
        change[i] = (uint8_t)((sum + 2) / 3);
    }
}

/* ---- SSIM ---- */

enum { WINDOW = 11, TILE = 64, MOMENTS = 5 };

/* One dimension of the window: it is a product of two. */
static void fill_window(double window[WINDOW])
{
    double sum = 0;
    for (int i = 0; i < WINDOW; i++) {
        const double x = i - WINDOW / 2;
        sum += window[i] = exp(-x * x / (2 * 1.5 * 1.5));
    }
    for (int i = 0; i < WINDOW; i++)
        window[i] /= sum;
}

/* Weighted sums down a column: a, b, aa, bb, ab. stride: bytes a row. */
static void column_moments(const uint8_t *a, const uint8_t *b, size_t stride, const double window[WINDOW],
                           double moments[MOMENTS])
{
    double s[MOMENTS] = {0};
    for (int i = 0; i < WINDOW; i++) {
        const double x = a[(size_t)i * stride], y = b[(size_t)i * stride], w = window[i];
        s[0] += w * x;
        s[1] += w * y;
        s[2] += w * x * x;
        s[3] += w * y * y;
        s[4] += w * x * y;
    }
    for (int m = 0; m < MOMENTS; m++)
        moments[m] = s[m];
}

static double similarity(const double m[MOMENTS])
{
    static const double c1 = 0.01 * 255 * 0.01 * 255, c2 = 0.03 * 255 * 0.03 * 255;
    const double mean_ab = m[0] * m[1], means = m[0] * m[0] + m[1] * m[1];
    const double variances = m[2] + m[3] - means, covariance = m[4] - mean_ab;
    return (2 * mean_ab + c1) * (2 * covariance + c2) / ((means + c1) * (variances + c2));
}

double pv_picture_ssim(const uint8_t *a, const uint8_t *b, int width, int height)
{
    const int columns = width - WINDOW + 1, rows = height - WINDOW + 1;
    if (columns < 1 || rows < 1)
        return NAN;
    double window[WINDOW], sum = 0;
    fill_window(window);
    const size_t stride = (size_t)width * 3;
    for (int y = 0; y < rows; y++)
        for (int left = 0; left < columns; left += TILE)
            for (int channel = 0; channel < 3; channel++) {
                const int tile = columns - left < TILE ? columns - left : TILE;
                double column[TILE + WINDOW - 1][MOMENTS];
                for (int x = 0; x < tile + WINDOW - 1; x++) {
                    const size_t at = (size_t)y * stride + (size_t)(left + x) * 3 + (size_t)channel;
                    column_moments(a + at, b + at, stride, window, column[x]);
                }
                for (int x = 0; x < tile; x++) {
                    double m[MOMENTS] = {0};
                    for (int i = 0; i < WINDOW; i++)
                        for (int k = 0; k < MOMENTS; k++)
                            m[k] += window[i] * column[x + i][k];
                    sum += similarity(m);
                }
            }
    return sum / (3.0 * columns * rows);
}
