/* yuv.h: what bits, range and matrix of a YUV picture come to, in whole numbers: one set for all backends, so that all
 * give the same bytes. */
#ifndef PV_BACKEND_YUV_H
#define PV_BACKEND_YUV_H

#include "backend/op.h"

enum { PV_YUV_SHIFT = 20 };

/* op.h's k: in 1/2^20 of a byte, for a sample of luma or a sixteenth of a sample of chroma. Sums stay within 31 bits.
 */
struct pv_yuv_scale {
    int32_t luma, red_v, green_u, green_v, blue_u;
    int32_t red, green, blue; /* what black's Y and grey's U and V take away, and half a byte, to round */
};

#ifdef __cplusplus
extern "C" {
#endif

/* p is checked. */
struct pv_yuv_scale pv_yuv_scale_of(const struct pv_yuv_to_rgb *p);

#ifdef __cplusplus
}
#endif

#endif
