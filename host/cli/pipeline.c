/* pipeline.c: starts the stages and watches over them: the main thread draws the progress and hears signals. */
#include "pipeline.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

#include "command.h"
#include "signals.h"
#include "stages.h"

enum {
    SOURCE_FRAMES = 4,    /* of the clip, on their way to the writer */
    PREDICTED_FRAMES = 4, /* on their way to the writer */
    WATCH_MS = 100,       /* how often progress is drawn and signals are looked at */
    PATIENCE_TICKS = 20   /* how many of these a stage may take to leave at once */
};

static void draw_progress(struct pv_run *run, uint64_t start)
{
    const int64_t predicted = atomic_load(&run->predicted);
    if (predicted > 0)
        pv_terminal_progress(run->params->terminal, "predicted", predicted, run->params->frames,
                             (double)(pv_now_ns() - run->result->first_frame_ns) / 1e9);
    else
        pv_terminal_progress(run->params->terminal, "read", atomic_load(&run->read), 0,
                             (double)(pv_now_ns() - start) / 1e9);
}

/* Two signals in a row: nothing is finished, and nobody waits long. */
static void leave(struct pv_run *run, int ticks)
{
    if (!run->result->aborted) {
        run->result->aborted = true;
        pv_run_abort(run);
    } else if (ticks > PATIENCE_TICKS) {
        const char *kept = atomic_load(&run->output_known) ? run->result->partial_path : "";
        pv_terminal_progress_end(run->params->terminal);
        pv_terminal_say(run->params->terminal, PV_LOG_ERROR, "interrupted%s%s",
                        *kept ? ": what was written is in " : "", kept);
        _exit(PV_EXIT_INTERRUPTED);
    }
}

/* Once a tick. When the end is near, threads that wait for a pipe are woken, again and again, since a thread may be
 * just about to wait. */
static void hear_signals(struct pv_run *run, int *ticks)
{
    const int count = pv_signals_count();
    if (count == 0 && !atomic_load(&run->aborted))
        return;
    if (count == 1 && *ticks == 0)
        pv_terminal_say(run->params->terminal, PV_LOG_NOTICE, "finishing the file; once more to leave at once");
    if (count > 1) {
        *ticks = run->result->aborted ? *ticks : 0;
        leave(run, *ticks);
    }
    for (int i = 0; i < run->stages_started; i++)
        pv_signals_wake(run->threads[i]);
    ++*ticks;
}

static void watch(struct pv_run *run)
{
    const uint64_t start = pv_now_ns();
    int ticks = 0; /* since an end was asked for */
    pthread_mutex_lock(&run->lock);
    while (run->stages_running > 0) {
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += WATCH_MS * 1000000L;
        until.tv_sec += until.tv_nsec / 1000000000L;
        until.tv_nsec %= 1000000000L;
        pthread_cond_timedwait(&run->stage_ended, &run->lock, &until);
        pthread_mutex_unlock(&run->lock);
        draw_progress(run, start);
        pv_live_picture_draw(run->params->picture);
        hear_signals(run, &ticks);
        pthread_mutex_lock(&run->lock);
    }
    pthread_mutex_unlock(&run->lock);
    pv_terminal_progress_end(run->params->terminal);
}

static pv_status run_open(struct pv_run *run, struct pv_error *err)
{
    const struct pv_pipeline_params *p = run->params;
    const int context = p->context > 0 ? p->context : 1;
    PV_TRY(pv_frame_pool_open(&run->source_pool, p->join ? SOURCE_FRAMES : 1, p->clip->width, p->clip->height, err));
    PV_TRY(pv_frame_pool_open(&run->context_pool, context, p->working.width, p->working.height, err));
    PV_TRY(pv_frame_pool_open(&run->predicted_pool, PREDICTED_FRAMES, p->working.width, p->working.height, err));
    if (pv_clip_scaler_open(p->clip->width, p->clip->height, p->working.width, p->working.height, &run->scaler) !=
            PV_OK ||
        pv_queue_open((size_t)context, &run->context) != PV_OK ||
        pv_queue_open(SOURCE_FRAMES + PREDICTED_FRAMES, &run->finished) != PV_OK)
        return pv_fail(err, PV_ERR_MEMORY, "no memory to scale frames from %dx%d to %dx%d", p->clip->width,
                       p->clip->height, p->working.width, p->working.height);
    return PV_OK;
}

static pv_status run_stages(struct pv_run *run, struct pv_error *err)
{
    static void *(*const mains[])(void *) = {pv_reader_main, pv_engine_main, pv_writer_main};
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&run->stage_ended, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pthread_mutex_init(&run->lock, NULL);
    run->stages_running = 3;
    while (run->stages_started < 3 &&
           pthread_create(&run->threads[run->stages_started], NULL, mains[run->stages_started], run) == 0)
        run->stages_started++;
    if (run->stages_started < 3) {
        pv_run_fail(run, PV_ERR_MEMORY, PV_EXIT_DEVICE, "the system refuses another thread");
        pthread_mutex_lock(&run->lock);
        run->stages_running -= 3 - run->stages_started;
        pthread_mutex_unlock(&run->lock);
    }
    watch(run);
    for (int i = 0; i < run->stages_started; i++)
        pthread_join(run->threads[i], NULL);
    pthread_mutex_destroy(&run->lock);
    pthread_cond_destroy(&run->stage_ended);
    if (err)
        *err = run->error;
    return run->status;
}

pv_status pv_pipeline_run(const struct pv_pipeline_params *params, struct pv_pipeline_result *result,
                          struct pv_error *err)
{
    struct pv_run run = {.params = params, .result = result};
    memset(result, 0, sizeof *result);
    result->exit_code = PV_EXIT_DEVICE;
    pv_status status = run_open(&run, err);
    if (status == PV_OK)
        status = run_stages(&run, err);
    result->read = atomic_load(&run.read);
    result->predicted = atomic_load(&run.predicted);
    result->interrupted = pv_signals_count() > 0 && (result->predicted < params->frames || result->aborted);
    result->clip.struct_size = sizeof result->clip;
    pv_clip_reader_get_summary(params->reader, &result->clip);
    result->partial =
        result->partial || result->clip.corrupt > 0 || result->clip.truncated || result->clip.bad_packets > 0;
    pv_queue_close(run.finished);
    pv_queue_close(run.context);
    pv_clip_scaler_close(run.scaler);
    pv_frame_pool_close(&run.predicted_pool);
    pv_frame_pool_close(&run.context_pool);
    pv_frame_pool_close(&run.source_pool);
    return status;
}
