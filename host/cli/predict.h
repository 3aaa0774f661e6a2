/* predict.h: what `prevue predict` was asked, and what it did. */
#ifndef PV_CLI_PREDICT_H
#define PV_CLI_PREDICT_H

#include "inputs.h"
#include "pipeline.h"

enum { PV_PREDICT_SECONDS = 2 };
#define PV_SEED_NOT_GIVEN UINT64_MAX

struct pv_predict_values {
    struct pv_common_values common;
    const char *output;
    bool join;
    struct pv_size_value size;
    int preset; /* enum pv_clip_preset; -1 = by the name of the file */
    int format; /* enum pv_clip_pipe */
    bool overwrite, json, no_picture;
    double seconds; /* 0 = not given */
    int64_t frames; /* 0 = not given */
    uint64_t seed;
    struct pv_sampling_values sampling;
    const char *resume, *save;
    struct pv_input_values input;
};

/* cmd_predict.c */
int pv_predict_run(const void *values, char **operands, struct pv_terminal *terminal);

enum { PV_SIZE_SOURCE = 0, PV_SIZE_MODEL = 1 };

/* Everything --json tells. */
struct pv_predict_report {
    const char *input, *output;
    const pv_clip_info *clip;
    const pv_model_info *model;
    const char *model_path;
    struct pv_picture_size working;
    uint64_t seed;
    int steps;
    bool mean, keep_detail, joined;
    uint64_t start_ns; /* pv_now_ns when the command started */
    const struct pv_pipeline_result *result;
    int exit_code;
};

/* A new reference; NULL when there is no memory. notices: of the terminal. */
json_t *pv_predict_report_to_json(const struct pv_predict_report *report, json_t *notices);

#endif
