/* colour.c: see colour.h. */
#include "clip/colour.h"

#include <libavutil/opt.h>
#include <libavutil/pixdesc.h>

#include "clip/report.h"

enum { HD_WIDTH = 1280, SD_HEIGHT = 576 }; /* untagged: BT.709 from this width on, or above this height */

static bool is_rgb(const AVPixFmtDescriptor *desc)
{
    return (desc->flags & (AV_PIX_FMT_FLAG_RGB | AV_PIX_FMT_FLAG_PAL)) != 0;
}

static bool is_yuvj(enum AVPixelFormat format)
{
    return pv_colour_plain_format(format) != format;
}

enum AVPixelFormat pv_colour_plain_format(enum AVPixelFormat format)
{
    switch (format) {
    case AV_PIX_FMT_YUVJ411P: return AV_PIX_FMT_YUV411P;
    case AV_PIX_FMT_YUVJ420P: return AV_PIX_FMT_YUV420P;
    case AV_PIX_FMT_YUVJ422P: return AV_PIX_FMT_YUV422P;
    case AV_PIX_FMT_YUVJ440P: return AV_PIX_FMT_YUV440P;
    case AV_PIX_FMT_YUVJ444P: return AV_PIX_FMT_YUV444P;
    default: return format;
    }
}

const char *pv_colour_matrix_name(pv_clip_matrix matrix)
{
    switch (matrix) {
    case PV_CLIP_MATRIX_BT601: return "BT.601";
    case PV_CLIP_MATRIX_BT709: return "BT.709";
    case PV_CLIP_MATRIX_BT2020: return "BT.2020";
    case PV_CLIP_MATRIX_RGB: return "RGB";
    case PV_CLIP_MATRIX_AUTO: break;
    }
    return "unknown";
}

static pv_status matrix_of_frame(const AVFrame *frame, const AVPixFmtDescriptor *desc, struct pv_colour *colour,
                                 struct pv_error *err)
{
    switch (frame->colorspace) {
    case AVCOL_SPC_BT709: colour->matrix = PV_CLIP_MATRIX_BT709; return PV_OK;
    case AVCOL_SPC_FCC: /* differs from BT.601 by less than 0.01 */
    case AVCOL_SPC_BT470BG:
    case AVCOL_SPC_SMPTE170M: colour->matrix = PV_CLIP_MATRIX_BT601; return PV_OK;
    case AVCOL_SPC_BT2020_NCL: colour->matrix = PV_CLIP_MATRIX_BT2020; return PV_OK;
    case AVCOL_SPC_RGB: /* on YUV planes: a damaged tag */
    case AVCOL_SPC_RESERVED:
    case AVCOL_SPC_UNSPECIFIED: break;
    default:
        if (desc->nb_components < 3)
            break;
        return pv_fail(err, PV_ERR_UNSUPPORTED,
                       "the colour matrix '%s' is not supported: convert the clip to bt709, or name the matrix to use "
                       "instead (--in-matrix)",
                       av_color_space_name(frame->colorspace));
    }
    const bool hd = frame->width >= HD_WIDTH || frame->height > SD_HEIGHT;
    colour->matrix = hd ? PV_CLIP_MATRIX_BT709 : PV_CLIP_MATRIX_BT601;
    colour->matrix_guessed = desc->nb_components >= 3; /* grey has no matrix to guess */
    return PV_OK;
}

pv_status pv_colour_of_frame(const AVFrame *frame, pv_clip_matrix matrix, pv_clip_range range, struct pv_colour *colour,
                             struct pv_error *err)
{
    *colour = (struct pv_colour){.curve = PV_CURVE_SDR, .chroma = frame->chroma_location};
    const AVPixFmtDescriptor *desc = av_pix_fmt_desc_get(frame->format);
    if (!desc || (desc->flags & AV_PIX_FMT_FLAG_HWACCEL))
        return pv_fail(err, PV_ERR_UNSUPPORTED, "the decoder's pixel format '%s' cannot be read",
                       desc ? desc->name : "unknown");

    if (is_rgb(desc))
        colour->matrix = PV_CLIP_MATRIX_RGB;
    else if (matrix != PV_CLIP_MATRIX_AUTO && matrix != PV_CLIP_MATRIX_RGB)
        colour->matrix = matrix;
    else
        PV_TRY(matrix_of_frame(frame, desc, colour, err));

    const bool tagged = frame->color_range == AVCOL_RANGE_MPEG || frame->color_range == AVCOL_RANGE_JPEG;
    if (is_rgb(desc))
        colour->full_range = true;
    else if (range != PV_CLIP_RANGE_AUTO)
        colour->full_range = range == PV_CLIP_RANGE_FULL;
    else if (is_yuvj(frame->format))
        colour->full_range = true;
    else if (tagged)
        colour->full_range = frame->color_range == AVCOL_RANGE_JPEG;
    else {
        colour->full_range = desc->nb_components < 3;
        colour->range_guessed = true;
    }

