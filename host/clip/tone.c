/* tone.c: see tone.h. Curves are tabulated once: per pixel there are look-ups, one 3x3 product and four square roots.
 */
#include "clip/tone.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CODES = 65536, STEPS = 4096 };

static const double white_nits = 203.0, default_peak_nits = 1000.0, pq_peak_nits = 10000.0;

struct pv_tone {
    enum pv_curve curve;
    bool wide_gamut;
    float light[CODES];   /* 16-bit code value -> light; PQ: 1 = 10000 cd/m2; HLG: scene light */
    float gain[STEPS];    /* PQ, HLG: sqrt(brightest channel / 10000 cd/m2) -> factor that makes 1 = white */
    uint8_t value[STEPS]; /* sqrt(light), 1 = white -> code value */
};

/* SMPTE ST 2084; light 0..1 of 10000 cd/m2. */
static const double pq_m1 = 2610.0 / 16384, pq_m2 = 2523.0 / 32, pq_c1 = 3424.0 / 4096, pq_c2 = 2413.0 / 128,
                    pq_c3 = 2392.0 / 128;

static double light_from_pq(double value)
{
    const double p = pow(value, 1.0 / pq_m2);
    return pow(fmax(p - pq_c1, 0.0) / (pq_c2 - pq_c3 * p), 1.0 / pq_m1);
}

static double pq_from_light(double light)
{
    const double p = pow(light, pq_m1);
    return pow((pq_c1 + pq_c2 * p) / (1.0 + pq_c3 * p), pq_m2);
}

/* ITU-R BT.2100 table 5; scene light 0..1. */
static double light_from_hlg(double value)
{
    const double a = 0.17883277, b = 1.0 - 4.0 * a, c = 0.5 - a * log(4.0 * a);
    return value <= 0.5 ? value * value / 3.0 : (exp((value - c) / a) + b) / 12.0;
}

double pv_tone_srgb_from_light(double light)
{
    return light <= 0.0031308 ? 12.92 * light : 1.055 * pow(light, 1.0 / 2.4) - 0.055;
}

double pv_tone_light_from_srgb(double value)
{
    return value <= 0.04045 ? value / 12.92 : pow((value + 0.055) / 1.055, 2.4);
}

/* BT.2390: light of 10000 cd/m2 in, light of 10000 cd/m2 out; peak -> white, all below the knee unchanged. */
static double tone_curve(double light, double peak)
{
    const double pq_peak = pq_from_light(peak);
    const double e = fmin(pq_from_light(light) / pq_peak, 1.0);
    const double top = pq_from_light(white_nits / pq_peak_nits) / pq_peak;
    const double knee = 1.5 * top - 0.5;
    if (e < knee || top >= 1.0)
        return fmin(light, white_nits / pq_peak_nits);
    const double t = (e - knee) / (1.0 - knee), t2 = t * t, t3 = t2 * t;
    const double bent =
        (2.0 * t3 - 3.0 * t2 + 1.0) * knee + (t3 - 2.0 * t2 + t) * (1.0 - knee) + (-2.0 * t3 + 3.0 * t2) * top;
    return light_from_pq(bent * pq_peak);
}

static double light_of_code(enum pv_curve curve, double value)
{
    switch (curve) {
    case PV_CURVE_PQ: return light_from_pq(value);
    case PV_CURVE_HLG: return light_from_hlg(value);
    case PV_CURVE_LINEAR: return value;
    case PV_CURVE_SDR: break;
    }
    return pow(value, 2.4); /* ITU-R BT.1886 */
}

pv_status pv_tone_open(const struct pv_colour *colour, double peak, struct pv_tone **tone)
{
    struct pv_tone *t = *tone = malloc(sizeof *t);
    if (!t)
        return PV_ERR_MEMORY;
    t->curve = colour->curve;
    t->wide_gamut = colour->wide_gamut;
    for (int i = 0; i < CODES; i++)
        t->light[i] = (float)light_of_code(colour->curve, i / (double)(CODES - 1));

    if (!(peak >= white_nits))
        peak = default_peak_nits;
    peak = fmin(peak, pq_peak_nits) / pq_peak_nits;
    for (int i = 0; i < STEPS; i++) {
        const double root = fmax(i, 0.5) / (STEPS - 1), light = root * root;
        t->gain[i] = (float)(tone_curve(light, peak) / light * pq_peak_nits / white_nits);
        const double shown = i / (double)(STEPS - 1) * i / (STEPS - 1);
        const double value = colour->curve == PV_CURVE_LINEAR ? pv_tone_srgb_from_light(shown) : pow(shown, 1.0 / 2.4);
        t->value[i] = (uint8_t)lrint(255.0 * value);
    }
    return PV_OK;
}

static int root_step(float light)
{
    const float root = sqrtf(fminf(fmaxf(light, 0.0f), 1.0f));
    return (int)(root * (STEPS - 1) + 0.5f);
}

/* HLG's scene light -> display light, 1 = 10000 cd/m2, on a 1000 cd/m2 display (BT.2100: gamma 1.2). */
static void hlg_display(float rgb[3])
{
    const float luminance = 0.2627f * rgb[0] + 0.6780f * rgb[1] + 0.0593f * rgb[2];
    const float factor = powf(luminance, 0.2f) * (float)(default_peak_nits / pq_peak_nits);
    for (int c = 0; c < 3; c++)
        rgb[c] *= factor;
}

/* BT.2020 -> BT.709 primaries, linear light (BT.2087-0). */
static void narrow_gamut(float rgb[3])
{
    const float r = rgb[0], g = rgb[1], b = rgb[2];
    rgb[0] = 1.6605f * r - 0.5876f * g - 0.0728f * b;
    rgb[1] = -0.1246f * r + 1.1329f * g - 0.0083f * b;
    rgb[2] = -0.0182f * r - 0.1006f * g + 1.1187f * b;
}

void pv_tone_apply(const struct pv_tone *tone, const uint8_t *from, size_t stride, pv_frame *to)
{
    const bool bright = tone->curve == PV_CURVE_PQ || tone->curve == PV_CURVE_HLG;
    for (int y = 0; y < to->height; y++) {
        const uint8_t *source = from + (size_t)y * stride;
        uint8_t *target = to->data + (size_t)y * to->stride;
        for (int x = 0; x < to->width; x++, source += 6, target += 3) {
            uint16_t code[3];
            memcpy(code, source, sizeof code);
            float rgb[3] = {tone->light[code[0]], tone->light[code[1]], tone->light[code[2]]};
            if (tone->curve == PV_CURVE_HLG)
                hlg_display(rgb);
            if (bright) {
                const float gain = tone->gain[root_step(fmaxf(rgb[0], fmaxf(rgb[1], rgb[2])))];
                for (int c = 0; c < 3; c++)
                    rgb[c] *= gain;
            }
            if (tone->wide_gamut)
                narrow_gamut(rgb);
            for (int c = 0; c < 3; c++)
                target[c] = tone->value[root_step(rgb[c])];
        }
    }
}

void pv_tone_close(struct pv_tone *tone)
{
    free(tone);
}
