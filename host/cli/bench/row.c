/* row.c: from samples and counts to the figures of a row. */
#include "bench/row.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"

static const struct pv_bench_column columns[] = {
    {"test", 't'},
    {"model", 't'},
    {"params", 'i'},
    {"type", 't'},
    {"size", 't'},
    {"context", 'i'},
    {"takes", 'i'},
    {"steps", 'i'},
    {"backend", 't'},
    {"device", 't'},
    {"threads", 'i'},
    {"preset", 't'},
    {"output_size", 't'},
    {"part", 't'},
    {"op", 't'},
    {"shape", 't'},
    {"calls_per_frame", 'r'},
    {"repetitions", 'i'},
    {"frames", 'i'},
    {"ms", 'r'},
    {"ms_stdev", 'r'},
    {"ms_median", 'r'},
    {"ms_p10", 'r'},
    {"ms_p90", 'r'},
    {"ms_p99", 'r'},
    {"frames_per_s", 'r'},
    {"realtime_x", 'r'},
    {"first_frame_ms", 'r'},
    {"peak_memory_bytes", 'i'},
    {"gflop_per_frame", 'r'},
    {"mb_per_frame", 'r'},
    {"tflops", 'r'},
    {"tflops_percent", 'r'},
    {"tflops_peak", 'r'},
    {"tflops_ceiling", 'r'},
    {"gbps", 'r'},
    {"gbps_percent", 'r'},
    {"gbps_peak", 'r'},
    {"gbps_ceiling", 'r'},
    {"floor_ms", 'r'},
    {"overhead_ms", 'r'},
    {"watts", 'r'},
    {"joules_per_frame", 'r'},
    {"reader_ms", 'r'},
    {"engine_ms", 'r'},
    {"writer_ms", 'r'},
    {"bound", 't'},
    {"throttled", 't'},
    {"sm_clock_mhz", 'i'},
    {"memory_clock_mhz", 'i'},
    {"temperature_c", 'i'},
    {"error", 't'},
    {NULL, 0},
};

/* Dense bfloat16 and memory bandwidth, as the data sheets say. Names as NVML gives them begin like this; longer ones
 * first. */
static const struct {
    const char *gpu;
    double tflops, gbps;
} sheets[] = {
    {"NVIDIA H200", 989, 4800},
    {"NVIDIA H100 80GB HBM3", 989, 3350},
    {"NVIDIA H100 PCIe", 756, 2000},
    {"NVIDIA A100-SXM4-80GB", 312, 2039},
};

const struct pv_bench_column *pv_bench_columns(void)
{
    return columns;
}

/* ---- samples ---- */

pv_status pv_bench_samples_open(struct pv_bench_samples *samples, int repetitions, int frames, struct pv_error *err)
{
    *samples = (struct pv_bench_samples){.repetitions = repetitions, .frames = frames};
    samples->frame_ms = calloc((size_t)repetitions * (size_t)frames, sizeof *samples->frame_ms);
    return samples->frame_ms ? PV_OK : pv_fail(err, PV_ERR_MEMORY, "no memory for %d times", repetitions * frames);
}

