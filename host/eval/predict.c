/* predict.c: see predict.h. */
#include "eval/predict.h"

#include <math.h>
#include <stdlib.h>

#include "eval/baseline.h"
#include "eval/picture.h"

static const double at_rest = 0.02; /* units: a body that moves less in the last REST_FRAMES lies still */
enum { REST_FRAMES = 8 };

/* What one clip's prediction passes around. */
struct run {
    const struct pv_eval_params *params;
    struct pv_footage *footage;
    struct pv_scores *scores;
    struct pv_error *err;
    uint8_t *picture; /* [height][width][3]: a frame that is not kept */
    int left;         /* frames of the rollout in work that were not asked for yet */
    float gravity[3]; /* the action of every frame ... */
    pv_action told;   /* ... with params->tell_gravity */
};

int pv_eval_frames(const struct pv_eval_params *params, int ahead)
{
    return (params->run_long && PV_AHEAD_LONG > ahead ? PV_AHEAD_LONG : ahead) + params->takes * ahead;
}

static void start_run(struct run *run, const struct pv_eval_params *params, struct pv_footage *footage,
                      struct pv_scores *scores, struct pv_error *err)
{
    *run = (struct run){.params = params,
                        .footage = footage,
                        .scores = scores,
                        .err = err,
                        .picture = malloc(pv_footage_frame_bytes(footage)),
                        .gravity = {footage->gravity[0], footage->gravity[1], 1}};
    run->told = (pv_action){.values = run->gravity, .count = 3};
}

/* What a frame is told: NULL = nothing. */
static const pv_action *told(const struct run *run)
{
    return run->params->tell_gravity ? &run->told : NULL;
}

static pv_status failed(struct run *run, pv_status status, const pv_rollout *rollout)
{
    return pv_fail(run->err, status, "%s", rollout ? pv_rollout_message(rollout) : pv_status_text(status));
}

static pv_frame frame_at(const struct pv_footage *f, const uint8_t *rgb)
{
    /* send only reads it */
    return (pv_frame){
        .data = (uint8_t *)(uintptr_t)rgb, .stride = (size_t)f->width * 3, .width = f->width, .height = f->height};
}

static pv_status send_frame(struct run *run, pv_rollout *rollout, int t)
{
    const pv_frame frame = frame_at(run->footage, pv_footage_frame(run->footage, t));
    const pv_status status = pv_rollout_send(rollout, &frame, told(run));
    return status == PV_OK ? PV_OK : failed(run, status, rollout);
}

/* Frames are asked for as long as they are taken: a device predicts one while another is measured. */
static pv_status ask_ahead(struct run *run, pv_rollout *rollout, const pv_action *action)
{
    pv_status status = PV_OK;
    while (run->left > 0 && (status = pv_rollout_predict(rollout, action)) == PV_OK)
        run->left--;
    return status == PV_AGAIN ? PV_OK : status;
}

/* action may be NULL. */
static pv_status predict_frame(struct run *run, pv_rollout *rollout, const pv_action *action, uint8_t *rgb)
{
    pv_frame frame = frame_at(run->footage, rgb);
    pv_status status = ask_ahead(run, rollout, action);
    if (status == PV_OK)
        status = pv_rollout_receive(rollout, &frame);
    if (status != PV_OK)
        return failed(run, status, rollout);
    if (run->params->frame_done)
        run->params->frame_done(run->params->callbacks.user);
    return PV_OK;
}

/* A rollout that has seen what was observed. */
static pv_status open_rollout(struct run *run, pv_mode mode, pv_rollout **rollout)
{
    pv_rollout_params p;
    pv_rollout_params_init(&p);
    p.width = run->footage->width;
    p.height = run->footage->height;
    p.steps = run->params->steps;
    p.detail = run->params->detail;
    p.mode = mode;
    p.seed = run->params->seed;
    p.callbacks = run->params->callbacks;
    const pv_status status = pv_rollout_open(run->params->model, &p, rollout);
    if (status != PV_OK)
        return failed(run, status, *rollout);
    for (int t = 1 - run->footage->context; t <= 0; t++)
        PV_TRY(send_frame(run, *rollout, t));
    return PV_OK;
}

/* A rollout that goes on from what was observed, and a predictor's trial of it. Both are to be closed, also on failure.
 */
