/* spread.h: where takes disagree. Per pixel the mean of all takes and their standard deviation (over takes, root mean
 * square over R, G, B): small where the model is sure, large where the future is open. */
#ifndef PV_PREVIEW_SPREAD_H
#define PV_PREVIEW_SPREAD_H

#include "base/error.h"

struct pv_spread {
    int width, height, takes; /* takes: added since clear */
    uint32_t *sum, *squares;  /* [height][width][3] */
};

/* Deviations from this many code values on are shown in full heat. */
enum { PV_SPREAD_FULL = 48 };

pv_status pv_spread_open(struct pv_spread *spread, int width, int height, struct pv_error *err);
void pv_spread_clear(struct pv_spread *spread);
/* At most 65536 takes. */
void pv_spread_add(struct pv_spread *spread, const pv_frame *frame);
/* The mean of all takes in grey, with the deviation over it as heat: yellow to red. Returns the mean deviation, in code
 * values. */
double pv_spread_show(const struct pv_spread *spread, pv_frame *frame);
void pv_spread_release(struct pv_spread *spread);

#endif
