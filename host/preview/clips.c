/* clips.c: see clips.h. */
#include "preview/clips.h"

#include <stdio.h>

#include "preview/burn_in.h"
#include "preview/frames.h"

/* One clip on its way to the disk. */
struct output {
    const struct pv_preview *preview;
    int take;
    pv_clip_writer *writer;
    struct pv_burn_in burn_in;
    pv_clip_scaler *scaler; /* predicted frames to the clip's size, when something is written on them */
    struct pv_preview_frames frames;
};

pv_clip_writer_params pv_preview_writer_params(const struct pv_preview *preview, pv_clip_preset preset, int width,
                                               int height, int64_t first_frame, char timecode[PV_CLIP_TIMECODE_SIZE])
{
    const struct pv_preview_plan *plan = preview->plan;
    pv_clip_writer_params w;
    pv_clip_writer_params_init(&w);
    w.width = width;
    w.height = height;
    w.fps_num = plan->source.fps_num;
    w.fps_den = plan->source.fps_den;
    w.preset = preset;
    w.overwrite = preview->overwrite;
    w.keep_partial = 1;
    w.input = plan->source.path;
    w.threads = 1; /* many clips are written at once; and the same bytes come out on every machine */
    pv_preview_timecode(plan, first_frame, timecode);
    w.timecode = timecode;
    w.callbacks = preview->callbacks;
    return w;
}

static pv_status output_open(struct output *o, enum pv_preview_kind kind, struct pv_error *err)
{
    const struct pv_preview *preview = o->preview;
    const struct pv_preview_plan *plan = preview->plan;
    const struct pv_preview_source *source = &plan->source;
    char name[PV_PREVIEW_NAME_BYTES], path[PV_PREVIEW_PATH_BYTES], timecode[PV_CLIP_TIMECODE_SIZE], comment[256];
    const bool joined = kind != PV_PREVIEW_NEW, review = kind == PV_PREVIEW_REVIEW;
    pv_clip_writer_params w =
        pv_preview_writer_params(preview, review ? PV_CLIP_PRESET_REVIEW : plan->preset, source->width, source->height,
                                 joined ? 0 : source->frames - pv_preview_handles(plan), timecode);
    snprintf(comment, sizeof comment, "prevue %s: predicted by model %.80s %016llx, seed %llu", pv_version(),
             plan->model.name, (unsigned long long)plan->model.fingerprint,
             (unsigned long long)pv_preview_seed(plan, o->take));
    w.comment = comment;
    if (joined && source->has_audio && !source->is_sequence) {
        w.audio = PV_CLIP_AUDIO_COPY;
        w.audio_source = source->path;
        w.audio_start_seconds = source->start_seconds;
    }
    PV_TRY(pv_preview_frames_open(&o->frames, preview, err));
    if (review ? plan->sheet_words : plan->burn_in) {
        PV_TRY(pv_burn_in_open(&o->burn_in, plan, source->width, source->height, err));
        if (pv_clip_scaler_open(plan->model.width, plan->model.height, source->width, source->height, &o->scaler) !=
            PV_OK)
            return pv_fail(err, PV_ERR_MEMORY, "no memory to scale frames to %dx%d", source->width, source->height);
    }
    pv_preview_name(plan, kind, o->take, name);
    PV_TRY(pv_preview_path(plan, name, path, err));
    const pv_status status = pv_clip_writer_open(path, &w, &o->writer);
    return status == PV_OK ? PV_OK : pv_fail(err, status, "%s", o->writer ? pv_clip_writer_message(o->writer) : "");
}

static void output_close(struct output *o)
{
    pv_clip_writer_close(o->writer);
    pv_clip_scaler_close(o->scaler);
    pv_burn_in_release(&o->burn_in);
    pv_preview_frames_release(&o->frames);
}

pv_status pv_preview_send(const struct pv_preview *preview, pv_clip_writer *writer, const pv_frame *frame,
                          struct pv_error *err)
{
    const pv_callbacks *callbacks = &preview->callbacks;
    if (callbacks->abort && callbacks->abort(callbacks->user))
        return pv_fail(err, PV_ERR_ABORTED, "interrupted");
    const pv_status status = pv_clip_writer_send(writer, frame);
    return status == PV_OK ? PV_OK : pv_fail(err, status, "%s", pv_clip_writer_message(writer));
}

