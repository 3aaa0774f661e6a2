/* encode.c: see encode.h. */
#include "clip/encode.h"

#include <libavutil/dict.h>
#include <libavutil/mem.h>
#include <libavutil/pixdesc.h>
#include <math.h>
#include <string.h>

#include "clip/report.h"
#include "clip/tone.h"

static void say_colour(AVCodecContext *c, const struct pv_recipe *recipe)
{
    c->color_primaries = AVCOL_PRI_BT709;
    c->color_trc = recipe->linear ? AVCOL_TRC_LINEAR : AVCOL_TRC_BT709;
    c->colorspace = recipe->rgb ? AVCOL_SPC_RGB : AVCOL_SPC_BT709;
    c->color_range = recipe->rgb ? AVCOL_RANGE_JPEG : AVCOL_RANGE_MPEG;
    c->chroma_sample_location = recipe->rgb ? AVCHROMA_LOC_UNSPECIFIED : AVCHROMA_LOC_LEFT;
}

pv_status pv_encoder_open(struct pv_encoder *e, const struct pv_recipe *recipe, int width, int height, AVRational fps,
                          int threads, bool global_header, struct pv_error *err)
{
    *e = (struct pv_encoder){.recipe = recipe, .width = width, .height = height};
    const AVCodec *codec = avcodec_find_encoder_by_name(recipe->encoder);
    AVCodecContext *c = e->context = codec ? avcodec_alloc_context3(codec) : NULL;
    e->frame = av_frame_alloc();
    if (!c || !e->frame)
        return pv_fail(err, PV_ERR_MEMORY, "no memory for the encoder %s", recipe->encoder);
    const AVPixFmtDescriptor *desc = av_pix_fmt_desc_get(recipe->format);
    c->width = recipe->even && desc->log2_chroma_w ? (width + 1) & ~1 : width;
    c->height = recipe->even && desc->log2_chroma_h ? (height + 1) & ~1 : height;
    c->pix_fmt = recipe->format;
    c->time_base = av_inv_q(fps);
    c->framerate = fps;
    c->sample_aspect_ratio = (AVRational){1, 1};
    c->thread_count = threads;
    c->field_order = AV_FIELD_PROGRESSIVE;
    c->flags |= (int)AV_CODEC_FLAG_CLOSED_GOP;
    if (global_header)
        c->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    c->gop_size = 1;
    if (recipe->gop_seconds > 0)
        c->gop_size = (int)av_clip64((int64_t)recipe->gop_seconds * fps.num / fps.den, 1, 600);
    say_colour(c, recipe);

    AVDictionary *options = NULL;
    int code = recipe->options ? av_dict_parse_string(&options, recipe->options, "=", ":", 0) : 0;
    if (code >= 0)
        code = avcodec_open2(c, codec, &options);
    av_dict_free(&options);
    if (code < 0)
        return pv_fail(err, code == AVERROR(ENOMEM) ? PV_ERR_MEMORY : PV_ERR_UNSUPPORTED,
                       "the encoder %s does not take %dx%d at %d/%d frames a second: %s", recipe->encoder, c->width,
                       c->height, fps.num, fps.den, pv_av_words(code).text);
    return PV_OK;
}

static pv_status follow_size(struct pv_encoder *e, const pv_frame *frame, struct pv_error *err)
{
    if (frame->width == e->from_width && frame->height == e->from_height)
        return PV_OK;
    sws_freeContext(e->sws);
    pv_clip_scaler_close(e->scaler);
    e->sws = NULL;
    e->scaler = NULL;
    e->from_width = e->from_height = 0;
    if (e->recipe->linear) {
        if (!e->scaled && !(e->scaled = av_malloc(3 * (size_t)e->width * (size_t)e->height)))
            return pv_fail(err, PV_ERR_MEMORY, "no memory for a picture of %dx%d pixels", e->width, e->height);
        const pv_status status = pv_clip_scaler_open(frame->width, frame->height, e->width, e->height, &e->scaler);
        if (status != PV_OK)
            return pv_fail(err, status, "cannot scale %dx%d to %dx%d", frame->width, frame->height, e->width,
                           e->height);
    } else {
        const struct pv_picture_format from = {
            .width = frame->width, .height = frame->height, .format = AV_PIX_FMT_RGB24, .full_range = true};
        const struct pv_picture_format to = {.width = e->width,
                                             .height = e->height,
                                             .format = e->recipe->format,
                                             .matrix = PV_CLIP_MATRIX_BT709,
                                             .full_range = e->recipe->rgb,
                                             .chroma = AVCHROMA_LOC_LEFT};
        const bool shrinks =
            to.width <= from.width && to.height <= from.height && (to.width < from.width || to.height < from.height);
        PV_TRY(pv_colour_open_sws(&from, &to, shrinks ? SWS_AREA : SWS_BICUBIC, &e->sws, err));
    }
    e->from_width = frame->width;
    e->from_height = frame->height;
    return PV_OK;
}

