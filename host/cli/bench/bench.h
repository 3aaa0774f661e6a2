/* bench.h: what the parts of `prevue bench` share: the options, one case of the list, one run.
 *
 * A case is one combination of the lists on the command line. Each test of a case gives rows: flat JSON objects with
 * the same keys in the same order (row.c), from which every format (format.c), the page (page.c) and the comparison
 * with an older run (baseline.c) are made. */
#ifndef PV_CLI_BENCH_BENCH_H
#define PV_CLI_BENCH_BENCH_H

#include <jansson.h>
#include <prevue/measure.h>

#include "bench/power.h"
#include "command.h"
#include "model_path.h"
#include "terminal.h"

#define PV_BENCH_TESTS   "model|codec|reader|writer|end-to-end|first-frame|ops"
#define PV_BENCH_FORMATS "md|csv|json|jsonl|sql"
#define PV_BENCH_PRESETS "review|edit|master|none"

enum pv_bench_test {
    PV_BENCH_MODEL,
    PV_BENCH_CODEC,
    PV_BENCH_READER,
    PV_BENCH_WRITER,
    PV_BENCH_END_TO_END,
    PV_BENCH_FIRST_FRAME,
    PV_BENCH_OPS,
    PV_BENCH_TEST_COUNT
};

enum pv_bench_format { PV_BENCH_MD, PV_BENCH_CSV, PV_BENCH_JSON, PV_BENCH_JSONL, PV_BENCH_SQL };

struct pv_bench_values {
    struct pv_common_values common;
    /* Lists with commas; NULL = the default. */
    const char *model, *arch, *size, *context, *takes, *steps, *backend, *threads, *tests;
    int64_t repetitions, frames; /* frames 0 = as many as half a second takes */
    int format;                  /* enum pv_bench_format */
    const char *clip;
    int preset; /* enum pv_clip_preset */
    struct pv_size_value output_size;
    double peak_tflops, peak_gbps; /* 0 = not given */
    const char *baseline, *max_regression;
    const char *html, *from;
};

/* ---- cases (cases.c) ---- */

struct pv_bench_case {
    const char *model, *arch;  /* as given: one of the two; both NULL = the default model */
    int width, height;         /* 0 = the model's */
    int context, takes, steps; /* context, steps: 0 = the model's window, the model's steps */
    const char *backend;
    int threads; /* 0 = all */
};

struct pv_bench_plan {
    struct pv_bench_case *cases;
    size_t count;
    bool tests[PV_BENCH_TEST_COUNT];
    double max_regression; /* 0.05 = 5 % */
    char *texts;           /* what the cases' strings point into */
};

/* PV_ERR_ARGUMENT names the option and the item that is not as it should be. */
pv_status pv_bench_plan_open(const struct pv_bench_values *values, struct pv_bench_plan *plan, struct pv_error *err);
void pv_bench_plan_close(struct pv_bench_plan *plan);

/* ---- one run ---- */

/* The model of the case at hand; kept while the cases after it want the same. */
struct pv_bench_model {
    const struct pv_bench_case *of; /* NULL = none is open */
    char path[PV_MODEL_PATH_BYTES];
    pv_model *model;
    pv_model_info info;
    pv_ceilings ceilings;
};

struct pv_bench {
    const struct pv_bench_values *v;
    struct pv_bench_plan plan;
    struct pv_terminal *terminal;
    struct pv_terminal hush; /* for pipelines: what they would say is in the rows */
    char folder[64];         /* for clips, removed at the end; "" = none was needed yet */
    char clip[128];          /* the one rendered last */
    struct pv_power *power;
    json_t *machine;
    json_t *rows;
    struct pv_bench_model model;
    const struct pv_bench_case *bound_of; /* the case whose model was measured last */
    const char *bound;                    /* what it was held back by */
    bool failed;                          /* a row has an error */
};

