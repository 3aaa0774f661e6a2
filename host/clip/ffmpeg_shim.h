/* ffmpeg_shim.h: the one place that knows which FFmpeg this is. FFmpeg 5.1 is the oldest; differences that later
 * releases brought are gated by feature where there is a macro, else by the library version that introduced them. */
#ifndef PV_CLIP_FFMPEG_SHIM_H
#define PV_CLIP_FFMPEG_SHIM_H

#include <libavcodec/avcodec.h>
#include <libavfilter/version.h>
#include <libavformat/avformat.h>
#include <libavutil/frame.h>
#include <libavutil/version.h>
#include <stdbool.h>
#include <stdio.h>

/* Interlacing and key flags moved from members into AVFrame.flags (6.1). */
static inline bool pv_shim_frame_interlaced(const AVFrame *frame)
{
#ifdef AV_FRAME_FLAG_INTERLACED
    return (frame->flags & AV_FRAME_FLAG_INTERLACED) != 0;
#else
    return frame->interlaced_frame != 0;
#endif
}

/* The stream's display matrix, nine numbers, or NULL. Side data moved to the codec parameters (6.1); the old call is
 * gone in 8. */
static inline const uint8_t *pv_shim_display_matrix(const AVStream *stream)
{
#if LIBAVFORMAT_VERSION_INT >= AV_VERSION_INT(60, 16, 100)
    const AVCodecParameters *par = stream->codecpar;
    const AVPacketSideData *side =
        av_packet_side_data_get(par->coded_side_data, par->nb_coded_side_data, AV_PKT_DATA_DISPLAYMATRIX);
    return side && side->size >= 9 * sizeof(int32_t) ? side->data : NULL;
#else
    size_t size = 0;
    const uint8_t *data = av_stream_get_side_data(stream, AV_PKT_DATA_DISPLAYMATRIX, &size);
    return data && size >= 9 * sizeof(int32_t) ? data : NULL;
#endif
}

/* What the filter "buffer" must be told of the pictures' colour, after its other options (since 7.0). */
static inline void pv_shim_buffer_colour(const AVFrame *frame, char *text, size_t size)
{
#if LIBAVFILTER_VERSION_MAJOR >= 10
    snprintf(text, size, ":colorspace=%d:range=%d", (int)frame->colorspace, (int)frame->color_range);
#else
    (void)frame;
    snprintf(text, size, "%s", "");
#endif
}

/* What avio_alloc_context wants its write function to take (const since 7.0). */
#if LIBAVFORMAT_VERSION_MAJOR >= 61
typedef const uint8_t pv_shim_write_byte;
#else
typedef uint8_t pv_shim_write_byte;
#endif

#endif
