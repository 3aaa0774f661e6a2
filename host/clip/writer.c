/* writer.c: the public writer: frame -> encoder -> muxer or picture files -> final name.
 *
 * What is on the disk at any moment can be used: picture files stand one by one, Matroska, NUT and fragmented MP4 play
 * without their end. So a crash costs what the encoder still held, not the clip. */
#include <limits.h>
#include <prevue/clip.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/path.h"
#include "clip/mux.h"
#include "clip/partial.h"
#include "clip/picture_files.h"
#include "clip/report.h"

enum { MAX_SIDE = 16384 };

struct pv_clip_writer {
    pv_clip_writer_params params; /* strings below; input is read by open alone */
    char *path, *audio_source, *timecode, *comment;
    struct pv_error error;
    pv_status failed; /* final failure, or PV_END */
    bool opened, finished;

    struct pv_target target;
    struct pv_encoder encoder;
    struct pv_output output;
    struct pv_audio audio;
    struct pv_muxer muxer;
    struct pv_picture_files pictures;
    AVPacket *packet;

    char *partial_path; /* exists on the disk once created */
    bool created, renamed;
    int64_t frames, seam; /* seam: first frame of the predicted part; INT64_MAX = not marked */
    int64_t bytes;        /* of files already closed */
};

void pv_clip_writer_params_init(pv_clip_writer_params *params)
{
    *params = (pv_clip_writer_params){.struct_size = sizeof *params, .first_number = 1001};
}

static bool copy_text(char **to, const char *from)
{
    *to = from && from[0] ? strdup(from) : NULL;
    return *to || !from || !from[0];
}

static pv_status take_params(pv_clip_writer *w, const char *path, const pv_clip_writer_params *given)
{
    pv_clip_writer_params *p = &w->params;
    pv_clip_writer_params_init(p);
    if (given)
        memcpy(p, given, given->struct_size < sizeof *p ? given->struct_size : sizeof *p);
    if (!copy_text(&w->path, path) || !copy_text(&w->audio_source, p->audio_source) ||
        !copy_text(&w->timecode, p->timecode) || !copy_text(&w->comment, p->comment))
        return pv_fail(&w->error, PV_ERR_MEMORY, "no memory for a name");
    if (p->width < 1 || p->height < 1 || p->width > MAX_SIDE || p->height > MAX_SIDE)
        return pv_fail(&w->error, PV_ERR_ARGUMENT, "a clip cannot be %dx%d: each side is 1 to %d", p->width, p->height,
                       (int)MAX_SIDE);
    if (p->fps_num < 1 || p->fps_den < 1 || p->fps_num / p->fps_den > 1000)
        return pv_fail(&w->error, PV_ERR_ARGUMENT, "%d/%d frames a second is no rate: give a fraction up to 1000",
                       p->fps_num, p->fps_den);
    if (p->threads < 0 || p->first_number < 0)
        return pv_fail(&w->error, PV_ERR_ARGUMENT, "threads and the first number cannot be negative");
    char ignored[PV_CLIP_TIMECODE_SIZE];
    if (w->timecode && pv_clip_timecode_add(w->timecode, p->fps_num, p->fps_den, 0, ignored) != PV_OK) {
        pv_report(&p->callbacks, PV_LOG_WARNING, "'%s' is no timecode at %d/%d frames a second: it is left out",
                  w->timecode, p->fps_num, p->fps_den);
        free(w->timecode);
        w->timecode = NULL;
    }
    return PV_OK;
}

