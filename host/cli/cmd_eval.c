/* cmd_eval.c: prevue eval: predicts clips whose future is known and says how far off it was. */
#include <stdlib.h>
#include <string.h>

#include "eval_part.h"
#include "json.h"
#include "save.h"
#include "signals.h"
#include "suggest.h"
#include "timing.h"

static int usage(struct eval *e, const char *sentence)
{
    pv_terminal_say(e->terminal, PV_LOG_ERROR, "%s", sentence);
    return PV_EXIT_USAGE;
}

static int check_values(struct eval *e)
{
    const struct pv_eval_values *v = e->v;
    if (v->suite < 0 && !v->clips)
        return usage(e, "'eval' needs something to predict: --suite physics, --suite law, or --clips PATH");
    if (v->suite >= 0 && v->clips)
        return usage(e, "--suite and --clips are two things to predict: give one of them");
    if (v->clips && v->tell_gravity)
        return usage(e, "--tell-gravity is of simulated clips: leave it out with --clips");
    if (v->clips && v->world)
        return usage(e, "--world chooses from a suite: leave it out with --clips");
    return PV_EXIT_DONE;
}

static void frame_done(void *user)
{
    struct eval *e = user;
    e->frames_done++;
    const uint64_t now = pv_now_ns();
    if (now - e->drawn_ns > 100000000u) {
        e->drawn_ns = now;
        pv_terminal_progress(e->terminal, "evaluated", e->frames_done, e->frames_total,
                             (double)(now - e->start_ns) / 1e9);
    }
}

int pv_eval_fail(struct eval *e, pv_status status, enum pv_exit otherwise)
{
    pv_terminal_progress_end(e->terminal);
    return pv_say_failure(e->terminal, status, otherwise, e->err.text);
}

pv_status pv_eval_check_outputs(struct eval *e, const char *clip)
{
    const struct pv_eval_values *v = e->v;
    const struct pv_save_other others[] = {
        {clip, "a clip"}, {e->inputs.model_path, "the model"}, {v->html, "the page"}};
    PV_TRY(pv_save_check(v->html, v->overwrite, others, 2, &e->err));
    return pv_save_check(v->sheet, v->overwrite, others, 3, &e->err);
}

/* ---- suites ---- */

static int open_suite(struct eval *e)
{
    const pv_model_info *model = &e->inputs.model_info;
    char file[96], path[PV_MODEL_PATH_BYTES] = "";
    snprintf(file, sizeof file, "eval/%s", pv_suite_file(model->width, model->height));
    if (e->v->suite == PV_SUITE_PHYSICS && !pv_data_path_find(file, path)) {
        pv_terminal_say(e->terminal, PV_LOG_ERROR,
                        "the recorded clips (%s) are neither beside the program nor in %s: install prevue again", file,
                        PV_DATA_DIR);
        return PV_EXIT_FAILED;
    }
    const pv_status status =
        pv_suite_open((enum pv_suite_kind)e->v->suite, model, (int)e->v->context, path, &e->suite, &e->err);
    if (status != PV_OK)
        return pv_eval_fail(e, status, status == PV_ERR_ARGUMENT ? PV_EXIT_USAGE : PV_EXIT_FAILED);
    if ((int64_t)model->fps_num * e->suite.fps_den != (int64_t)e->suite.fps_num * model->fps_den)
        pv_terminal_say(e->terminal, PV_LOG_WARNING,
                        "model '%s' was made for %d/%d frames a second and the suite's clips have %d/%d", model->name,
                        model->fps_num, model->fps_den, e->suite.fps_num, e->suite.fps_den);
    e->report.width = e->suite.width;
    e->report.height = e->suite.height;
    e->report.context = e->suite.context;
    return PV_EXIT_DONE;
}

static bool is_wanted(const struct eval *e, const struct pv_suite_group *group)
{
    return (!e->v->world || strcmp(e->v->world, group->world) == 0) &&
           (e->v->range == 2 || e->v->range == (int)group->range);
}

