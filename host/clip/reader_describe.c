/* reader_describe.c: what a clip is, measured on its first picture where possible, since tags of containers lie. */
#include <libavutil/avstring.h>
#include <libavutil/mathematics.h>
#include <libavutil/pixdesc.h>
#include <limits.h>

#include "clip/ffmpeg_shim.h"
#include "clip/reader_parts.h"
#include "clip/report.h"

enum { MAX_GAP_SECONDS = 60 }; /* a longer silence in the timestamps is a splice */

static const char *find_timecode(const AVFormatContext *format, const AVStream *video)
{
    const AVDictionaryEntry *entry = av_dict_get(video->metadata, "timecode", NULL, 0);
    if (!entry)
        entry = av_dict_get(format->metadata, "timecode", NULL, 0);
    for (unsigned i = 0; !entry && i < format->nb_streams; i++)
        entry = av_dict_get(format->streams[i]->metadata, "timecode", NULL, 0);
    return entry ? entry->value : "";
}

static void find_orientation(pv_clip_reader *r, const AVFrame *frame)
{
    const void *matrix = pv_shim_display_matrix(r->demux.video);
    const AVFrameSideData *side = av_frame_get_side_data(frame, AV_FRAME_DATA_DISPLAYMATRIX);
    if (!matrix && side && side->size >= 9 * sizeof(int32_t))
        matrix = side->data;
    bool exact, mirrored;
    r->picture.orientation = pv_orientation_from_matrix(matrix, &exact);
    r->info.rotation = pv_orientation_rotation(r->picture.orientation, &mirrored);
    r->info.mirrored = mirrored;
    if (!exact)
        pv_report(&r->params.callbacks, PV_LOG_NOTICE, "'%s' is turned by an odd angle: %d degrees are applied",
                  r->path, r->info.rotation);
    else if (r->info.rotation || mirrored)
        pv_report(&r->params.callbacks, PV_LOG_DEBUG, "'%s' is turned by %d degrees%s", r->path, r->info.rotation,
                  mirrored ? " and mirrored" : "");
}

static pv_status find_size(pv_clip_reader *r, AVFrame *frame)
{
    pv_clip_info *info = &r->info;
    AVRational sar = av_guess_sample_aspect_ratio(r->demux.format, r->demux.video, frame);
    if (sar.num <= 0 || sar.den <= 0)
        sar = (AVRational){1, 1};
    info->sar_num = sar.num;
    info->sar_den = sar.den;
    info->coded_width = frame->width;
    info->coded_height = frame->height;
    int width = frame->width, height = frame->height;
    bool plausible;
    pv_geometry_square(&width, &height, sar, &plausible);
    if (!plausible)
        pv_report(&r->params.callbacks, PV_LOG_NOTICE, "'%s' says its pixels are %d:%d: they are taken as square",
                  r->path, sar.num, sar.den);
    info->width = r->picture.orientation.transpose ? height : width;
    info->height = r->picture.orientation.transpose ? width : height;
    if (r->params.width) {
        info->width = r->params.width;
        info->height = r->params.height;
    }
    if ((int64_t)info->width * info->height > r->params.max_pixels)
        return pv_fail(&r->error, PV_ERR_FORMAT, "frames of %dx%d are more than the limit of %lld pixels in all",
                       info->width, info->height, (long long)r->params.max_pixels);
    r->picture.width = info->width;
    r->picture.height = info->height;
    return PV_OK;
}

