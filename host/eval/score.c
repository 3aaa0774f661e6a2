/* score.c: see score.h. */
#include "eval/score.h"

#include <math.h>
#include <stddef.h>

const int pv_horizons[PV_HORIZONS] = {1, 4, 8, 16, 28, 48};

static const struct pv_metric_info metrics[PV_METRICS] = {
    [PV_METRIC_PSNR] = {"psnr", "PSNR, dB", 1, 1},
    [PV_METRIC_SSIM] = {"ssim", "SSIM", 3, 1},
    [PV_METRIC_FOREGROUND] = {"foreground_psnr", "foreground PSNR, dB", 1, 1},
    [PV_METRIC_MOTION] = {"motion_weighted_error", "motion-weighted squared error", 0, -1},
    [PV_METRIC_CENTRE] = {"centre_error", "centre error, pixels", 2, -1},
    [PV_METRIC_AREA] = {"area_drift", "area drift, %", 1, -1},
    [PV_METRIC_LOST] = {"lost", "vanished or recoloured, %", 1, -1},
    [PV_METRIC_FELL] = {"fell_accuracy", "falls called so, %", 1, 1},
    [PV_METRIC_STOOD] = {"stood_accuracy", "stands called so, %", 1, 1},
    [PV_METRIC_BALANCED] = {"balanced_accuracy", "falls or stands, balanced accuracy, %", 1, 1},
    [PV_METRIC_DIRECTION] = {"direction_accuracy", "falls to the right side, %", 1, 1},
    [PV_METRIC_FILL] = {"fill_error", "fill level error, % of the target's height", 1, -1},
    [PV_METRIC_POURED] = {"poured_error", "poured fraction error, %", 1, -1},
    [PV_METRIC_CONTACT] = {"contact_error", "first contact error, frames", 1, -1},
    [PV_METRIC_MISSED] = {"contact_missed", "first contact not seen, %", 1, -1},
    [PV_METRIC_BOUNCE] = {"half_gravity_bounce_error", "first contact under half gravity, off by % of its time", 1, -1},
    [PV_METRIC_REST] = {"rest_drift", "drift of bodies at rest, pixels", 2, -1},
    [PV_METRIC_VELOCITY] = {"velocity_error", "velocity error, end points, units a second", 4, -1},
    [PV_METRIC_VELOCITIES] = {"velocity_error_per_frame", "velocity error, per frame, units a second", 4, -1},
    [PV_METRIC_POSITION] = {"position_error", "position error, units", 4, -1},
    [PV_METRIC_CRPS] = {"crps", "CRPS of centres, pixels", 2, -1},
    [PV_METRIC_SPREAD] = {"spread", "spread of takes, pixels", 2, 0},
};

static const struct {
    const char *key, *label;
} predictors[PV_PREDICTORS] = {
    [PV_PREDICTOR_MODEL] = {"model", "model"},
    [PV_PREDICTOR_UNTOLD] = {"model_untold", "model, told nothing"},
    [PV_PREDICTOR_MEAN_TAKE] = {"mean_take", "mean take"},
    [PV_PREDICTOR_BEST_TAKE] = {"best_take", "best take"},
    [PV_PREDICTOR_COPY] = {"copy_last_frame", "copy last frame"},
    [PV_PREDICTOR_LINEAR] = {"linear", "linear extrapolation"},
    [PV_PREDICTOR_QUADRATIC] = {"quadratic", "quadratic extrapolation"},
    [PV_PREDICTOR_FLOW] = {"constant_flow", "constant flow"},
    [PV_PREDICTOR_CODEC] = {"codec", "codec (ceiling)"},
    [PV_PREDICTOR_TRUTH] = {"truth_parsed", "truth, parsed (floor)"},
};

int pv_column(int t)
{
    for (int i = 0; i < PV_HORIZONS; i++)
        if (pv_horizons[i] == t)
            return i;
    return t == PV_AHEAD_LONG ? PV_COLUMN_LONG : -1;
}

const char *pv_column_name(int column)
{
    static const char *const names[PV_COLUMNS] = {"1", "4", "8", "16", "28", "48", "256", "clip"};
    return names[column];
}

const struct pv_metric_info *pv_metric_info(enum pv_metric metric)
{
    return &metrics[metric];
}

const char *pv_predictor_label(enum pv_predictor predictor)
{
    return predictors[predictor].label;
}

const char *pv_predictor_key(enum pv_predictor predictor)
{
    return predictors[predictor].key;
}

void pv_score_add(struct pv_scores *scores, enum pv_metric metric, enum pv_predictor predictor, int column,
                  double value)
{
    if (!pv_values_add(&scores->cell[metric][predictor][column], value))
        scores->no_memory = true;
}

void pv_scores_add(struct pv_scores *scores, const struct pv_scores *from)
{
    for (int m = 0; m < PV_METRICS; m++)
        for (int p = 0; p < PV_PREDICTORS; p++)
            for (int c = 0; c < PV_COLUMNS; c++)
                for (size_t i = 0; i < from->cell[m][p][c].count; i++)
                    pv_score_add(scores, (enum pv_metric)m, (enum pv_predictor)p, c, from->cell[m][p][c].value[i]);
}

double pv_score_mean(const struct pv_scores *scores, enum pv_metric metric, enum pv_predictor predictor, int column)
{
    if (metric == PV_METRIC_BALANCED)
        return (pv_score_mean(scores, PV_METRIC_FELL, predictor, column) +
                pv_score_mean(scores, PV_METRIC_STOOD, predictor, column)) /
               2;
    return pv_values_mean(&scores->cell[metric][predictor][column]);
}

bool pv_score_has_row(const struct pv_scores *scores, enum pv_metric metric, enum pv_predictor predictor)
{
    for (int column = 0; column < PV_COLUMNS; column++)
        if (!isnan(pv_score_mean(scores, metric, predictor, column)))
            return true;
    return false;
}

bool pv_score_has_column(const struct pv_scores *scores, enum pv_metric metric, int column)
{
    for (int p = 0; p < PV_PREDICTORS; p++)
        if (!isnan(pv_score_mean(scores, metric, (enum pv_predictor)p, column)))
            return true;
    return false;
}

void pv_scores_free(struct pv_scores *scores)
{
    for (int m = 0; m < PV_METRICS; m++)
        for (int p = 0; p < PV_PREDICTORS; p++)
            for (int c = 0; c < PV_COLUMNS; c++)
                pv_values_free(&scores->cell[m][p][c]);
}
