/* picture.h: how far two pictures are apart. A picture is RGB, 8 bits, [height][width][3] without padding. Each
 * function is pure; NAN is its answer where nothing can be measured. */
#ifndef PV_EVAL_PICTURE_H
#define PV_EVAL_PICTURE_H

#include <stddef.h>
#include <stdint.h>

/* Mean squared error over pixels and channels, in squared 8-bit levels. weight: [pixels], how much each pixel counts;
 * NULL = all alike. NAN when the weights are all zero. */
double pv_picture_error(const uint8_t *a, const uint8_t *b, const uint8_t *weight, size_t pixels);

/* Of a mean squared error, dB: 10 log10(255^2 / error). Errors below 1e-3 count as 1e-3 (78.1 dB), so that one perfect
 * frame does not make a mean infinite. */
double pv_psnr(double error);

/* How much each pixel changed from a to b: the mean over channels of the difference, rounded up. Weights that make
 * pv_picture_error count what moves. */
void pv_picture_change(const uint8_t *a, const uint8_t *b, uint8_t *change, size_t pixels);

/* Structural similarity, 1 = equal (Wang, Bovik, Sheikh, Simoncelli 2004, "Image quality assessment", section III-B):
 * Gaussian window of 11x11, sigma 1.5, K1 = .01, K2 = .03, range 255, over all windows that lie inside the picture and
 * over the three channels. NAN when a side is under 11. */
double pv_picture_ssim(const uint8_t *a, const uint8_t *b, int width, int height);

#endif
