/* spread.c: see spread.h. */
#include "preview/spread.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

pv_status pv_spread_open(struct pv_spread *s, int width, int height, struct pv_error *err)
{
    const size_t count = 3 * (size_t)width * (size_t)height;
    *s = (struct pv_spread){.width = width, .height = height};
    s->sum = calloc(count, sizeof *s->sum);
    s->squares = calloc(count, sizeof *s->squares);
    return s->sum && s->squares ? PV_OK
                                : pv_fail(err, PV_ERR_MEMORY, "no memory to compare takes of %dx%d", width, height);
}

void pv_spread_clear(struct pv_spread *s)
{
    const size_t bytes = 3 * (size_t)s->width * (size_t)s->height * sizeof *s->sum;
    memset(s->sum, 0, bytes);
    memset(s->squares, 0, bytes);
    s->takes = 0;
}

void pv_spread_add(struct pv_spread *s, const pv_frame *frame)
{
    uint32_t *sum = s->sum, *squares = s->squares;
    for (int y = 0; y < s->height; y++) {
        const uint8_t *row = frame->data + (size_t)y * frame->stride;
        for (int i = 0; i < 3 * s->width; i++) {
            *sum++ += row[i];
            *squares++ += (uint32_t)row[i] * row[i];
        }
    }
    s->takes++;
}

static uint8_t mixed(double a, double b, double part)
{
    return (uint8_t)(a + (b - a) * part + 0.5);
}

/* heat 0 to 1: the grey picture, then yellow, then red. */
static void colour(double grey, double heat, uint8_t rgb[3])
{
    const double cover = heat < 0.25 ? heat * 4 * 0.85 : 0.85, red = heat < 0.25 ? 0 : (heat - 0.25) / 0.75;
    rgb[0] = mixed(grey, 255, cover);
    rgb[1] = mixed(grey, 215 - 175 * red, cover);
    rgb[2] = mixed(grey, 40, cover);
}

double pv_spread_show(const struct pv_spread *s, pv_frame *frame)
{
    const uint32_t *sum = s->sum, *squares = s->squares;
    const double takes = s->takes > 0 ? s->takes : 1;
    double total = 0;
    for (int y = 0; y < s->height; y++) {
        uint8_t *row = frame->data + (size_t)y * frame->stride;
        for (int x = 0; x < s->width; x++, sum += 3, squares += 3) {
            double variance = 0, mean[3];
            for (int c = 0; c < 3; c++) {
                mean[c] = sum[c] / takes;
                variance += squares[c] / takes - mean[c] * mean[c];
            }
            const double deviation = variance > 0 ? sqrt(variance / 3) : 0;
            const double grey = 0.2126 * mean[0] + 0.7152 * mean[1] + 0.0722 * mean[2]; /* BT.709 luma */
            total += deviation;
            colour(grey, deviation < PV_SPREAD_FULL ? deviation / PV_SPREAD_FULL : 1, row + 3 * x);
        }
    }
    return total / s->width / s->height;
}

void pv_spread_release(struct pv_spread *s)
{
    free(s->sum);
    free(s->squares);
}
