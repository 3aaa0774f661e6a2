/* audio_convert.c: see audio_convert.h. */
#include "clip/audio_convert.h"

#include <libavfilter/buffersink.h>
#include <libavfilter/buffersrc.h>
#include <libavutil/channel_layout.h>
#include <stdio.h>

enum { RATE = 48000 };

static const struct encoding {
    enum AVCodecID id;
    const char *encoder;
    enum AVSampleFormat samples;
    int64_t bits_per_second;
} encodings[] = {
    {AV_CODEC_ID_AAC, "aac", AV_SAMPLE_FMT_FLTP, 192000},
    {AV_CODEC_ID_OPUS, "libopus", AV_SAMPLE_FMT_FLT, 160000},
    {AV_CODEC_ID_PCM_S16LE, "pcm_s16le", AV_SAMPLE_FMT_S16, 0},
};

bool pv_audio_lacks_header(const AVCodecParameters *par, const AVOutputFormat *container)
{
    return par->codec_id == AV_CODEC_ID_AAC && par->extradata_size == 0 && (container->flags & AVFMT_GLOBALHEADER);
}

/* ---- the header ---- */

int pv_audio_converter_open_header(struct pv_audio_converter *c, const AVStream *from)
{
    *c = (struct pv_audio_converter){.unit = from->time_base, .parameters = avcodec_parameters_alloc()};
    const AVBitStreamFilter *filter = av_bsf_get_by_name("aac_adtstoasc");
    if (!c->parameters)
        return AVERROR(ENOMEM);
    if (!filter)
        return AVERROR_BSF_NOT_FOUND;
    int code = av_bsf_alloc(filter, &c->reframe);
    if (code >= 0)
        code = avcodec_parameters_copy(c->reframe->par_in, from->codecpar);
    if (code >= 0) {
        c->reframe->time_base_in = from->time_base;
        code = av_bsf_init(c->reframe);
    }
    return code < 0 ? code : avcodec_parameters_copy(c->parameters, c->reframe->par_out);
}

/* The header comes beside the first packet; files want it before that. */
static int take_header(struct pv_audio_converter *c, const AVPacket *packet)
{
    size_t size = 0;
    const uint8_t *header = av_packet_get_side_data(packet, AV_PKT_DATA_NEW_EXTRADATA, &size);
    if (c->parameters->extradata_size > 0 || !header || size == 0 || size > 1024)
        return 0;
    c->parameters->extradata = av_mallocz(size + AV_INPUT_BUFFER_PADDING_SIZE);
    if (!c->parameters->extradata)
        return AVERROR(ENOMEM);
    for (size_t i = 0; i < size; i++)
        c->parameters->extradata[i] = header[i];
    c->parameters->extradata_size = (int)size;
    return 0;
}

/* ---- decoder and encoder ---- */

static int open_decoder(struct pv_audio_converter *c, const AVStream *from)
{
    const AVCodec *decoder = avcodec_find_decoder(from->codecpar->codec_id);
    if (!decoder)
        return AVERROR_DECODER_NOT_FOUND;
    c->decoder = avcodec_alloc_context3(decoder);
    if (!c->decoder)
        return AVERROR(ENOMEM);
    const int code = avcodec_parameters_to_context(c->decoder, from->codecpar);
    c->decoder->pkt_timebase = from->time_base;
    c->decoder->thread_count = 1;
    return code < 0 ? code : avcodec_open2(c->decoder, decoder, NULL);
}

static const struct encoding *choose_encoding(const AVOutputFormat *container)
{
    for (size_t i = 0; i < sizeof encodings / sizeof encodings[0]; i++)
        if (avformat_query_codec(container, encodings[i].id, FF_COMPLIANCE_NORMAL) == 1 &&
            avcodec_find_encoder_by_name(encodings[i].encoder))
            return &encodings[i];
    return NULL;
}

static int open_encoder(struct pv_audio_converter *c, const struct encoding *e, int channels,
                        const AVOutputFormat *container)
{
    const AVCodec *encoder = avcodec_find_encoder_by_name(e->encoder);
    AVCodecContext *to = c->encoder = avcodec_alloc_context3(encoder);
    if (!to)
        return AVERROR(ENOMEM);
    av_channel_layout_default(&to->ch_layout, channels == 1 ? 1 : 2);
    to->sample_rate = RATE;
    to->sample_fmt = e->samples;
    to->bit_rate = e->bits_per_second;
    to->time_base = c->unit;
    to->flags |= AV_CODEC_FLAG_BITEXACT;
    if (container->flags & AVFMT_GLOBALHEADER)
        to->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    const int code = avcodec_open2(to, encoder, NULL);
    return code < 0 ? code : avcodec_parameters_from_context(c->parameters, to);
}

int pv_audio_converter_open_encoder(struct pv_audio_converter *c, const AVStream *from, const AVOutputFormat *container)
{
    *c = (struct pv_audio_converter){
        .unit = {1, RATE}, .parameters = avcodec_parameters_alloc(), .frame = av_frame_alloc()};
    const struct encoding *encoding = choose_encoding(container);
    if (!c->parameters || !c->frame)
        return AVERROR(ENOMEM);
    if (!encoding)
        return AVERROR_ENCODER_NOT_FOUND;
    const int code = open_decoder(c, from);
    return code < 0 ? code : open_encoder(c, encoding, from->codecpar->ch_layout.nb_channels, container);
}

