/* cut.h: where one shot of a clip ends and the next begins: nothing before a cut says what comes after it. */
#ifndef PV_EVAL_CUT_H
#define PV_EVAL_CUT_H

#include <stdbool.h>
#include <stdint.h>

enum { PV_CUT_BINS = 32, PV_CUT_COLUMNS = 16, PV_CUT_ROWS = 9 };

/* A picture as far as cuts are concerned. */
struct pv_cut_picture {
    float histogram[3][PV_CUT_BINS];             /* parts of all pixels, a channel */
    float block[PV_CUT_ROWS][PV_CUT_COLUMNS][3]; /* mean levels */
};

/* rgb: [height][width][3], at least PV_CUT_COLUMNS x PV_CUT_ROWS pixels. */
void pv_cut_look(const uint8_t *rgb, int width, int height, struct pv_cut_picture *picture);

/* Another shot: the colours are others (a quarter of the pixels would have to change bin, in the mean of channels) and
 * so is where they are (blocks differ by 18 levels in the mean). Motion keeps the colours; a change of light keeps
 * neither, and counts as a cut. */
bool pv_cut_between(const struct pv_cut_picture *a, const struct pv_cut_picture *b);

#endif
