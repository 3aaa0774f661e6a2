/* cmd_predict.c: prevue predict: model and clip in, the clip's future out. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "predict.h"
#include "save.h"
#include "signals.h"

struct predict {
    const struct pv_predict_values *v;
    const char *path;
    struct pv_terminal *terminal;
    uint64_t start_ns;
    pv_callbacks callbacks; /* user is this struct */
    atomic_bool stopped;    /* the pipeline has given up */
    struct pv_inputs in;
    pv_rollout *rollout;
    float gravity[3]; /* x, y, known */
    struct pv_pipeline_result result;
};

static void on_log(void *user, pv_log_level level, const char *sentence)
{
    pv_terminal_log(((struct predict *)user)->terminal, level, sentence);
}

static int on_abort(void *user)
{
    return pv_signals_count() > 0 || atomic_load(&((struct predict *)user)->stopped);
}

/* Of the writer: the first Ctrl-C finishes the file. */
static int on_abort_at_once(void *user)
{
    (void)user;
    return pv_signals_count() > 1;
}

static int usage(struct predict *p, const char *sentence)
{
    pv_terminal_say(p->terminal, PV_LOG_ERROR, "%s", sentence);
    return PV_EXIT_USAGE;
}

/* What can be said without opening anything. */
static int check_values(struct predict *p)
{
    const struct pv_predict_values *v = p->v;
    if (!v->output && v->preset != PV_CLIP_PRESET_NONE)
        return usage(p, "'predict' needs an output: -o FILE, or -o - for standard output");
    if (v->seconds > 0 && v->frames > 0)
        return usage(p, "--seconds and --frames say the same thing: give one of them");
    if (v->json && v->output && strcmp(v->output, "-") == 0)
        return usage(p, "--json and -o - both want standard output: write the frames to a file");
    if (v->resume && v->sampling.context > 0)
        return usage(p, "--context has no place with --resume-state: the saved rollout has its own past");
    return PV_EXIT_DONE;
}

static int check_save(struct predict *p)
{
    const struct pv_save_other others[] = {
        {p->path, "the clip"}, {p->in.model_path, "the model"}, {p->v->output, "the output"}};
    struct pv_error err = {{0}};
    const pv_status status = pv_save_check(p->v->save, true, others, sizeof others / sizeof others[0], &err);
    return status == PV_OK ? PV_EXIT_DONE : pv_say_failure(p->terminal, status, PV_EXIT_FAILED, err.text);
}

/* Frames of the clip are delivered at another rate than its own. */
static bool is_resampled(const struct predict *p)
{
    return (int64_t)p->in.clip.fps_num * p->in.clip.source_fps_den !=
           (int64_t)p->in.clip.source_fps_num * p->in.clip.fps_den;
}

static int open_rollout(struct predict *p)
{
    const struct pv_predict_values *v = p->v;
    pv_rollout_params params;
    pv_rollout_params_init(&params);
    params.width = p->in.working.width;
    params.height = p->in.working.height;
    params.steps = (int)v->sampling.steps;
    params.mode = (pv_mode)v->sampling.mode;
    params.detail = pv_detail_at(v->sampling.detail);
    params.callbacks = p->callbacks;
    pv_status status = v->resume ? pv_rollout_load(p->in.model, v->resume, &params, &p->rollout)
                                 : pv_rollout_open(p->in.model, &params, &p->rollout);
    if (status == PV_OK && v->resume && v->seed != PV_SEED_NOT_GIVEN)
        status = pv_rollout_set_take(p->rollout, v->seed, 0);
    if (status != PV_OK)
        return pv_say_failure(p->terminal, status, v->resume ? PV_EXIT_INPUT : PV_EXIT_FAILED,
                              p->rollout ? pv_rollout_message(p->rollout) : "");
    return PV_EXIT_DONE;
}

static bool ends_with(const char *text, const char *end)
{
    const size_t length = strlen(text), end_length = strlen(end);
    return length >= end_length && strcmp(text + length - end_length, end) == 0;
}

