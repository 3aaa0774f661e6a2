/* preview.h: one `prevue preview` at work, shared by the files that do its parts. */
#ifndef PV_CLI_PREVIEW_H
#define PV_CLI_PREVIEW_H

#include <stdatomic.h>

#include "inputs.h"
#include "preview/work.h"
#include "preview/write.h"

enum { PV_PREVIEW_DEFAULT_TAKES = 4, PV_PREVIEW_DEFAULT_SECONDS = 2 };

struct pv_preview_values {
    struct pv_common_values common;
    const char *output, *shot, *font;
    int preset;  /* enum pv_clip_preset */
    int burn_in; /* place in "auto|on|off" */
    int64_t start_frame, handles;
    bool overwrite, resume, json, no_picture;
    int64_t takes;  /* 0 = not given */
    double seconds; /* 0 = not given */
    int64_t frames; /* 0 = not given */
    uint64_t seed;
    struct pv_sampling_values sampling;
    struct pv_input_values input;
};

struct pv_preview_session {
    const struct pv_preview_values *v;
    struct pv_terminal *terminal;
    struct pv_inputs in;
    struct pv_preview_plan plan;
    struct pv_preview_work work;
    struct pv_frame_file *predicted, *tail;
    pv_rollout *rollout; /* all takes side by side; until begin_takes, the conditioned one */
    float gravity[3];
    pv_action action;       /* of every frame; values NULL = unknown */
    pv_callbacks callbacks; /* of clip and rollouts: an end was asked for, or all has stopped */
    atomic_bool stopped;    /* something failed: everything stops, nothing is finished */
    int64_t start_step;     /* model frames that were there at the start */
    int slot;               /* 0 or 1: whose states progress.json names */
};

int pv_preview_run(const void *values, char **operands, struct pv_terminal *terminal);

/* preview_source.c: reads the clip to its end: keeps the tail, counts, and conditions rollout. */
pv_status pv_preview_read_source(struct pv_preview_session *session, struct pv_error *err);

/* preview_state.c: the takes' rollout as a file. begin: from the conditioned rollout; load: from where a run that was
 * stopped had come to, PV_END when it had come nowhere; save: as progress, after `steps` model frames. */
pv_status pv_preview_begin_takes(struct pv_preview_session *session, struct pv_error *err);
pv_status pv_preview_load_takes(struct pv_preview_session *session, struct pv_error *err);
pv_status pv_preview_save_takes(struct pv_preview_session *session, int64_t steps, struct pv_error *err);

/* preview_stages.c: predicts and writes, on threads, until all is done or an end was asked for. */
pv_status pv_preview_run_stages(struct pv_preview_session *session, struct pv_error *err);

/* Is every step predicted that the plan needs? How many are needed. */
int64_t pv_preview_steps(const struct pv_preview_plan *plan);

#endif
