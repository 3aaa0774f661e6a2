/* mux.c: see mux.h.
 *
 * Packets go straight to the file, one flush each, in our own interleaving: FFmpeg's would hold pictures back while it
 * waits for sound that never comes after the seam, and what is held back dies with the program. MP4 and MOV are written
 * as one fragment a frame; a file without its end then loses only what was still inside the encoder. */
#include "clip/mux.h"

#include <libavutil/avstring.h>
#include <libavutil/mathematics.h>
#include <libavutil/opt.h>

#include "clip/report.h"

static void set_options(AVFormatContext *f, const struct pv_target *target)
{
    f->flags |= AVFMT_FLAG_CUSTOM_IO | AVFMT_FLAG_FLUSH_PACKETS |
                AVFMT_FLAG_BITEXACT; /* no random identifiers: the same frames make the same bytes */
    f->flush_packets = 1;
    if (target->fragments) {
        /* Times are said in each fragment (frag_discont), not through an edit list, which would need the index. */
        av_opt_set(f->priv_data, "movflags", "frag_every_frame+empty_moov+default_base_moof+frag_discont", 0);
        av_opt_set_int(f->priv_data, "use_editlist", 0, 0);
        f->avoid_negative_ts = 0; /* done here, alike for both streams */
    }
    av_opt_set_int(f->priv_data, "cluster_time_limit", 1000, 0); /* Matroska: ms that a crash can cost */
}

static pv_status add_sound(struct pv_muxer *m, const pv_callbacks *callbacks, struct pv_error *err)
{
    const AVOutputFormat *container = m->format->oformat;
    if (!m->audio || !m->audio->stream)
        return PV_OK;
    struct pv_error why = {""};
    /* MXF wants samples cut to the frame. */
    const pv_status status = av_match_name("mxf", container->name)
                                 ? pv_fail(&why, PV_ERR_UNSUPPORTED, "audio is not put into MXF files")
                                 : pv_audio_suit(m->audio, container, &why);
    if (status == PV_ERR_UNSUPPORTED) {
        pv_report(callbacks, PV_LOG_WARNING, "%s: the clip will be silent", why.text);
        return PV_OK;
    }
    if (status != PV_OK)
        return pv_fail(err, status, "%s", why.text);
    AVStream *s = avformat_new_stream(m->format, NULL);
    if (!s || avcodec_parameters_copy(s->codecpar, m->audio->parameters) < 0)
        return pv_fail(err, PV_ERR_MEMORY, "no memory for the sound of '%s'", m->output->path);
    s->codecpar->codec_tag = 0; /* the number of another container */
    s->time_base = m->audio->unit;
    m->sound = s;
    return PV_OK;
}

pv_status pv_muxer_open(struct pv_muxer *m, struct pv_output *output, const struct pv_target *target,
                        const struct pv_encoder *encoder, struct pv_audio *audio, const char *timecode,
                        const char *comment, const pv_callbacks *callbacks, struct pv_error *err)
{
    *m = (struct pv_muxer){
        .output = output, .audio = audio, .tick = encoder->context->time_base, .has_fragments = target->fragments};
    avformat_alloc_output_context2(&m->format, NULL, target->muxer, NULL);
    AVFormatContext *f = m->format;
    if (!f)
        return pv_fail(err, PV_ERR_UNSUPPORTED, "this FFmpeg cannot write %s files", target->muxer);
    f->pb = output->io;
    set_options(f, target);
    m->video = avformat_new_stream(f, NULL);
    if (!m->video || avcodec_parameters_from_context(m->video->codecpar, encoder->context) < 0)
        return pv_fail(err, PV_ERR_MEMORY, "no memory to write '%s'", output->path);
    m->video->time_base = m->tick;
    m->video->avg_frame_rate = m->video->r_frame_rate = encoder->context->framerate;
    m->video->sample_aspect_ratio = encoder->context->sample_aspect_ratio;
    PV_TRY(add_sound(m, callbacks, err));
    if (timecode && timecode[0])
        av_dict_set(&f->metadata, "timecode", timecode, 0);
    if (comment && comment[0])
        av_dict_set(&f->metadata, "comment", comment, 0);
    const int code = avformat_write_header(f, NULL);
    return code < 0 ? pv_output_fail(output, code, err) : PV_OK;
}

static pv_status write_one(struct pv_muxer *m, AVPacket *packet, AVRational unit, AVStream *stream,
                           struct pv_error *err)
{
    const int64_t shift = av_rescale_q(m->shift, m->tick, unit);
    packet->pts += shift;
    packet->dts += shift;
    av_packet_rescale_ts(packet, unit, stream->time_base);
    packet->stream_index = stream->index;
    packet->pos = -1;
    const int code = av_write_frame(m->format, packet);
    av_packet_unref(packet);
    return code < 0 ? pv_output_fail(m->output, code, err) : PV_OK;
}

/* Audio that begins before frame end. */
static pv_status write_sound(struct pv_muxer *m, int64_t end, struct pv_error *err)
{
    for (AVPacket *packet; m->sound;) {
        const pv_status status = pv_audio_peek(m->audio, &packet, err);
        const AVRational unit = m->audio->unit;
        if (status == PV_END || (status == PV_OK && av_compare_ts(packet->pts, unit, end, m->tick) >= 0))
            return PV_OK;
        PV_TRY(status);
        m->audio->waits = false;
        PV_TRY(write_one(m, packet, unit, m->sound, err));
    }
    return PV_OK;
}

pv_status pv_muxer_write(struct pv_muxer *m, AVPacket *packet, int64_t audio_end, struct pv_error *err)
{
    if (!m->started) {
        m->started = true;
        m->shift = m->has_fragments && packet->dts < 0 ? -packet->dts : 0;
    }
    const int64_t now = packet->dts + 1;
    PV_TRY(write_one(m, packet, m->tick, m->video, err));
    return write_sound(m, now < audio_end ? now : audio_end, err);
}

pv_status pv_muxer_finish(struct pv_muxer *m, int64_t audio_end, struct pv_error *err)
{
    PV_TRY(write_sound(m, audio_end, err));
    const int code = av_write_trailer(m->format);
    return code < 0 ? pv_output_fail(m->output, code, err) : PV_OK;
}

void pv_muxer_release(struct pv_muxer *m)
{
    avformat_free_context(m->format);
    m->format = NULL;
}
