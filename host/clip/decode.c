/* decode.c: see decode.h. */
#include "clip/decode.h"

#include "clip/report.h"

pv_status pv_decoder_open(struct pv_decoder *decoder, struct pv_demux *demux, struct pv_error *err)
{
    *decoder = (struct pv_decoder){.demux = demux};
    decoder->packet = av_packet_alloc();
    AVCodecContext *c = decoder->context = avcodec_alloc_context3(demux->decoder);
    if (!decoder->packet || !c)
        return pv_fail(err, PV_ERR_MEMORY, "no memory for a decoder");
    int code = avcodec_parameters_to_context(c, demux->video->codecpar);
    if (code >= 0) {
        c->pkt_timebase = demux->video->time_base;
        c->max_pixels = demux->params->max_pixels;
        c->thread_count = demux->params->threads;
        c->err_recognition = AV_EF_CRCCHECK;
        c->flags |= AV_CODEC_FLAG_OUTPUT_CORRUPT; /* flagged pictures are counted, not hidden */
        code = avcodec_open2(c, demux->decoder, NULL);
    }
    if (code < 0)
        return pv_fail(err, code == AVERROR(ENOMEM) ? PV_ERR_MEMORY : PV_ERR_FORMAT, "cannot decode the %s in '%s': %s",
                       demux->decoder->name, demux->path, pv_av_words(code).text);
    return PV_OK;
}

static pv_status count_bad(struct pv_decoder *d, int code, struct pv_error *err)
{
    if (code == AVERROR(ENOMEM))
        return pv_fail(err, PV_ERR_MEMORY, "no memory to decode '%s'", d->demux->path);
    d->bad_packets++;
    pv_report(&d->demux->params->callbacks, PV_LOG_DEBUG, "a packet of '%s' cannot be decoded: %s", d->demux->path,
              pv_av_words(code).text);
    if (d->bad_packets > d->demux->params->max_bad_packets)
        return pv_fail(err, PV_ERR_FORMAT,
                       "more than %d packets of '%s' cannot be decoded (%s): the clip is too damaged",
                       d->demux->params->max_bad_packets, d->demux->path, pv_av_words(code).text);
    return PV_OK;
}

/* Gives the decoder one packet, or the news that there are no more. */
static pv_status feed(struct pv_decoder *d, struct pv_error *err)
{
    if (!d->packet_waits) {
        const pv_status status = pv_demux_read(d->demux, d->packet, err);
        if (status == PV_END) {
            d->draining = true;
            avcodec_send_packet(d->context, NULL);
            return PV_OK;
        }
        PV_TRY(status);
        d->packet_waits = true;
    }
    const int code = avcodec_send_packet(d->context, d->packet);
    if (code == AVERROR(EAGAIN))
        return PV_OK; /* it has pictures to give first; the packet waits */
    av_packet_unref(d->packet);
    d->packet_waits = false;
    return code < 0 ? count_bad(d, code, err) : PV_OK;
}

pv_status pv_decoder_next(struct pv_decoder *d, AVFrame *frame, struct pv_error *err)
{
    for (;;) {
        const int code = avcodec_receive_frame(d->context, frame);
        if (code >= 0)
            return PV_OK;
        if (code == AVERROR_EOF || (code == AVERROR(EAGAIN) && d->draining))
            return PV_END;
        if (code == AVERROR(EAGAIN))
            PV_TRY(feed(d, err));
        else
            PV_TRY(count_bad(d, code, err));
    }
}

bool pv_decoder_is_damaged(const AVFrame *frame)
{
    return (frame->flags & AV_FRAME_FLAG_CORRUPT) || frame->decode_error_flags;
}

void pv_decoder_release(struct pv_decoder *d)
{
    av_packet_free(&d->packet);
    avcodec_free_context(&d->context);
}