static pv_status open_audio(pv_clip_writer *w)
{
    const pv_callbacks *callbacks = &w->params.callbacks;
    if (w->params.audio != PV_CLIP_AUDIO_COPY || !w->audio_source)
        return PV_OK;
    if (strcmp(w->target.muxer, "yuv4mpegpipe") == 0)
        return PV_OK; /* holds no audio */
    if (strcmp(w->audio_source, "-") == 0) {
        pv_report(callbacks, PV_LOG_WARNING, "audio cannot be copied from standard input: the clip will be silent");
        return PV_OK;
    }
    struct pv_error why = {""};
    const pv_status status = pv_audio_open(&w->audio, w->audio_source, w->params.audio_start_seconds, callbacks, &why);
    if (status == PV_ERR_MEMORY || status == PV_ERR_ABORTED)
        return pv_fail(&w->error, status, "%s", why.text);
    if (status != PV_OK) {
        pv_report(callbacks, PV_LOG_WARNING, "audio is not copied: %s", why.text);
        pv_audio_release(&w->audio);
    }
    return PV_OK;
}

/* PV_ERR_IO when what is to be written as name is the input's file; shown: the name in the sentence. */
static pv_status spare(pv_clip_writer *w, const char *shown, const char *name, const char *input)
{
    if (!input || !pv_path_is_same(name, input))
        return PV_OK;
    return pv_fail(&w->error, PV_ERR_IO, "'%s' is the clip that is read, and would be lost: choose another name",
                   shown);
}

/* The same pattern as the input's: by the picture that the input begins with. */
static pv_status spare_pictures(pv_clip_writer *w, const struct pv_sequence *input)
{
    struct pv_sequence_extent extent;
    PV_TRY(pv_sequence_scan(input, &extent, &w->error));
    char *theirs = pv_sequence_name(input, extent.first, "");
    char *ours = pv_sequence_name(&w->pictures.sequence, extent.first, "");
    const pv_status status = theirs && ours ? spare(w, w->path, ours, theirs)
                                            : pv_fail(&w->error, PV_ERR_MEMORY, "no memory for a file name");
    free(ours);
    free(theirs);
    return status;
}

static pv_status open_pictures(pv_clip_writer *w)
{
    const pv_clip_writer_params *p = &w->params;
    struct pv_sequence input;
    PV_TRY(pv_picture_files_open(&w->pictures, w->target.pattern, p->first_number, p->overwrite, &p->callbacks,
                                 &w->error));
    if (!p->input)
        return PV_OK;
    PV_TRY(pv_sequence_of_path(p->input, &input, &w->error));
    const pv_status status = input.prefix ? spare_pictures(w, &input) : PV_OK;
    pv_sequence_release(&input);
    return status;
}

static pv_status open_file(pv_clip_writer *w)
{
    PV_TRY(open_audio(w));
    if (w->target.kind == PV_TARGET_PIPE)
        PV_TRY(pv_output_stdout(&w->output, &w->params.callbacks, &w->error));
    else {
        w->partial_path = pv_partial_name(w->path, ".partial");
        if (!w->partial_path)
            return pv_fail(&w->error, PV_ERR_MEMORY, "no memory for a file name");
        PV_TRY(spare(w, w->path, w->path, w->params.input));
        PV_TRY(spare(w, w->partial_path, w->partial_path, w->params.input));
        PV_TRY(pv_partial_check(w->path, w->params.overwrite, &w->error));
        const pv_status status =
            pv_output_create(&w->output, w->partial_path, w->params.overwrite, &w->params.callbacks, &w->error);
        w->created = w->output.fd >= 0;
        PV_TRY(status);
    }
    return pv_muxer_open(&w->muxer, &w->output, &w->target, &w->encoder, &w->audio, w->timecode, w->comment,
                         &w->params.callbacks, &w->error);
}

static bool wants_global_header(const struct pv_target *target)
{
    const AVOutputFormat *container = target->muxer ? av_guess_format(target->muxer, NULL, NULL) : NULL;
    return container && (container->flags & AVFMT_GLOBALHEADER);
}

