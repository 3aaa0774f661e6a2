/* predict.h: a model and every baseline on one clip. */
#ifndef PV_EVAL_PREDICT_H
#define PV_EVAL_PREDICT_H

#include "eval/footage.h"
#include "eval/score.h"

struct pv_eval_params {
    pv_model *model;
    pv_mode mode;
    int steps; /* 0 = the model's */
    pv_detail detail;
    bool tell_gravity; /* that of simulated clips, with every frame; the model takes one */
    uint64_t seed;
    int takes;     /* futures to sample, 0 = none, 2 to PV_TAKES */
    bool run_long; /* go on to PV_AHEAD_LONG frames, to see what lasts */
    pv_callbacks callbacks;
    /* After every frame that the model made; user is that of callbacks. May be NULL. */
    void (*frame_done)(void *user);
};

enum { PV_TAKES = 64 };

/* Frames that the model makes for one clip, those of the takes included. */
int pv_eval_frames(const struct pv_eval_params *params, int ahead);

/* Sends the observed frames, predicts the rest into footage->predicted, and adds every measure of every predictor to
 * scores. PV_ERR_ABORTED when the abort callback asked for it: scores may then hold a part of the clip. */
pv_status pv_predict_footage(const struct pv_eval_params *params, struct pv_footage *footage, struct pv_scores *scores,
                             struct pv_error *err);

/* Of a clip whose gravity turns at the seam: does the model, told so, let bodies touch something when the simulator
 * does? Adds PV_METRIC_BOUNCE of the model, of the model told nothing and of the floor; nothing if no body's contact
 * counts. The model must take a gravity. */
pv_status pv_predict_turned_gravity(const struct pv_eval_params *params, struct pv_footage *footage,
                                    struct pv_scores *scores, struct pv_error *err);

#endif
