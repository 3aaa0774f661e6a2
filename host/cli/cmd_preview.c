/* cmd_preview.c: prevue preview: one clip in, several futures out, as files that people and editors open. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "json.h"
#include "preview.h"
#include "preview/document.h"
#include "preview/page.h"
#include "preview/timeline.h"
#include "signals.h"

static void on_log(void *user, pv_log_level level, const char *sentence)
{
    pv_terminal_log(((struct pv_preview_session *)user)->terminal, level, sentence);
}

static int on_abort(void *user)
{
    return pv_signals_count() > 0 || atomic_load(&((struct pv_preview_session *)user)->stopped);
}

static int usage(struct pv_preview_session *s, const char *sentence)
{
    pv_terminal_say(s->terminal, PV_LOG_ERROR, "%s", sentence);
    return PV_EXIT_USAGE;
}

static int check_values(struct pv_preview_session *s, const char *clip)
{
    const struct pv_preview_values *v = s->v;
    struct pv_error err = {""};
    if (!v->output)
        return usage(s, "'preview' needs a folder for what it makes: -o DIR");
    if (strcmp(v->output, "-") == 0)
        return usage(s, "a preview is many files: name a folder, -o DIR");
    if (strcmp(clip, "-") == 0)
        return usage(s, "'preview' reads the clip more than once: give a file, not standard input");
    if (v->seconds > 0 && v->frames > 0)
        return usage(s, "--seconds and --frames say the same thing: give one of them");
    if (v->resume && v->overwrite)
        return usage(s, "--resume goes on with a version, --overwrite makes it anew: give one of them");
    if (v->sampling.mode == PV_MODE_MEAN && v->takes > 1)
        return usage(s, "--mode mean has one future: leave --takes out");
    if (v->seed > (uint64_t)INT64_MAX - PV_PREVIEW_TAKES)
        return usage(s, "--seed is so large that the next takes have none: give a smaller one");
    if (v->shot && pv_preview_check_shot(v->shot, &err) != PV_OK)
        return usage(s, err.text);
    return PV_EXIT_DONE;
}

/* ---- the plan ---- */

static int64_t frames_to_predict(const struct pv_preview_session *s)
{
    const struct pv_preview_values *v = s->v;
    const double seconds = v->seconds > 0 ? v->seconds : PV_PREVIEW_DEFAULT_SECONDS;
    const double frames = round(seconds * s->in.clip.fps_num / s->in.clip.fps_den);
    return v->frames > 0 ? v->frames : frames < 1 ? 1 : (int64_t)frames;
}

int64_t pv_preview_steps(const struct pv_preview_plan *plan)
{
    return pv_preview_clock_shown(&plan->clock, plan->frames - 1) + 1;
}

static void plan_source(struct pv_preview_session *s, const char *path)
{
    const pv_clip_info *clip = &s->in.clip;
    struct pv_preview_source *source = &s->plan.source;
    *source = (struct pv_preview_source){
        .path = path,
        .width = clip->width,
        .height = clip->height,
        .fps_num = clip->fps_num,
        .fps_den = clip->fps_den,
        .start_seconds = clip->start_seconds,
        .has_audio = clip->has_audio,
        .is_sequence = clip->is_sequence,
    };
    char checked[PV_CLIP_TIMECODE_SIZE];
    if (!*clip->timecode)
        return;
    if (pv_clip_timecode_add(clip->timecode, clip->fps_num, clip->fps_den, 0, checked) == PV_OK)
        snprintf(source->timecode, sizeof source->timecode, "%s", clip->timecode);
    else
        pv_terminal_say(s->terminal, PV_LOG_WARNING,
                        "the clip's timecode '%s' is none at %d/%d frames a second: it is left out", clip->timecode,
                        clip->fps_num, clip->fps_den);
}