/* machine.c: what is true of all rows: version, commit, time, processor, GPU. A new reference. */
json_t *pv_bench_machine(const struct pv_power *power);
/* "md" of the words of a list such as PV_BENCH_FORMATS. */
const char *pv_bench_word(const char *choices, int place, char out[PV_CHOICE_BYTES]);

/* arch.c: the config of a built-in architecture, or of the file of that name, with what a random model needs. NULL and
 * a sentence otherwise; freed by the caller. */
char *pv_bench_arch_config(const char *name, struct pv_error *err);

/* model_tests.c and clip_tests.c: each appends its rows to bench->rows, or fails with a sentence. */
pv_status pv_bench_run_model(struct pv_bench *b, const struct pv_bench_case *c, struct pv_error *err);
pv_status pv_bench_run_codec(struct pv_bench *b, const struct pv_bench_case *c, struct pv_error *err);
pv_status pv_bench_run_ops(struct pv_bench *b, const struct pv_bench_case *c, struct pv_error *err);
pv_status pv_bench_run_reader(struct pv_bench *b, const struct pv_bench_case *c, struct pv_error *err);
pv_status pv_bench_run_writer(struct pv_bench *b, const struct pv_bench_case *c, struct pv_error *err);
pv_status pv_bench_run_end_to_end(struct pv_bench *b, const struct pv_bench_case *c, struct pv_error *err);

/* What the model of a case is held back by, measured unless it was just now. */
pv_status pv_bench_find_bound(struct pv_bench *b, const struct pv_bench_case *c, const char **bound,
                              struct pv_error *err);
/* One frame from the clip, encoded by nothing; *first_ns: pv_now_ns when it was there. */
pv_status pv_bench_predict_one(struct pv_bench *b, const struct pv_bench_case *c, uint64_t *first_ns,
                               struct pv_error *err);

/* first_frame.c */
pv_status pv_bench_run_first_frame(struct pv_bench *b, const struct pv_bench_case *c, struct pv_error *err);
/* Set in the environment of a process that is to produce one frame: pv_now_ns when it was started. */
#define PV_BENCH_STARTED "PREVUE_BENCH_STARTED_NS"
int pv_bench_first_frame_child(struct pv_bench *b, const struct pv_bench_case *c);

/* run.c */
int pv_bench_run(const void *values, char **operands, struct pv_terminal *terminal);
/* Opens the model of a case, unless it is open already. ceilings: measure them too. */
pv_status pv_bench_open_model(struct pv_bench *b, const struct pv_bench_case *c, bool ceilings, struct pv_error *err);
/* A rollout of the open model at the case's size and steps, without any past. */
pv_status pv_bench_open_rollout(struct pv_bench *b, const struct pv_bench_case *c, pv_rollout **rollout,
                                struct pv_error *err);
/* The sizes and counts of a case with the model's defaults filled in. */
struct pv_bench_case pv_bench_resolve(const struct pv_bench *b, const struct pv_bench_case *c);

/* "cuda" and "cuda-f32". */
bool pv_bench_on_gpu(const char *backend);

/* ---- what becomes of rows ---- */

/* format.c: nothing is printed before all rows are there but for jsonl, csv and sql, whose rows can be printed as they
 * come. false when standard output cannot be written. */
bool pv_bench_print_begin(const struct pv_bench *b);
bool pv_bench_print_row(const struct pv_bench *b, json_t *row);
bool pv_bench_print_end(const struct pv_bench *b);
/* The document of -o json. A new reference. */
json_t *pv_bench_document(const struct pv_bench *b);

/* page.c */
pv_status pv_bench_write_page(const char *path, json_t *machine, const json_t *rows, struct pv_error *err);

/* baseline.c: reads the rows of an older document. A new reference; NULL and a sentence otherwise. */
json_t *pv_bench_read(const char *path, json_t **machine, struct pv_error *err);
/* Says how each row compares; returns how many are slower by more than max_regression; 1 when
 * there is nothing to compare. */
int pv_bench_compare(const json_t *old_rows, const json_t *rows, double max_regression, struct pv_terminal *terminal);

#endif
