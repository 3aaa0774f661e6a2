/* deinterlace.c: see deinterlace.h. */
#include "clip/deinterlace.h"

#include <libavfilter/buffersink.h>
#include <libavfilter/buffersrc.h>
#include <libavutil/mathematics.h>
#include <libavutil/mem.h>
#include <stdio.h>

#include "clip/ffmpeg_shim.h"
#include "clip/report.h"

bool pv_deinterlacer_wants(const struct pv_deinterlacer *d, const AVFrame *frame)
{
    return d->graph || pv_shim_frame_interlaced(frame);
}

bool pv_deinterlacer_fits(const struct pv_deinterlacer *d, const AVFrame *frame)
{
    return !d->graph || (d->width == frame->width && d->height == frame->height && d->format == frame->format);
}

static int make_graph(struct pv_deinterlacer *d, const AVFrame *frame)
{
    const AVFilter *buffer = avfilter_get_by_name("buffer"), *sink = avfilter_get_by_name("buffersink"),
                   *bwdif = avfilter_get_by_name("bwdif");
    if (!buffer || !sink || !bwdif)
        return AVERROR_FILTER_NOT_FOUND;
    d->graph = avfilter_graph_alloc();
    if (!d->graph)
        return AVERROR(ENOMEM);
    d->width = frame->width;
    d->height = frame->height;
    d->format = frame->format;
    d->draining = false;
    char colour[64], args[240];
    pv_shim_buffer_colour(frame, colour, sizeof colour);
    snprintf(args, sizeof args, "video_size=%dx%d:pix_fmt=%d:time_base=%d/%d:pixel_aspect=1/1%s", frame->width,
             frame->height, frame->format, d->time_base.num, d->time_base.den, colour);
    AVFilterContext *middle = NULL;
    int code = avfilter_graph_create_filter(&d->source, buffer, "in", args, NULL, d->graph);
    if (code >= 0)
        code =
            avfilter_graph_create_filter(&middle, bwdif, "bwdif", "mode=send_frame:deint=interlaced", NULL, d->graph);
    if (code >= 0)
        code = avfilter_graph_create_filter(&d->sink, sink, "out", NULL, NULL, d->graph);
    if (code >= 0)
        code = avfilter_link(d->source, 0, middle, 0);
    if (code >= 0)
        code = avfilter_link(middle, 0, d->sink, 0);
    if (code >= 0)
        code = avfilter_graph_config(d->graph, NULL);
    return code;
}

static pv_status fail(struct pv_deinterlacer *d, int code, struct pv_error *err)
{
    pv_deinterlacer_release(d);
    return pv_fail(err, pv_av_status(code),
                   "cannot deinterlace (FFmpeg's bwdif): %s; switch it off or convert the clip",
                   pv_av_words(code).text);
}

pv_status pv_deinterlacer_send(struct pv_deinterlacer *d, AVFrame *frame, struct pv_error *err)
{
    int code = d->graph ? 0 : make_graph(d, frame);
    if (code >= 0) {
        frame->pts = frame->best_effort_timestamp;
        code = av_buffersrc_add_frame(d->source, frame);
    }
    return code < 0 ? fail(d, code, err) : PV_OK;
}

pv_status pv_deinterlacer_receive(struct pv_deinterlacer *d, AVFrame *frame, struct pv_error *err)
{
    const int code = av_buffersink_get_frame(d->sink, frame);
    if (code == AVERROR(EAGAIN))
        return PV_AGAIN;
    if (code == AVERROR_EOF) {
        pv_deinterlacer_release(d);
        return PV_END;
    }
    if (code < 0)
        return fail(d, code, err);
    frame->best_effort_timestamp = av_rescale_q_rnd(frame->pts, av_buffersink_get_time_base(d->sink), d->time_base,
                                                    AV_ROUND_NEAR_INF | AV_ROUND_PASS_MINMAX);
    return PV_OK;
}

pv_status pv_deinterlacer_drain(struct pv_deinterlacer *d, struct pv_error *err)
{
    d->draining = true;
    const int code = av_buffersrc_add_frame(d->source, NULL);
    return code < 0 ? fail(d, code, err) : PV_OK;
}

void pv_deinterlacer_release(struct pv_deinterlacer *d)
{
    avfilter_graph_free(&d->graph);
    d->source = d->sink = NULL;
    d->draining = false;
}
