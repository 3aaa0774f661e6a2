/* report.c: see report.h. */
#include "clip/report.h"

#include <libavutil/error.h>
#include <stdarg.h>
#include <stdio.h>

pv_status pv_av_status(int code)
{
    switch (code) {
    case AVERROR(ENOMEM): return PV_ERR_MEMORY;
    case AVERROR_EXIT: return PV_ERR_ABORTED;
    case AVERROR_DECODER_NOT_FOUND:
    case AVERROR_ENCODER_NOT_FOUND:
    case AVERROR_DEMUXER_NOT_FOUND:
    case AVERROR_MUXER_NOT_FOUND:
    case AVERROR_PATCHWELCOME:
    case AVERROR(ENOSYS): return PV_ERR_UNSUPPORTED;
    case AVERROR_INVALIDDATA:
    case AVERROR(EINVAL):
    case AVERROR(ERANGE): return PV_ERR_FORMAT;
    case AVERROR_BUG:
    case AVERROR_BUG2: return PV_ERR_INTERNAL;
    default: return PV_ERR_IO;
    }
}

struct pv_av_words pv_av_words(int code)
{
    struct pv_av_words words;
    av_strerror(code, words.text, sizeof words.text);
    return words;
}

void pv_report(const pv_callbacks *callbacks, pv_log_level level, const char *format, ...)
{
    if (!callbacks->log)
        return;
    char sentence[PV_ERROR_TEXT];
    va_list args;
    va_start(args, format);
    vsnprintf(sentence, sizeof sentence, format, args);
    va_end(args);
    callbacks->log(callbacks->user, level, sentence);
}

bool pv_aborted(const pv_callbacks *callbacks)
{
    return callbacks->abort && callbacks->abort(callbacks->user) != 0;
}
