/* audio.c: see audio.h. */
#include "clip/audio.h"

#include <math.h>
#include <string.h>

#include "clip/report.h"

pv_status pv_audio_open(struct pv_audio *a, const char *path, double start_seconds, const pv_callbacks *callbacks,
                        struct pv_error *err)
{
    *a = (struct pv_audio){.packet = av_packet_alloc()};
    if (!a->packet)
        return pv_fail(err, PV_ERR_MEMORY, "no memory to copy audio");
    const struct pv_container_limits limits = {.max_streams = 64, .max_probe_bytes = INT64_C(8) << 20};
    PV_TRY(pv_container_open(&a->container, path, &limits, callbacks, err));
    AVFormatContext *format = a->container.format;
    const int code = avformat_find_stream_info(format, NULL);
    if (code < 0)
        return pv_fail(err, pv_av_status(code), "cannot find out what is in '%s': %s", path, pv_av_words(code).text);
    const int index = av_find_best_stream(format, AVMEDIA_TYPE_AUDIO, -1, -1, NULL, 0);
    for (unsigned i = 0; i < format->nb_streams; i++)
        if ((int)i != index)
            format->streams[i]->discard = AVDISCARD_ALL;
    if (index < 0)
        return PV_OK;
    a->stream = format->streams[index];
    a->parameters = a->stream->codecpar;
    a->unit = a->stream->time_base;
    a->start = llrint(start_seconds / av_q2d(a->stream->time_base));
    return PV_OK;
}

/* The next packet of the stream. PV_END also where the file is damaged: the sound ends there, the pictures go on. */
static pv_status read_packet(struct pv_audio *a, struct pv_error *err)
{
    AVPacket *p = a->packet;
    int code;
    while ((code = av_read_frame(a->container.format, p)) >= 0) {
        if (p->stream_index == a->stream->index && p->pts != AV_NOPTS_VALUE && p->pts >= a->start) {
            p->pts -= a->start;
            p->dts = p->pts; /* audio is not reordered */
            return PV_OK;
        }
        av_packet_unref(p);
    }
    return code == AVERROR_EXIT ? pv_fail(err, PV_ERR_ABORTED, "copying audio was stopped on request") : PV_END;
}

/* The next packet out of the converter; it fails only where the sound ends. */
static pv_status convert_packet(struct pv_audio *a, struct pv_error *err)
{
    int code;
    while ((code = pv_audio_converter_receive(&a->converter, a->packet)) != 0) {
        if (code != AVERROR(EAGAIN))
            return PV_END;
        const pv_status status = read_packet(a, err);
        if (status != PV_OK && status != PV_END)
            return status;
        if (pv_audio_converter_send(&a->converter, status == PV_OK ? a->packet : NULL) < 0)
            return PV_END;
    }
    a->packet->dts = a->packet->pts;
    return PV_OK;
}

pv_status pv_audio_peek(struct pv_audio *a, AVPacket **packet, struct pv_error *err)
{
    *packet = a->packet;
    while (!a->waits && !a->ended) {
        const pv_status status = a->converts ? convert_packet(a, err) : read_packet(a, err);
        if (status != PV_OK && status != PV_END)
            return status;
        a->ended = status == PV_END;
        a->waits = status == PV_OK && a->packet->pts >= 0; /* encoders begin before 0, to warm up */
        if (status == PV_OK && !a->waits)
            av_packet_unref(a->packet);
    }
    return a->waits ? PV_OK : PV_END;
}

static pv_status convert(struct pv_audio *a, int code)
{
    a->converts = true;
    a->parameters = a->converter.parameters;
    a->unit = a->converter.unit;
    return code == AVERROR(ENOMEM) ? PV_ERR_MEMORY : code < 0 ? PV_ERR_UNSUPPORTED : PV_OK;
}

/* FFmpeg writes Vorbis into MP4 too, under a number that no standard gave it: few players and editors know it. */
static bool holds(const AVOutputFormat *container, enum AVCodecID codec)
{
    const bool private_number = codec == AV_CODEC_ID_VORBIS && strcmp(container->name, "mp4") == 0;
    return avformat_query_codec(container, codec, FF_COMPLIANCE_NORMAL) == 1 && !private_number;
}

pv_status pv_audio_suit(struct pv_audio *a, const AVOutputFormat *container, struct pv_error *err)
{
    const AVCodecParameters *par = a->stream->codecpar;
    const bool fits = holds(container, par->codec_id);
    AVPacket *first;
    if (fits && !pv_audio_lacks_header(par, container))
        return PV_OK;
    const pv_status status = convert(a, fits ? pv_audio_converter_open_header(&a->converter, a->stream)
                                             : pv_audio_converter_open_encoder(&a->converter, a->stream, container));
    if (status != PV_OK)
        return pv_fail(err, status, "audio (%s) cannot be put into a %s file", avcodec_get_name(par->codec_id),
                       container->name);
    if (!fits)
        pv_report(a->container.callbacks, PV_LOG_NOTICE, "audio (%s) cannot be copied into a %s file: it becomes %s",
                  avcodec_get_name(par->codec_id), container->name, avcodec_get_name(a->parameters->codec_id));
    const pv_status peeked = fits ? pv_audio_peek(a, &first, err) : PV_OK; /* the header comes with the first packet */
    return peeked == PV_END ? PV_OK : peeked;
}

void pv_audio_release(struct pv_audio *a)
{
    av_packet_free(&a->packet);
    if (a->converts)
        pv_audio_converter_release(&a->converter);
    a->converts = false;
    pv_container_release(&a->container);
    a->stream = NULL;
}