/* Resampled, gaps filled with silence, beginning at time 0, cut to what the encoder wants at once. */
static int make_graph(struct pv_audio_converter *c, const AVFrame *first)
{
    char from[64], layout[64], args[256], chain[256];
    av_channel_layout_describe(&first->ch_layout, from, sizeof from);
    av_channel_layout_describe(&c->encoder->ch_layout, layout, sizeof layout);
    snprintf(args, sizeof args, "time_base=%d/%d:sample_rate=%d:sample_fmt=%d:channel_layout=%s",
             c->decoder->pkt_timebase.num, c->decoder->pkt_timebase.den, first->sample_rate, first->format, from);
    snprintf(chain, sizeof chain,
             "aresample=async=1:first_pts=0:out_sample_rate=%d,aformat=sample_fmts=%s:channel_layouts=%s,"
             "asetnsamples=n=%d:p=0",
             RATE, av_get_sample_fmt_name(c->encoder->sample_fmt), layout,
             c->encoder->frame_size > 0 ? c->encoder->frame_size : 1024);
    AVFilterInOut *inputs = avfilter_inout_alloc(), *outputs = avfilter_inout_alloc();
    c->graph = avfilter_graph_alloc();
    int code = c->graph && inputs && outputs ? 0 : AVERROR(ENOMEM);
    if (code >= 0)
        code = avfilter_graph_create_filter(&c->source, avfilter_get_by_name("abuffer"), "in", args, NULL, c->graph);
    if (code >= 0)
        code = avfilter_graph_create_filter(&c->sink, avfilter_get_by_name("abuffersink"), "out", NULL, NULL, c->graph);
    if (code >= 0) {
        *outputs = (AVFilterInOut){.name = av_strdup("in"), .filter_ctx = c->source};
        *inputs = (AVFilterInOut){.name = av_strdup("out"), .filter_ctx = c->sink};
        code = avfilter_graph_parse_ptr(c->graph, chain, &inputs, &outputs, NULL);
    }
    if (code >= 0)
        code = avfilter_graph_config(c->graph, NULL);
    avfilter_inout_free(&inputs);
    avfilter_inout_free(&outputs);
    return code;
}

/* What the decoder has next, into the graph; its end as well. */
static int feed_graph(struct pv_audio_converter *c)
{
    int code = avcodec_receive_frame(c->decoder, c->frame);
    if (code == AVERROR_EOF)
        return c->graph ? av_buffersrc_add_frame(c->source, NULL) : AVERROR_EOF;
    if (code < 0)
        return code;
    c->frame->pts = c->frame->best_effort_timestamp;
    if (c->frame->ch_layout.order == AV_CHANNEL_ORDER_UNSPEC)
        av_channel_layout_default(&c->frame->ch_layout, c->frame->ch_layout.nb_channels);
    code = c->graph ? 0 : make_graph(c, c->frame);
    if (code >= 0)
        code = av_buffersrc_add_frame(c->source, c->frame);
    av_frame_unref(c->frame);
    return code;
}

/* What the graph has next, into the encoder; its end as well. */
static int feed_encoder(struct pv_audio_converter *c)
{
    for (;;) {
        int code = c->graph ? av_buffersink_get_frame(c->sink, c->frame) : AVERROR(EAGAIN);
        if (code >= 0) {
            code = avcodec_send_frame(c->encoder, c->frame);
            av_frame_unref(c->frame);
            return code;
        }
        if (code == AVERROR_EOF)
            return avcodec_send_frame(c->encoder, NULL);
        if (code == AVERROR(EAGAIN))
            code = feed_graph(c);
        if (code < 0)
            return code;
    }
}

int pv_audio_converter_send(struct pv_audio_converter *c, AVPacket *packet)
{
    if (c->reframe)
        return av_bsf_send_packet(c->reframe, packet);
    const int code = avcodec_send_packet(c->decoder, packet);
    if (packet)
        av_packet_unref(packet);
    return code == AVERROR_INVALIDDATA ? 0 : code;
}

int pv_audio_converter_receive(struct pv_audio_converter *c, AVPacket *packet)
{
    if (c->reframe) {
        const int code = av_bsf_receive_packet(c->reframe, packet);
        return code < 0 ? code : take_header(c, packet);
    }
    for (;;) {
        int code = avcodec_receive_packet(c->encoder, packet);
        if (code == AVERROR(EAGAIN))
            code = feed_encoder(c);
        else
            return code;
        if (code < 0)
            return code;
    }
}

void pv_audio_converter_release(struct pv_audio_converter *c)
{
    avcodec_parameters_free(&c->parameters);
    av_bsf_free(&c->reframe);
    avcodec_free_context(&c->decoder);
    avcodec_free_context(&c->encoder);
    avfilter_graph_free(&c->graph);
    av_frame_free(&c->frame);
}