static pv_status open_all(pv_clip_writer *w)
{
    const pv_clip_writer_params *p = &w->params;
    PV_TRY(pv_target_choose(w->path, p->preset, p->pipe, &w->target, &w->error));
    if (w->target.kind == PV_TARGET_NOTHING)
        return PV_OK;
    AVRational fps;
    av_reduce(&fps.num, &fps.den, p->fps_num, p->fps_den, INT_MAX);
    PV_TRY(pv_encoder_open(&w->encoder, &w->target.recipe, p->width, p->height, fps, p->threads,
                           wants_global_header(&w->target), &w->error));
    const AVCodecContext *c = w->encoder.context;
    if (c->width != p->width || c->height != p->height)
        pv_report(&p->callbacks, PV_LOG_NOTICE, "%dx%d is padded to %dx%d: this codec needs even sides", p->width,
                  p->height, c->width, c->height);
    w->packet = av_packet_alloc();
    if (!w->packet)
        return pv_fail(&w->error, PV_ERR_MEMORY, "no memory to write '%s'", w->path);
    if (w->target.kind == PV_TARGET_PICTURES)
        return open_pictures(w);
    return open_file(w);
}

pv_status pv_clip_writer_open(const char *path, const pv_clip_writer_params *params, pv_clip_writer **writer)
{
    pv_clip_writer *w = *writer = calloc(1, sizeof *w);
    if (!w)
        return PV_ERR_MEMORY;
    w->output.fd = -1;
    w->seam = INT64_MAX;
    pv_status status = take_params(w, path, params);
    if (status == PV_OK)
        status = open_all(w);
    w->opened = status == PV_OK;
    w->failed = status;
    return status;
}

/* Everything the encoder has ready, to the file. */
static pv_status write_ready(pv_clip_writer *w, int64_t audio_end)
{
    for (;;) {
        const pv_status status = pv_encoder_receive(&w->encoder, w->packet, &w->error);
        if (status == PV_AGAIN || status == PV_END)
            return PV_OK;
        PV_TRY(status);
        if (w->target.kind == PV_TARGET_PICTURES) {
            const pv_status written = pv_picture_files_write(&w->pictures, w->packet, &w->error);
            av_packet_unref(w->packet);
            PV_TRY(written);
        } else
            PV_TRY(pv_muxer_write(&w->muxer, w->packet, audio_end, &w->error));
    }
}

static pv_status send(pv_clip_writer *w, const pv_frame *frame)
{
    pv_status status;
    while ((status = pv_encoder_send(&w->encoder, frame, &w->error)) == PV_AGAIN)
        PV_TRY(write_ready(w, w->seam));
    PV_TRY(status);
    return write_ready(w, w->seam);
}

pv_status pv_clip_writer_send(pv_clip_writer *w, const pv_frame *frame)
{
    if (w->failed != PV_OK)
        return w->failed;
    if (w->finished)
        return pv_fail(&w->error, PV_ERR_ARGUMENT, "a frame was sent after finish");
    if (!frame->data || frame->width < 1 || frame->height < 1 || frame->width > MAX_SIDE || frame->height > MAX_SIDE ||
        frame->stride < 3 * (size_t)frame->width || frame->stride > INT_MAX)
        return pv_fail(&w->error, PV_ERR_ARGUMENT, "a frame of %dx%d with a stride of %zu bytes cannot be written",
                       frame->width, frame->height, frame->stride);
    if (w->target.kind != PV_TARGET_NOTHING)
        w->failed = send(w, frame);
    if (w->failed == PV_OK)
        w->frames++;
    return w->failed;
}

pv_status pv_clip_writer_mark_seam(pv_clip_writer *w)
{
    if (w->failed != PV_OK)
        return w->failed;
    w->seam = w->frames;
    return PV_OK;
}

/* The encoder's rest and the container's end. */
static pv_status complete(pv_clip_writer *w)
{
    const int64_t audio_end = w->seam < w->frames ? w->seam : w->frames;
    PV_TRY(pv_encoder_drain(&w->encoder, &w->error));
    PV_TRY(write_ready(w, audio_end));
    if (w->target.kind == PV_TARGET_PICTURES)
        return PV_OK;
    PV_TRY(pv_muxer_finish(&w->muxer, audio_end, &w->error));
    return pv_output_finish(&w->output, &w->error);
}

