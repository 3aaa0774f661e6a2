/* tone.h: bringing light that is not BT.709 to BT.709: PQ, HLG, BT.2020 colours, linear OpenEXR.
 *
 * Code values become light (cd/m2 for PQ and HLG, where 203 is diffuse white, ITU-R BT.2408; 1 = white otherwise), the
 * brightest channel goes through the tone curve of ITU-R BT.2390-10 section 5.4.1 and takes the others with it, so hues
 * stay, the BT.2020 primaries are changed to BT.709 (ITU-R BT.2087), and what is outside is clipped. */
#ifndef PV_CLIP_TONE_H
#define PV_CLIP_TONE_H

#include <prevue/prevue.h>

#include "clip/colour.h"

struct pv_tone;

/* peak: the brightest light of the source in cd/m2 (its mastering display); 0 = not known, 1000 is assumed. *tone is
 * NULL on failure: no memory. */
pv_status pv_tone_open(const struct pv_colour *colour, double peak, struct pv_tone **tone);

/* from: R, G, B of 16 bits each, full range, native byte order; rows of to->width pixels, stride bytes apart. */
void pv_tone_apply(const struct pv_tone *tone, const uint8_t *from, size_t stride, pv_frame *to);

void pv_tone_close(struct pv_tone *tone);

/* The sRGB curve (IEC 61966-2-1): code value 0..1 <-> light 0..1. Pictures in OpenEXR files are light; prevue's frames
 * are code values. */
double pv_tone_srgb_from_light(double light);
double pv_tone_light_from_srgb(double value);

#endif
