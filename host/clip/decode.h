/* decode.h: packets -> pictures, in display order, every one of them.
 *
 * A decoder holds pictures back for reordering and for its threads. At the end of the file it must be drained (sent a
 * NULL packet, then received from until it says so), or the last pictures of the clip are lost: 2 to 4 of them,
 * depending on the codec and on the number of cores. Those are the very pictures a prediction starts from. */
#ifndef PV_CLIP_DECODE_H
#define PV_CLIP_DECODE_H

#include "clip/demux.h"

struct pv_decoder {
    struct pv_demux *demux;
    AVCodecContext *context;
    AVPacket *packet;
    bool packet_waits; /* read but not yet taken by the decoder */
    bool draining;
    int bad_packets;
};

pv_status pv_decoder_open(struct pv_decoder *decoder, struct pv_demux *demux, struct pv_error *err);

/* The next picture; the caller unreferences it. PV_END after the last. A packet that cannot be decoded is counted and
 * skipped; PV_ERR_FORMAT when there are more of them than params allow. */
pv_status pv_decoder_next(struct pv_decoder *decoder, AVFrame *frame, struct pv_error *err);

/* Whether the decoder says that a picture is damaged. */
bool pv_decoder_is_damaged(const AVFrame *frame);

void pv_decoder_release(struct pv_decoder *decoder);

#endif