static pv_status send(struct output *o, const pv_frame *frame, struct pv_error *err)
{
    return pv_preview_send(o->preview, o->writer, frame, err);
}

static pv_status send_handles(struct output *o, struct pv_error *err)
{
    const struct pv_preview_plan *plan = o->preview->plan;
    const int handles = pv_preview_handles(plan), tail = plan->source.tail;
    for (int i = tail - handles; i < tail; i++) {
        PV_TRY(pv_preview_frames_real(&o->frames, i, err));
        PV_TRY(pv_burn_in_draw(&o->burn_in, &o->frames.real, o->take, plan->source.frames - tail + i, err));
        PV_TRY(send(o, &o->frames.real, err));
    }
    return PV_OK;
}

static pv_status send_source(struct output *o, pv_clip_reader *reader, struct pv_error *err)
{
    const int64_t frames = o->preview->plan->source.frames;
    for (int64_t i = 0; i < frames; i++) {
        const pv_status status = pv_clip_reader_receive(reader, &o->frames.real, NULL);
        if (status == PV_END)
            return pv_fail(err, PV_ERR_FORMAT, "the clip had %lld frames and now has %lld: it was changed meanwhile",
                           (long long)frames, (long long)i);
        if (status != PV_OK)
            return pv_fail(err, status, "%s", pv_clip_reader_message(reader));
        PV_TRY(pv_burn_in_draw(&o->burn_in, &o->frames.real, o->take, i, err));
        PV_TRY(send(o, &o->frames.real, err));
    }
    return PV_OK;
}

static pv_status open_and_send_source(struct output *o, struct pv_error *err)
{
    pv_clip_reader *reader = NULL;
    pv_clip_reader_params params = o->preview->reader;
    params.callbacks.log = NULL; /* all has been said when the clip was first read */
    pv_status status = pv_clip_reader_open(o->preview->plan->source.path, &params, &reader);
    if (status == PV_OK)
        status = send_source(o, reader, err);
    else
        pv_fail(err, status, "%s", reader ? pv_clip_reader_message(reader) : "");
    pv_clip_reader_close(reader);
    return status;
}

static pv_status send_predicted(struct output *o, struct pv_error *err)
{
    const struct pv_preview_plan *plan = o->preview->plan;
    if (pv_clip_writer_mark_seam(o->writer) != PV_OK)
        return pv_fail(err, PV_ERR_IO, "%s", pv_clip_writer_message(o->writer));
    for (int64_t i = 0; i < plan->frames; i++) {
        const pv_status status = pv_preview_frames_predicted(&o->frames, o->take, i, err);
        if (status == PV_END)
            break; /* an end was asked for */
        PV_TRY(status);
        const pv_frame *frame = &o->frames.predicted;
        if (o->scaler) {
            pv_clip_scaler_run(o->scaler, &o->frames.predicted, &o->frames.real);
            PV_TRY(pv_burn_in_draw(&o->burn_in, &o->frames.real, o->take, plan->source.frames + i, err));
            frame = &o->frames.real;
        }
        PV_TRY(send(o, frame, err));
    }
    return PV_OK;
}

pv_status pv_preview_write_clip(const struct pv_preview *preview, enum pv_preview_kind kind, int take,
                                struct pv_error *err)
{
    struct output o = {.preview = preview, .take = take};
    pv_status status = output_open(&o, kind, err);
    if (status == PV_OK)
        status = kind == PV_PREVIEW_NEW ? send_handles(&o, err) : open_and_send_source(&o, err);
    if (status == PV_OK)
        status = send_predicted(&o, err);
    if (status == PV_OK && (status = pv_clip_writer_finish(o.writer)) != PV_OK)
        pv_fail(err, status, "%s", pv_clip_writer_message(o.writer));
    output_close(&o);
    return status;
}
