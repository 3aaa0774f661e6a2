/* preview_stages.c: the threads of a preview. One predicts: all takes by one frame, then the next frame, so that
 * whatever compares takes follows along. Others write files, one each at a time, from the file of predicted frames. The
 * main thread draws the progress and hears signals. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ahead.h"
#include "command.h"
#include "live_picture.h"
#include "preview.h"
#include "preview/canvas.h"
#include "signals.h"
#include "timing.h"

enum {
    WRITERS = 4,    /* at most */
    WATCH_MS = 100, /* how often progress is drawn and signals are looked at */
    FIRST_SAVE = 8, /* model frames after which the rollouts are first saved */
    SAVE_MS = 1000, /* between savings, at least */
    SAVE_SHARE = 20 /* ... and 20 times as long as saving takes */
};

struct job {
    enum pv_preview_kind kind;
    int take;
};

struct stages {
    struct pv_preview_session *session;
    struct pv_preview shared;
    struct job jobs[PV_PREVIEW_KINDS * PV_PREVIEW_TAKES];
    int job_count, next_job, jobs_done;
    uint64_t start_ns;
    struct pv_live_picture *picture; /* or NULL */
    pv_frame shown;                  /* memory for a frame of it */
    int64_t shown_steps;
    pthread_mutex_t lock; /* of next_job, jobs_done, running, status, error and the work folder */
    pthread_cond_t ended;
    int running;
    pv_status status; /* the first failure */
    struct pv_error error;
};

/* ---- ending ---- */

static void fail(struct stages *st, pv_status status, const char *sentence)
{
    pthread_mutex_lock(&st->lock);
    if (st->status == PV_OK) {
        st->status = status;
        snprintf(st->error.text, sizeof st->error.text, "%s", *sentence ? sentence : pv_status_text(status));
    }
    pthread_mutex_unlock(&st->lock);
    atomic_store(&st->session->stopped, true);
}

static void thread_ends(struct stages *st)
{
    pthread_mutex_lock(&st->lock);
    st->running--;
    pthread_cond_signal(&st->ended);
    pthread_mutex_unlock(&st->lock);
}

/* Of writers: the first Ctrl-C finishes the files. */
static int must_leave(void *user)
{
    const struct stages *st = user;
    return pv_signals_count() > 1 || atomic_load(&st->session->stopped);
}

static void log_sentence(void *user, pv_log_level level, const char *sentence)
{
    pv_terminal_log_once(((struct stages *)user)->session->terminal, level, sentence);
}

/* ---- predicting ---- */

/* asked, until: of pv_ask_ahead. */
static pv_status predict_step(struct stages *st, pv_frame *frame, int64_t *asked, int64_t until, struct pv_error *err)
{
    struct pv_preview_session *s = st->session;
    pv_status status = pv_ask_ahead(s->rollout, s->action.values ? &s->action : NULL, asked, until);
    for (int i = 0; i < s->plan.takes && status == PV_OK; i++) {
        status = pv_rollout_receive(s->rollout, frame);
        if (status == PV_OK)
            PV_TRY(pv_frame_file_put(s->predicted, frame->take, frame, err));
    }
    if (status != PV_OK)
        return pv_fail(err, status, "%s", pv_rollout_message(s->rollout));
    pv_frame_file_publish(s->predicted);
    return PV_OK;
}

static bool save_is_due(const struct pv_preview_session *s, int64_t steps, uint64_t due_ns)
{
    return steps - s->start_step == FIRST_SAVE || pv_now_ns() >= due_ns;
}

static pv_status save(struct pv_preview_session *s, int64_t steps, uint64_t *due_ns, struct pv_error *err)
{
    const uint64_t start = pv_now_ns();
    PV_TRY(pv_preview_save_takes(s, steps, err));
    const uint64_t end = pv_now_ns(), pause = SAVE_SHARE * (end - start);
    *due_ns = end + (pause > SAVE_MS * UINT64_C(1000000) ? pause : SAVE_MS * UINT64_C(1000000));
    return PV_OK;
}

