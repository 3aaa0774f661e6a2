/* A model on a clip: the shipped weights and the baselines are measured as they should be. What does not depend on how
 * good a model is uses a tiny one with random weights. */
#include <criterion/criterion.h>

#include <math.h>
#include <string.h>

#include "eval/baseline.h"
#include "eval/predict.h"
#include "eval/suite.h"

static pv_model *model;
static pv_model_info info;
static struct pv_suite suite;
static struct pv_error err;

static void open_model(const char *path)
{
    pv_model_params params;
    pv_model_params_init(&params);
    params.threads = 1;
    cr_assert_eq(pv_model_open(path, &params, &model), PV_OK, "%s", pv_model_message(model));
    info.struct_size = sizeof info;
    pv_model_get_info(model, &info);
    cr_assert_eq(pv_suite_open(PV_SUITE_PHYSICS, &info, 0, PV_SETS_DIR "/physics-square.safetensors", &suite, &err),
                 PV_OK, "%s", err.text);
}

static void open_shipped(void)
{
    open_model(PV_MODELS_DIR "/nano.safetensors");
}

static void open_tiny(void)
{
    open_model(PV_GOLDEN_DIR "/plain.safetensors");
}

static void close_all(void)
{
    pv_suite_close(&suite);
    pv_model_close(model);
}

static void measure(const struct pv_eval_params *params, int index, struct pv_scores *scores)
{
    struct pv_footage f;
    cr_assert_eq(pv_suite_draw(&suite, &suite.groups[0], index, &f, &err), PV_OK, "%s", err.text);
    cr_assert_eq(pv_predict_footage(params, &f, scores, &err), PV_OK, "%s", err.text);
    pv_footage_close(&f);
}

static double mean(const struct pv_scores *s, enum pv_metric m, enum pv_predictor p, int column)
{
    return pv_score_mean(s, m, p, column);
}

TestSuite(eval_predict_well, .init = open_shipped, .fini = close_all, .timeout = 240);
TestSuite(eval_predict, .init = open_tiny, .fini = close_all, .timeout = 240);

/* A body drawn where it was is found there; what should be worse is. */
Test(eval_predict_well, every_row_is_where_it_belongs)
{
    static struct pv_scores s;
    const struct pv_eval_params params = {.model = model, .mode = PV_MODE_MEAN, .steps = 1, .takes = 2};
    cr_expect_eq(pv_eval_frames(&params, 48), 48 + 2 * 48);
    measure(&params, 0, &s);
    for (int c = 0; c < PV_HORIZONS; c++) {
        cr_expect_lt(mean(&s, PV_METRIC_CENTRE, PV_PREDICTOR_TRUTH, c), 0.3, "the floor at %d is %f", pv_horizons[c],
                     mean(&s, PV_METRIC_CENTRE, PV_PREDICTOR_TRUTH, c));
        cr_expect_gt(mean(&s, PV_METRIC_PSNR, PV_PREDICTOR_CODEC, c), 30);
        cr_expect_lt(mean(&s, PV_METRIC_CENTRE, PV_PREDICTOR_CODEC, c), 1.5);
        cr_expect_leq(mean(&s, PV_METRIC_CENTRE, PV_PREDICTOR_BEST_TAKE, c),
                      mean(&s, PV_METRIC_CENTRE, PV_PREDICTOR_MEAN_TAKE, c));
        cr_expect_geq(mean(&s, PV_METRIC_PSNR, PV_PREDICTOR_BEST_TAKE, c),
                      mean(&s, PV_METRIC_PSNR, PV_PREDICTOR_MEAN_TAKE, c));
        cr_expect_gt(mean(&s, PV_METRIC_SPREAD, PV_PREDICTOR_MEAN_TAKE, c), 0);
    }
    cr_expect_gt(mean(&s, PV_METRIC_PSNR, PV_PREDICTOR_MODEL, 1), mean(&s, PV_METRIC_PSNR, PV_PREDICTOR_COPY, 1) + 2,
                 "4 frames ahead the model is better than standing still");
    cr_expect_lt(mean(&s, PV_METRIC_CENTRE, PV_PREDICTOR_MODEL, 1), mean(&s, PV_METRIC_CENTRE, PV_PREDICTOR_COPY, 1));
    cr_expect_gt(mean(&s, PV_METRIC_CENTRE, PV_PREDICTOR_LINEAR, 5), mean(&s, PV_METRIC_CENTRE, PV_PREDICTOR_TRUTH, 5));
    cr_expect_float_eq(mean(&s, PV_METRIC_LOST, PV_PREDICTOR_COPY, 0), 0, 0, "nothing vanishes by standing still");
    cr_expect(isnan(mean(&s, PV_METRIC_PSNR, PV_PREDICTOR_TRUTH, 0)), "the floor has no pictures of its own");
    pv_scores_free(&s);
}

