/* audio_convert.h: sound that a file cannot hold as it is: AAC of a broadcast stream gets the header that files want,
 * anything else is encoded anew. */
#ifndef PV_CLIP_AUDIO_CONVERT_H
#define PV_CLIP_AUDIO_CONVERT_H

#include <libavcodec/avcodec.h>
#include <libavcodec/bsf.h>
#include <libavfilter/avfilter.h>
#include <libavformat/avformat.h>
#include <stdbool.h>

struct pv_audio_converter {
    AVCodecParameters *parameters; /* of what comes out */
    AVRational unit;               /* ... and the unit of its timestamps */
    AVBSFContext *reframe;         /* either this */
    AVCodecContext *decoder, *encoder;
    AVFilterGraph *graph; /* or decoder -> graph -> encoder; the graph is made for the first frame */
    AVFilterContext *source, *sink;
    AVFrame *frame;
};

/* Is it AAC without a header of its own (ADTS), which MP4, MOV and Matroska want? */
bool pv_audio_lacks_header(const AVCodecParameters *par, const AVOutputFormat *container);

/* Return 0 or an AVERROR. converter is overwritten; release it also after a failure. */
int pv_audio_converter_open_header(struct pv_audio_converter *converter, const AVStream *from);
/* 48 kHz, mono or stereo, in the first of AAC, Opus, PCM that the container takes; AVERROR_ENCODER_NOT_FOUND: none. */
int pv_audio_converter_open_encoder(struct pv_audio_converter *converter, const AVStream *from,
                                    const AVOutputFormat *container);

/* packet: its contents are taken; NULL = no more come. Packets that cannot be decoded are passed over. */
int pv_audio_converter_send(struct pv_audio_converter *converter, AVPacket *packet);
/* AVERROR(EAGAIN): it wants a packet first; AVERROR_EOF: that was all. */
int pv_audio_converter_receive(struct pv_audio_converter *converter, AVPacket *packet);

void pv_audio_converter_release(struct pv_audio_converter *converter);

#endif
