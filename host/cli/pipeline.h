/* pipeline.h: a clip through the engine into a clip. Three threads with bounded queues between them:
 *
 *     reader ---- context (the last frames, at the working size) ----> engine
 *        \---- every frame of the clip, when joined ----> writer <---- predicted frames
 *
 * Frames come from fixed pools, so memory does not grow with the clip or the rollout. */
#ifndef PV_CLI_PIPELINE_H
#define PV_CLI_PIPELINE_H

#include <stdatomic.h>
#include <stdbool.h>

#include <prevue/clip.h>

#include "base/error.h"
#include "geometry.h"
#include "live_picture.h"
#include "terminal.h"
#include "timing.h"

struct pv_pipeline_params {
    pv_clip_reader *reader;
    const pv_clip_info *clip;
    pv_rollout *rollout;
    struct pv_picture_size working;
    int context;             /* most frames of the clip to condition on; 0 = the rollout already has its past */
    bool allow_corrupt;      /* condition on damaged frames too */
    int64_t frames;          /* to predict */
    const pv_action *action; /* of every frame; NULL = unknown */
    uint64_t seed;           /* of what is predicted after a context; the context itself does not depend on it, so that
                                all takes of a clip share one */
    bool join;               /* the clip's frames come first in the output */
    const char *output;
    pv_clip_writer_params writer; /* timecode: of the clip's first frame; without join, the frames read are added */
    atomic_bool *stopped;         /* set when the pipeline gives up: the reader's abort callback returns it */
    struct pv_terminal *terminal;
    struct pv_live_picture *picture; /* of what is predicted; or NULL */
};

struct pv_stage_time {
    uint64_t wall_ns, stalled_ns; /* from start to end; of it, waiting for another stage */
};

struct pv_pipeline_result {
    int64_t read;            /* frames of the clip, at the output's rate */
    int64_t context;         /* of them, conditioned on */
    int64_t skipped;         /* damaged frames that were therefore not conditioned on */
    int64_t predicted;       /* frames */
    bool interrupted;        /* an end was asked for before all frames were predicted */
    bool aborted;            /* ... twice: the file was not finished */
    bool hung_up;            /* the reader of standard output went away */
    bool partial;            /* the clip is damaged or incomplete */
    uint64_t first_frame_ns; /* pv_now_ns when the first predicted frame was there; 0 = none was */
    struct pv_durations frame_times;
    struct pv_stage_time reader, engine, writer;
    pv_clip_reader_summary clip;
    pv_clip_writer_summary output; /* its strings are those below */
    char encoder[64], path[4096], partial_path[4096];
    int exit_code; /* when the pipeline failed: which part did */
};

/* Runs until the rollout is complete or an end was asked for (signals.h). reader and rollout are used from other
 * threads meanwhile and are the caller's again afterwards. result is filled also on failure. */
pv_status pv_pipeline_run(const struct pv_pipeline_params *params, struct pv_pipeline_result *result,
                          struct pv_error *err);

#endif
