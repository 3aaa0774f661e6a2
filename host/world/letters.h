/* letters.h: capital letters and figures as strokes. */
#ifndef PV_WORLD_LETTERS_H
#define PV_WORLD_LETTERS_H

#include "world/body.h"

enum { PV_LETTERS = 28, PV_LETTER_STROKES = 6 };

/* Strokes of letter `index` in a box 1 wide and 1.5 high around (0, 0), their middle lines; returns how many. */
int pv_letter_strokes(int index, struct pv_point from[PV_LETTER_STROKES], struct pv_point to[PV_LETTER_STROKES]);

#endif
