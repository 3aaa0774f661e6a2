/* baseline.h: what needs no model: measured on every clip, printed in every table. */
#ifndef PV_EVAL_BASELINE_H
#define PV_EVAL_BASELINE_H

#include "eval/trial.h"

/* Copy, extrapolation of centres, constant flow, and the truth, parsed. */
pv_status pv_baselines_measure(const struct pv_footage *footage, struct pv_scores *scores, struct pv_error *err);

#endif