static pv_clip_writer_params choose_output(struct predict *p, const char *comment)
{
    const struct pv_predict_values *v = p->v;
    const char *output = v->output ? v->output : "";
    const bool piped = strcmp(output, "-") == 0;
    pv_clip_writer_params w;
    pv_clip_writer_params_init(&w);
    w.width = v->size.choice == PV_SIZE_SOURCE  ? p->in.clip.width
              : v->size.choice == PV_SIZE_MODEL ? p->in.working.width
                                                : v->size.width;
    w.height = v->size.choice == PV_SIZE_SOURCE  ? p->in.clip.height
               : v->size.choice == PV_SIZE_MODEL ? p->in.working.height
                                                 : v->size.height;
    w.fps_num = p->in.clip.fps_num;
    w.fps_den = p->in.clip.fps_den;
    w.preset = v->preset >= 0              ? (pv_clip_preset)v->preset
               : ends_with(output, ".mxf") ? PV_CLIP_PRESET_EDIT
                                           : PV_CLIP_PRESET_REVIEW;
    w.pipe = (pv_clip_pipe)v->format;
    w.overwrite = v->overwrite;
    w.keep_partial = 1;
    w.comment = comment;
    w.input = p->path;
    w.callbacks = p->callbacks;
    w.callbacks.abort = on_abort_at_once;
    const bool silent = piped && v->format == PV_CLIP_PIPE_Y4M;
    if (v->join && p->in.clip.has_audio && !p->in.clip.is_sequence && !silent) {
        if (strcmp(p->path, "-") == 0) {
            pv_terminal_say(p->terminal, PV_LOG_NOTICE,
                            "sound cannot be copied from standard input: the output is silent");
        } else {
            w.audio = PV_CLIP_AUDIO_COPY;
            w.audio_source = p->path;
            w.audio_start_seconds = p->in.clip.start_seconds;
        }
    }
    if (*p->in.clip.timecode && is_resampled(p))
        pv_terminal_say(p->terminal, PV_LOG_NOTICE, "the clip's timecode %s has another rate than the output: left out",
                        p->in.clip.timecode);
    else if (*p->in.clip.timecode)
        w.timecode = p->in.clip.timecode;
    return w;
}

static int64_t frames_to_predict(const struct predict *p)
{
    if (p->v->frames > 0)
        return p->v->frames;
    const double seconds = p->v->seconds > 0 ? p->v->seconds : PV_PREDICT_SECONDS;
    const double frames = round(seconds * p->in.clip.fps_num / p->in.clip.fps_den);
    return frames < 1 ? 1 : (int64_t)frames;
}

/* What happened, in words, and the exit code it means. */
static int conclude(struct predict *p, pv_status status, const struct pv_error *err, int64_t wanted)
{
    const struct pv_pipeline_result *r = &p->result;
    const char *kept = r->output.frames > 0 && r->output.partial_path ? r->output.partial_path : "";
    if (status != PV_OK || r->aborted) {
        const bool memory = status == PV_ERR_MEMORY || status == PV_ERR_DEVICE;
        if (status != PV_OK)
            pv_terminal_say(p->terminal, PV_LOG_ERROR, "%s%s%s", err->text, *kept ? "; what was written is in " : "",
                            kept);
        else if (*kept)
            pv_terminal_say(p->terminal, PV_LOG_ERROR, "interrupted: what was written is in %s", kept);
        else
            pv_terminal_say(p->terminal, PV_LOG_ERROR, "interrupted");
        return status == PV_OK ? PV_EXIT_INTERRUPTED : memory ? PV_EXIT_DEVICE : r->exit_code;
    }
    if (r->hung_up)
        return PV_EXIT_DONE;
    const bool whole = !p->v->resume && !r->interrupted;
    pv_inputs_say_context(p->terminal, r->context, whole ? pv_sampling_context(&p->v->sampling) : 0, r->skipped);
    if (r->interrupted && r->output.frames == 0)
        return pv_say_failure(p->terminal, PV_ERR_ABORTED, PV_EXIT_INTERRUPTED, "");
    pv_terminal_result(p->terminal, "%s%lld of %lld frames predicted, %.2f seconds at %dx%d%s%s",
                       r->interrupted ? "interrupted: " : "", (long long)r->predicted, (long long)wanted,
                       (double)r->predicted * p->in.clip.fps_den / p->in.clip.fps_num, r->output.width,
                       r->output.height, r->output.path && *r->output.path ? ": " : "",
                       r->output.path ? r->output.path : "");
    return r->interrupted ? PV_EXIT_INTERRUPTED : r->partial ? PV_EXIT_PARTIAL : PV_EXIT_DONE;
}