static pv_status find_colour(pv_clip_reader *r, const AVFrame *frame)
{
    struct pv_colour colour;
    PV_TRY(pv_colour_of_frame(frame, r->params.matrix, r->params.range, &colour, &r->error));
    pv_clip_info *info = &r->info;
    info->matrix = colour.matrix;
    info->range = colour.full_range ? PV_CLIP_RANGE_FULL : PV_CLIP_RANGE_LIMITED;
    info->matrix_guessed = colour.matrix_guessed;
    info->range_guessed = colour.range_guessed;
    const char *primaries = av_color_primaries_name(frame->color_primaries);
    const char *transfer = av_color_transfer_name(frame->color_trc);
    info->primaries = primaries ? primaries : "unknown";
    info->transfer = transfer ? transfer : "unknown";
    info->hdr = pv_colour_is_hdr(&colour);
    if (info->hdr && r->params.hdr == PV_CLIP_HDR_REFUSE)
        return pv_fail(&r->error, PV_ERR_UNSUPPORTED,
                       "'%s' is HDR or wide gamut (primaries %s, transfer %s), which was to be refused: convert it to "
                       "BT.709 first",
                       r->path, info->primaries, info->transfer);
    if (info->hdr)
        pv_report(&r->params.callbacks, PV_LOG_NOTICE,
                  "'%s' is HDR or wide gamut (primaries %s, transfer %s): it is %s "
                  "BT.709",
                  r->path, info->primaries, info->transfer,
                  colour.curve == PV_CURVE_SDR ? "brought to" : "tone-mapped to");
    if (colour.matrix_guessed || colour.range_guessed)
        pv_report(&r->params.callbacks, PV_LOG_NOTICE,
                  "'%s' does not say its colour %s: %s, %s range is assumed (--in-matrix, --in-range override)",
                  r->path,
                  !colour.range_guessed    ? "matrix"
                  : !colour.matrix_guessed ? "range"
                                           : "matrix and range",
                  pv_colour_matrix_name(colour.matrix), colour.full_range ? "full" : "limited");
    return PV_OK;
}

void pv_reader_find_rate(pv_clip_reader *r)
{
    const AVRational source = r->demux.rate.fps;
    const AVRational tick = r->demux.video->time_base;
    AVRational fps = source;
    const double wanted = (double)r->params.fps_num / r->params.fps_den;
    if (r->params.fps_num && fabs(av_q2d(source) - wanted) > r->params.fps_tolerance * wanted)
        av_reduce(&fps.num, &fps.den, r->params.fps_num, r->params.fps_den, INT_MAX);
    r->info.fps_num = fps.num;
    r->info.fps_den = fps.den;
    r->info.source_fps_num = source.num;
    r->info.source_fps_den = source.den;
    r->info.variable_rate = r->demux.rate.variable;
    r->resampler = (struct pv_resampler){
        .time_base = tick,
        .interval = av_inv_q(fps),
        .source_interval = av_inv_q(source),
    };
    const int64_t interval = av_rescale_q(1, av_inv_q(source), tick);
    const int64_t gap = av_rescale_q(MAX_GAP_SECONDS, (AVRational){1, 1}, tick);
    r->clock.interval = interval > 0 ? interval : 1;
    r->clock.max_gap = gap > 10 * r->clock.interval ? gap : 10 * r->clock.interval;
    if (r->demux.rate.variable)
        pv_report(&r->params.callbacks, PV_LOG_NOTICE,
                  "the pictures of '%s' are not evenly spaced in time: they are resampled to %d/%d a second", r->path,
                  fps.num, fps.den);
}

static void fill_info(pv_clip_reader *r)
{
    const AVFormatContext *format = r->demux.format;
    const AVStream *video = r->demux.video;
    pv_clip_info *info = &r->info;
    const AVFrame *frame = r->current.frame;
    info->container = format->iformat->name;
    info->codec = avcodec_get_name(video->codecpar->codec_id);
    info->pixel_format = av_get_pix_fmt_name(frame->format);
    if (format->duration != AV_NOPTS_VALUE && format->duration > 0)
        info->duration_seconds = (double)format->duration / AV_TIME_BASE;
    info->frame_count = r->demux.is_sequence ? r->demux.extent.run : video->nb_frames;
    info->is_sequence = r->demux.is_sequence;
    const AVPixFmtDescriptor *desc = av_pix_fmt_desc_get(frame->format);
    info->has_alpha = desc && (desc->flags & AV_PIX_FMT_FLAG_ALPHA) != 0 && !(desc->flags & AV_PIX_FMT_FLAG_PAL);
    for (unsigned i = 0; i < format->nb_streams; i++)
        info->has_audio |= format->streams[i]->codecpar->codec_type == AVMEDIA_TYPE_AUDIO;
    av_strlcpy(r->timecode, find_timecode(format, video), sizeof r->timecode);
    info->timecode = r->timecode;
    info->start_seconds = (double)r->current.pts * av_q2d(video->time_base);
    info->interlaced = r->said_interlaced || pv_shim_frame_interlaced(frame);
}

pv_status pv_reader_describe(pv_clip_reader *r)
{
    find_orientation(r, r->current.frame);
    PV_TRY(find_size(r, r->current.frame));
    PV_TRY(find_colour(r, r->current.frame));
    fill_info(r);
    return PV_OK;
}
