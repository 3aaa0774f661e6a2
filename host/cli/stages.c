/* stages.c: reader, engine, writer: what each thread of the pipeline does, and how it ends. */
#include "stages.h"

#include <stdio.h>
#include <string.h>

#include "ahead.h"
#include "command.h"
#include "signals.h"

/* ---- ending ---- */

void pv_run_abort(struct pv_run *run)
{
    atomic_store(&run->aborted, true);
    atomic_store(run->params->stopped, true);
    pv_frame_pool_end(&run->source_pool);
    pv_frame_pool_end(&run->predicted_pool);
    pv_queue_end(run->context);
    pv_queue_end(run->finished);
}

void pv_run_fail(struct pv_run *run, pv_status status, int exit_code, const char *sentence)
{
    pthread_mutex_lock(&run->lock);
    if (run->status == PV_OK) {
        run->status = status;
        run->result->exit_code = exit_code;
        snprintf(run->error.text, sizeof run->error.text, "%s", *sentence ? sentence : pv_status_text(status));
    }
    pthread_mutex_unlock(&run->lock);
    pv_run_abort(run);
}

static void stage_end(struct pv_run *run, struct pv_stage_time *time, uint64_t start, uint64_t stalled_ns)
{
    time->wall_ns = pv_now_ns() - start;
    time->stalled_ns = stalled_ns;
    pthread_mutex_lock(&run->lock);
    run->stages_running--;
    pthread_cond_signal(&run->stage_ended);
    pthread_mutex_unlock(&run->lock);
}

static bool must_stop(struct pv_run *run)
{
    return atomic_load(&run->aborted) || pv_signals_count() > 0;
}

/* ---- reader ---- */

/* The last frames of the clip, as a ring over the context pool: frames[(first + i) % capacity], oldest first. */
struct recent {
    struct pv_pooled_frame *frames;
    int capacity, first, count;
};

static pv_status recent_add(struct pv_run *run, struct recent *recent, const pv_frame *frame)
{
    if (recent->capacity == 0)
        return PV_OK;
    const int slot = (recent->first + recent->count) % recent->capacity;
    if (recent->count < recent->capacity)
        recent->count++;
    else
        recent->first = (recent->first + 1) % recent->capacity;
    return pv_clip_scaler_run(run->scaler, frame, &recent->frames[slot].frame);
}

/* One frame from the clip to the ring and, when joined, to the writer. */
static pv_status read_frame(struct pv_run *run, struct recent *recent)
{
    const struct pv_pipeline_params *p = run->params;
    struct pv_pooled_frame *pooled = pv_frame_pool_take(&run->source_pool);
    if (!pooled)
        return PV_END;
    pv_clip_frame_info info = {.struct_size = sizeof info};
    pv_status status = pv_clip_reader_receive(p->reader, &pooled->frame, &info);
    if (status == PV_OK) {
        atomic_fetch_add(&run->read, 1);
        if ((info.flags & PV_CLIP_FRAME_CORRUPT) && !p->allow_corrupt)
            run->result->skipped++;
        else
            status = recent_add(run, recent, &pooled->frame);
    }
    if (status == PV_OK && p->join)
        status = pv_queue_push(run->finished, pooled);
    if (status != PV_OK || !p->join)
        pv_frame_return(pooled);
    return status;
}

void *pv_reader_main(void *argument)
{
    struct pv_run *run = argument;
    const struct pv_pipeline_params *p = run->params;
    const uint64_t start = pv_now_ns();
    struct recent recent = {.frames = run->context_pool.frames, .capacity = p->context};
    pv_status status = PV_OK;
    while (status == PV_OK && !must_stop(run))
        status = read_frame(run, &recent);
    if (status == PV_ERR_MEMORY) {
        pv_run_fail(run, status, PV_EXIT_DEVICE, pv_clip_reader_message(p->reader));
    } else if (status != PV_OK && status != PV_END && status != PV_ERR_ABORTED) {
        if (atomic_load(&run->read) == 0)
            pv_run_fail(run, status, PV_EXIT_INPUT, pv_clip_reader_message(p->reader));
        else /* the damaged rest of a clip: what came before it is used */
            pv_terminal_say(p->terminal, PV_LOG_WARNING, "%s", pv_clip_reader_message(p->reader));
        run->result->partial = true;
    }
    for (int i = 0; i < recent.count; i++)
        pv_queue_push(run->context, &recent.frames[(recent.first + i) % recent.capacity]);
    pv_queue_end(run->context);
    stage_end(run, &run->result->reader, start,
              pv_frame_pool_stalled_ns(&run->source_pool) +
                  (p->join ? pv_queue_get_stats(run->finished).push_stalled_ns : 0));
    return NULL;
}

/* ---- engine ---- */

static void engine_fail(struct pv_run *run, pv_status status)
{
    if (status != PV_ERR_ABORTED)
        pv_run_fail(run, status, pv_exit_from_status(status, PV_EXIT_FAILED), pv_rollout_message(run->params->rollout));
}

/* The observed frames join the rollout's past. */
static pv_status send_context(struct pv_run *run)
{
    const struct pv_pipeline_params *p = run->params;
    void *item;
    while (pv_queue_pop(run->context, &item) == PV_OK) {
        if (must_stop(run))
            continue;
        const pv_status status = pv_rollout_send(p->rollout, &((struct pv_pooled_frame *)item)->frame, p->action);
        if (status != PV_OK)
            return status;
        run->result->context++;
    }
    if (p->context > 0 && run->result->context == 0 && !must_stop(run)) {
        pv_run_fail(run, PV_ERR_FORMAT, PV_EXIT_INPUT,
                    "the clip has no undamaged frame to start from; --allow-corrupt takes the damaged ones");
        return PV_ERR_ABORTED;
    }
    return p->context > 0 ? pv_rollout_set_take(p->rollout, p->seed, 0) : PV_OK;
}