static void plan_fill(struct pv_preview_session *s, const char *path)
{
    const struct pv_preview_values *v = s->v;
    const pv_model_info *model = &s->in.model_info;
    struct pv_preview_plan *plan = &s->plan;
    *plan = (struct pv_preview_plan){
        .folder = v->output,
        .preset = (pv_clip_preset)v->preset,
        .font = v->font,
        .handles = (int)v->handles,
        .first_number = (int)v->start_frame,
        .model = {.path = s->in.model_path,
                  .name = model->name,
                  .backend = model->backend,
                  .fingerprint = model->fingerprint,
                  .threads = model->threads,
                  .width = s->in.working.width,
                  .height = s->in.working.height},
        .clock = pv_preview_clock_of(model->fps_num, model->fps_den, s->in.clip.fps_num, s->in.clip.fps_den),
        .takes = v->takes > 0                       ? (int)v->takes
                 : v->sampling.mode == PV_MODE_MEAN ? 1
                                                    : PV_PREVIEW_DEFAULT_TAKES,
        .seed = v->seed,
        .frames = frames_to_predict(s),
        .context = pv_sampling_context(&v->sampling),
        .steps = pv_sampling_steps(&v->sampling, model),
        .mean = v->sampling.mode == PV_MODE_MEAN,
        .keep_detail = pv_detail_at(v->sampling.detail) == PV_DETAIL_KEEP,
        .gravity_given = v->sampling.gravity.given,
        .gravity = {v->sampling.gravity.x, v->sampling.gravity.y},
    };
    if (v->shot)
        snprintf(plan->shot, sizeof plan->shot, "%s", v->shot);
    else
        pv_preview_shot_from_path(path, plan->shot);
    plan_source(s, path);
    if (plan->clock.model != plan->clock.clip)
        pv_terminal_say(s->terminal, PV_LOG_NOTICE,
                        "the clip has %d/%d frames a second and the model %d/%d: predicted frames are %s to keep the "
                        "clip's rate",
                        s->in.clip.fps_num, s->in.clip.fps_den, model->fps_num, model->fps_den,
                        plan->clock.model < plan->clock.clip ? "repeated" : "left out");
    if (!pv_preview_wants(plan, PV_PREVIEW_CUT))
        pv_terminal_say(s->terminal, PV_LOG_NOTICE,
                        "no edit decision lists are written: CMX3600 knows 24, 25, 30, 50 and 60 frames a second, not "
                        "%d/%d",
                        plan->source.fps_num, plan->source.fps_den);
}

/* Without a font auto does without words; on does not. */
static int plan_words(struct pv_preview_session *s)
{
    enum { AUTO, ON, OFF };
    struct pv_preview_plan *plan = &s->plan;
    plan->sheet_words = s->v->burn_in != OFF;
    plan->burn_in = s->v->burn_in == ON || (s->v->burn_in == AUTO && plan->preset == PV_CLIP_PRESET_REVIEW);
    if (!plan->sheet_words)
        return PV_EXIT_DONE;
    const pv_clip_label label = {.x = 0, .baseline = 16, .size = 12, .rgb = 0xffffff};
    char message[PV_CLIP_MESSAGE_SIZE];
    pv_clip_lettering *lettering;
    const pv_status status = pv_clip_lettering_open(64, 32, plan->font, &label, 1, &lettering, message);
    pv_clip_lettering_close(lettering);
    if (status == PV_OK)
        return PV_EXIT_DONE;
    if (s->v->burn_in == ON || plan->font)
        return pv_say_failure(s->terminal, status, PV_EXIT_FAILED, message);
    pv_terminal_say(s->terminal, PV_LOG_WARNING, "%s; nothing is written on the pictures", message);
    plan->burn_in = plan->sheet_words = false;
    return PV_EXIT_DONE;
}

/* ---- version and work folder ---- */

static pv_status make_version(struct pv_preview_session *s, const json_t *asked, struct pv_error *err)
{
    struct pv_preview_plan *plan = &s->plan;
    const int last = pv_preview_last_version(plan->folder, plan->shot);
    plan->version = s->v->overwrite && last > 0 ? last : last + 1;
    pv_status status;
    while ((status = pv_preview_work_make(&s->work, plan, asked, err)) == PV_AGAIN && !s->v->overwrite) {
        pv_preview_work_release(&s->work);
        plan->version++; /* another run has taken it meanwhile */
    }
    if (status == PV_AGAIN) { /* the unfinished version itself is written over */
        pv_preview_work_remove(&s->work);
        pv_preview_work_release(&s->work);
        status = pv_preview_work_make(&s->work, plan, asked, err);
    }
    return status == PV_AGAIN ? pv_fail(err, PV_ERR_IO, "'%s' cannot be removed: remove it by hand", s->work.path)
                              : status;
}