static void *engine_main(void *argument)
{
    struct stages *st = argument;
    struct pv_preview_session *s = st->session;
    const int64_t wanted = pv_preview_steps(&s->plan);
    struct pv_error err = {""};
    pv_frame frame = {.width = s->plan.model.width, .height = s->plan.model.height};
    frame.stride = 3 * (size_t)frame.width;
    frame.data = malloc(frame.stride * (size_t)frame.height);
    pv_status status = frame.data ? PV_OK : pv_fail(&err, PV_ERR_MEMORY, "no memory for a frame");
    uint64_t due_ns = pv_now_ns() + SAVE_MS * UINT64_C(1000000);
    int64_t asked = s->start_step;
    for (int64_t i = s->start_step; i < wanted && status == PV_OK; i++) {
        const bool due = i + 1 < wanted && save_is_due(s, i + 1, due_ns);
        status = predict_step(st, &frame, &asked, due ? i + 1 : wanted, &err); /* a saved state has no frame waiting */
        if (status == PV_OK && due)
            status = save(s, i + 1, &due_ns, &err);
    }
    if (status == PV_OK) /* who is stopped while files are written need not predict again */
        status = pv_preview_save_takes(s, wanted, &err);
    if (status != PV_OK && status != PV_ERR_ABORTED)
        fail(st, status, err.text);
    pv_frame_file_end(s->predicted);
    free(frame.data);
    thread_ends(st);
    return NULL;
}

/* ---- writing ---- */

static void list_jobs(struct stages *st)
{
    const struct pv_preview_plan *plan = &st->session->plan;
    for (int take = 0; take < plan->takes; take++)
        for (enum pv_preview_kind kind = 0; kind < PV_PREVIEW_TIMELINE; kind++)
            if (pv_preview_is_per_take(kind) && pv_preview_wants(plan, kind))
                st->jobs[st->job_count++] = (struct job){kind, take};
    for (enum pv_preview_kind kind = 0; kind < PV_PREVIEW_TIMELINE; kind++)
        if (!pv_preview_is_per_take(kind) && pv_preview_wants(plan, kind))
            st->jobs[st->job_count++] = (struct job){kind, 0};
}

static bool next_job(struct stages *st, struct job *job)
{
    pthread_mutex_lock(&st->lock);
    const bool more = st->next_job < st->job_count && !must_leave(st);
    if (more)
        *job = st->jobs[st->next_job++];
    pthread_mutex_unlock(&st->lock);
    return more;
}

static pv_status do_job(struct stages *st, const struct job *job, struct pv_error *err)
{
    struct pv_preview_session *s = st->session;
    char name[PV_PREVIEW_NAME_BYTES];
    pv_preview_name(&s->plan, job->kind, job->take, name);
    pthread_mutex_lock(&st->lock);
    const bool finished = pv_preview_work_is_finished(&s->work, name);
    pthread_mutex_unlock(&st->lock);
    pv_status status = finished ? PV_OK : pv_preview_write(&st->shared, job->kind, job->take, err);
    pthread_mutex_lock(&st->lock);
    if (status == PV_OK && !finished)
        status = pv_preview_work_finish(&s->work, name, err);
    st->jobs_done++;
    pthread_mutex_unlock(&st->lock);
    return status;
}

static void *writer_main(void *argument)
{
    struct stages *st = argument;
    struct pv_error err = {""};
    struct job job;
    pv_status status = PV_OK;
    while (status == PV_OK && next_job(st, &job))
        status = do_job(st, &job, &err);
    if (status != PV_OK && status != PV_ERR_ABORTED && status != PV_END)
        fail(st, status, err.text);
    thread_ends(st);
    return NULL;
}

/* ---- watching ---- */

static void draw_progress(struct stages *st)
{
    struct pv_preview_session *s = st->session;
    const int64_t steps = pv_frame_file_count(s->predicted), wanted = pv_preview_steps(&s->plan);
    const double seconds = (double)(pv_now_ns() - st->start_ns) / 1e9;
    const bool ending = steps >= wanted || pv_signals_count() > 0; /* asked for an end, it predicts no more */
    if (!ending) {
        pv_terminal_progress(s->terminal, "predicted", steps * s->plan.takes, wanted * s->plan.takes, seconds);
        return;
    }
    pthread_mutex_lock(&st->lock);
    const int done = st->jobs_done;
    pthread_mutex_unlock(&st->lock);
    char line[96];
    snprintf(line, sizeof line, "predicted %lld frames; %d of %d files written", (long long)(steps * s->plan.takes),
             done, st->job_count);
    pv_terminal_progress_line(s->terminal, line);
}

