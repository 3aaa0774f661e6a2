/* audio.c: see audio.h. */
#include "clip/audio.h"

#include <math.h>

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
    a->start = llrint(start_seconds / av_q2d(a->stream->time_base));
    return PV_OK;
}

pv_status pv_audio_peek(struct pv_audio *a, AVPacket **packet, struct pv_error *err)
{
    *packet = a->packet;
    while (!a->waits && !a->ended) {
        const int code = av_read_frame(a->container.format, a->packet);
        if (code == AVERROR_EXIT)
            return pv_fail(err, PV_ERR_ABORTED, "copying audio was stopped on request");
        if (code < 0) { /* the end, or damage: the sound ends here, the pictures go on */
            a->ended = true;
            break;
        }
        AVPacket *p = a->packet;
        if (p->stream_index == a->stream->index && p->pts != AV_NOPTS_VALUE && p->pts >= a->start) {
            p->pts -= a->start;
            p->dts = p->pts; /* audio is not reordered */
            a->waits = true;
        } else
            av_packet_unref(p);
    }
    return a->waits ? PV_OK : PV_END;
}

void pv_audio_release(struct pv_audio *a)
{
    av_packet_free(&a->packet);
    pv_container_release(&a->container);
    a->stream = NULL;
}