/* PV_END: there is nothing to go on with, and a finished version. */
static pv_status choose_version(struct pv_preview_session *s, const json_t *asked, struct pv_error *err)
{
    PV_TRY(pv_preview_document_check(&s->plan, err));
    if (!s->v->resume)
        return make_version(s, asked, err);
    const pv_status found = pv_preview_work_find(&s->work, &s->plan, asked, err);
    if (found != PV_END)
        return found;
    return pv_preview_last_version(s->plan.folder, s->plan.shot) > 0 ? PV_END : make_version(s, asked, err);
}

static pv_status open_files(struct pv_preview_session *s, int64_t steps, int64_t tail, struct pv_error *err)
{
    const struct pv_preview_plan *plan = &s->plan;
    char path[PV_PREVIEW_PATH_BYTES];
    pv_preview_work_path(&s->work, "predicted.rgb", path);
    PV_TRY(pv_frame_file_open(path, plan->model.width, plan->model.height, plan->takes, steps, &s->predicted, err));
    pv_preview_work_path(&s->work, "tail.rgb", path);
    return pv_frame_file_open(path, plan->source.width, plan->source.height, 1, tail, &s->tail, err);
}

static pv_status open_rollout(struct pv_preview_session *s, struct pv_error *err)
{
    const struct pv_preview_plan *plan = &s->plan;
    pv_rollout_params params;
    pv_rollout_params_init(&params);
    params.width = plan->model.width;
    params.height = plan->model.height;
    params.steps = (int)s->v->sampling.steps;
    params.mode = (pv_mode)s->v->sampling.mode;
    params.detail = pv_detail_at(s->v->sampling.detail);
    params.callbacks = s->callbacks;
    const pv_status status = pv_rollout_open(s->in.model, &params, &s->rollout);
    return status == PV_OK ? PV_OK : pv_fail(err, status, "%s", s->rollout ? pv_rollout_message(s->rollout) : "");
}

/* The takes stand where they start, or where they had come to. */
static pv_status prepare(struct pv_preview_session *s, struct pv_error *err)
{
    pv_status status = s->v->resume ? pv_preview_load_takes(s, err) : PV_END;
    if (status == PV_OK) {
        pv_terminal_say(s->terminal, PV_LOG_NOTICE, "going on with version %d after %lld of %lld predicted frames",
                        s->plan.version, (long long)s->start_step, (long long)pv_preview_steps(&s->plan));
        return open_files(s, s->start_step, s->plan.source.tail, err);
    }
    if (status != PV_END)
        return status;
    PV_TRY(open_files(s, 0, 0, err));
    PV_TRY(open_rollout(s, err));
    PV_TRY(pv_preview_read_source(s, err));
    return pv_preview_begin_takes(s, err);
}

/* ---- the end ---- */

static pv_status write_documents(struct pv_preview_session *s, int64_t frames, json_t **entry, struct pv_error *err)
{
    json_t *versions = NULL;
    PV_TRY(pv_preview_write_otio(&s->plan, frames, err));
    for (int take = 0; take < s->plan.takes && pv_preview_wants(&s->plan, PV_PREVIEW_CUT); take++)
        PV_TRY(pv_preview_write_edl(&s->plan, take, frames, err));
    *entry = pv_preview_to_json(&s->plan, frames);
    if (!*entry)
        return pv_fail(err, PV_ERR_MEMORY, "no memory for takes.json");
    pv_status status = pv_preview_document_save(&s->plan, *entry, &versions, err);
    if (status == PV_OK)
        status = pv_preview_write_page(&s->plan, versions, err);
    json_decref(versions);
    return status;
}

static void say_notices(struct pv_preview_session *s)
{
    const struct pv_preview_source *source = &s->plan.source;
    pv_inputs_say_context(s->terminal, source->context, s->plan.context, source->skipped);
}

