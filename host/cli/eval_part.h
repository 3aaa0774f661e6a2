/* eval_part.h: what the files of `prevue eval` share while it runs; nobody else includes it. */
#ifndef PV_CLI_EVAL_PART_H
#define PV_CLI_EVAL_PART_H

#include "eval.h"

struct eval {
    const struct pv_eval_values *v;
    struct pv_terminal *terminal;
    struct pv_inputs inputs;
    struct pv_suite suite;
    struct pv_eval_params params;
    struct pv_eval_report report;
    struct pv_gallery *gallery;
    int64_t frames_done, frames_total;
    uint64_t start_ns, drawn_ns;
    struct pv_error err;
};

/* Says what is in e->err and returns the exit code. */
int pv_eval_fail(struct eval *e, pv_status status, enum pv_exit otherwise);

/* eval_clips.c. An exit code: PV_EXIT_DONE or PV_EXIT_PARTIAL when there is something to report. */
int pv_eval_run_clips(struct eval *e);

#endif