static pv_status open_trial(struct run *run, const pv_rollout *observed, enum pv_predictor who, pv_rollout **rollout,
                            struct pv_trial *trial)
{
    *trial = (struct pv_trial){0};
    const pv_status status = pv_rollout_fork(observed, rollout);
    return status == PV_OK ? pv_trial_open(trial, run->footage, who, run->scores, run->err)
                           : failed(run, status, *rollout);
}

/* ---- the ceiling ---- */

/* What came goes through encoder and decoder. */
static pv_status measure_codec(struct run *run, const pv_rollout *observed)
{
    struct pv_trial trial;
    pv_rollout *rollout;
    pv_status status = open_trial(run, observed, PV_PREDICTOR_CODEC, &rollout, &trial);
    for (int t = 1; t <= run->footage->ahead && status == PV_OK; t++) {
        status = send_frame(run, rollout, t);
        pv_frame frame = frame_at(run->footage, run->picture);
        if (status == PV_OK && (status = pv_rollout_reconstruct(rollout, &frame)) != PV_OK)
            status = failed(run, status, rollout);
        if (status == PV_OK)
            pv_trial_frame(&trial, t, run->picture);
    }
    if (status == PV_OK)
        pv_trial_end(&trial);
    pv_trial_close(&trial);
    pv_rollout_close(rollout);
    return status;
}

/* ---- the long run ---- */

/* Is the body at rest in the last frames that are known? */
static bool rests(const struct pv_footage *f, int object)
{
    const struct pv_place *end = pv_footage_places(f, f->ahead) + object;
    if (f->ahead <= REST_FRAMES || end->visible < PV_IN_VIEW)
        return false;
    for (int t = f->ahead - REST_FRAMES; t < f->ahead; t++) {
        const struct pv_place *p = pv_footage_places(f, t) + object;
        if (hypot(p->x - end->x, p->y - end->y) > at_rest * f->pixels_per_unit)
            return false;
    }
    return true;
}

/* Nobody knows what comes so late; but bodies that were all in view at the end of the truth do not vanish, and what lay
 * still goes on lying still. */
static pv_status measure_long(struct run *run, pv_rollout *rollout, const struct pv_trial *trial)
{
    const struct pv_footage *f = run->footage;
    struct pv_sighting seen[PV_OBJECTS];
    for (int t = f->ahead + 1; t <= PV_AHEAD_LONG; t++)
        PV_TRY(predict_frame(run, rollout, told(run), run->picture));
    pv_objects_find(run->picture, f->width, f->height, f->looks, f->objects, seen);
    for (int i = 0; i < f->objects; i++) {
        const double area = pv_footage_sightings(f, f->ahead)[i].area;
        if (pv_footage_places(f, f->ahead)[i].visible < PV_IN_VIEW || area < PV_OBJECT_SEEN)
            continue;
        pv_score_add(run->scores, PV_METRIC_AREA, PV_PREDICTOR_MODEL, PV_COLUMN_LONG,
                     100 * fabs(seen[i].area / area - 1));
        pv_score_add(run->scores, PV_METRIC_LOST, PV_PREDICTOR_MODEL, PV_COLUMN_LONG,
                     seen[i].area < PV_LOST_BELOW * area ? 100 : 0);
        if (rests(f, i)) {
            const struct pv_sighting then = pv_trial_seen(trial, f->ahead, i);
            pv_score_add(run->scores, PV_METRIC_REST, PV_PREDICTOR_MODEL, PV_COLUMN_LONG,
                         hypot(seen[i].x - then.x, seen[i].y - then.y));
        }
    }
    return PV_OK;
}

static pv_status measure_model(struct run *run, pv_rollout *rollout)
{
    const struct pv_footage *f = run->footage;
    const bool run_long = run->params->run_long && f->objects > 0;
    struct pv_trial trial;
    pv_status status = pv_trial_open(&trial, f, PV_PREDICTOR_MODEL, run->scores, run->err);
    run->left = run_long && PV_AHEAD_LONG > f->ahead ? PV_AHEAD_LONG : f->ahead;
    for (int t = 1; t <= f->ahead && status == PV_OK; t++) {
        uint8_t *rgb = f->predicted + (size_t)(t - 1) * pv_footage_frame_bytes(f);
        status = predict_frame(run, rollout, told(run), rgb);
        if (status == PV_OK)
            pv_trial_frame(&trial, t, rgb);
    }
    if (status == PV_OK)
        pv_trial_end(&trial);
    if (status == PV_OK && run_long)
        status = measure_long(run, rollout, &trial);
    pv_trial_close(&trial);
    return status;
}

