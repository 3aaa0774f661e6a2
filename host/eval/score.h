/* score.h: everything that is measured, in one table: metric x predictor x column, each cell all its values. */
#ifndef PV_EVAL_SCORE_H
#define PV_EVAL_SCORE_H

#include "eval/statistics.h"

/* What is measured. The comment says what one value is; pixels are those of the working size. */
enum pv_metric {
    PV_METRIC_PSNR,       /* a frame, dB */
    PV_METRIC_SSIM,       /* a frame */
    PV_METRIC_FOREGROUND, /* a frame: PSNR over the pixels of what moves, weighted by coverage, dB */
    PV_METRIC_MOTION,   /* a frame: squared error weighted by how much each pixel changed since the last observed one */
    PV_METRIC_CENTRE,   /* a body in a frame: distance of centres, pixels; a lost one stands where it was seen last */
    PV_METRIC_AREA,     /* a body in a frame: area off by, % of the true one */
    PV_METRIC_LOST,     /* a body in a frame: 100 if under 40 % of its area has its colour, else 0 */
    PV_METRIC_FELL,     /* a clip whose stack has fallen: 100 if so predicted, else 0 */
    PV_METRIC_STOOD,    /* a clip whose stack stands: the same */
    PV_METRIC_BALANCED, /* mean of the two; no values of its own */
    PV_METRIC_DIRECTION,  /* a clip whose stack has fallen: 100 if to the predicted side */
    PV_METRIC_FILL,       /* a frame: level in the target off by, % of its height */
    PV_METRIC_POURED,     /* a frame: liquid in the target off by, % of all liquid */
    PV_METRIC_CONTACT,    /* a body's first contact: frames too early or late, without sign */
    PV_METRIC_MISSED,     /* a body's first contact: 100 if none was seen */
    PV_METRIC_BOUNCE,     /* a body's first contact when gravity halves at the seam, where that moves it by 3 frames or
                             more: off by, % of the time from the seam to it; 100 if none was seen */
    PV_METRIC_REST,       /* a body that came to rest: how far it drifts from there on, pixels */
    PV_METRIC_VELOCITY,   /* a ball: |mean velocity - true one| from its end points, units a second */
    PV_METRIC_VELOCITIES, /* a ball: mean over frames of |velocity - true one|, units a second */
    PV_METRIC_POSITION,   /* a ball: mean over frames of the distance of centres, units */
    PV_METRIC_CRPS,       /* a coordinate of a body in a frame: fair CRPS over takes, pixels */
    PV_METRIC_SPREAD,     /* a coordinate of a body in a frame: deviation of takes, pixels */
    PV_METRICS
};

enum pv_predictor {
    PV_PREDICTOR_MODEL,
    PV_PREDICTOR_UNTOLD,    /* the model, where it could be told that gravity changes, and is not */
    PV_PREDICTOR_MEAN_TAKE, /* a take, in the mean of all takes */
    PV_PREDICTOR_BEST_TAKE, /* the best of them, chosen with the truth in hand */
    PV_PREDICTOR_COPY,      /* the last observed frame stays */
    PV_PREDICTOR_LINEAR,    /* centres go on along a line through the last 3 observed */
    PV_PREDICTOR_QUADRATIC, /* ... a parabola through the last 6 */
    PV_PREDICTOR_FLOW,      /* every pixel keeps its motion */
    PV_PREDICTOR_CODEC,     /* the ceiling: what came, through encoder and decoder */
    PV_PREDICTOR_TRUTH,     /* the floor: what came, parsed as predictions are */
    PV_PREDICTORS
};

/* Frames ahead; then the long run, and what a whole clip has one value of. */
enum { PV_HORIZONS = 6, PV_COLUMN_LONG = PV_HORIZONS, PV_COLUMN_WHOLE, PV_COLUMNS };
enum { PV_AHEAD = 48, PV_AHEAD_LONG = 256 };
extern const int pv_horizons[PV_HORIZONS];

/* The column of a horizon; -1 if t is none. */
int pv_column(int t);
/* "1" ... "48", "256", "clip". */
const char *pv_column_name(int column);

struct pv_metric_info {
    const char *name;  /* in JSON: "foreground_psnr" */
    const char *label; /* "foreground PSNR, dB" */
    int decimals;
    int better; /* 1: more is better, -1: less is, 0: neither */
};
const struct pv_metric_info *pv_metric_info(enum pv_metric metric);

/* "copy last frame"; in JSON the same with underscores ("copy_last_frame"): pv_predictor_key. */
const char *pv_predictor_label(enum pv_predictor predictor);
const char *pv_predictor_key(enum pv_predictor predictor);

/* Starts with all zero. */
struct pv_scores {
    struct pv_values cell[PV_METRICS][PV_PREDICTORS][PV_COLUMNS];
    bool no_memory; /* a value was lost */
};

void pv_score_add(struct pv_scores *scores, enum pv_metric metric, enum pv_predictor predictor, int column,
                  double value);
/* Every value of `from` once more. */
void pv_scores_add(struct pv_scores *scores, const struct pv_scores *from);
/* NAN when nothing was measured. */
double pv_score_mean(const struct pv_scores *scores, enum pv_metric metric, enum pv_predictor predictor, int column);
/* Does the row, or the column of the metric, hold anything? */
bool pv_score_has_row(const struct pv_scores *scores, enum pv_metric metric, enum pv_predictor predictor);
bool pv_score_has_column(const struct pv_scores *scores, enum pv_metric metric, int column);
void pv_scores_free(struct pv_scores *scores);

#endif
