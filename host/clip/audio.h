/* audio.h: the packets of a clip's first audio stream, as they are or as another file can hold them. */
#ifndef PV_CLIP_AUDIO_H
#define PV_CLIP_AUDIO_H

#include <stdbool.h>

#include "clip/audio_convert.h"
#include "clip/container.h"

struct pv_audio {
    struct pv_container container;
    const AVStream *stream; /* NULL = there is none */
    AVPacket *packet;
    bool waits, ended; /* packet holds the next one; there is no next one */
    int64_t start;     /* ticks of the stream: the time that becomes 0 */
    bool converts;     /* through this: */
    struct pv_audio_converter converter;
    const AVCodecParameters *parameters; /* of the packets, and the unit of their times */
    AVRational unit;
};

/* start_seconds: the timestamp that becomes 0; earlier packets are left out. stream is NULL when the clip has no audio.
 * audio is overwritten; release it also after a failure. */
pv_status pv_audio_open(struct pv_audio *audio, const char *path, double start_seconds, const pv_callbacks *callbacks,
                        struct pv_error *err);

/* Before the first peek: packets are to go into such a file. Where it cannot hold them as they are they are encoded
 * anew, with a notice. PV_ERR_UNSUPPORTED: it cannot hold them at all. */
pv_status pv_audio_suit(struct pv_audio *audio, const AVOutputFormat *container, struct pv_error *err);

/* The next packet, in units from 0; it stays the next one until taken: *packet's contents may be moved out, then waits
 * set to false. PV_END after the last. */
pv_status pv_audio_peek(struct pv_audio *audio, AVPacket **packet, struct pv_error *err);

void pv_audio_release(struct pv_audio *audio);

#endif