    if (frame->color_trc == AVCOL_TRC_SMPTE2084)
        colour->curve = PV_CURVE_PQ;
    else if (frame->color_trc == AVCOL_TRC_ARIB_STD_B67)
        colour->curve = PV_CURVE_HLG;
    else if (frame->color_trc == AVCOL_TRC_LINEAR || (desc->flags & AV_PIX_FMT_FLAG_FLOAT))
        colour->curve = PV_CURVE_LINEAR;
    const bool untagged = frame->color_primaries == AVCOL_PRI_UNSPECIFIED ||
                          frame->color_primaries == AVCOL_PRI_RESERVED || frame->color_primaries == AVCOL_PRI_RESERVED0;
    colour->wide_gamut = frame->color_primaries == AVCOL_PRI_BT2020 ||
                         (untagged && (frame->colorspace == AVCOL_SPC_BT2020_NCL || colour->curve == PV_CURVE_PQ ||
                                       colour->curve == PV_CURVE_HLG));
    return PV_OK;
}

static const int *sws_matrix(pv_clip_matrix matrix)
{
    switch (matrix) {
    case PV_CLIP_MATRIX_BT601: return sws_getCoefficients(SWS_CS_ITU601);
    case PV_CLIP_MATRIX_BT2020: return sws_getCoefficients(SWS_CS_BT2020);
    default: return sws_getCoefficients(SWS_CS_ITU709);
    }
}

/* Where chroma samples sit between luma samples, in 1/256 of a luma sample, as swscale counts. Untagged: left (MPEG-2
 * and everything after it). */
static void set_chroma(struct SwsContext *sws, const char *side, const struct pv_picture_format *p)
{
    const AVPixFmtDescriptor *desc = av_pix_fmt_desc_get(p->format);
    if (!desc || is_rgb(desc) || desc->nb_components < 3)
        return;
    int x = 0, y = 128;
    switch (p->chroma) {
    case AVCHROMA_LOC_CENTER: x = 128; break;
    case AVCHROMA_LOC_TOPLEFT: y = 0; break;
    case AVCHROMA_LOC_TOP: x = 128, y = 0; break;
    case AVCHROMA_LOC_BOTTOMLEFT: y = 256; break;
    case AVCHROMA_LOC_BOTTOM: x = 128, y = 256; break;
    default: break;
    }
    char name[24];
    if (desc->log2_chroma_w == 1) {
        snprintf(name, sizeof name, "%s_h_chr_pos", side);
        av_opt_set_int(sws, name, x, 0);
    }
    if (desc->log2_chroma_h == 1) {
        snprintf(name, sizeof name, "%s_v_chr_pos", side);
        av_opt_set_int(sws, name, y, 0);
    }
}

pv_status pv_colour_open_sws(const struct pv_picture_format *from, const struct pv_picture_format *to, int scaling,
                             struct SwsContext **sws, struct pv_error *err)
{
    *sws = NULL;
    struct SwsContext *s = sws_alloc_context();
    if (!s)
        return pv_fail(err, PV_ERR_MEMORY, "no memory for colour conversion");
    av_opt_set_int(s, "srcw", from->width, 0);
    av_opt_set_int(s, "srch", from->height, 0);
    av_opt_set_int(s, "src_format", from->format, 0);
    av_opt_set_int(s, "src_range", from->full_range, 0);
    av_opt_set_int(s, "dstw", to->width, 0);
    av_opt_set_int(s, "dsth", to->height, 0);
    av_opt_set_int(s, "dst_format", to->format, 0);
    av_opt_set_int(s, "dst_range", to->full_range, 0);
    av_opt_set_int(s, "sws_flags", scaling | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INT | SWS_FULL_CHR_H_INP, 0);
    set_chroma(s, "src", from);
    set_chroma(s, "dst", to);
    /* Said before opening, which chooses the conversion by it, and after, which some paths reset. */
    const int unity = 1 << 16;
    sws_setColorspaceDetails(s, sws_matrix(from->matrix), from->full_range, sws_matrix(to->matrix), to->full_range, 0,
                             unity, unity);
    const int code = sws_init_context(s, NULL, NULL);
    if (code < 0) {
        sws_freeContext(s);
        return pv_fail(err, pv_av_status(code), "cannot convert %dx%d %s to %dx%d %s: %s", from->width, from->height,
                       av_get_pix_fmt_name(from->format), to->width, to->height, av_get_pix_fmt_name(to->format),
                       pv_av_words(code).text);
    }
    sws_setColorspaceDetails(s, sws_matrix(from->matrix), from->full_range, sws_matrix(to->matrix), to->full_range, 0,
                             unity, unity);
    *sws = s;
    return PV_OK;
}