void pv_bench_samples_close(struct pv_bench_samples *samples)
{
    free(samples->frame_ms);
    samples->frame_ms = NULL;
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double pv_bench_quantile(double *values, int count, double part)
{
    qsort(values, (size_t)count, sizeof *values, by_value);
    const int rank = (int)ceil(part * count);
    return values[rank > 0 ? rank - 1 : 0];
}

/* ---- one value ---- */

void pv_bench_set_real(json_t *row, const char *key, double value)
{
    json_object_set_new(row, key, isfinite(value) ? json_real(value) : json_null());
}

void pv_bench_set_integer(json_t *row, const char *key, int64_t value)
{
    json_object_set_new(row, key, json_integer(value));
}

void pv_bench_set_text(json_t *row, const char *key, const char *value)
{
    json_object_set_new(row, key, value ? pv_json_text(value) : json_null());
}

/* ---- a row ---- */

bool pv_bench_on_gpu(const char *backend)
{
    return strncmp(backend, "cuda", 4) == 0;
}

static bool on_gpu(const struct pv_bench *b, const struct pv_bench_case *c)
{
    return pv_bench_on_gpu(b->model.of == c ? b->model.info.backend : c->backend);
}

static void set_size(json_t *row, const char *key, int width, int height)
{
    char text[32];
    snprintf(text, sizeof text, "%dx%d", width, height);
    pv_bench_set_text(row, key, text);
}

static void set_model(const struct pv_bench *b, json_t *row)
{
    const pv_model_info *info = &b->model.info;
    pv_bench_set_text(row, "model", info->name);
    pv_bench_set_integer(row, "params", (int64_t)info->parameters);
    if (b->model.ceilings.element_bytes)
        pv_bench_set_text(row, "type", b->model.ceilings.element_bytes == 4 ? "f32" : "bf16");
    pv_bench_set_text(row, "backend", info->backend);
    pv_bench_set_integer(row, "threads", info->threads);
}

json_t *pv_bench_row(const struct pv_bench *b, const struct pv_bench_case *c, enum pv_bench_test test)
{
    char word[PV_CHOICE_BYTES];
    json_t *row = json_object();
    for (const struct pv_bench_column *column = columns; column->key; column++)
        json_object_set_new(row, column->key, json_null());
    pv_bench_set_text(row, "test", pv_bench_word(PV_BENCH_TESTS, (int)test, word));
    pv_bench_set_text(row, "model", c->arch ? c->arch : c->model);
    pv_bench_set_text(row, "backend", c->backend);
    if (c->threads)
        pv_bench_set_integer(row, "threads", c->threads);
    if (b->model.of == c) {
        const struct pv_bench_case full = pv_bench_resolve(b, c);
        set_model(b, row);
        set_size(row, "size", full.width, full.height);
        pv_bench_set_integer(row, "context", full.context);
        pv_bench_set_integer(row, "steps", full.steps);
    } else if (c->width) {
        set_size(row, "size", c->width, c->height);
    }
    pv_bench_set_integer(row, "takes", c->takes);
    json_object_set(row, "device", json_object_get(b->machine, on_gpu(b, c) ? "gpu" : "cpu"));
    if (test == PV_BENCH_WRITER || test == PV_BENCH_END_TO_END)
        pv_bench_set_text(row, "preset", pv_bench_word(PV_BENCH_PRESETS, b->v->preset, word));
    return row;
}

json_t *pv_bench_row_error(const struct pv_bench *b, const struct pv_bench_case *c, enum pv_bench_test test,
                           const char *sentence)
{
    json_t *row = pv_bench_row(b, c, test);
    pv_bench_set_text(row, "error", sentence);
    return row;
}

/* ---- times ---- */

static json_t *reals(const double *values, int count)
{
    json_t *array = json_array();
    for (int i = 0; i < count; i++)
        json_array_append_new(array, json_real(round(values[i] * 1e6) / 1e6));
    return array;
}

void pv_bench_set_times(json_t *row, const struct pv_bench_samples *samples, double fps)
{
    const int n = samples->repetitions, all = n * samples->frames;
    json_t *kept = json_object();
    json_object_set_new(kept, "frames_ms", reals(samples->frame_ms, all));
    double sum = 0, squares = 0;
    double *means = calloc((size_t)n, sizeof *means), *sorted = malloc((size_t)all * sizeof *sorted);
    if (means && sorted) {
        for (int i = 0; i < all; i++)
            means[i / samples->frames] += samples->frame_ms[i] / samples->frames;
        for (int i = 0; i < n; i++)
            sum += means[i];
        for (int i = 0; i < n; i++)
            squares += (means[i] - sum / n) * (means[i] - sum / n);
        json_object_set_new(kept, "repetitions_ms", reals(means, n));
        memcpy(sorted, samples->frame_ms, (size_t)all * sizeof *sorted);
        pv_bench_set_real(row, "ms", sum / n);
        pv_bench_set_real(row, "ms_stdev", n > 1 ? sqrt(squares / (n - 1)) : NAN);
        pv_bench_set_real(row, "ms_p10", pv_bench_quantile(sorted, all, 0.1));
        pv_bench_set_real(row, "ms_median", pv_bench_quantile(sorted, all, 0.5));
        pv_bench_set_real(row, "ms_p90", pv_bench_quantile(sorted, all, 0.9));
        pv_bench_set_real(row, "ms_p99", pv_bench_quantile(sorted, all, 0.99));
        const json_t *takes = json_object_get(row, "takes"); /* null where they have no part */
        const double pictures = json_is_integer(takes) ? (double)json_integer_value(takes) : 1;
        pv_bench_set_real(row, "frames_per_s", 1000 * pictures * n / sum);
        pv_bench_set_real(row, "realtime_x", 1000 * n / sum / fps);
    }
    pv_bench_set_integer(row, "repetitions", n);
    pv_bench_set_integer(row, "frames", samples->frames);
    json_object_set_new(row, "samples", kept);
    free(means);
    free(sorted);
}

/* ---- work ---- */

static void find_peaks(const struct pv_bench *b, const json_t *row, double *tflops, double *gbps)
{
    const char *device = json_string_value(json_object_get(row, "device"));
    *tflops = b->model.ceilings.operations_per_second * 1e-12;
    *gbps = b->model.ceilings.bytes_per_second * 1e-9;
    for (size_t i = 0; device && i < sizeof sheets / sizeof sheets[0]; i++)
        if (strncmp(device, sheets[i].gpu, strlen(sheets[i].gpu)) == 0) {
            *tflops = sheets[i].tflops;
            *gbps = sheets[i].gbps;
            break;
        }
    if (b->v->peak_tflops > 0)
        *tflops = b->v->peak_tflops;
    if (b->v->peak_gbps > 0)
        *gbps = b->v->peak_gbps;
}

static double overhead_ms(const struct pv_bench *b, const struct pv_bench_work *work)
{
    const pv_ceilings *c = &b->model.ceilings;
    return 1000 * (work->linear_calls * c->linear_call_seconds + work->conv_calls * c->convolution_call_seconds +
                   work->other_calls * c->other_call_seconds);
}

void pv_bench_set_work(const struct pv_bench *b, json_t *row, const struct pv_bench_work *work)
{
    const pv_ceilings *c = &b->model.ceilings;
    const double ms = json_number_value(json_object_get(row, "ms"));
    const double tflops = work->operations / ms * 1e-9, gbps = work->bytes / ms * 1e-6;
    double tflops_peak, gbps_peak;
    find_peaks(b, row, &tflops_peak, &gbps_peak);
    pv_bench_set_real(row, "calls_per_frame", work->linear_calls + work->conv_calls + work->other_calls);
    pv_bench_set_real(row, "gflop_per_frame", work->operations * 1e-9);
    pv_bench_set_real(row, "mb_per_frame", work->bytes * 1e-6);
    pv_bench_set_real(row, "tflops", tflops);
    pv_bench_set_real(row, "tflops_percent", 100 * tflops / tflops_peak);
    pv_bench_set_real(row, "tflops_peak", tflops_peak);
    pv_bench_set_real(row, "tflops_ceiling", c->operations_per_second * 1e-12);
    pv_bench_set_real(row, "gbps", gbps);
    pv_bench_set_real(row, "gbps_percent", 100 * gbps / gbps_peak);
    pv_bench_set_real(row, "gbps_peak", gbps_peak);
    pv_bench_set_real(row, "gbps_ceiling", c->bytes_per_second * 1e-9);
    pv_bench_set_real(row, "floor_ms", fmax(work->operations / tflops_peak * 1e-9, work->bytes / gbps_peak * 1e-6));
    pv_bench_set_real(row, "overhead_ms", overhead_ms(b, work));
}

/* Each of the three is the least time that one thing allows; the longest is what holds the model back. */
const char *pv_bench_model_bound(const struct pv_bench *b, const struct pv_bench_work *work)
{
    const pv_ceilings *c = &b->model.ceilings;
    const double compute_ms = 1000 * work->operations / c->operations_per_second;
    const double memory_ms = 1000 * work->bytes / c->bytes_per_second;
    if (overhead_ms(b, work) > fmax(compute_ms, memory_ms))
        return "overhead-bound";
    return compute_ms > memory_ms ? "compute-bound" : "memory-bound";
}

void pv_bench_set_power(json_t *row, const struct pv_power_reading *reading, double frames)
{
    if (reading->energy_known) {
        pv_bench_set_real(row, "watts", reading->joules / reading->seconds);
        pv_bench_set_real(row, "joules_per_frame", reading->joules / frames);
    }
    if (!reading->gpu)
        return;
    pv_bench_set_integer(row, "sm_clock_mhz", reading->sm_clock_mhz);
    pv_bench_set_integer(row, "memory_clock_mhz", reading->memory_clock_mhz);
    pv_bench_set_integer(row, "temperature_c", reading->temperature_c);
    if (*reading->throttled)
        pv_bench_set_text(row, "throttled", reading->throttled);
}