static int predict(struct predict *p)
{
    const struct pv_predict_values *v = p->v;
    char comment[256];
    struct pv_error err = {{0}};
    const uint64_t seed = v->seed == PV_SEED_NOT_GIVEN ? 0 : v->seed;
    snprintf(comment, sizeof comment, "prevue %s: predicted by model %s %016llx, seed %llu", pv_version(),
             p->in.model_info.name, (unsigned long long)p->in.model_info.fingerprint, (unsigned long long)seed);
    const pv_action action = pv_sampling_action(&v->sampling, p->gravity);
    const int64_t frames = frames_to_predict(p);
    struct pv_live_picture *picture =
        v->no_picture ? NULL : pv_live_picture_open(p->terminal, 1, p->in.working.width, p->in.working.height);
    const struct pv_pipeline_params params = {
        .reader = p->in.reader,
        .clip = &p->in.clip,
        .rollout = p->rollout,
        .working = p->in.working,
        .context = v->resume ? 0 : pv_sampling_context(&v->sampling),
        .allow_corrupt = v->input.allow_corrupt,
        .frames = frames,
        .action = action.values ? &action : NULL,
        .seed = seed,
        .join = v->join,
        .output = v->output ? v->output : "",
        .writer = choose_output(p, comment),
        .stopped = &p->stopped,
        .terminal = p->terminal,
        .picture = picture,
    };
    const pv_status status = pv_pipeline_run(&params, &p->result, &err);
    pv_live_picture_close(picture);
    int code = conclude(p, status, &err, frames);
    if (v->save && status == PV_OK && !p->result.aborted && p->result.predicted > 0) {
        const pv_status saved = pv_rollout_save(p->rollout, v->save);
        if (saved != PV_OK)
            code = pv_say_failure(p->terminal, saved, PV_EXIT_FAILED, pv_rollout_message(p->rollout));
    }
    if (!v->json)
        return code;
    const struct pv_predict_report report = {
        .input = p->path,
        .output = v->output ? v->output : "",
        .clip = &p->in.clip,
        .model = &p->in.model_info,
        .model_path = p->in.model_path,
        .working = p->in.working,
        .seed = seed,
        .steps = pv_sampling_steps(&v->sampling, &p->in.model_info),
        .mean = v->sampling.mode == PV_MODE_MEAN,
        .keep_detail = pv_detail_at(v->sampling.detail) == PV_DETAIL_KEEP,
        .joined = v->join,
        .start_ns = p->start_ns,
        .result = &p->result,
        .exit_code = code,
    };
    json_t *json = pv_predict_report_to_json(&report, p->terminal->notices);
    const bool printed = pv_json_print(json);
    json_decref(json);
    return printed || code != PV_EXIT_DONE ? code : PV_EXIT_FAILED;
}

int pv_predict_run(const void *values, char **operands, struct pv_terminal *terminal)
{
    struct predict p = {
        .v = values,
        .path = operands[0],
        .terminal = terminal,
        .start_ns = pv_now_ns(),
        .callbacks = {.user = &p, .log = on_log, .abort = on_abort},
    };
    p.in.terminal = terminal;
    int code = check_values(&p);
    if (code == PV_EXIT_DONE)
        code = pv_inputs_open_model(&p.in, &p.v->input);
    if (code == PV_EXIT_DONE)
        code = pv_inputs_check(&p.in, &p.v->sampling);
    if (code == PV_EXIT_DONE)
        code = pv_inputs_open_clip(&p.in, &p.v->input, p.path, p.in.model_info.fps_num, p.in.model_info.fps_den,
                                   &p.callbacks);
    if (code == PV_EXIT_DONE)
        code = check_save(&p);
    if (code == PV_EXIT_DONE)
        code = open_rollout(&p);
    if (code == PV_EXIT_DONE)
        code = predict(&p);
    pv_rollout_close(p.rollout);
    pv_inputs_close(&p.in);
    return code;
}