/* ---- takes ---- */

/* What all takes of a clip are remembered by. */
struct takes {
    int count;
    struct pv_scores scratch; /* where trials put what is not summed up here */
    struct pv_trial trial[PV_TAKES];
    double psnr[PV_TAKES][PV_HORIZONS];
};

/* Frame t of one take, which is in run->picture. */
static void look_at_take(struct run *run, struct takes *takes, int k, int t)
{
    const int column = pv_column(t);
    pv_trial_frame(&takes->trial[k], t, run->picture);
    if (column >= 0 && column < PV_HORIZONS)
        takes->psnr[k][column] = pv_psnr(pv_picture_error(run->picture, pv_footage_frame(run->footage, t), NULL,
                                                          pv_footage_frame_bytes(run->footage) / 3));
}

/* All takes run side by side. */
static pv_status run_takes(struct run *run, pv_rollout *rollout, struct takes *takes)
{
    for (int k = 0; k < takes->count; k++)
        PV_TRY(pv_trial_open(&takes->trial[k], run->footage, PV_PREDICTOR_MEAN_TAKE, &takes->scratch, run->err));
    run->left = run->footage->ahead;
    for (int t = 1; t <= run->footage->ahead; t++) {
        pv_status status = ask_ahead(run, rollout, NULL);
        for (int k = 0; k < takes->count && status == PV_OK; k++) {
            pv_frame frame = frame_at(run->footage, run->picture);
            status = pv_rollout_receive(rollout, &frame);
            if (status != PV_OK)
                break;
            look_at_take(run, takes, frame.take, t);
            if (run->params->frame_done)
                run->params->frame_done(run->params->callbacks.user);
        }
        if (status != PV_OK)
            return failed(run, status, rollout);
    }
    return PV_OK;
}

/* Best and mean of the takes' values; less is better unless more is said to be. */
static void add_takes(struct run *run, enum pv_metric metric, int column, const double *value, int count, bool more)
{
    double best = NAN, sum = 0;
    for (int k = 0; k < count; k++) {
        best = isnan(best) || (more ? value[k] > best : value[k] < best) ? value[k] : best;
        sum += value[k];
    }
    pv_score_add(run->scores, metric, PV_PREDICTOR_BEST_TAKE, column, best);
    pv_score_add(run->scores, metric, PV_PREDICTOR_MEAN_TAKE, column, sum / count);
}

static void sum_up_takes(struct run *run, const struct takes *takes, int column)
{
    const struct pv_footage *f = run->footage;
    const int t = pv_horizons[column];
    double value[PV_TAKES], x[PV_TAKES], y[PV_TAKES];
    for (int k = 0; k < takes->count; k++)
        value[k] = takes->psnr[k][column];
    add_takes(run, PV_METRIC_PSNR, column, value, takes->count, true);
    for (int i = 0; i < f->objects; i++) {
        const struct pv_place *place = pv_footage_places(f, t) + i;
        if (place->visible < PV_IN_VIEW)
            continue;
        for (int k = 0; k < takes->count; k++) {
            const struct pv_sighting seen = pv_trial_seen(&takes->trial[k], t, i);
            x[k] = seen.x;
            y[k] = seen.y;
            value[k] = hypot(x[k] - place->x, y[k] - place->y);
        }
        add_takes(run, PV_METRIC_CENTRE, column, value, takes->count, false);
        const double crps = (pv_crps(x, takes->count, place->x) + pv_crps(y, takes->count, place->y)) / 2;
        const double spread = (pv_spread(x, takes->count) + pv_spread(y, takes->count)) / 2;
        pv_score_add(run->scores, PV_METRIC_CRPS, PV_PREDICTOR_MEAN_TAKE, column, crps);
        pv_score_add(run->scores, PV_METRIC_SPREAD, PV_PREDICTOR_MEAN_TAKE, column, spread);
    }
}

