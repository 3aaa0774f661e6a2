/* trial.h: one predictor on one clip: its frames come in one by one and are measured as they come. */
#ifndef PV_EVAL_TRIAL_H
#define PV_EVAL_TRIAL_H

#include "eval/footage.h"
#include "eval/score.h"

#define PV_IN_VIEW    0.95 /* part of a body: one that is covered more has another centre than its picture */
#define PV_LOST_BELOW 0.4  /* part of the true area that has a body's colour */

struct pv_trial {
    const struct pv_footage *footage;
    struct pv_scores *scores;
    enum pv_predictor who;
    struct pv_sighting *track; /* [ahead][objects]: where bodies were seen in frames 1 ... ahead */
    uint8_t *change;           /* [height][width]: of the truth since the last observed frame */
};

/* On failure trial is to be closed all the same. */
pv_status pv_trial_open(struct pv_trial *trial, const struct pv_footage *footage, enum pv_predictor who,
                        struct pv_scores *scores, struct pv_error *err);
void pv_trial_close(struct pv_trial *trial);

/* Frame t, 1 ... ahead, in order: parses it; measures the picture if t is a horizon. */
void pv_trial_frame(struct pv_trial *trial, int t, const uint8_t *rgb);
/* Without a picture, for predictors of centres: the track's entries of frame t are the caller's to fill. */
struct pv_sighting *pv_trial_sightings(const struct pv_trial *trial, int t);
/* After the last frame: measures the tracks. */
void pv_trial_end(struct pv_trial *trial);
/* ... only when bodies touched something first, and nothing that pictures show. */
void pv_trial_contacts(struct pv_trial *trial);

/* Distance of the centres of a body in frame t; NAN where the truth has it half hidden. */
double pv_trial_distance(const struct pv_trial *trial, int t, int object);
/* Where it was seen in frame t, or last; x and y are never NAN if it was ever seen. */
struct pv_sighting pv_trial_seen(const struct pv_trial *trial, int t, int object);

#endif
