/* row.h: one row of results: the keys every row has, and the arithmetic from samples to figures. */
#ifndef PV_CLI_BENCH_ROW_H
#define PV_CLI_BENCH_ROW_H

#include "bench/bench.h"

/* The columns of csv and sql, in the order of a row's keys; NULL past the last. type: 't' text, 'i' integer, 'r' real.
 */
struct pv_bench_column {
    const char *key;
    char type;
};
const struct pv_bench_column *pv_bench_columns(void);

/* Times of frames, in ms: `repetitions` times `frames` of them, in order. */
struct pv_bench_samples {
    double *frame_ms;
    int repetitions, frames;
};

pv_status pv_bench_samples_open(struct pv_bench_samples *samples, int repetitions, int frames, struct pv_error *err);
void pv_bench_samples_close(struct pv_bench_samples *samples);

/* A row of a test: what was measured stands in it, all other keys are null. model NULL: the case's model is not open. A
 * new reference; NULL when there is no memory. */
json_t *pv_bench_row(const struct pv_bench *b, const struct pv_bench_case *c, enum pv_bench_test test);
json_t *pv_bench_row_error(const struct pv_bench *b, const struct pv_bench_case *c, enum pv_bench_test test,
                           const char *sentence);

void pv_bench_set_real(json_t *row, const char *key, double value);
void pv_bench_set_integer(json_t *row, const char *key, int64_t value);
void pv_bench_set_text(json_t *row, const char *key, const char *value);

/* mean and sample standard deviation over repetitions, quantiles over frames, the samples themselves. */
void pv_bench_set_times(json_t *row, const struct pv_bench_samples *samples, double fps);
/* operations, bytes: of one frame of ms_mean; calls: ops by kind. Shares of peak, the floor, overhead. */
struct pv_bench_work {
    double operations, bytes;
    double linear_calls, conv_calls, other_calls;
};
void pv_bench_set_work(const struct pv_bench *b, json_t *row, const struct pv_bench_work *work);
/* overhead-, compute- or memory-bound. */
const char *pv_bench_model_bound(const struct pv_bench *b, const struct pv_bench_work *work);
/* What was drawn during the timed region; frames: how many it was for. */
void pv_bench_set_power(json_t *row, const struct pv_power_reading *reading, double frames);

/* Sorts values; the value that `part` of them do not exceed (nearest rank). */
double pv_bench_quantile(double *values, int count, double part);

#endif
