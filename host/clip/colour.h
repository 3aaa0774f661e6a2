/* colour.h: what the numbers in a picture mean, and a swscale context that is told so.
 *
 * swscale 5.1 ignores the tags of a frame and uses BT.601 for everything: on BT.709 material that is wrong by up to
 * 23/255. So matrix, range and chroma position are always said explicitly, both ways, and every context is opened with
 * accurate rounding and full chroma, which keeps the error of a conversion within 1/255. Untagged pictures are guessed
 * by size, as players do, and the guess is reported. */
#ifndef PV_CLIP_COLOUR_H
#define PV_CLIP_COLOUR_H

#include <libavutil/frame.h>
#include <libswscale/swscale.h>
#include <prevue/clip.h>
#include <stdbool.h>

#include "base/error.h"

/* How code values become light. */
enum pv_curve {
    PV_CURVE_SDR,   /* BT.709, sRGB, gamma ...: taken as they are */
    PV_CURVE_PQ,    /* SMPTE ST 2084 */
    PV_CURVE_HLG,   /* ARIB STD-B67 */
    PV_CURVE_LINEAR /* OpenEXR */
};

struct pv_colour {
    pv_clip_matrix matrix; /* never AUTO */
    bool full_range;
    bool matrix_guessed, range_guessed;
    enum pv_curve curve;
    bool wide_gamut; /* BT.2020 primaries */
    enum AVChromaLocation chroma;
};

/* Reads the tags of a decoded picture; matrix and range (AUTO or not) override them. PV_ERR_UNSUPPORTED for matrices
 * that are no 3x3 matrix on R'G'B' (ICtCp, YCgCo, constant luminance ...). */
pv_status pv_colour_of_frame(const AVFrame *frame, pv_clip_matrix matrix, pv_clip_range range, struct pv_colour *colour,
                             struct pv_error *err);

/* Whether the picture needs more than a matrix to become BT.709. */
static inline bool pv_colour_is_hdr(const struct pv_colour *c)
{
    return c->curve == PV_CURVE_PQ || c->curve == PV_CURVE_HLG || c->wide_gamut;
}

const char *pv_colour_matrix_name(pv_clip_matrix matrix);

/* "yuvj420p" is yuv420p with full range written into its name; the plain format. */
enum AVPixelFormat pv_colour_plain_format(enum AVPixelFormat format);

/* One side of a conversion. RGB formats: matrix, full_range and chroma are not used. */
struct pv_picture_format {
    int width, height;
    enum AVPixelFormat format;
    pv_clip_matrix matrix;
    bool full_range;
    enum AVChromaLocation chroma;
};

/* scaling: SWS_BICUBIC, SWS_AREA, ... *sws is freed with sws_freeContext. */
pv_status pv_colour_open_sws(const struct pv_picture_format *from, const struct pv_picture_format *to, int scaling,
                             struct SwsContext **sws, struct pv_error *err);

#endif