/* The groups that were asked for, in places of the report: index of each in the suite. */
static int choose_groups(struct eval *e, int chosen[PV_SUITE_GROUPS])
{
    struct pv_suggestion near = {.typed = e->v->world};
    for (int i = 0; i < e->suite.group_count; i++) {
        const struct pv_suite_group *group = &e->suite.groups[i];
        if (e->v->world)
            pv_suggestion_offer(&near, group->world);
        if (!is_wanted(e, group))
            continue;
        struct pv_eval_group *g = &e->report.groups[e->report.group_count];
        snprintf(g->name, sizeof g->name, "%s, %s", group->world,
                 group->range == PV_WORLD_OUT ? "out of range" : "in range");
        g->world = group->world;
        g->out = group->range == PV_WORLD_OUT;
        chosen[e->report.group_count++] = i;
    }
    if (e->report.group_count > 0)
        return PV_EXIT_DONE;
    pv_terminal_say(e->terminal, PV_LOG_ERROR, "the %s suite has no world '%s'%s%s%s", e->suite.name, e->v->world,
                    near.best ? "; did you mean " : "", near.best ? near.best : "", near.best ? "?" : "");
    return PV_EXIT_USAGE;
}

/* So many clips of each group are shown that a sheet stays readable; the page has a row of films. */
enum { FILMS = 5 };
static int clips_on_sheet(int groups)
{
    return groups == 1 ? 6 : groups == 2 ? 3 : groups == 3 ? 2 : 1;
}

/* What if gravity were half? */
static pv_status run_half_gravity(struct eval *e, const struct pv_suite_group *group, int place, int index)
{
    struct pv_footage footage;
    pv_status status = pv_suite_draw_half_gravity(&e->suite, group, index, &footage, &e->err);
    if (status == PV_OK)
        status = pv_predict_turned_gravity(&e->params, &footage, &e->report.groups[place].scores, &e->err);
    pv_footage_close(&footage);
    return status;
}

static bool asks_half_gravity(const struct eval *e, const struct pv_suite_group *group)
{
    return e->inputs.model_info.action_size == 3 && pv_suite_turns(&e->suite, group);
}

static pv_status run_clip(struct eval *e, const struct pv_suite_group *group, int place, int index)
{
    struct pv_footage footage;
    struct pv_eval_group *g = &e->report.groups[place];
    struct pv_eval_params params = e->params;
    params.run_long = index < e->v->long_clips && e->v->suite == PV_SUITE_PHYSICS;
    pv_status status = pv_suite_draw(&e->suite, group, index, &footage, &e->err);
    if (status == PV_OK)
        status = pv_predict_footage(&params, &footage, &g->scores, &e->err);
    if (status == PV_OK) {
        g->clips++;
        const struct pv_shown shown = {.name = g->name,
                                       .group = place,
                                       .fps_num = e->suite.fps_num,
                                       .fps_den = e->suite.fps_den,
                                       .on_sheet = index < clips_on_sheet(e->report.group_count),
                                       .on_page = index < FILMS};
        status = pv_gallery_add(e->gallery, &footage, &shown, &e->err);
    }
    pv_footage_close(&footage);
    if (status == PV_OK && asks_half_gravity(e, group))
        status = run_half_gravity(e, group, place, index);
    return status;
}

static int clips_of(const struct eval *e, const struct pv_suite_group *group)
{
    return e->v->clips_per_world < group->clips ? (int)e->v->clips_per_world : group->clips;
}

static int run_suite(struct eval *e)
{
    int chosen[PV_SUITE_GROUPS];
    int code = open_suite(e);
    if (code == PV_EXIT_DONE)
        code = choose_groups(e, chosen);
    if (code != PV_EXIT_DONE)
        return code;
    const int ahead = e->v->suite == PV_SUITE_LAW ? PV_LAW_FRAMES - e->suite.context : PV_AHEAD;
    for (int i = 0; i < e->report.group_count; i++) {
        const int clips = clips_of(e, &e->suite.groups[chosen[i]]);
        struct pv_eval_params p = e->params;
        for (int k = 0; k < clips; k++) {
            p.run_long = k < e->v->long_clips && e->v->suite == PV_SUITE_PHYSICS;
            e->frames_total += pv_eval_frames(&p, ahead);
            if (asks_half_gravity(e, &e->suite.groups[chosen[i]]))
                e->frames_total += 2 * ahead;
        }
    }
    pv_status status = PV_OK;
    for (int i = 0; i < e->report.group_count && status == PV_OK; i++) {
        const struct pv_suite_group *group = &e->suite.groups[chosen[i]];
        for (int k = 0; k < clips_of(e, group) && status == PV_OK; k++)
            status = run_clip(e, group, i, k);
    }
    if (status == PV_ERR_ABORTED) {
        e->report.interrupted = true;
        return PV_EXIT_DONE;
    }
    return status == PV_OK ? PV_EXIT_DONE : pv_eval_fail(e, status, PV_EXIT_FAILED);
}

/* ---- what comes out ---- */

