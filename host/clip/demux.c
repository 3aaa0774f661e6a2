/* demux.c: see demux.h. */
#include "clip/demux.h"

#include <libavutil/avstring.h>
#include <libavutil/parseutils.h>
#include <stdlib.h>
#include <string.h>

#include "clip/report.h"

static const int64_t AHEAD_BYTES = INT64_C(64) << 20; /* of packets read ahead, at most about this */

static pv_status open_sequence(struct pv_demux *d, const struct pv_sequence *sequence, struct pv_error *err)
{
    const pv_clip_reader_params *params = d->params;
    PV_TRY(pv_sequence_scan(sequence, &d->extent, err));
    d->is_sequence = true;
    d->has_hole = d->extent.run < d->extent.total;
    if (d->has_hole)
        pv_report(&params->callbacks, PV_LOG_WARNING,
                  "picture %d of '%s' is missing: the sequence is read up to %d, %d pictures after the hole are not",
                  d->extent.first + d->extent.run, d->path, d->extent.first + d->extent.run - 1,
                  d->extent.total - d->extent.run);
    char *pattern = pv_sequence_pattern(sequence);
    if (!pattern)
        return pv_fail(err, PV_ERR_MEMORY, "no memory to open '%s'", d->path);
    const struct pv_container_limits limits = {params->max_streams, params->max_probe_bytes};
    const AVRational fps = {params->sequence_fps_num, params->sequence_fps_den};
    const pv_status status = pv_container_open_pictures(&d->container, d->path, pattern, d->extent.first, fps, &limits,
                                                        &params->callbacks, err);
    free(pattern);
    return status;
}

static pv_status open_path(struct pv_demux *d, struct pv_error *err)
{
    struct pv_sequence sequence;
    PV_TRY(pv_sequence_of_path(d->path, &sequence, err));
    if (!sequence.prefix)
        return pv_container_open(&d->container, d->path,
                                 &(struct pv_container_limits){d->params->max_streams, d->params->max_probe_bytes},
                                 &d->params->callbacks, err);
    const pv_status status = open_sequence(d, &sequence, err);
    pv_sequence_release(&sequence);
    return status;
}

static pv_status choose_stream(struct pv_demux *d, struct pv_error *err)
{
    d->format = d->container.format;
    const int code = avformat_find_stream_info(d->format, NULL);
    if (code < 0)
        return pv_fail(err, pv_av_status(code), "cannot find out what is in '%s': %s", d->path, pv_av_words(code).text);
    PV_TRY(pv_container_count_streams(&d->container, d->path, d->params->max_streams, err));
    const int index = av_find_best_stream(d->format, AVMEDIA_TYPE_VIDEO, -1, -1, &d->decoder, 0);
    if (index == AVERROR_DECODER_NOT_FOUND)
        return pv_fail(err, PV_ERR_UNSUPPORTED, "this FFmpeg has no decoder for the pictures of '%s'", d->path);
    if (index < 0 || (d->format->streams[index]->disposition & AV_DISPOSITION_ATTACHED_PIC))
        return pv_fail(err, PV_ERR_FORMAT, "there is no video in '%s'", d->path);
    d->video = d->format->streams[index];
    for (unsigned i = 0; i < d->format->nb_streams; i++)
        if ((int)i != index)
            d->format->streams[i]->discard = AVDISCARD_ALL;

    const AVCodecParameters *par = d->video->codecpar;
    if ((int64_t)par->width * par->height > d->params->max_pixels)
        return pv_fail(err, PV_ERR_FORMAT, "'%s' is %dx%d pixels, more than the limit of %lld pixels in all", d->path,
                       par->width, par->height, (long long)d->params->max_pixels);
    return PV_OK;
}

/* One packet of the picture stream from the file. */
static pv_status read_file(struct pv_demux *d, AVPacket *packet, struct pv_error *err)
{
    for (;;) {
        if (pv_aborted(&d->params->callbacks))
            return pv_fail(err, PV_ERR_ABORTED, "reading '%s' was stopped on request", d->path);
        const int code = av_read_frame(d->format, packet);
        if (code == AVERROR_EXIT)
            return pv_fail(err, PV_ERR_ABORTED, "reading '%s' was stopped on request", d->path);
        if (code == AVERROR(ENOMEM))
            return pv_fail(err, PV_ERR_MEMORY, "no memory to read '%s'", d->path);
        if (code < 0) {
            if (code != AVERROR_EOF) {
                d->read_failed = true;
                pv_report(&d->params->callbacks, PV_LOG_WARNING, "'%s' cannot be read to its end: %s", d->path,
                          pv_av_words(code).text);
            } else if (d->format->pb && d->format->pb->error < 0 && d->format->pb->error != AVERROR_EOF)
                d->read_failed = true;
            d->at_end = true;
            return PV_END;
        }
        if (packet->stream_index == d->video->index)
            return PV_OK;
        av_packet_unref(packet);
    }
}