/* Luma of the padding repeats the last column and row; the chroma samples there belong to the picture already. */
static void pad_luma(AVFrame *f, int width, int height, int bytes)
{
    if (f->width > width)
        for (int y = 0; y < height; y++) {
            uint8_t *end = f->data[0] + (ptrdiff_t)y * f->linesize[0] + (ptrdiff_t)width * bytes;
            memcpy(end, end - bytes, (size_t)bytes);
        }
    if (f->height > height) {
        const uint8_t *last = f->data[0] + (ptrdiff_t)(height - 1) * f->linesize[0];
        memcpy(f->data[0] + (ptrdiff_t)height * f->linesize[0], last, (size_t)f->width * (size_t)bytes);
    }
}

/* To the nearest half float (11 significant bits): the exr encoder would cut. */
static float nearest_half(double light)
{
    int exponent;
    const double fraction = frexp(light, &exponent);
    return (float)ldexp(rint(fraction * 2048.0) / 2048.0, exponent);
}

static void make_light(const uint8_t *rgb, AVFrame *f)
{
    static const int plane_of[3] = {2, 0, 1}; /* of R, G, B in GBR planes */
    float light[256];
    for (int i = 0; i < 256; i++)
        light[i] = nearest_half(pv_tone_light_from_srgb(i / 255.0));
    for (int y = 0; y < f->height; y++)
        for (int c = 0; c < 3; c++) {
            float *row = (float *)(void *)(f->data[plane_of[c]] + (ptrdiff_t)y * f->linesize[plane_of[c]]);
            for (int x = 0; x < f->width; x++)
                row[x] = light[rgb[3 * ((size_t)y * (size_t)f->width + (size_t)x) + (size_t)c]];
        }
}

static pv_status fill(struct pv_encoder *e, const pv_frame *frame, struct pv_error *err)
{
    AVFrame *f = e->frame;
    if (e->recipe->linear) {
        pv_frame scaled = {.data = e->scaled, .stride = 3 * (size_t)e->width, .width = e->width, .height = e->height};
        const pv_status status = pv_clip_scaler_run(e->scaler, frame, &scaled);
        if (status != PV_OK)
            return pv_fail(err, status, "cannot scale a frame");
        make_light(e->scaled, f);
        return PV_OK;
    }
    const uint8_t *const source[4] = {frame->data};
    const int stride[4] = {(int)frame->stride};
    const int rows = sws_scale(e->sws, source, stride, 0, frame->height, f->data, f->linesize);
    if (rows != e->height)
        return pv_fail(err, PV_ERR_INTERNAL, "colour conversion made %d rows of %d", rows, e->height);
    pad_luma(f, e->width, e->height, av_pix_fmt_desc_get(f->format)->comp[0].step);
    return PV_OK;
}

pv_status pv_encoder_send(struct pv_encoder *e, const pv_frame *frame, struct pv_error *err)
{
    AVFrame *f = e->frame;
    const AVCodecContext *c = e->context;
    PV_TRY(follow_size(e, frame, err));
    f->width = c->width;
    f->height = c->height;
    f->format = c->pix_fmt;
    if (av_frame_get_buffer(f, 0) < 0) { /* a new one: the encoder may hold on to the last */
        av_frame_unref(f);
        return pv_fail(err, PV_ERR_MEMORY, "no memory for a picture of %dx%d pixels", c->width, c->height);
    }
    pv_status status = fill(e, frame, err);
    if (status == PV_OK) {
        f->color_primaries = c->color_primaries;
        f->color_trc = c->color_trc;
        f->colorspace = c->colorspace;
        f->color_range = c->color_range;
        f->chroma_location = c->chroma_sample_location;
        f->sample_aspect_ratio = c->sample_aspect_ratio;
        f->pts = e->sent;
        const int code = avcodec_send_frame(e->context, f);
        if (code == AVERROR(EAGAIN))
            status = PV_AGAIN;
        else if (code < 0)
            status = pv_fail(err, pv_av_status(code), "the encoder %s failed at frame %lld: %s", e->recipe->encoder,
                             (long long)e->sent, pv_av_words(code).text);
        else
            e->sent++;
    }
    av_frame_unref(f);
    return status;
}

pv_status pv_encoder_drain(struct pv_encoder *e, struct pv_error *err)
{
    const int code = avcodec_send_frame(e->context, NULL);
    if (code < 0 && code != AVERROR_EOF)
        return pv_fail(err, pv_av_status(code), "the encoder %s cannot be drained: %s", e->recipe->encoder,
                       pv_av_words(code).text);
    return PV_OK;
}

pv_status pv_encoder_receive(struct pv_encoder *e, AVPacket *packet, struct pv_error *err)
{
    const int code = avcodec_receive_packet(e->context, packet);
    if (code == AVERROR(EAGAIN))
        return PV_AGAIN;
    if (code == AVERROR_EOF)
        return PV_END;
    if (code < 0)
        return pv_fail(err, pv_av_status(code), "the encoder %s failed: %s", e->recipe->encoder,
                       pv_av_words(code).text);
    packet->duration = 1;
    return PV_OK;
}

void pv_encoder_release(struct pv_encoder *e)
{
    sws_freeContext(e->sws);
    pv_clip_scaler_close(e->scaler);
    av_freep(&e->scaled);
    av_frame_free(&e->frame);
    avcodec_free_context(&e->context);
}
