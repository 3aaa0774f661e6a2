/* reader.c: the public reader: demux -> decode -> deinterlace -> a steady clock -> the picture wanted now -> RGB. */
#include <libavutil/mathematics.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "clip/reader_parts.h"
#include "clip/report.h"

void pv_clip_reader_params_init(pv_clip_reader_params *params)
{
    *params = (pv_clip_reader_params){
        .struct_size = sizeof *params,
        .sequence_fps_num = 24,
        .sequence_fps_den = 1,
        .max_pixels = INT64_C(8192) * 8192,
        .max_streams = 64,
        .max_probe_bytes = INT64_C(8) << 20,
        .max_bad_packets = 256,
    };
}

/* The caller's params over the defaults; zeros mean the defaults. */
static pv_status take_params(pv_clip_reader *r, const pv_clip_reader_params *given)
{
    pv_clip_reader_params *p = &r->params;
    pv_clip_reader_params_init(p);
    if (!given)
        return PV_OK;
    const pv_clip_reader_params defaults = *p;
    const size_t size = given->struct_size < sizeof *p ? given->struct_size : sizeof *p;
    memcpy(p, given, size);
    if (p->max_pixels == 0)
        p->max_pixels = defaults.max_pixels;
    if (p->max_streams == 0)
        p->max_streams = defaults.max_streams;
    if (p->max_probe_bytes == 0)
        p->max_probe_bytes = defaults.max_probe_bytes;
    if (p->max_bad_packets == 0)
        p->max_bad_packets = defaults.max_bad_packets;
    if (p->sequence_fps_num == 0) {
        p->sequence_fps_num = defaults.sequence_fps_num;
        p->sequence_fps_den = defaults.sequence_fps_den;
    }
    if (p->fps_num == 0)
        p->fps_den = 1;
    if (p->fps_num < 0 || p->fps_den <= 0 || p->fps_num / p->fps_den > 1000)
        return pv_fail(&r->error, PV_ERR_ARGUMENT, "%d/%d frames a second is no rate: give a fraction up to 1000",
                       p->fps_num, p->fps_den);
    if (p->sequence_fps_num < 0 || p->sequence_fps_den <= 0)
        return pv_fail(&r->error, PV_ERR_ARGUMENT, "%d/%d pictures a second is no rate", p->sequence_fps_num,
                       p->sequence_fps_den);
    if (p->width < 0 || p->height < 0 || (p->width == 0) != (p->height == 0))
        return pv_fail(&r->error, PV_ERR_ARGUMENT, "frames cannot be %dx%d: give both sides, or neither", p->width,
                       p->height);
    if (p->max_pixels < 0 || p->max_streams < 0 || p->max_probe_bytes < 2048 || p->max_probe_bytes > INT_MAX / 2 ||
        p->max_bad_packets < 0 || p->threads < 0)
        return pv_fail(&r->error, PV_ERR_ARGUMENT, "a limit or thread count of the reader is out of its range");
    return PV_OK;
}

static pv_status open_all(pv_clip_reader *r)
{
    PV_TRY(pv_demux_open(&r->demux, r->path, &r->params, &r->error));
    r->current.frame = av_frame_alloc();
    r->next.frame = av_frame_alloc();
    r->waiting = av_frame_alloc();
    if (!r->current.frame || !r->next.frame || !r->waiting)
        return pv_fail(&r->error, PV_ERR_MEMORY, "no memory for a picture");
    PV_TRY(pv_decoder_open(&r->decoder, &r->demux, &r->error));
    r->deinterlacer.time_base = r->demux.video->time_base;
    r->picture.matrix = r->params.matrix;
    r->picture.range = r->params.range;
    pv_reader_find_rate(r);
    PV_TRY(pv_reader_fill_next(r));
    if (r->source_ended)
        return pv_fail(&r->error, PV_ERR_FORMAT, "no picture of '%s' can be decoded", r->path);
    pv_reader_step(r);
    r->resampler.start = r->current.pts;
    return pv_reader_describe(r);
}

pv_status pv_clip_reader_open(const char *path, const pv_clip_reader_params *params, pv_clip_reader **reader)
{
    *reader = NULL;
    if (!path)
        return PV_ERR_ARGUMENT;
    pv_clip_reader *r = *reader = calloc(1, sizeof *r);
    if (!r)
        return PV_ERR_MEMORY;
    r->path = strdup(path);
    pv_status status = r->path ? take_params(r, params) : PV_ERR_MEMORY;
    if (status == PV_OK)
        status = open_all(r);
    if (status == PV_END) /* never means failure */
        status = pv_fail(&r->error, PV_ERR_FORMAT, "there is no picture in '%s'", path);
    r->failed = status;
    return status;
}

pv_status pv_clip_reader_get_info(const pv_clip_reader *reader, pv_clip_info *info)
{
    if (!reader->info.container)
        return PV_ERR_ARGUMENT; /* open failed */
    const size_t size = info->struct_size < sizeof *info ? info->struct_size : sizeof *info;
    if (size < sizeof info->struct_size)
        return PV_ERR_ARGUMENT;
    pv_clip_info copy = reader->info;
    copy.struct_size = size;
    memcpy(info, &copy, size);
    return PV_OK;
}

/* Moves on until current is the picture of the output time. PV_END: there is none. */
static pv_status find_current(pv_clip_reader *r)
{
    for (;;) {
        if (!r->next.filled && !r->source_ended)
            PV_TRY(pv_reader_fill_next(r));
        switch (pv_resampler_pick(&r->resampler, r->current.pts, r->next.filled, r->next.pts)) {
        case PV_PICK_CURRENT: return PV_OK;
        case PV_PICK_NEXT: pv_reader_step(r); break;
        case PV_PICK_END: return PV_END;
        }
    }
}

