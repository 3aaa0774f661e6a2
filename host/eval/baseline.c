/* baseline.c: see baseline.h. */
#include "eval/baseline.h"

#include <math.h>
#include <stdlib.h>

#include "eval/forecast.h"

enum { LINEAR_FRAMES = 3, QUADRATIC_FRAMES = 6 };

/* What frame t looks like, in the eyes of one predictor; frames are asked for in order. */
typedef pv_status frame_maker(const void *user, int t, const uint8_t **rgb, struct pv_error *err);

static pv_status measure_pictures(const struct pv_footage *f, enum pv_predictor who, struct pv_scores *scores,
                                  frame_maker *make, const void *user, struct pv_error *err)
{
    struct pv_trial trial;
    pv_status status = pv_trial_open(&trial, f, who, scores, err);
    for (int t = 1; t <= f->ahead && status == PV_OK; t++) {
        const uint8_t *rgb;
        status = make(user, t, &rgb, err);
        if (status == PV_OK)
            pv_trial_frame(&trial, t, rgb);
    }
    if (status == PV_OK)
        pv_trial_end(&trial);
    pv_trial_close(&trial);
    return status;
}

static pv_status make_copy(const void *user, int t, const uint8_t **rgb, struct pv_error *err)
{
    (void)t;
    (void)err;
    *rgb = pv_footage_frame(user, 0);
    return PV_OK;
}

static pv_status make_truth(const void *user, int t, const uint8_t **rgb, struct pv_error *err)
{
    (void)err;
    *rgb = pv_footage_frame(user, t);
    return PV_OK;
}

struct advection {
    const struct pv_footage *footage;
    struct pv_flow flow;
    uint8_t *rgb;
};

static pv_status make_advection(const void *user, int t, const uint8_t **rgb, struct pv_error *err)
{
    const struct advection *a = user;
    *rgb = a->rgb;
    return pv_flow_advect(&a->flow, pv_footage_frame(a->footage, 0), t, a->rgb, err);
}

static pv_status measure_flow(const struct pv_footage *f, struct pv_scores *scores, struct pv_error *err)
{
    struct advection a = {.footage = f, .rgb = malloc(pv_footage_frame_bytes(f))};
    if (!a.rgb)
        return pv_fail(err, PV_ERR_MEMORY, "no memory for a frame of %dx%d", f->width, f->height);
    pv_status status = pv_flow_find(pv_footage_frame(f, -1), pv_footage_frame(f, 0), f->width, f->height, &a.flow, err);
    if (status == PV_OK)
        status = measure_pictures(f, PV_PREDICTOR_FLOW, scores, make_advection, &a, err);
    pv_flow_free(&a.flow);
    free(a.rgb);
    return status;
}

/* The observed centres of a body that were seen, the newest at the end of values; how many. */
static int recent_centres(const struct pv_footage *f, int object, int most, double *x, double *y)
{
    int count = 0, first = 0;
    for (int t = 0; t > -f->context && -t < most && !isnan(pv_footage_sightings(f, t)[object].x); t--)
        first = t;
    for (int t = first; t <= 0; t++, count++) {
        x[count] = pv_footage_sightings(f, t)[object].x;
        y[count] = pv_footage_sightings(f, t)[object].y;
    }
    return isnan(x[0]) ? 0 : count;
}

static pv_status measure_extrapolation(const struct pv_footage *f, enum pv_predictor who, struct pv_scores *scores,
                                       struct pv_error *err)
{
    const int degree = who == PV_PREDICTOR_LINEAR ? 1 : 2;
    struct pv_trial trial;
    PV_TRY(pv_trial_open(&trial, f, who, scores, err));
    for (int i = 0; i < f->objects; i++) {
        double x[QUADRATIC_FRAMES], y[QUADRATIC_FRAMES];
        const int count = recent_centres(f, i, degree == 1 ? LINEAR_FRAMES : QUADRATIC_FRAMES, x, y);
        for (int t = 1; t <= f->ahead; t++)
            pv_trial_sightings(&trial, t)[i] = (struct pv_sighting){
                .area = pv_footage_sightings(f, 0)[i].area,
                .x = count ? pv_extrapolate(x, count, degree, t) : NAN,
                .y = count ? pv_extrapolate(y, count, degree, t) : NAN,
            };
    }
    pv_trial_end(&trial);
    pv_trial_close(&trial);
    return PV_OK;
}

pv_status pv_baselines_measure(const struct pv_footage *f, struct pv_scores *scores, struct pv_error *err)
{
    PV_TRY(measure_pictures(f, PV_PREDICTOR_COPY, scores, make_copy, f, err));
    if (f->context > 1)
        PV_TRY(measure_flow(f, scores, err));
    if (f->objects == 0 && !f->pour)
        return PV_OK;
    PV_TRY(measure_extrapolation(f, PV_PREDICTOR_LINEAR, scores, err));
    PV_TRY(measure_extrapolation(f, PV_PREDICTOR_QUADRATIC, scores, err));
    return measure_pictures(f, PV_PREDICTOR_TRUTH, scores, make_truth, f, err);
}
