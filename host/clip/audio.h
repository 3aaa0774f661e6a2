/* audio.h: the packets of a clip's first audio stream, to be copied as they are. */
#ifndef PV_CLIP_AUDIO_H
#define PV_CLIP_AUDIO_H

#include <stdbool.h>

#include "clip/container.h"

struct pv_audio {
    struct pv_container container;
    const AVStream *stream; /* NULL = there is none */
    AVPacket *packet;
    bool waits, ended; /* packet holds the next one; there is no next one */
    int64_t start;     /* ticks: the time that becomes 0 */
};

/* start_seconds: the timestamp that becomes 0; earlier packets are left out. stream is NULL when the clip has no audio.
 * audio is overwritten; release it also after a failure. */
pv_status pv_audio_open(struct pv_audio *audio, const char *path, double start_seconds, const pv_callbacks *callbacks,
                        struct pv_error *err);

/* The next packet, in ticks of stream->time_base from 0; it stays the next one until taken: *packet's contents may be
 * moved out, then waits set to false. PV_END after the last. */
pv_status pv_audio_peek(struct pv_audio *audio, AVPacket **packet, struct pv_error *err);

void pv_audio_release(struct pv_audio *audio);

#endif
