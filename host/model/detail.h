/* detail.h: what the codec lost of the last observed frame, given back to predicted frames where nothing has changed.
 *
 * A codec small enough to predict in forgets texture: the seam between clip and prediction shows as a sudden blur, and a
 * picture at rest scores worse than doing nothing. But the loss at the seam is known: the observed frame less the codec's
 * own picture of it. Where the decoded prediction still looks like that picture, the loss is added back; where it does
 * not, something moved, and the prediction is left as it is. */
#ifndef PV_MODEL_DETAIL_H
#define PV_MODEL_DETAIL_H

#include <stddef.h>
#include <stdint.h>

struct pv_detail_pictures {
    const uint8_t *seen;    /* the last observed frame; every picture is [height][width][3] */
    const uint8_t *decoded; /* the codec's picture of it */
    int width, height;
};

enum { PV_DETAIL_BORDER = 4 };

struct pv_detail_scratch {
    uint8_t *change, *gradient; /* [height][width] */
    uint16_t *sums[2];          /* of each, [width + PV_DETAIL_BORDER] */
    int16_t *kept;              /* [width][3] */
};

/* The predicted frame with what is left of the detail: dst has rows stride bytes apart. The same bytes on every machine. */
void pv_detail_add(const struct pv_detail_pictures *p, const struct pv_detail_scratch *scratch,
                   const uint8_t *predicted, uint8_t *dst, size_t stride);

#endif
