/* demux.h: the packets of a clip's picture stream, and its true frame rate. The first packets are read ahead: their
 * timestamps tell the rate, also where one cannot seek. */
#ifndef PV_CLIP_DEMUX_H
#define PV_CLIP_DEMUX_H

#include <prevue/clip.h>

#include "base/error.h"
#include "clip/container.h"
#include "clip/ffmpeg_shim.h"
#include "clip/sequence.h"
#include "clip/timing.h"

enum { PV_DEMUX_AHEAD = 120 };

struct pv_demux {
    const char *path; /* the caller's, for sentences */
    const pv_clip_reader_params *params;
    struct pv_container container;
    AVFormatContext *format; /* the container's */
    AVStream *video;
    const AVCodec *decoder;
    bool is_sequence, has_hole;
    struct pv_sequence_extent extent; /* of a sequence */

    struct pv_rate rate;
    int64_t expected;        /* packets the container promises; 0 = it does not say */
    int64_t read;            /* packets handed out */
    int64_t cut_off;         /* of these, not to be shown (outside the edit list) */
    double promised_seconds; /* end of the last picture, as a Matroska file says it; 0 = it does not */
    double read_seconds;     /* end of the last picture handed out */
    bool read_failed;        /* reading stopped before the end of the file */

    AVPacket *ahead[PV_DEMUX_AHEAD]; /* a queue: ahead[next .. count) */
    int ahead_count, ahead_next;
    bool at_end;
};

/* Opens path and finds its picture stream. demux is zeroed first; release it also after a failure. */
pv_status pv_demux_open(struct pv_demux *demux, const char *path, const pv_clip_reader_params *params,
                        struct pv_error *err);

/* The next packet of the picture stream. PV_END at the end of the file, also when that came too early. */
pv_status pv_demux_read(struct pv_demux *demux, AVPacket *packet, struct pv_error *err);

void pv_demux_release(struct pv_demux *demux);

#endif