/* Whatever the model does, the truth is found when the simulator says: at this size, of smaller pictures it would not
 * be. */
Test(eval_predict_well, contacts_under_half_gravity_are_found)
{
    static struct pv_scores s;
    const struct pv_eval_params params = {.model = model, .mode = PV_MODE_MEAN};
    cr_assert(pv_suite_turns(&suite, &suite.groups[0]));
    for (int i = 0; i < 16; i++) {
        struct pv_footage f;
        cr_assert_eq(pv_suite_draw_half_gravity(&suite, &suite.groups[0], i, &f, &err), PV_OK, "%s", err.text);
        cr_assert_eq(pv_predict_turned_gravity(&params, &f, &s, &err), PV_OK, "%s", err.text);
        pv_footage_close(&f);
    }
    const struct pv_values *floor = &s.cell[PV_METRIC_BOUNCE][PV_PREDICTOR_TRUTH][PV_COLUMN_WHOLE];
    cr_expect_gt(floor->count, 3);
    cr_expect_lt(mean(&s, PV_METRIC_BOUNCE, PV_PREDICTOR_TRUTH, PV_COLUMN_WHOLE), 10);
    cr_expect_eq(s.cell[PV_METRIC_BOUNCE][PV_PREDICTOR_MODEL][PV_COLUMN_WHOLE].count, floor->count);
    cr_expect_eq(s.cell[PV_METRIC_BOUNCE][PV_PREDICTOR_UNTOLD][PV_COLUMN_WHOLE].count, floor->count);
    cr_expect_eq(s.cell[PV_METRIC_CONTACT][PV_PREDICTOR_MODEL][PV_COLUMN_WHOLE].count, 0);
    pv_scores_free(&s);
}

Test(eval_predict, the_same_clip_measures_the_same)
{
    static struct pv_scores a, b;
    const struct pv_eval_params params = {.model = model, .mode = PV_MODE_SAMPLE, .steps = 1, .seed = 7};
    measure(&params, 4, &a);
    measure(&params, 4, &b);
    for (int m = 0; m < PV_METRICS; m++)
        for (int p = 0; p < PV_PREDICTORS; p++)
            for (int c = 0; c < PV_COLUMNS; c++) {
                const struct pv_values *x = &a.cell[m][p][c], *y = &b.cell[m][p][c];
                cr_assert_eq(x->count, y->count);
                for (size_t i = 0; i < x->count; i++)
                    cr_assert_float_eq(x->value[i], y->value[i], 0, "metric %d of predictor %d", m, p);
            }
    pv_scores_free(&a);
    pv_scores_free(&b);
}

static int stop_at_once(void *user)
{
    (void)user;
    return 1;
}

