/* forecast.h: what a prediction is judged against: forecasts that need no model. */
#ifndef PV_EVAL_FORECAST_H
#define PV_EVAL_FORECAST_H

#include <stdint.h>

#include "base/error.h"

/* The polynomial of the given degree (0 to 2) that fits values[0 .. count - 1], one a frame, by least squares, at
 * `ahead` frames after the last of them. The degree falls where there are too few values. count is at least 1. */
double pv_extrapolate(const double *values, int count, int degree, double ahead);

/* Motion between two pictures, [height][width] pixels a frame to the right and down. */
struct pv_flow {
    int width, height;
    float *right, *down;
};

/* Dense optical flow that carries `before` to `after` (both [height][width][3]), given at the pixels of `after`:
 * Lucas and Kanade 1981 in coarse-to-fine steps, windows of 9x9. Where there is no texture it is near zero. On failure
 * *flow is empty. */
pv_status pv_flow_find(const uint8_t *before, const uint8_t *after, int width, int height, struct pv_flow *flow,
                       struct pv_error *err);
void pv_flow_free(struct pv_flow *flow);

/* The picture `ahead` frames later if every pixel keeps its motion: pixels are carried forward, faster ones cover
 * slower ones, what is uncovered is filled from both sides of its row. out must not be rgb. PV_ERR_MEMORY. */
pv_status pv_flow_advect(const struct pv_flow *flow, const uint8_t *rgb, double ahead, uint8_t *out,
                         struct pv_error *err);

#endif
