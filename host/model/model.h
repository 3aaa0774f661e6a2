/* model.h: what an open model is: read-only weights on a backend, shared by its rollouts. */
#ifndef PV_MODEL_MODEL_H
#define PV_MODEL_MODEL_H

#include "model/codec_tae.h"
#include "model/dynamics_dit.h"

struct pv_model {
    struct pv_error error; /* written by open alone, so that rollouts on other threads may read the rest */
    bool ready;            /* open succeeded */
    struct pv_callbacks callbacks;
    struct pv_backend *backend;
    struct pv_model_config config;
    struct pv_weights weights;
    struct pv_tae tae;
    struct pv_dit dit;
    uint64_t parameters, weight_bytes, fingerprint;
};

/* Fills a zeroed model whose callbacks are set. Its sentence goes to model->error. */
pv_status pv_model_load(struct pv_model *model, const char *path, const char *backend, int threads);
/* The same, without a file: weights are random. config: JSON, see measure.h. */
pv_status pv_model_invent(struct pv_model *model, const char *config, uint64_t seed, const char *backend, int threads);
/* Leaves the struct itself to the caller. */
void pv_model_unload(struct pv_model *model);

void pv_callbacks_log(const struct pv_callbacks *callbacks, pv_log_level level, const char *format, ...)
    PV_PRINTF(3, 4);

#endif