/* Only the model hears of it, and of the clip's own. */
Test(eval_predict, gravity_is_told_when_asked)
{
    struct pv_footage f;
    struct pv_scores scores[2] = {{.no_memory = false}};
    for (int told = 0; told < 2; told++) {
        const struct pv_eval_params params = {.model = model, .mode = PV_MODE_MEAN, .tell_gravity = told};
        cr_assert_eq(pv_suite_draw(&suite, &suite.groups[0], 0, &f, &err), PV_OK, "%s", err.text);
        cr_expect(f.gravity[0] == 0 && f.gravity[1] >= -10 && f.gravity[1] <= -6, "it is %g, %g", (double)f.gravity[0],
                  (double)f.gravity[1]);
        cr_assert_eq(pv_predict_footage(&params, &f, &scores[told], &err), PV_OK, "%s", err.text);
        pv_footage_close(&f);
    }
    cr_expect_neq(mean(&scores[0], PV_METRIC_PSNR, PV_PREDICTOR_MODEL, 2),
                  mean(&scores[1], PV_METRIC_PSNR, PV_PREDICTOR_MODEL, 2));
    cr_expect_eq(mean(&scores[0], PV_METRIC_PSNR, PV_PREDICTOR_COPY, 2),
                 mean(&scores[1], PV_METRIC_PSNR, PV_PREDICTOR_COPY, 2));
    pv_scores_free(&scores[0]);
    pv_scores_free(&scores[1]);
}

Test(eval_predict, it_stops_when_asked)
{
    static struct pv_scores s;
    struct pv_footage f;
    const struct pv_eval_params params = {.model = model, .callbacks = {.abort = stop_at_once}};
    cr_assert_eq(pv_suite_draw(&suite, &suite.groups[0], 0, &f, &err), PV_OK, "%s", err.text);
    cr_expect_eq(pv_predict_footage(&params, &f, &s, &err), PV_ERR_ABORTED);
    pv_footage_close(&f);
    pv_scores_free(&s);
}

/* 256 frames, of which the truth knows 48. */
Test(eval_predict, long_runs_say_what_lasts)
{
    static struct pv_scores s;
    const struct pv_eval_params params = {.model = model, .mode = PV_MODE_MEAN, .run_long = true};
    cr_expect_eq(pv_eval_frames(&params, 48), 256);
    measure(&params, 1, &s);
    const struct pv_values *lost = &s.cell[PV_METRIC_LOST][PV_PREDICTOR_MODEL][PV_COLUMN_LONG];
    cr_expect_gt(lost->count, 0);
    for (size_t i = 0; i < lost->count; i++)
        cr_expect(lost->value[i] == 0 || lost->value[i] == 100);
    pv_scores_free(&s);
}

/* Stacks of the truth, parsed, fall when they fall and to their side: judged on centres alone, without a model. */
Test(eval_predict, stacks_of_the_truth_are_judged_right)
{
    static struct pv_scores s;
    const struct pv_suite_group *stacks = NULL;
    for (int g = 0; g < suite.group_count && !stacks; g++)
        if (strcmp(suite.groups[g].world, "stack") == 0)
            stacks = &suite.groups[g];
    cr_assert_not_null(stacks);
    for (int i = 0; i < 8; i++) {
        struct pv_footage f;
        cr_assert_eq(pv_suite_draw(&suite, stacks, i, &f, &err), PV_OK, "%s", err.text);
        cr_expect_gt(f.boxes, 1);
        cr_assert_eq(pv_baselines_measure(&f, &s, &err), PV_OK, "%s", err.text);
        pv_footage_close(&f);
    }
    const size_t fell = s.cell[PV_METRIC_FELL][PV_PREDICTOR_TRUTH][5].count;
    const size_t stood = s.cell[PV_METRIC_STOOD][PV_PREDICTOR_TRUTH][5].count;
    cr_expect_eq(fell + stood, 8);
    cr_expect(fell > 0 && stood > 0, "%zu fell and %zu stood", fell, stood);
    cr_expect_float_eq(mean(&s, PV_METRIC_BALANCED, PV_PREDICTOR_TRUTH, 5), 100, 1e-9);
    cr_expect_float_eq(mean(&s, PV_METRIC_DIRECTION, PV_PREDICTOR_TRUTH, 5), 100, 1e-9);
    cr_expect_lt(mean(&s, PV_METRIC_BALANCED, PV_PREDICTOR_LINEAR, 5), 100, "a stack does not go on as it began");
    pv_scores_free(&s);
}
