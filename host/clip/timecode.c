/* timecode.c: counting on from a timecode. FFmpeg's own parser and printer know drop frame (SMPTE ST 12-1). */
#include <libavutil/timecode.h>
#include <prevue/clip.h>
#include <stdio.h>
#include <string.h>

pv_status pv_clip_timecode_add(const char *timecode, int fps_num, int fps_den, int64_t frames,
                               char out[PV_CLIP_TIMECODE_SIZE])
{
    out[0] = '\0';
    if (!timecode || fps_num <= 0 || fps_den <= 0)
        return PV_ERR_ARGUMENT;
    AVTimecode tc;
    const AVRational fps = {fps_num, fps_den};
    if (av_timecode_init_from_string(&tc, fps, timecode, NULL) < 0)
        return PV_ERR_ARGUMENT;
    /* One day of real frames: drop frame leaves out 2 of 30 numbers in 9 of 10 minutes. */
    int64_t day = INT64_C(24) * 3600 * (int64_t)tc.fps;
    if (tc.flags & AV_TIMECODE_FLAG_DROPFRAME)
        day -= INT64_C(24) * 54 * 2 * ((int64_t)tc.fps / 30);
    const int64_t number = (((int64_t)tc.start + frames % day) % day + day) % day;
    tc.start = 0;
    char text[AV_TIMECODE_STR_SIZE];
    av_timecode_make_string(&tc, text, (int)number);
    snprintf(out, PV_CLIP_TIMECODE_SIZE, "%.*s", PV_CLIP_TIMECODE_SIZE - 1, text);
    return PV_OK;
}

pv_status pv_clip_timecode_frames(const char *timecode, int fps_num, int fps_den, int64_t *frames)
{
    *frames = 0;
    if (!timecode || fps_num <= 0 || fps_den <= 0)
        return PV_ERR_ARGUMENT;
    AVTimecode tc;
    if (av_timecode_init_from_string(&tc, (AVRational){fps_num, fps_den}, timecode, NULL) < 0)
        return PV_ERR_ARGUMENT;
    *frames = tc.start;
    return PV_OK;
}