static int conclude(struct pv_preview_session *s, json_t **entry)
{
    struct pv_error err = {""};
    const struct pv_preview_plan *plan = &s->plan;
    const int64_t covered = pv_preview_clock_covered(&plan->clock, pv_frame_file_count(s->predicted));
    const int64_t frames = covered < plan->frames ? covered : plan->frames;
    const bool interrupted = pv_signals_count() > 0 && frames < plan->frames;
    say_notices(s);
    if (frames == 0)
        return pv_say_failure(s->terminal, PV_ERR_ABORTED, PV_EXIT_INTERRUPTED, "");
    const pv_status status = write_documents(s, frames, entry, &err);
    if (status != PV_OK)
        return pv_say_failure(s->terminal, status, PV_EXIT_FAILED, err.text);
    pv_preview_work_remove(&s->work);
    pv_terminal_result(s->terminal, "%s%d %s, %lld of %lld frames each (%.2f seconds), version %d: %s",
                       interrupted ? "interrupted: " : "", plan->takes, plan->takes == 1 ? "take" : "takes",
                       (long long)frames, (long long)plan->frames,
                       (double)frames * plan->source.fps_den / plan->source.fps_num, plan->version, plan->folder);
    return interrupted ? PV_EXIT_INTERRUPTED : plan->source.damaged ? PV_EXIT_PARTIAL : PV_EXIT_DONE;
}

static int make(struct pv_preview_session *s, json_t **entry)
{
    struct pv_error err = {""};
    pv_status status = prepare(s, &err);
    if (status != PV_OK) {
        const bool input = status == PV_ERR_FORMAT || status == PV_ERR_UNSUPPORTED;
        if (!s->v->resume)
            pv_preview_work_remove(&s->work); /* nothing in it is worth going on with */
        return pv_say_failure(s->terminal, status, input ? PV_EXIT_INPUT : PV_EXIT_FAILED, err.text);
    }
    status = pv_preview_run_stages(s, &err);
    if (status != PV_OK) {
        pv_terminal_say(s->terminal, PV_LOG_ERROR, "%s; --resume goes on from there", err.text);
        return pv_exit_from_status(status, PV_EXIT_FAILED);
    }
    if (pv_signals_count() > 1) {
        pv_terminal_say(s->terminal, PV_LOG_ERROR, "interrupted: version %d in '%s' is not finished; --resume goes on",
                        s->plan.version, s->plan.folder);
        return PV_EXIT_INTERRUPTED;
    }
    const int code = conclude(s, entry);
    if (code == PV_EXIT_INTERRUPTED && !*entry)
        pv_preview_work_remove(&s->work);
    return code;
}

static int preview(struct pv_preview_session *s)
{
    struct pv_error err = {""};
    json_t *asked = pv_preview_asked_to_json(&s->plan), *entry = NULL;
    const pv_status status =
        asked ? choose_version(s, asked, &err) : pv_fail(&err, PV_ERR_MEMORY, "no memory for the plan");
    int code;
    if (status == PV_OK)
        code = make(s, &entry);
    else if (status == PV_END) {
        pv_terminal_result(s->terminal, "nothing to resume: the last version of '%s' in '%s' is finished", s->plan.shot,
                           s->plan.folder);
        code = PV_EXIT_DONE;
    } else
        code =
            pv_say_failure(s->terminal, status, status == PV_ERR_ARGUMENT ? PV_EXIT_USAGE : PV_EXIT_FAILED, err.text);
    if (s->v->json && entry && !pv_json_print(entry) && code == PV_EXIT_DONE)
        code = PV_EXIT_FAILED;
    json_decref(entry);
    json_decref(asked);
    return code;
}

int pv_preview_run(const void *values, char **operands, struct pv_terminal *terminal)
{
    struct pv_preview_session s = {
        .v = values,
        .terminal = terminal,
        .in = {.terminal = terminal},
        .callbacks = {.user = &s, .log = on_log, .abort = on_abort},
    };
    int code = check_values(&s, operands[0]);
    if (code == PV_EXIT_DONE)
        code = pv_inputs_open_model(&s.in, &s.v->input);
    if (code == PV_EXIT_DONE)
        code = pv_inputs_check(&s.in, &s.v->sampling);
    if (code == PV_EXIT_DONE)
        code = pv_inputs_open_clip(&s.in, &s.v->input, operands[0], 0, 0, &s.callbacks);
    if (code == PV_EXIT_DONE) {
        s.action = pv_sampling_action(&s.v->sampling, s.gravity);
        plan_fill(&s, operands[0]);
        code = plan_words(&s);
    }
    if (code == PV_EXIT_DONE)
        code = preview(&s);
    pv_rollout_close(s.rollout);
    pv_frame_file_close(s.predicted);
    pv_frame_file_close(s.tail);
    pv_preview_work_release(&s.work);
    pv_inputs_close(&s.in);
    return code;
}
