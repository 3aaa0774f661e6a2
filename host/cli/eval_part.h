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

/* Before anything is predicted: --html and --sheet can be written, and are none of what is read. clip: NULL for suites.
 */
pv_status pv_eval_check_outputs(struct eval *e, const char *clip);

/* Frame t of a clip as it is shown: observed up to 0, then what came or what was predicted. */
const uint8_t *pv_gallery_frame(const struct pv_footage *footage, int t, bool predicted);

/* eval_sheet.c: of every clip two strips, truth above prediction, under a heading. step: frames from one
 * column to the next, 0 = so that all is shown. name: of the clip's group. */
struct pv_eval_sheet;
pv_status pv_eval_sheet_open(int step, struct pv_eval_sheet **sheet, struct pv_error *err);
pv_status pv_eval_sheet_add(struct pv_eval_sheet *sheet, const struct pv_footage *footage, const char *name,
                            struct pv_error *err);
pv_status pv_eval_sheet_save(const struct pv_eval_sheet *sheet, const char *path, bool overwrite, struct pv_error *err);
/* NULL is allowed. */
void pv_eval_sheet_close(struct pv_eval_sheet *sheet);

/* eval_clips.c. An exit code: PV_EXIT_DONE or PV_EXIT_PARTIAL when there is something to report. */
int pv_eval_run_clips(struct eval *e);

#endif