/* Nothing depends on the picture: what goes wrong with it is passed over. */
static void draw_picture(struct stages *st)
{
    struct pv_preview_session *s = st->session;
    const int64_t steps = pv_frame_file_count(s->predicted);
    if (!st->picture)
        return;
    for (int take = 0; take < s->plan.takes && steps > st->shown_steps; take++)
        if (pv_frame_file_read(s->predicted, steps - 1, take, &st->shown, NULL) == PV_OK)
            pv_live_picture_put(st->picture, take, &st->shown);
    st->shown_steps = steps;
    pv_live_picture_draw(st->picture);
}

static void open_picture(struct stages *st)
{
    const struct pv_preview_plan *plan = &st->session->plan;
    if (!st->session->v->no_picture)
        st->picture = pv_live_picture_open(st->session->terminal, plan->takes, plan->model.width, plan->model.height);
    if (st->picture && pv_canvas_open(plan->model.width, plan->model.height, 0, &st->shown, NULL) != PV_OK) {
        pv_live_picture_close(st->picture);
        st->picture = NULL;
    }
}

static void watch(struct stages *st)
{
    bool told = false;
    pthread_mutex_lock(&st->lock);
    while (st->running > 0) {
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += WATCH_MS * 1000000L;
        until.tv_sec += until.tv_nsec / 1000000000L;
        until.tv_nsec %= 1000000000L;
        pthread_cond_timedwait(&st->ended, &st->lock, &until);
        pthread_mutex_unlock(&st->lock);
        draw_progress(st);
        draw_picture(st);
        if (pv_signals_count() == 1 && !told && !atomic_load(&st->session->stopped)) {
            pv_terminal_say(st->session->terminal, PV_LOG_NOTICE, "finishing the files; once more to leave at once");
            told = true;
        }
        pthread_mutex_lock(&st->lock);
    }
    pthread_mutex_unlock(&st->lock);
    pv_terminal_progress_end(st->session->terminal);
}

static int writers_for(const struct stages *st)
{
    const long processors = sysconf(_SC_NPROCESSORS_ONLN);
    const int most = processors < 1 ? 1 : processors > WRITERS ? WRITERS : (int)processors;
    return st->job_count < most ? st->job_count : most;
}

static void run_threads(struct stages *st)
{
    pthread_t threads[1 + WRITERS];
    const int wanted = 1 + writers_for(st);
    int started = 0;
    st->running = wanted;
    while (started < wanted &&
           pthread_create(&threads[started], NULL, started == 0 ? engine_main : writer_main, st) == 0)
        started++;
    if (started < wanted) {
        fail(st, PV_ERR_MEMORY, "the system refuses another thread");
        pv_frame_file_end(st->session->predicted);
        pthread_mutex_lock(&st->lock);
        st->running -= wanted - started;
        pthread_mutex_unlock(&st->lock);
    }
    watch(st);
    for (int i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
}

pv_status pv_preview_run_stages(struct pv_preview_session *session, struct pv_error *err)
{
    struct stages *st = calloc(1, sizeof *st);
    if (!st)
        return pv_fail(err, PV_ERR_MEMORY, "no memory for the threads");
    st->session = session;
    st->start_ns = pv_now_ns();
    st->shared = (struct pv_preview){
        .plan = &session->plan,
        .predicted = session->predicted,
        .tail = session->tail,
        .callbacks = {.user = st, .log = log_sentence, .abort = must_leave},
        .overwrite = session->v->overwrite || session->v->resume,
    };
    st->shared.reader = pv_inputs_reader_params(&session->v->input, 0, 0, &st->shared.callbacks);
    list_jobs(st);
    open_picture(st);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&st->ended, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pthread_mutex_init(&st->lock, NULL);
    run_threads(st);
    const pv_status status = st->status;
    if (err)
        *err = st->error;
    pthread_mutex_destroy(&st->lock);
    pthread_cond_destroy(&st->ended);
    pv_live_picture_close(st->picture);
    free(st->shown.data);
    free(st);
    return status;
}
