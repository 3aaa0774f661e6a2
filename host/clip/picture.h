/* picture.h: one decoded picture -> one RGB frame in the caller's memory: colour, size, alpha, tone, orientation. */
#ifndef PV_CLIP_PICTURE_H
#define PV_CLIP_PICTURE_H

#include "clip/colour.h"
#include "clip/geometry.h"

struct pv_picture {
    int width, height; /* of the frames made; set by the owner */
    struct pv_orientation orientation;
    pv_clip_matrix matrix; /* overrides, AUTO = by tag */
    pv_clip_range range;

    bool saw_alpha; /* result: some pixel so far was not opaque */

    /* Derived from the last picture; rebuilt when a stream changes its format on the way. */
    struct pv_picture_format from;
    struct pv_colour colour;
    struct SwsContext *sws;
    struct pv_tone *tone;
    uint8_t *wide, *flat; /* before tone or alpha: 4 or 6 bytes a pixel; before turning: 3 bytes a pixel */
};

/* Fills frame->data; frame has the picture's width and height. */
pv_status pv_picture_convert(struct pv_picture *picture, const AVFrame *source, const pv_frame *frame,
                             struct pv_error *err);

void pv_picture_release(struct pv_picture *picture);

#endif
