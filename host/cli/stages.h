/* stages.h: one run of the pipeline, and its three stages, each the main function of a thread. */
#ifndef PV_CLI_STAGES_H
#define PV_CLI_STAGES_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/queue.h"
#include "frame_pool.h"
#include "pipeline.h"

struct pv_run {
    const struct pv_pipeline_params *params;
    struct pv_pipeline_result *result;
    struct pv_frame_pool source_pool, context_pool, predicted_pool;
    pv_clip_scaler *scaler;    /* clip size -> working size */
    struct pv_queue *context;  /* reader -> engine: the last frames, once the clip has ended */
    struct pv_queue *finished; /* reader, then engine -> writer */
    atomic_bool aborted;       /* everything stops, nothing is finished */
    atomic_llong read, predicted;
    atomic_bool output_known; /* result->partial_path is set */
    pthread_mutex_t lock;     /* of what follows */
    pthread_cond_t stage_ended;
    pthread_t threads[3]; /* reader, engine, writer */
    int stages_started, stages_running;
    pv_status status; /* the first failure */
    struct pv_error error;
};

/* argument: the run. NULL is returned; what happened is in the run and its result. */
void *pv_reader_main(void *argument);
void *pv_engine_main(void *argument);
void *pv_writer_main(void *argument);

/* Everything stops, nothing is finished. Any thread. */
void pv_run_abort(struct pv_run *run);

/* The same after a failure; the first one counts. Any thread. */
void pv_run_fail(struct pv_run *run, pv_status status, int exit_code, const char *sentence);

#endif