static pv_status measure_takes(struct run *run)
{
    pv_rollout *observed = NULL, *rollout = NULL;
    struct takes *takes = calloc(1, sizeof *takes);
    if (!takes)
        return pv_fail(run->err, PV_ERR_MEMORY, "no memory for takes");
    takes->count = run->params->takes;
    pv_status status = open_rollout(run, PV_MODE_SAMPLE, &observed);
    if (status == PV_OK && (status = pv_rollout_fork_takes(observed, takes->count, &rollout)) != PV_OK)
        status = failed(run, status, rollout);
    if (status == PV_OK)
        status = run_takes(run, rollout, takes);
    for (int column = 0; column < PV_HORIZONS && status == PV_OK; column++)
        if (pv_horizons[column] <= run->footage->ahead)
            sum_up_takes(run, takes, column);
    for (int k = 0; k < takes->count; k++)
        pv_trial_close(&takes->trial[k]);
    pv_scores_free(&takes->scratch);
    free(takes);
    pv_rollout_close(rollout);
    pv_rollout_close(observed);
    return status;
}

/* ---- gravity that changes ---- */

static pv_status measure_bounce(struct run *run, const pv_rollout *observed, const pv_action *action,
                                enum pv_predictor who)
{
    struct pv_trial trial;
    pv_rollout *rollout;
    pv_status status = open_trial(run, observed, who, &rollout, &trial);
    run->left = run->footage->ahead;
    for (int t = 1; t <= run->footage->ahead && status == PV_OK; t++) {
        status = predict_frame(run, rollout, action, run->picture);
        if (status == PV_OK)
            pv_objects_find(run->picture, run->footage->width, run->footage->height, run->footage->looks,
                            run->footage->objects, pv_trial_sightings(&trial, t));
    }
    if (status == PV_OK)
        pv_trial_contacts(&trial);
    pv_trial_close(&trial);
    pv_rollout_close(rollout);
    return status;
}

/* The true pictures, parsed. */
static pv_status measure_true_bounce(struct run *run)
{
    const struct pv_footage *f = run->footage;
    struct pv_trial trial;
    const pv_status status = pv_trial_open(&trial, f, PV_PREDICTOR_TRUTH, run->scores, run->err);
    for (int t = 1; t <= f->ahead && status == PV_OK; t++)
        for (int i = 0; i < f->objects; i++)
            pv_trial_sightings(&trial, t)[i] = pv_footage_sightings(f, t)[i];
    if (status == PV_OK)
        pv_trial_contacts(&trial);
    pv_trial_close(&trial);
    return status;
}

pv_status pv_predict_turned_gravity(const struct pv_eval_params *params, struct pv_footage *footage,
                                    struct pv_scores *scores, struct pv_error *err)
{
    int counting = 0;
    for (int i = 0; i < footage->objects; i++)
        counting += footage->contact[i] > 0;
    if (counting == 0)
        return PV_OK;
    struct run run;
    start_run(&run, params, footage, scores, err);
    const float gravity[3] = {footage->turned_gravity[0], footage->turned_gravity[1], 1};
    const pv_action action = {.values = gravity, .count = 3};
    pv_rollout *observed = NULL;
    pv_status status = run.picture ? PV_OK : pv_fail(err, PV_ERR_MEMORY, "no memory for a frame");
    if (status == PV_OK)
        status = open_rollout(&run, params->mode, &observed);
    if (status == PV_OK)
        status = measure_bounce(&run, observed, &action, PV_PREDICTOR_MODEL);
    if (status == PV_OK)
        status = measure_bounce(&run, observed, NULL, PV_PREDICTOR_UNTOLD);
    if (status == PV_OK)
        status = measure_true_bounce(&run);
    pv_rollout_close(observed);
    free(run.picture);
    return status;
}

pv_status pv_predict_footage(const struct pv_eval_params *params, struct pv_footage *footage, struct pv_scores *scores,
                             struct pv_error *err)
{
    struct run run;
    start_run(&run, params, footage, scores, err);
    pv_rollout *observed = NULL;
    pv_status status = run.picture ? PV_OK : pv_fail(err, PV_ERR_MEMORY, "no memory for a frame");
    if (status == PV_OK)
        status = open_rollout(&run, params->mode, &observed);
    if (status == PV_OK)
        status = measure_codec(&run, observed);
    if (status == PV_OK)
        status = measure_model(&run, observed);
    pv_rollout_close(observed);
    if (status == PV_OK && params->takes > 0)
        status = measure_takes(&run);
    if (status == PV_OK)
        status = pv_baselines_measure(footage, scores, err);
    if (status == PV_OK && scores->no_memory)
        status = pv_fail(err, PV_ERR_MEMORY, "no memory to keep what was measured");
    free(run.picture);
    return status;
}