static pv_status name_file(pv_clip_writer *w)
{
    if (!w->target.fragments)
        return pv_partial_commit(w->partial_path, w->path, w->params.overwrite, &w->error);
    char *whole = pv_partial_name(w->path, ".partial.faststart");
    if (!whole)
        return pv_fail(&w->error, PV_ERR_MEMORY, "no memory for a file name");
    int64_t bytes = 0;
    pv_status status = pv_remux_faststart(w->partial_path, whole, w->target.muxer, w->timecode, w->comment,
                                          &w->params.callbacks, &bytes, &w->error);
    w->bytes = bytes - w->output.bytes; /* what counts from now on is the final file */
    if (status == PV_OK)
        status = pv_partial_commit(whole, w->path, w->params.overwrite, &w->error);
    if (status == PV_OK)
        unlink(w->partial_path);
    free(whole);
    return status;
}

pv_status pv_clip_writer_finish(pv_clip_writer *w)
{
    if (w->failed != PV_OK)
        return w->failed;
    if (w->finished)
        return PV_OK;
    if (w->frames == 0)
        return pv_fail(&w->error, PV_ERR_ARGUMENT, "a clip without frames cannot be written");
    pv_status status = w->target.kind == PV_TARGET_NOTHING ? PV_OK : complete(w);
    if (status == PV_OK && w->target.kind == PV_TARGET_FILE) {
        status = name_file(w);
        w->renamed = status == PV_OK;
        w->params.keep_partial |= status != PV_OK; /* all frames are in it: never throw that away */
    }
    w->finished = status == PV_OK;
    return w->failed = status;
}

pv_status pv_clip_writer_get_summary(const pv_clip_writer *w, pv_clip_writer_summary *summary)
{
    const size_t size = summary->struct_size < sizeof *summary ? summary->struct_size : sizeof *summary;
    if (size < sizeof summary->struct_size)
        return PV_ERR_ARGUMENT;
    const AVCodecContext *c = w->encoder.context;
    const bool named = w->finished && (w->target.kind == PV_TARGET_FILE || w->target.kind == PV_TARGET_PICTURES);
    const pv_clip_writer_summary copy = {
        .struct_size = size,
        .frames = w->frames,
        .bytes = w->bytes + w->output.bytes + w->pictures.bytes,
        .width = c ? c->width : w->params.width,
        .height = c ? c->height : w->params.height,
        .encoder = w->target.kind == PV_TARGET_NOTHING ? "none" : w->target.recipe.encoder,
        .path = !named              ? ""
                : w->target.pattern ? w->target.pattern
                                    : w->path,
        .partial_path = w->partial_path && !w->renamed ? w->partial_path : "",
    };
    memcpy(summary, &copy, size);
    return PV_OK;
}

const char *pv_clip_writer_message(const pv_clip_writer *w)
{
    return w->error.text;
}

void pv_clip_writer_close(pv_clip_writer *w)
{
    if (!w)
        return;
    const bool keep = w->params.keep_partial && w->frames > 0;
    const bool unfinished = w->opened && !w->finished && w->target.kind == PV_TARGET_FILE;
    if (unfinished && keep && w->failed == PV_OK && complete(w) != PV_OK)
        w->failed = PV_ERR_IO; /* the file lacks its end, as after a crash */
    pv_muxer_release(&w->muxer);
    pv_output_release(&w->output);
    if (w->created && !w->renamed && !keep)
        unlink(w->partial_path);
    pv_audio_release(&w->audio);
    pv_picture_files_release(&w->pictures);
    pv_encoder_release(&w->encoder);
    pv_target_release(&w->target);
    av_packet_free(&w->packet);
    free(w->partial_path);
    free(w->comment);
    free(w->timecode);
    free(w->audio_source);
    free(w->path);
    free(w);
}
