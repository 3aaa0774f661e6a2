/* detail.c: see detail.h.
 *
 * What says that something moved is not the change of a pixel, which is small in a picture that the codec has blurred, but
 * how far the picture would have to move to change so much: change over gradient, as in optical flow, both as means over
 * a square. Detail finer than a codec keeps is wrong as soon as it is off by a pixel. */
#include "model/detail.h"

#include <stdlib.h>

#include "base/compiler.h"

/* A square that reaches over the border counts the border's pixels again. NOISE, of 255, keeps flat places, where any
 * change is far, from losing detail to rounding. STAYS and GONE are in pixels: up to the one all detail stays, from the
 * other on none. Chosen on real footage, where lower and higher ones lost either texture at rest or texture in motion. */
enum { RADIUS = 2, SIDE = 2 * RADIUS + 1, AREA = SIDE * SIDE, NOISE = 3 };
static const float STAYS = 0.3f, GONE = 1.0f;

static int clamp(int value, int low, int high)
{
    return value < low ? low : value > high ? high : value;
}

static inline int largest_difference(const uint8_t *a, const uint8_t *b)
{
    const int red = abs(a[0] - b[0]), green = abs(a[1] - b[1]), blue = abs(a[2] - b[2]);
    const int largest = red > green ? red : green;
    return largest > blue ? largest : blue;
}

PV_MULTIVERSION
static void measure_change(const uint8_t *restrict a, const uint8_t *restrict b, size_t pixels,
                           uint8_t *restrict change)
{
    for (size_t i = 0; i < pixels; i++)
        change[i] = (uint8_t)largest_difference(a + 3 * i, b + 3 * i);
}

/* Of one row, over two pixels. */
PV_MULTIVERSION
static void measure_gradient(const uint8_t *restrict above, const uint8_t *restrict row, const uint8_t *restrict below,
                             int width, uint8_t *restrict gradient)
{
    for (int x = 0; x < width; x++)
        gradient[x] = (uint8_t)largest_difference(above + 3 * x, below + 3 * x);
    for (int x = 1; x + 1 < width; x++) {
        const int across = largest_difference(row + 3 * x - 3, row + 3 * x + 3);
        gradient[x] = (uint8_t)(across > gradient[x] ? across : gradient[x]);
    }
}

static void measure(const struct pv_detail_pictures *p, const struct pv_detail_scratch *scratch,
                    const uint8_t *predicted)
{
    const size_t width = (size_t)p->width;
    measure_change(predicted, p->decoded, width * (size_t)p->height, scratch->change);
    for (int y = 0; y < p->height; y++) {
        const size_t above = (size_t)clamp(y - 1, 0, p->height - 1), below = (size_t)clamp(y + 1, 0, p->height - 1);
        measure_gradient(p->decoded + 3 * width * above, p->decoded + 3 * width * (size_t)y,
                         p->decoded + 3 * width * below, p->width, scratch->gradient + width * (size_t)y);
    }
}

/* Over the columns of the squares around row y: those of pixel x from sums[x] on. */
PV_MULTIVERSION
static void sum_columns(const uint8_t *restrict plane, int width, int height, int y, uint16_t *restrict sums)
{
    const uint8_t *rows[SIDE];
    uint16_t *inside = sums + RADIUS;
    for (int i = 0; i < SIDE; i++)
        rows[i] = plane + (size_t)clamp(y + i - RADIUS, 0, height - 1) * (size_t)width;
    for (int x = 0; x < width; x++)
        inside[x] = (uint16_t)(rows[0][x] + rows[1][x] + rows[2][x] + rows[3][x] + rows[4][x]);
    for (int i = 1; i <= RADIUS; i++) {
        inside[-i] = inside[0];
        inside[width - 1 + i] = inside[width - 1];
    }
}

static inline int sum_square(const uint16_t *sums)
{
    return sums[0] + sums[1] + sums[2] + sums[3] + sums[4];
}

/* How much of the detail stays, of 256, once a channel. One rounding a pixel, so that it is the same everywhere. */
PV_MULTIVERSION
static void share_row(const uint16_t *restrict change, const uint16_t *restrict gradient, int width,
                      int16_t *restrict kept)
{
    for (int x = 0; x < width; x++) {
        const int twice = 2 * sum_square(change + x), slope = sum_square(gradient + x) + 2 * NOISE * AREA;
        const float moved = (float)twice / (float)slope;
        const int share = (int)((GONE - moved) * (256 / (GONE - STAYS)));
        kept[3 * x] = kept[3 * x + 1] = kept[3 * x + 2] = (int16_t)clamp(share, 0, 256);
    }
}

PV_MULTIVERSION
static void add_row(const uint8_t *restrict predicted, const uint8_t *restrict seen, const uint8_t *restrict decoded,
                    const int16_t *restrict kept, int count, uint8_t *restrict dst)
{
    for (int i = 0; i < count; i++)
        dst[i] = (uint8_t)clamp(predicted[i] + (((seen[i] - decoded[i]) * kept[i]) >> 8), 0, 255);
}

void pv_detail_add(const struct pv_detail_pictures *p, const struct pv_detail_scratch *scratch,
                   const uint8_t *predicted, uint8_t *dst, size_t stride)
{
    measure(p, scratch, predicted);
    for (int y = 0; y < p->height; y++) {
        const size_t row = (size_t)y * (size_t)p->width * 3;
        sum_columns(scratch->change, p->width, p->height, y, scratch->sums[0]);
        sum_columns(scratch->gradient, p->width, p->height, y, scratch->sums[1]);
        share_row(scratch->sums[0], scratch->sums[1], p->width, scratch->kept);
        add_row(predicted + row, p->seen + row, p->decoded + row, scratch->kept, 3 * p->width,
                dst + (size_t)y * stride);
    }
}