static pv_status read_ahead(struct pv_demux *d, struct pv_error *err)
{
    int64_t bytes = 0;
    while (d->ahead_count < PV_DEMUX_AHEAD && bytes < AHEAD_BYTES) {
        AVPacket *packet = av_packet_alloc();
        if (!packet)
            return pv_fail(err, PV_ERR_MEMORY, "no memory to read '%s'", d->path);
        const pv_status status = read_file(d, packet, err);
        if (status != PV_OK) {
            av_packet_free(&packet);
            return status == PV_END ? PV_OK : status;
        }
        bytes += packet->size;
        d->ahead[d->ahead_count++] = packet;
    }
    return PV_OK;
}

/* Timestamps of the packets read ahead, up to and with limit. */
static size_t gather_pts(const struct pv_demux *d, int64_t limit, int64_t *pts)
{
    size_t count = 0;
    for (int i = 0; i < d->ahead_count; i++) {
        const AVPacket *p = d->ahead[i];
        const bool usable =
            p->pts != AV_NOPTS_VALUE && llabs(p->pts) < INT64_C(1) << 60 && !(p->flags & AV_PKT_FLAG_DISCARD);
        if (usable && p->pts <= limit)
            pts[count++] = p->pts;
    }
    return count;
}

/* Packets come in decoding order, so of the pictures after the last decoding time some are not here: not read yet, or
 * lost with the end of the file. Their neighbours would look unevenly spaced and are left out. */
static void measure_rate(struct pv_demux *d)
{
    int64_t pts[PV_DEMUX_AHEAD];
    const AVPacket *last = d->ahead_count > 0 ? d->ahead[d->ahead_count - 1] : NULL;
    const bool known = last && last->dts != AV_NOPTS_VALUE;
    size_t count = gather_pts(d, known ? last->dts : INT64_MAX, pts);
    if (count < 3)
        count = gather_pts(d, INT64_MAX, pts);
    const AVRational hints[] = {d->video->avg_frame_rate, d->video->r_frame_rate};
    d->rate = pv_rate_measure(pts, count, d->video->time_base, hints, 2);
}

/* MP4 and MOV index every picture up front, edit list applied; others at best say a number. */
static int64_t promised_packets(const struct pv_demux *d)
{
    if (d->is_sequence)
        return d->extent.total;
    const int64_t claimed = d->video->nb_frames;
    if (claimed <= 0 || !av_match_name("mp4", d->format->iformat->name))
        return claimed > 0 ? claimed : 0;
    const int indexed = avformat_index_get_entries_count(d->video);
    return indexed > 0 && indexed < claimed ? indexed : claimed;
}

/* Matroska has no number of pictures, but a tag of each stream with the time it ends. */
static double promised_seconds(const struct pv_demux *d)
{
    const AVDictionaryEntry *tag = av_dict_get(d->video->metadata, "DURATION", NULL, 0);
    int64_t microseconds = 0;
    if (!tag || !av_match_name("matroska", d->format->iformat->name) || av_parse_time(&microseconds, tag->value, 1) < 0)
        return 0.0;
    return (double)microseconds * 1e-6;
}

pv_status pv_demux_open(struct pv_demux *demux, const char *path, const pv_clip_reader_params *params,
                        struct pv_error *err)
{
    *demux = (struct pv_demux){.path = path, .params = params};
    PV_TRY(open_path(demux, err));
    PV_TRY(choose_stream(demux, err));
    demux->expected = promised_packets(demux);
    demux->promised_seconds = promised_seconds(demux);
    PV_TRY(read_ahead(demux, err));
    measure_rate(demux);
    return PV_OK;
}

pv_status pv_demux_read(struct pv_demux *d, AVPacket *packet, struct pv_error *err)
{
    if (d->ahead_next < d->ahead_count) {
        av_packet_move_ref(packet, d->ahead[d->ahead_next]);
        av_packet_free(&d->ahead[d->ahead_next]);
        d->ahead_next++;
    } else {
        if (d->at_end)
            return PV_END;
        PV_TRY(read_file(d, packet, err));
    }
    d->read++;
    if (packet->pts != AV_NOPTS_VALUE) {
        const double end = (double)(packet->pts + packet->duration) * av_q2d(d->video->time_base);
        d->read_seconds = end > d->read_seconds ? end : d->read_seconds;
    }
    d->cut_off += (packet->flags & AV_PKT_FLAG_DISCARD) != 0;
    return PV_OK;
}

void pv_demux_release(struct pv_demux *d)
{
    for (int i = d->ahead_next; i < d->ahead_count; i++)
        av_packet_free(&d->ahead[i]);
    pv_container_release(&d->container);
}
