/* clamp.h: fmin and fmax care for NaN, and are calls; these are two instructions. */
#ifndef PV_WORLD_CLAMP_H
#define PV_WORLD_CLAMP_H

static inline double pv_clamp(double value, double low, double high)
{
    return value < low ? low : value > high ? high : value;
}

static inline float pv_clampf(float value, float low, float high)
{
    return value < low ? low : value > high ? high : value;
}

#endif
