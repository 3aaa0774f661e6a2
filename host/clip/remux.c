/* remux.c: from fragments to a file with its index in front, which is what players, browsers and editors like best.
 * Nothing is encoded again. */
#include <libavutil/avstring.h>
#include <libavutil/mathematics.h>
#include <libavutil/opt.h>
#include <stdlib.h>
#include <unistd.h>

#include "clip/mux.h"
#include "clip/report.h"

struct remux {
    struct pv_container from;
    struct pv_output output;
    AVFormatContext *to;
    AVPacket *packet;
    int *stream_of; /* input index -> output index, -1 = left out */
    int64_t bytes;  /* of the new file */
    bool started;
    int64_t start; /* the same in ticks of start_unit */
    AVRational start_unit;
};

static pv_status copy_streams(struct remux *r, struct pv_error *err)
{
    AVFormatContext *from = r->from.format;
    const int code = avformat_find_stream_info(from, NULL);
    if (code < 0)
        return pv_fail(err, pv_av_status(code), "cannot read back '%s': %s", from->url, pv_av_words(code).text);
    r->stream_of = calloc(from->nb_streams, sizeof *r->stream_of);
    if (!r->stream_of)
        return pv_fail(err, PV_ERR_MEMORY, "no memory to complete '%s'", r->output.path);
    for (unsigned i = 0; i < from->nb_streams; i++) {
        const AVStream *in = from->streams[i];
        const enum AVMediaType type = in->codecpar->codec_type;
        r->stream_of[i] = -1;
        if (type != AVMEDIA_TYPE_VIDEO && type != AVMEDIA_TYPE_AUDIO)
            continue; /* the timecode track is made anew */
        AVStream *out = avformat_new_stream(r->to, NULL);
        if (!out || avcodec_parameters_copy(out->codecpar, in->codecpar) < 0)
            return pv_fail(err, PV_ERR_MEMORY, "no memory to complete '%s'", r->output.path);
        out->time_base = in->time_base;
        out->avg_frame_rate = in->avg_frame_rate;
        out->sample_aspect_ratio = in->sample_aspect_ratio;
        r->stream_of[i] = out->index;
    }
    return PV_OK;
}

static pv_status copy_packets(struct remux *r, struct pv_error *err)
{
    for (;;) {
        AVPacket *p = r->packet;
        int code = av_read_frame(r->from.format, p);
        if (code == AVERROR_EOF)
            return PV_OK;
        if (code == AVERROR_EXIT)
            return pv_fail(err, PV_ERR_ABORTED, "completing '%s' was stopped on request", r->output.path);
        if (code < 0)
            return pv_fail(err, pv_av_status(code), "cannot read back what was written for '%s': %s", r->output.path,
                           pv_av_words(code).text);
        const int index = r->stream_of[p->stream_index];
        const AVStream *in = r->from.format->streams[p->stream_index];
        if (!r->started && in->codecpar->codec_type == AVMEDIA_TYPE_VIDEO) {
            r->started = true; /* a key frame of a closed group: nothing is shown before it */
            r->start = p->pts;
            r->start_unit = in->time_base;
        }
        if (index < 0 || !r->started) {
            av_packet_unref(p);
            continue;
        }
        const int64_t start = av_rescale_q(r->start, r->start_unit, in->time_base);
        p->pts -= start;
        p->dts -= start;
        p->pos = -1;
        p->stream_index = index;
        av_packet_rescale_ts(p, in->time_base, r->to->streams[index]->time_base);
        code = av_interleaved_write_frame(r->to, p);
        if (code < 0)
            return pv_output_fail(&r->output, code, err);
    }
}

static pv_status remux(struct remux *r, const char *from, const char *to, const char *muxer, const char *timecode,
                       const char *comment, const pv_callbacks *callbacks, struct pv_error *err)
{
    const struct pv_container_limits limits = {.max_streams = 8, .max_probe_bytes = INT64_C(8) << 20};
    PV_TRY(pv_container_open(&r->from, from, &limits, callbacks, err));
    PV_TRY(pv_output_create(&r->output, to, true, callbacks, err));
    char *url = av_asprintf("file:%s", to); /* faststart reads the file back by its name */
    avformat_alloc_output_context2(&r->to, NULL, muxer, url);
    av_free(url);
    r->packet = av_packet_alloc();
    if (!r->to || !r->packet)
        return pv_fail(err, PV_ERR_MEMORY, "no memory to complete '%s'", to);
    r->to->pb = r->output.io;
    r->to->flags |= AVFMT_FLAG_CUSTOM_IO | AVFMT_FLAG_BITEXACT;
    av_opt_set(r->to->priv_data, "movflags", "faststart", 0);
    PV_TRY(copy_streams(r, err));
    if (timecode && timecode[0])
        av_dict_set(&r->to->metadata, "timecode", timecode, 0);
    if (comment && comment[0])
        av_dict_set(&r->to->metadata, "comment", comment, 0);
    int code = avformat_write_header(r->to, NULL);
    if (code < 0)
        return pv_output_fail(&r->output, code, err);
    PV_TRY(copy_packets(r, err));
    code = av_write_trailer(r->to);
    if (code < 0)
        return pv_output_fail(&r->output, code, err);
    r->bytes = avio_size(r->output.io);
    return pv_output_finish(&r->output, err);
}

pv_status pv_remux_faststart(const char *from, const char *to, const char *muxer, const char *timecode,
                             const char *comment, const pv_callbacks *callbacks, int64_t *bytes, struct pv_error *err)
{
    struct remux r = {.output = {.fd = -1}};
    const pv_status status = remux(&r, from, to, muxer, timecode, comment, callbacks, err);
    *bytes = r.bytes;
    const bool created = r.output.path != NULL && r.output.io != NULL;
    avformat_free_context(r.to);
    av_packet_free(&r.packet);
    free(r.stream_of);
    pv_container_release(&r.from);
    pv_output_release(&r.output);
    if (status != PV_OK && created)
        unlink(to);
    return status;
}
