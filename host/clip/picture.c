/* picture.c: see picture.h. The usual picture (upright, opaque, SDR) is converted and scaled by swscale straight into
 * the caller's memory; each of the other properties adds one pass through a buffer. */
#include "clip/picture.h"

#include <libavutil/mastering_display_metadata.h>
#include <libavutil/mem.h>
#include <libavutil/pixdesc.h>
#include <limits.h>

#include "clip/tone.h"

static bool has_alpha(enum AVPixelFormat format)
{
    const AVPixFmtDescriptor *desc = av_pix_fmt_desc_get(format);
    return desc && (desc->flags & (AV_PIX_FMT_FLAG_ALPHA | AV_PIX_FMT_FLAG_PAL));
}

static bool needs_tone(const struct pv_colour *c)
{
    return c->curve != PV_CURVE_SDR || c->wide_gamut;
}

static double peak_nits(const AVFrame *frame)
{
    const AVFrameSideData *side = av_frame_get_side_data(frame, AV_FRAME_DATA_MASTERING_DISPLAY_METADATA);
    if (!side)
        return 0.0;
    const AVMasteringDisplayMetadata *display = (const AVMasteringDisplayMetadata *)side->data;
    return display->has_luminance && display->max_luminance.den ? av_q2d(display->max_luminance) : 0.0;
}

static void release_derived(struct pv_picture *p)
{
    sws_freeContext(p->sws);
    p->sws = NULL;
    pv_tone_close(p->tone);
    p->tone = NULL;
    av_freep(&p->wide);
    av_freep(&p->flat);
}

static bool same_format(const struct pv_picture_format *a, const struct pv_picture_format *b)
{
    return a->width == b->width && a->height == b->height && a->format == b->format && a->matrix == b->matrix &&
           a->full_range == b->full_range && a->chroma == b->chroma;
}

/* What swscale is asked for: RGB, of 16 bits where a tone curve follows, with alpha where that has to go. (Of the
 * pictures that get a curve only OpenEXR ones have alpha, and those are multiplied by it already.) */
static enum AVPixelFormat intermediate_format(const struct pv_picture *p)
{
    if (needs_tone(&p->colour))
        return AV_PIX_FMT_RGB48;
    return has_alpha(p->from.format) ? AV_PIX_FMT_RGBA : AV_PIX_FMT_RGB24;
}

static pv_status prepare(struct pv_picture *p, const AVFrame *source, struct pv_error *err)
{
    struct pv_colour colour;
    PV_TRY(pv_colour_of_frame(source, p->matrix, p->range, &colour, err));
    const struct pv_picture_format from = {
        .width = source->width,
        .height = source->height,
        .format = pv_colour_plain_format(source->format),
        .matrix = colour.matrix,
        .full_range = colour.full_range,
        .chroma = colour.chroma,
    };
    if (p->sws && same_format(&from, &p->from) && colour.curve == p->colour.curve &&
        colour.wide_gamut == p->colour.wide_gamut)
        return PV_OK;
    release_derived(p);
    p->from = from;
    p->colour = colour;

    const bool turned = p->orientation.transpose;
    struct pv_picture_format to = {
        .width = turned ? p->height : p->width,
        .height = turned ? p->width : p->height,
        .format = intermediate_format(p),
        .full_range = true,
    };
    const size_t pixels = (size_t)to.width * (size_t)to.height;
    const size_t wide_pixel = to.format == AV_PIX_FMT_RGB48 ? 6 : 4;
    if (to.format != AV_PIX_FMT_RGB24 && !(p->wide = av_malloc(pixels * wide_pixel)))
        return pv_fail(err, PV_ERR_MEMORY, "no memory for a picture of %dx%d pixels", to.width, to.height);
    if (!pv_orientation_is_upright(p->orientation) && !(p->flat = av_malloc(pixels * 3)))
        return pv_fail(err, PV_ERR_MEMORY, "no memory for a picture of %dx%d pixels", to.width, to.height);
    if (needs_tone(&colour) && pv_tone_open(&colour, peak_nits(source), &p->tone) != PV_OK)
        return pv_fail(err, PV_ERR_MEMORY, "no memory for tone curves");
    const bool shrinks =
        to.width <= from.width && to.height <= from.height && (to.width < from.width || to.height < from.height);
    return pv_colour_open_sws(&from, &to, shrinks ? SWS_AREA : SWS_BICUBIC, &p->sws, err);
}

/* Over black: colour times alpha. Returns whether any pixel was not opaque. */
static bool flatten(const uint8_t *rgba, pv_frame *to)
{
    bool seen = false;
    for (int y = 0; y < to->height; y++) {
        uint8_t *target = to->data + (size_t)y * to->stride;
        for (int x = 0; x < to->width; x++, rgba += 4, target += 3) {
            const unsigned alpha = rgba[3];
            seen |= alpha != 255;
            for (int c = 0; c < 3; c++)
                target[c] = (uint8_t)((rgba[c] * alpha + 127) / 255);
        }
    }
    return seen;
}

pv_status pv_picture_convert(struct pv_picture *p, const AVFrame *source, const pv_frame *frame, struct pv_error *err)
{
    PV_TRY(prepare(p, source, err));
    if (frame->stride > INT_MAX)
        return pv_fail(err, PV_ERR_ARGUMENT, "a stride of %zu bytes is too large", frame->stride);
    pv_frame upright = *frame;
    if (p->flat) {
        upright.width = p->orientation.transpose ? frame->height : frame->width;
        upright.height = p->orientation.transpose ? frame->width : frame->height;
        upright.stride = 3 * (size_t)upright.width;
        upright.data = p->flat;
    }
    const int wide_stride = upright.width * (p->tone ? 6 : 4);
    uint8_t *const target[4] = {p->wide ? p->wide : upright.data};
    const int stride[4] = {p->wide ? wide_stride : (int)upright.stride};
    const int rows =
        sws_scale(p->sws, (const uint8_t *const *)source->data, source->linesize, 0, source->height, target, stride);
    if (rows != upright.height)
        return pv_fail(err, PV_ERR_INTERNAL, "colour conversion made %d rows of %d", rows, upright.height);
    if (p->tone)
        pv_tone_apply(p->tone, p->wide, (size_t)wide_stride, &upright);
    else if (p->wide)
        p->saw_alpha |= flatten(p->wide, &upright);
    if (p->flat) {
        pv_frame to = *frame;
        pv_orientation_apply(p->orientation, &upright, &to);
    }
    return PV_OK;
}

void pv_picture_release(struct pv_picture *picture)
{
    release_derived(picture);
}
