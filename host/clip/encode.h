/* encode.h: RGB frames -> packets of one recipe. Colour is said in full (matrix, primaries, transfer, range, chroma
 * position) before the encoder opens; after that the tags would no longer reach the file. */
#ifndef PV_CLIP_ENCODE_H
#define PV_CLIP_ENCODE_H

#include "clip/colour.h"
#include "clip/target.h"

struct pv_encoder {
    const struct pv_recipe *recipe;
    AVCodecContext *context; /* width and height: padded */
    int width, height;       /* of the picture inside the padding */
    AVFrame *frame;
    struct SwsContext *sws; /* for frames of from_width x from_height */
    int from_width, from_height;
    pv_clip_scaler *scaler; /* linear recipes: scaled first, then made light */
    uint8_t *scaled;
    int64_t sent;
};

/* threads: 0 = FFmpeg chooses. global_header: the container keeps the codec's header (AVFMT_GLOBALHEADER). recipe must
 * outlive the encoder. encoder is overwritten; release it also after a failure. */
pv_status pv_encoder_open(struct pv_encoder *encoder, const struct pv_recipe *recipe, int width, int height,
                          AVRational fps, int threads, bool global_header, struct pv_error *err);

/* The next frame, any size. PV_AGAIN: receive first. */
pv_status pv_encoder_send(struct pv_encoder *encoder, const pv_frame *frame, struct pv_error *err);

/* No more frames: what is held back comes out now. */
pv_status pv_encoder_drain(struct pv_encoder *encoder, struct pv_error *err);

/* Timestamps count frames. PV_AGAIN: send more. PV_END: drained. */
pv_status pv_encoder_receive(struct pv_encoder *encoder, AVPacket *packet, struct pv_error *err);

void pv_encoder_release(struct pv_encoder *encoder);

#endif
