/* cmd_predict.c: prevue predict: model and clip in, the clip's future out. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "json.h"
#include "model_path.h"
#include "predict.h"
#include "signals.h"

static const double rate_tolerance = 0.05; /* clips this near to the model's rate are used frame by frame */

struct predict {
    const struct pv_predict_values *v;
    const char *input;
    struct pv_terminal *terminal;
    uint64_t start_ns;
    pv_callbacks callbacks; /* user is this struct */
    atomic_bool stopped;    /* the pipeline has given up */
    char model_path[PV_MODEL_PATH_BYTES];
    pv_model *model;
    pv_model_info model_info;
    pv_clip_reader *reader;
    pv_clip_info clip;
    pv_rollout *rollout;
    struct pv_picture_size working;
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

/* Says what failed and gives the exit code: that of the part, unless an end was asked for. */
static int failure(struct predict *p, pv_status status, enum pv_exit otherwise, const char *sentence)
{
    if (status == PV_ERR_ABORTED && pv_signals_count() > 0) {
        pv_terminal_say(p->terminal, PV_LOG_ERROR, "interrupted before the first frame: nothing was written");
        return PV_EXIT_INTERRUPTED;
    }
    pv_terminal_say(p->terminal, PV_LOG_ERROR, "%s", *sentence ? sentence : pv_status_text(status));
    return pv_exit_from_status(status, otherwise);
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
    if (v->resume && v->context > 0)
        return usage(p, "--context has no place with --resume-state: the saved rollout has its own past");
    return PV_EXIT_DONE;
}

/* What a model is made of is for `prevue info`, and for --verbose. */
static void log_model(void *user, pv_log_level level, const char *sentence)
{
    on_log(user, level == PV_LOG_NOTICE ? PV_LOG_DEBUG : level, sentence);
}

static int open_model(struct predict *p)
{
    struct pv_error err = {{0}};
    char backend[PV_CHOICE_BYTES];
    const char *rest = PV_PREDICT_BACKENDS;
    for (int i = 0; i <= p->v->backend; i++)
        rest = pv_choice_next(rest, backend);
    const pv_status found = pv_model_path_find(p->v->model, p->model_path, &err);
    if (found != PV_OK)
        return failure(p, found, PV_EXIT_MODEL, err.text);
    pv_model_params params;
    pv_model_params_init(&params);
    params.backend = backend;
    params.threads = (int)p->v->threads;
    params.callbacks = p->callbacks;
    params.callbacks.log = log_model;
    const pv_status status = pv_model_open(p->model_path, &params, &p->model);
    if (status != PV_OK)
        return failure(p, status, PV_EXIT_MODEL, p->model ? pv_model_message(p->model) : "");
    p->model_info.struct_size = sizeof p->model_info;
    pv_model_get_info(p->model, &p->model_info);
    const struct pv_predict_values *v = p->v;
    char sentence[256] = "";
    if (v->context > 4 * (int64_t)p->model_info.window)
        snprintf(sentence, sizeof sentence,
                 "--context %lld is more than model '%s' can use: it sees %d frames, give at "
                 "most %d",
                 (long long)v->context, p->model_info.name, p->model_info.window, 4 * p->model_info.window);
    else if (v->gravity.given && p->model_info.action_size != 3)
        snprintf(sentence, sizeof sentence, "model '%s' cannot be told the gravity: leave --gravity out",
                 p->model_info.name);
    return *sentence ? usage(p, sentence) : PV_EXIT_DONE;
}

static int open_clip(struct predict *p)
{
    const struct pv_predict_values *v = p->v;
    pv_clip_reader_params params;
    pv_clip_reader_params_init(&params);
    params.fps_num = p->model_info.fps_num;
    params.fps_den = p->model_info.fps_den;
    params.fps_tolerance = rate_tolerance;
    params.matrix = (pv_clip_matrix)v->matrix;
    params.range = (pv_clip_range)v->range;
    params.hdr = (pv_clip_hdr)v->hdr;
    params.allow_corrupt = v->allow_corrupt;
    if (v->in_rate.num) {
        params.sequence_fps_num = v->in_rate.num;
        params.sequence_fps_den = v->in_rate.den;
    }
    params.callbacks = p->callbacks;
    const pv_status status = pv_clip_reader_open(p->input, &params, &p->reader);
    if (status != PV_OK)
        return failure(p, status, PV_EXIT_INPUT, p->reader ? pv_clip_reader_message(p->reader) : "");
    p->clip.struct_size = sizeof p->clip;
    pv_clip_reader_get_info(p->reader, &p->clip);
    const struct pv_picture_size clip = {p->clip.width, p->clip.height};
    const struct pv_picture_size model = {p->model_info.width, p->model_info.height};
    p->working = pv_working_size(clip, model, p->model_info.size_multiple);
    pv_terminal_say(p->terminal, PV_LOG_DEBUG, "the clip is %dx%d, the model works at %dx%d", clip.width, clip.height,
                    p->working.width, p->working.height);
    return PV_EXIT_DONE;
}

/* Frames of the clip are delivered at another rate than its own. */
static bool is_resampled(const struct predict *p)
{
    return (int64_t)p->clip.fps_num * p->clip.source_fps_den != (int64_t)p->clip.source_fps_num * p->clip.fps_den;
}

static int open_rollout(struct predict *p)
{
    const struct pv_predict_values *v = p->v;
    pv_rollout_params params;
    pv_rollout_params_init(&params);
    params.width = p->working.width;
    params.height = p->working.height;
    params.steps = (int)v->steps;
    params.mode = (pv_mode)v->mode;
    params.seed = v->seed == PV_SEED_NOT_GIVEN ? 0 : v->seed;
    params.callbacks = p->callbacks;
    pv_status status = v->resume ? pv_rollout_load(p->model, v->resume, &params, &p->rollout)
                                 : pv_rollout_open(p->model, &params, &p->rollout);
    if (status == PV_OK && v->resume && v->seed != PV_SEED_NOT_GIVEN)
        status = pv_rollout_set_take(p->rollout, v->seed, 0);
    if (status != PV_OK)
        return failure(p, status, v->resume ? PV_EXIT_INPUT : PV_EXIT_FAILED,
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
    w.width = v->size.choice == PV_SIZE_SOURCE  ? p->clip.width
              : v->size.choice == PV_SIZE_MODEL ? p->working.width
                                                : v->size.width;
    w.height = v->size.choice == PV_SIZE_SOURCE  ? p->clip.height
               : v->size.choice == PV_SIZE_MODEL ? p->working.height
                                                 : v->size.height;
    w.fps_num = p->clip.fps_num;
    w.fps_den = p->clip.fps_den;
    w.preset = v->preset >= 0              ? (pv_clip_preset)v->preset
               : ends_with(output, ".mxf") ? PV_CLIP_PRESET_EDIT
                                           : PV_CLIP_PRESET_REVIEW;
    w.pipe = (pv_clip_pipe)v->format;
    w.overwrite = v->overwrite;
    w.keep_partial = 1;
    w.comment = comment;
    w.callbacks = p->callbacks;
    w.callbacks.abort = on_abort_at_once;
    const bool silent = piped && v->format == PV_CLIP_PIPE_Y4M;
    if (v->join && p->clip.has_audio && !p->clip.is_sequence && !silent) {
        if (strcmp(p->input, "-") == 0) {
            pv_terminal_say(p->terminal, PV_LOG_NOTICE,
                            "sound cannot be copied from standard input: the output is silent");
        } else {
            w.audio = PV_CLIP_AUDIO_COPY;
            w.audio_source = p->input;
            w.audio_start_seconds = p->clip.start_seconds;
        }
    }
    if (*p->clip.timecode && is_resampled(p))
        pv_terminal_say(p->terminal, PV_LOG_NOTICE, "the clip's timecode %s has another rate than the output: left out",
                        p->clip.timecode);
    else if (*p->clip.timecode)
        w.timecode = p->clip.timecode;
    return w;
}

static int64_t frames_to_predict(const struct predict *p)
{
    if (p->v->frames > 0)
        return p->v->frames;
    const double seconds = p->v->seconds > 0 ? p->v->seconds : PV_PREDICT_SECONDS;
    const double frames = round(seconds * p->clip.fps_num / p->clip.fps_den);
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
    const int64_t asked = p->v->context > 0 ? p->v->context : PV_PREDICT_CONTEXT;
    if (!p->v->resume && r->context < asked && !r->interrupted)
        pv_terminal_say(p->terminal, PV_LOG_NOTICE, "the clip has %lld %s to condition on, not %lld",
                        (long long)r->context, r->context == 1 ? "frame" : "frames", (long long)asked);
    if (r->skipped > 0)
        pv_terminal_say(p->terminal, PV_LOG_WARNING,
                        "%lld damaged frames of the clip were not conditioned on (--allow-corrupt takes them)",
                        (long long)r->skipped);
    if (r->interrupted && r->output.frames == 0)
        return failure(p, PV_ERR_ABORTED, PV_EXIT_INTERRUPTED, "");
    pv_terminal_result(p->terminal, "%s%lld of %lld frames predicted, %.2f seconds at %dx%d%s%s",
                       r->interrupted ? "interrupted: " : "", (long long)r->predicted, (long long)wanted,
                       (double)r->predicted * p->clip.fps_den / p->clip.fps_num, r->output.width, r->output.height,
                       r->output.path && *r->output.path ? ": " : "", r->output.path ? r->output.path : "");
    return r->interrupted ? PV_EXIT_INTERRUPTED : r->partial ? PV_EXIT_PARTIAL : PV_EXIT_DONE;
}

static int predict(struct predict *p)
{
    const struct pv_predict_values *v = p->v;
    char comment[256];
    struct pv_error err = {{0}};
    const uint64_t seed = v->seed == PV_SEED_NOT_GIVEN ? 0 : v->seed;
    snprintf(comment, sizeof comment, "prevue %s: predicted by model %s %016llx, seed %llu", pv_version(),
             p->model_info.name, (unsigned long long)p->model_info.fingerprint, (unsigned long long)seed);
    const pv_action action = {.values = p->gravity, .count = 3};
    if (v->gravity.given) {
        p->gravity[0] = (float)v->gravity.x;
        p->gravity[1] = (float)v->gravity.y;
        p->gravity[2] = 1.0f;
    }
    const int64_t frames = frames_to_predict(p);
    const struct pv_pipeline_params params = {
        .reader = p->reader,
        .clip = &p->clip,
        .rollout = p->rollout,
        .working = p->working,
        .context = v->resume        ? 0
                   : v->context > 0 ? (int)v->context
                                    : PV_PREDICT_CONTEXT,
        .allow_corrupt = v->allow_corrupt,
        .frames = frames,
        .action = v->gravity.given ? &action : NULL,
        .join = v->join,
        .output = v->output ? v->output : "",
        .writer = choose_output(p, comment),
        .stopped = &p->stopped,
        .terminal = p->terminal,
    };
    const pv_status status = pv_pipeline_run(&params, &p->result, &err);
    int code = conclude(p, status, &err, frames);
    if (v->save && status == PV_OK && !p->result.aborted && p->result.predicted > 0) {
        const pv_status saved = pv_rollout_save(p->rollout, v->save);
        if (saved != PV_OK)
            code = failure(p, saved, PV_EXIT_FAILED, pv_rollout_message(p->rollout));
    }
    if (!v->json)
        return code;
    const struct pv_predict_report report = {
        .input = p->input,
        .output = v->output ? v->output : "",
        .clip = &p->clip,
        .model = &p->model_info,
        .model_path = p->model_path,
        .working = p->working,
        .seed = seed,
        .steps = v->mode == PV_MODE_MEAN ? 1
                 : v->steps > 0          ? (int)v->steps
                                         : p->model_info.steps,
        .mean = v->mode == PV_MODE_MEAN,
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
        .input = operands[0],
        .terminal = terminal,
        .start_ns = pv_now_ns(),
        .callbacks = {.user = &p, .log = on_log, .abort = on_abort},
    };
    int code = check_values(&p);
    if (code == PV_EXIT_DONE)
        code = open_model(&p);
    if (code == PV_EXIT_DONE)
        code = open_clip(&p);
    if (code == PV_EXIT_DONE)
        code = open_rollout(&p);
    if (code == PV_EXIT_DONE)
        code = predict(&p);
    pv_rollout_close(p.rollout);
    pv_clip_reader_close(p.reader);
    pv_model_close(p.model);
    return code;
}
