/* mux.h: packets of pictures and sound into one container. */
#ifndef PV_CLIP_MUX_H
#define PV_CLIP_MUX_H

#include "clip/audio.h"
#include "clip/encode.h"
#include "clip/output.h"

struct pv_muxer {
    AVFormatContext *format;
    struct pv_output *output;
    struct pv_audio *audio; /* NULL or without a stream = none */
    AVStream *video, *sound;
    AVRational tick; /* 1/fps: the unit of picture timestamps */
    int64_t shift;   /* ticks added to all timestamps, so that fragments start at 0 */
    bool started;    /* the first picture packet has been seen */
    bool has_fragments;
};

/* timecode, comment: NULL = none. audio may be NULL. output and audio must outlive the muxer. muxer is overwritten;
 * release it also after a failure. */
pv_status pv_muxer_open(struct pv_muxer *muxer, struct pv_output *output, const struct pv_target *target,
                        const struct pv_encoder *encoder, struct pv_audio *audio, const char *timecode,
                        const char *comment, const pv_callbacks *callbacks, struct pv_error *err);

/* One packet from the encoder, whose contents are taken. After it goes the audio up to its time, but none from frame
 * audio_end on; so the first packet of a file is always a picture. */
pv_status pv_muxer_write(struct pv_muxer *muxer, AVPacket *packet, int64_t audio_end, struct pv_error *err);

/* The audio up to frame audio_end, then the container's end. */
pv_status pv_muxer_finish(struct pv_muxer *muxer, int64_t audio_end, struct pv_error *err);

void pv_muxer_release(struct pv_muxer *muxer);

/* Copies a fragmented MP4 or MOV file into one with its index in front; pictures start at 0. The new file is complete
 * and on the disk afterwards, or is removed. *bytes: its size. */
pv_status pv_remux_faststart(const char *from, const char *to, const char *muxer, const char *timecode,
                             const char *comment, const pv_callbacks *callbacks, int64_t *bytes, struct pv_error *err);

#endif