/* code: when nothing else goes wrong. */
static int write_results(struct eval *e, int code)
{
    pv_status status = PV_OK;
    if (e->v->sheet)
        status = pv_gallery_save_sheet(e->gallery, e->v->sheet, e->v->overwrite, &e->err);
    if (status == PV_OK && e->v->html)
        status = pv_eval_save_page(&e->report, e->gallery, e->v->html, e->v->overwrite, &e->err);
    if (status != PV_OK)
        code = pv_eval_fail(e, status, PV_EXIT_FAILED);
    if (e->v->json) {
        json_t *json = pv_eval_to_json(&e->report, e->terminal->notices);
        if (!pv_json_print(json) && code == PV_EXIT_DONE)
            code = PV_EXIT_FAILED;
        json_decref(json);
    } else {
        pv_eval_print(stdout, &e->report);
    }
    return code;
}

static int measured_clips(const struct pv_eval_report *report)
{
    int clips = 0;
    for (int i = 0; i < report->group_count; i++)
        clips += report->groups[i].clips;
    return clips;
}

static int evaluate(struct eval *e)
{
    const struct pv_eval_values *v = e->v;
    e->params = (struct pv_eval_params){
        .model = e->inputs.model,
        .mode = (pv_mode)v->mode,
        .steps = (int)v->steps,
        .detail = pv_detail_at(v->detail),
        .tell_gravity = v->tell_gravity,
        .seed = v->seed,
        .takes = (int)v->takes,
        .callbacks = {.user = e, .abort = pv_signals_abort},
        .frame_done = frame_done,
    };
    e->report = (struct pv_eval_report){
        .what = v->clips                   ? "clips"
                : v->suite == PV_SUITE_LAW ? "suite law"
                                           : "suite physics",
        .model = &e->inputs.model_info,
        .model_path = e->inputs.model_path,
        .steps = v->mode == PV_MODE_MEAN ? 1
                 : v->steps              ? (int)v->steps
                                         : e->inputs.model_info.steps,
        .takes = (int)v->takes,
        .mean = v->mode == PV_MODE_MEAN,
        .keep_detail = e->params.detail == PV_DETAIL_KEEP,
        .tell_gravity = v->tell_gravity,
        .seed = v->seed,
        .groups = calloc(PV_SUITE_GROUPS, sizeof *e->report.groups),
    };
    pv_status status =
        e->report.groups ? pv_gallery_open(v->sheet, (int)v->sheet_step, v->html, &e->gallery, &e->err) : PV_ERR_MEMORY;
    if (status != PV_OK)
        return pv_eval_fail(e, status, PV_EXIT_FAILED);
    e->start_ns = pv_now_ns();
    const int code = v->clips ? pv_eval_run_clips(e) : run_suite(e);
    pv_terminal_progress_end(e->terminal);
    if (code != PV_EXIT_DONE && code != PV_EXIT_PARTIAL)
        return code;
    if (measured_clips(&e->report) == 0)
        return pv_say_failure(e->terminal, PV_ERR_ABORTED, PV_EXIT_INTERRUPTED, "");
    if (e->report.interrupted)
        pv_terminal_say(e->terminal, PV_LOG_WARNING, "interrupted: %d clips were measured", measured_clips(&e->report));
    return write_results(e, e->report.interrupted ? PV_EXIT_INTERRUPTED : code);
}

int pv_eval_run(const void *values, char **operands, struct pv_terminal *terminal)
{
    (void)operands;
    struct eval e = {.v = values, .terminal = terminal, .inputs = {.terminal = terminal}};
    int code = check_values(&e);
    if (code == PV_EXIT_DONE)
        code = pv_inputs_open_model(&e.inputs, &e.v->input);
    if (code == PV_EXIT_DONE && e.v->tell_gravity && e.inputs.model_info.action_size != 3) {
        pv_terminal_say(terminal, PV_LOG_ERROR, "model '%s' cannot be told the gravity: leave --tell-gravity out",
                        e.inputs.model_info.name);
        code = PV_EXIT_USAGE;
    }
    if (code == PV_EXIT_DONE) {
        const pv_status status = pv_eval_check_outputs(&e, NULL);
        code = status == PV_OK ? evaluate(&e) : pv_eval_fail(&e, status, PV_EXIT_FAILED);
    }
    for (int i = 0; e.report.groups && i < e.report.group_count; i++)
        pv_scores_free(&e.report.groups[i].scores);
    free(e.report.groups);
    pv_gallery_close(e.gallery);
    pv_suite_close(&e.suite);
    pv_inputs_close(&e.inputs);
    return code;
}