static void count_end(pv_clip_reader *r)
{
    pv_clip_reader_summary *s = &r->summary;
    const struct pv_demux *d = &r->demux;
    if (!r->current.shown)
        s->dropped++;
    const bool is_short = d->expected > 0 && d->read < d->expected;
    /* Half a second: tags are rounded, and some writers count the last picture's duration differently. */
    const bool ends_early = d->promised_seconds > d->read_seconds + 0.5;
    s->truncated = is_short || ends_early || d->read_failed || d->has_hole;
    if (is_short && !d->has_hole)
        pv_report(&r->params.callbacks, PV_LOG_WARNING, "'%s' is cut off: it promises %lld pictures and holds %lld",
                  r->path, (long long)d->expected, (long long)d->read);
    else if (ends_early)
        pv_report(&r->params.callbacks, PV_LOG_WARNING,
                  "'%s' is cut off or damaged: it promises %.2f seconds of pictures and holds %.2f", r->path,
                  d->promised_seconds, d->read_seconds);
    if (s->corrupt > 0 || r->decoder.bad_packets > 0)
        pv_report(&r->params.callbacks, PV_LOG_WARNING,
                  "'%s' is damaged; flagged pictures: %lld, packets that cannot be decoded: %d", r->path,
                  (long long)s->corrupt, r->decoder.bad_packets);
    if (s->dropped > 0 || s->repeated > 0)
        pv_report(&r->params.callbacks, PV_LOG_NOTICE,
                  "'%s' is resampled to %d/%d a second; pictures left out: %lld, repeated: %lld", r->path,
                  r->info.fps_num, r->info.fps_den, (long long)s->dropped, (long long)s->repeated);
}

/* start + index / fps as one fraction. */
static void fill_time(const pv_clip_reader *r, pv_clip_frame_info *info)
{
    AVRational tick = r->resampler.time_base;
    int64_t start = r->resampler.start;
    if (llabs(start) > INT64_C(1) << 32 || tick.num > 100000) { /* the products below stay far from overflowing */
        start = av_rescale_q(start, tick, (AVRational){1, AV_TIME_BASE});
        tick = (AVRational){1, AV_TIME_BASE};
    }
    const int64_t num = r->resampler.interval.num, den = r->resampler.interval.den;
    const int64_t common = av_gcd(tick.den, den);
    info->time_den = tick.den / common * den;
    info->time_num = start * tick.num * (den / common) + r->resampler.index * num * (tick.den / common);
}

pv_status pv_clip_reader_receive(pv_clip_reader *r, pv_frame *frame, pv_clip_frame_info *info)
{
    if (r->failed != PV_OK)
        return r->failed;
    if (!frame->data || frame->width != r->info.width || frame->height != r->info.height ||
        frame->stride < 3 * (size_t)frame->width)
        return pv_fail(&r->error, PV_ERR_ARGUMENT, "the frame must be %dx%d with a stride of at least %zu bytes",
                       r->info.width, r->info.height, 3 * (size_t)r->info.width);
    if (info && info->struct_size < sizeof *info)
        return pv_fail(&r->error, PV_ERR_ARGUMENT, "struct_size of the frame info is not set");
    pv_status status = find_current(r);
    if (status == PV_END)
        count_end(r);
    if (status == PV_OK)
        status = pv_picture_convert(&r->picture, r->current.frame, frame, &r->error);
    if (status != PV_OK)
        return r->failed = status;

    if (r->picture.saw_alpha && !r->said_alpha) {
        r->said_alpha = true;
        pv_report(&r->params.callbacks, PV_LOG_NOTICE, "'%s' is partly transparent: it is shown over black", r->path);
    }
    const bool repeated = r->current.shown || r->current.stands_in;
    frame->index = r->resampler.index;
    if (info) {
        fill_time(r, info);
        info->flags = (r->current.damaged ? (unsigned)PV_CLIP_FRAME_CORRUPT : 0u) |
                      (repeated ? (unsigned)PV_CLIP_FRAME_REPEATED : 0u);
    }
    r->current.shown = true;
    r->summary.delivered++;
    r->summary.repeated += repeated;
    r->resampler.index++;
    return PV_OK;
}

pv_status pv_clip_reader_get_summary(const pv_clip_reader *reader, pv_clip_reader_summary *summary)
{
    const size_t size = summary->struct_size < sizeof *summary ? summary->struct_size : sizeof *summary;
    if (size < sizeof summary->struct_size)
        return PV_ERR_ARGUMENT;
    pv_clip_reader_summary copy = reader->summary;
    copy.struct_size = size;
    copy.bad_packets = reader->decoder.bad_packets;
    const int64_t shown = reader->demux.expected - reader->demux.cut_off;
    copy.expected = shown > 0 ? shown : 0;
    memcpy(summary, &copy, size);
    return PV_OK;
}

const char *pv_clip_reader_message(const pv_clip_reader *reader)
{
    return reader->error.text;
}

void pv_clip_reader_close(pv_clip_reader *r)
{
    if (!r)
        return;
    pv_picture_release(&r->picture);
    pv_deinterlacer_release(&r->deinterlacer);
    pv_decoder_release(&r->decoder);
    av_frame_free(&r->waiting);
    av_frame_free(&r->next.frame);
    av_frame_free(&r->current.frame);
    pv_demux_release(&r->demux);
    free(r->path);
    free(r);
}

void pv_clip_set_ffmpeg_log_level(int level)
{
    static const int levels[] = {AV_LOG_ERROR, AV_LOG_WARNING, AV_LOG_INFO, AV_LOG_DEBUG};
    av_log_set_level(level < 0 ? AV_LOG_QUIET : levels[level > PV_LOG_DEBUG ? PV_LOG_DEBUG : level]);
}
