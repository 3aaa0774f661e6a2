/* report.h: sentences of the clip library: FFmpeg's error codes in words, notices to the caller's log. */
#ifndef PV_CLIP_REPORT_H
#define PV_CLIP_REPORT_H

#include <stdbool.h>

#include "base/error.h"

/* The status for an FFmpeg error code (AVERROR_...). */
pv_status pv_av_status(int code);

/* FFmpeg's words for a code. By value, so that it can stand among the arguments of pv_fail. */
struct pv_av_words {
    char text[128];
};
struct pv_av_words pv_av_words(int code);

void pv_report(const pv_callbacks *callbacks, pv_log_level level, const char *format, ...) PV_PRINTF(3, 4);

/* Whether the caller asked to stop. */
bool pv_aborted(const pv_callbacks *callbacks);

#endif
