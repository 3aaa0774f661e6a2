/* inputs.c: see inputs.h. */
#include "inputs.h"

#include <stdio.h>

#include "signals.h"

static const double rate_tolerance = 0.05; /* clips this near to the model's rate are used frame by frame */

int pv_say_failure(struct pv_terminal *terminal, pv_status status, enum pv_exit otherwise, const char *sentence)
{
    if (status == PV_ERR_ABORTED && pv_signals_count() > 0) {
        pv_terminal_say(terminal, PV_LOG_ERROR, "interrupted before the first frame: nothing was written");
        return PV_EXIT_INTERRUPTED;
    }
    pv_terminal_say(terminal, PV_LOG_ERROR, "%s", *sentence ? sentence : pv_status_text(status));
    return pv_exit_from_status(status, otherwise);
}

/* What a model is made of is for `prevue info`, and for --verbose. */
static void log_model(void *user, pv_log_level level, const char *sentence)
{
    pv_terminal_log(user, level == PV_LOG_NOTICE ? PV_LOG_DEBUG : level, sentence);
}

int pv_inputs_open_model(struct pv_inputs *in, const struct pv_input_values *values)
{
    struct pv_error err = {{0}};
    char backend[PV_CHOICE_BYTES];
    const char *rest = PV_INPUT_BACKENDS;
    for (int i = 0; i <= values->backend; i++)
        rest = pv_choice_next(rest, backend);
    const pv_status found = pv_model_path_find(values->model, in->model_path, &err);
    if (found != PV_OK)
        return pv_say_failure(in->terminal, found, PV_EXIT_MODEL, err.text);
    pv_model_params params;
    pv_model_params_init(&params);
    params.backend = backend;
    params.threads = (int)values->threads;
    params.callbacks = (pv_callbacks){.user = in->terminal, .log = log_model, .abort = pv_signals_abort};
    const pv_status status = pv_model_open(in->model_path, &params, &in->model);
    if (status != PV_OK)
        return pv_say_failure(in->terminal, status, PV_EXIT_MODEL, in->model ? pv_model_message(in->model) : "");
    in->model_info.struct_size = sizeof in->model_info;
    pv_model_get_info(in->model, &in->model_info);
    return PV_EXIT_DONE;
}

int pv_inputs_check(const struct pv_inputs *in, const struct pv_sampling_values *sampling)
{
    const pv_model_info *model = &in->model_info;
    if (sampling->context > 4 * (int64_t)model->window)
        pv_terminal_say(in->terminal, PV_LOG_ERROR,
                        "--context %lld is more than model '%s' can use: it sees %d frames, give at most %d",
                        (long long)sampling->context, model->name, model->window, 4 * model->window);
    else if (sampling->gravity.given && model->action_size != 3)
        pv_terminal_say(in->terminal, PV_LOG_ERROR, "model '%s' cannot be told the gravity: leave --gravity out",
                        model->name);
    else
        return PV_EXIT_DONE;
    return PV_EXIT_USAGE;
}

int pv_sampling_context(const struct pv_sampling_values *sampling)
{
    return sampling->context > 0 ? (int)sampling->context : PV_CONTEXT_FRAMES;
}

void pv_inputs_say_context(struct pv_terminal *terminal, int64_t context, int64_t asked, int64_t skipped)
{
    if (context < asked)
        pv_terminal_say(terminal, PV_LOG_NOTICE, "the clip has %lld %s to condition on, not %lld", (long long)context,
                        context == 1 ? "frame" : "frames", (long long)asked);
    if (skipped > 0)
        pv_terminal_say(terminal, PV_LOG_WARNING,
                        "frames not conditioned on because they are damaged: %lld (--allow-corrupt takes them)",
                        (long long)skipped);
}

pv_detail pv_detail_at(int place)
{
    return place == 0 ? PV_DETAIL_KEEP : PV_DETAIL_NONE;
}

int pv_sampling_steps(const struct pv_sampling_values *sampling, const pv_model_info *model)
{
    return sampling->mode == PV_MODE_MEAN ? 1 : sampling->steps > 0 ? (int)sampling->steps : model->steps;
}

pv_action pv_sampling_action(const struct pv_sampling_values *sampling, float gravity[3])
{
    if (!sampling->gravity.given)
        return (pv_action){0};
    gravity[0] = (float)sampling->gravity.x;
    gravity[1] = (float)sampling->gravity.y;
    gravity[2] = 1.0f;
    return (pv_action){.values = gravity, .count = 3};
}

pv_clip_reader_params pv_inputs_reader_params(const struct pv_input_values *values, int fps_num, int fps_den,
                                              const pv_callbacks *callbacks)
{
    pv_clip_reader_params params;
    pv_clip_reader_params_init(&params);
    params.fps_num = fps_num;
    params.fps_den = fps_den;
    params.fps_tolerance = rate_tolerance;
    params.matrix = (pv_clip_matrix)values->matrix;
    params.range = (pv_clip_range)values->range;
    params.hdr = (pv_clip_hdr)values->hdr;
    params.allow_corrupt = values->allow_corrupt;
    if (values->in_rate.num) {
        params.sequence_fps_num = values->in_rate.num;
        params.sequence_fps_den = values->in_rate.den;
    }
    params.callbacks = *callbacks;
    return params;
}

int pv_inputs_open_clip(struct pv_inputs *in, const struct pv_input_values *values, const char *path, int fps_num,
                        int fps_den, const pv_callbacks *callbacks)
{
    const pv_clip_reader_params params = pv_inputs_reader_params(values, fps_num, fps_den, callbacks);
    const pv_status status = pv_clip_reader_open(path, &params, &in->reader);
    if (status != PV_OK)
        return pv_say_failure(in->terminal, status, PV_EXIT_INPUT,
                              in->reader ? pv_clip_reader_message(in->reader) : "");
    in->clip.struct_size = sizeof in->clip;
    pv_clip_reader_get_info(in->reader, &in->clip);
    const struct pv_picture_size clip = {in->clip.width, in->clip.height};
    const struct pv_picture_size model = {in->model_info.width, in->model_info.height};
    in->working = pv_working_size(clip, model, in->model_info.size_multiple);
    pv_terminal_say(in->terminal, PV_LOG_DEBUG, "the clip is %dx%d, the model works at %dx%d", clip.width, clip.height,
                    in->working.width, in->working.height);
    return PV_EXIT_DONE;
}

void pv_inputs_close(struct pv_inputs *in)
{
    pv_clip_reader_close(in->reader);
    pv_model_close(in->model);
    in->reader = NULL;
    in->model = NULL;
}