static pv_status predict_frame(struct pv_run *run, int64_t *asked)
{
    const struct pv_pipeline_params *p = run->params;
    struct pv_pooled_frame *pooled = pv_frame_pool_take(&run->predicted_pool);
    if (!pooled)
        return PV_ERR_ABORTED;
    const uint64_t start = pv_now_ns();
    pv_status status = pv_ask_ahead(p->rollout, p->action, asked, p->frames);
    if (status == PV_OK)
        status = pv_rollout_receive(p->rollout, &pooled->frame);
    if (status != PV_OK) {
        pv_frame_return(pooled);
        return status;
    }
    const uint64_t end = pv_now_ns();
    pv_live_picture_put(p->picture, 0, &pooled->frame);
    pv_durations_add(&run->result->frame_times, end - start);
    if (run->result->first_frame_ns == 0)
        run->result->first_frame_ns = end;
    if (pv_queue_push(run->finished, pooled) != PV_OK) {
        pv_frame_return(pooled);
        return PV_ERR_ABORTED;
    }
    atomic_fetch_add(&run->predicted, 1);
    return PV_OK;
}

void *pv_engine_main(void *argument)
{
    struct pv_run *run = argument;
    const uint64_t start = pv_now_ns();
    int64_t asked = 0;
    pv_status status = send_context(run);
    for (int64_t i = 0; i < run->params->frames && status == PV_OK && !must_stop(run); i++)
        status = predict_frame(run, &asked);
    if (status != PV_OK)
        engine_fail(run, status);
    pv_queue_end(run->finished); /* the reader ended before: it ended the queue of the context */
    stage_end(run, &run->result->engine, start,
              pv_queue_get_stats(run->context).pop_stalled_ns + pv_frame_pool_stalled_ns(&run->predicted_pool));
    return NULL;
}

/* ---- writer ---- */

static void keep_summary(struct pv_pipeline_result *result, const pv_clip_writer *writer)
{
    result->output = (pv_clip_writer_summary){.struct_size = sizeof result->output};
    pv_clip_writer_get_summary(writer, &result->output);
    snprintf(result->encoder, sizeof result->encoder, "%s", result->output.encoder);
    snprintf(result->path, sizeof result->path, "%s", result->output.path);
    snprintf(result->partial_path, sizeof result->partial_path, "%s", result->output.partial_path);
    result->output.encoder = result->encoder;
    result->output.path = result->path;
    result->output.partial_path = result->partial_path;
}

/* Where the timecode has to count the frames of the clip first, this waits until the first predicted frame is there;
 * else it comes before everything, so that an output that cannot be written is known at once. */
static pv_status open_writer(struct pv_run *run, pv_clip_writer **writer)
{
    const struct pv_pipeline_params *p = run->params;
    pv_clip_writer_params params = p->writer;
    char timecode[PV_CLIP_TIMECODE_SIZE];
    if (params.timecode && !p->join) {
        pv_clip_timecode_add(params.timecode, params.fps_num, params.fps_den, atomic_load(&run->read), timecode);
        params.timecode = timecode;
    }
    const pv_status status = pv_clip_writer_open(p->output, &params, writer);
    if (status == PV_OK) {
        keep_summary(run->result, *writer);
        atomic_store(&run->output_known, true);
    }
    return status;
}

static pv_status write_frames(struct pv_run *run, pv_clip_writer **writer)
{
    const bool late = run->params->writer.timecode && !run->params->join;
    pv_status status = late ? PV_OK : open_writer(run, writer);
    int64_t sent = 0;
    bool sealed = false; /* the seam is marked */
    void *item;
    while (status == PV_OK && pv_queue_pop(run->finished, &item) == PV_OK) {
        struct pv_pooled_frame *pooled = item;
        if (!*writer)
            status = open_writer(run, writer);
        if (status == PV_OK && !sealed && pooled->pool == &run->predicted_pool) {
            status = pv_clip_writer_mark_seam(*writer);
            sealed = true;
        }
        if (status == PV_OK && !atomic_load(&run->aborted))
            status = pv_clip_writer_send(*writer, &pooled->frame);
        sent += status == PV_OK;
        pv_frame_return(pooled);
    }
    if (status != PV_OK || sent == 0 || atomic_load(&run->aborted))
        return status;
    if (!sealed)
        status = pv_clip_writer_mark_seam(*writer);
    return status == PV_OK ? pv_clip_writer_finish(*writer) : status;
}

void *pv_writer_main(void *argument)
{
    struct pv_run *run = argument;
    const uint64_t start = pv_now_ns();
    pv_clip_writer *writer = NULL;
    const pv_status status = write_frames(run, &writer);
    if (status == PV_END) {
        run->result->hung_up = true;
        pv_run_abort(run);
    } else if (status != PV_OK && status != PV_ERR_ABORTED) {
        pv_run_fail(run, status, pv_exit_from_status(status, PV_EXIT_FAILED),
                    writer ? pv_clip_writer_message(writer) : "no memory for a writer");
    }
    if (writer)
        keep_summary(run->result, writer);
    pv_clip_writer_close(writer);
    stage_end(run, &run->result->writer, start, pv_queue_get_stats(run->finished).pop_stalled_ns);
    return NULL;
}
