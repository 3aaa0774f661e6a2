/* cut.c: see cut.h. */
#include "eval/cut.h"

#include <math.h>
#include <stddef.h>

static const double colours_apart = 0.25, blocks_apart = 18;

void pv_cut_look(const uint8_t *rgb, int width, int height, struct pv_cut_picture *picture)
{
    int count[PV_CUT_ROWS][PV_CUT_COLUMNS] = {{0}};
    *picture = (struct pv_cut_picture){0};
    const float share = 1.0f / ((float)width * (float)height);
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) {
            const int row = y * PV_CUT_ROWS / height, column = x * PV_CUT_COLUMNS / width;
            const uint8_t *p = rgb + ((size_t)y * (size_t)width + (size_t)x) * 3;
            count[row][column]++;
            for (int c = 0; c < 3; c++) {
                picture->histogram[c][p[c] * PV_CUT_BINS / 256] += share;
                picture->block[row][column][c] += p[c];
            }
        }
    for (int row = 0; row < PV_CUT_ROWS; row++)
        for (int column = 0; column < PV_CUT_COLUMNS; column++)
            for (int c = 0; c < 3; c++)
                picture->block[row][column][c] /= (float)count[row][column];
}

bool pv_cut_between(const struct pv_cut_picture *a, const struct pv_cut_picture *b)
{
    double colours = 0, blocks = 0;
    for (int c = 0; c < 3; c++) {
        for (int i = 0; i < PV_CUT_BINS; i++)
            colours += (double)fabsf(a->histogram[c][i] - b->histogram[c][i]) / 2 / 3;
        for (int row = 0; row < PV_CUT_ROWS; row++)
            for (int column = 0; column < PV_CUT_COLUMNS; column++)
                blocks += (double)fabsf(a->block[row][column][c] - b->block[row][column][c]) /
                          (3 * PV_CUT_ROWS * PV_CUT_COLUMNS);
    }
    return colours > colours_apart && blocks > blocks_apart;
}
