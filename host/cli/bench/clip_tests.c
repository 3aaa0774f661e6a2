/* clip_tests.c: what is measured on clips: the reader, the writer, and both with the model between them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/bench.h"
#include "bench/clip_file.h"
#include "bench/memory.h"
#include "bench/row.h"
#include "pipeline.h"
#include "signals.h"

enum { WRITTEN_FRAMES = 48, HELD_FRAMES = 24 };

static pv_status reader_failed(pv_clip_reader *reader, pv_status status, struct pv_error *err)
{
    return pv_fail(err, status, "%s", reader ? pv_clip_reader_message(reader) : pv_status_text(status));
}

static pv_status open_reader(const struct pv_bench *b, const char *path, pv_clip_reader **reader, pv_clip_info *info,
                             struct pv_error *err)
{
    pv_clip_reader_params params;
    pv_clip_reader_params_init(&params);
    params.fps_num = b->model.info.fps_num;
    params.fps_den = b->model.info.fps_den;
    params.fps_tolerance = 0.05; /* as predict has it */
    params.callbacks.abort = pv_signals_abort;
    const pv_status status = pv_clip_reader_open(path, &params, reader);
    if (status != PV_OK)
        return reader_failed(*reader, status, err);
    *info = (pv_clip_info){.struct_size = sizeof *info};
    return pv_clip_reader_get_info(*reader, info);
}

static double fps_of(const pv_model_info *info)
{
    return (double)info->fps_num / info->fps_den;
}

static bool frame_alloc(pv_frame *frame, int width, int height)
{
    *frame = (pv_frame){.stride = (size_t)width * 3, .width = width, .height = height};
    frame->data = malloc(frame->stride * (size_t)height);
    return frame->data != NULL;
}

/* ---- reader ---- */

/* Reads the clip once. ms: room for `room` frames, may be NULL; the first has the time of opening. */
static pv_status read_clip(const struct pv_bench *b, const char *path, double *ms, int room, int *frames,
                           struct pv_error *err)
{
    pv_clip_reader *reader = NULL;
    pv_clip_info info;
    pv_frame frame = {.data = NULL};
    uint64_t start = pv_now_ns();
    pv_status status = open_reader(b, path, &reader, &info, err);
    if (status == PV_OK && !frame_alloc(&frame, info.width, info.height))
        status = pv_fail(err, PV_ERR_MEMORY, "no memory for a frame of %dx%d", info.width, info.height);
    for (*frames = 0; status == PV_OK && *frames < room; ++*frames) {
        status = pv_clip_reader_receive(reader, &frame, NULL);
        if (status != PV_OK)
            break;
        const uint64_t now = pv_now_ns();
        if (ms)
            ms[*frames] = (double)(now - start) * 1e-6;
        start = now;
    }
    if (status == PV_END && *frames > 0)
        status = PV_OK;
    else if (status != PV_OK && reader)
        status = reader_failed(reader, status, err);
    pv_clip_reader_close(reader);
    free(frame.data);
    return status;
}

pv_status pv_bench_run_reader(struct pv_bench *b, const struct pv_bench_case *c, struct pv_error *err)
{
    const char *path;
    struct pv_bench_samples samples;
    struct pv_power_reading reading;
    int frames, same;
    PV_TRY(pv_bench_open_model(b, c, false, err));
    PV_TRY(pv_bench_clip(b, c, &path, err));
    PV_TRY(read_clip(b, path, NULL, b->v->frames ? (int)b->v->frames : 1000, &frames, err));
    PV_TRY(pv_bench_samples_open(&samples, (int)b->v->repetitions, frames, err));
    pv_power_begin(b->power, false);
    pv_status status = PV_OK;
    for (int i = 0; i < samples.repetitions && status == PV_OK; i++)
        status = read_clip(b, path, samples.frame_ms + (size_t)i * (size_t)frames, frames, &same, err);
    reading = pv_power_end(b->power);
    if (status == PV_OK) {
        json_t *row = pv_bench_row(b, c, PV_BENCH_READER);
        json_object_set_new(row, "takes", json_null());
        pv_bench_set_times(row, &samples, fps_of(&b->model.info));
        json_object_set(row, "reader_ms", json_object_get(row, "ms"));
        pv_bench_set_power(row, &reading, (double)samples.repetitions * frames);
        json_array_append_new(b->rows, row);
    }
    pv_bench_samples_close(&samples);
    return status;
}

/* ---- writer ---- */

struct pictures {
    pv_frame frames[HELD_FRAMES]; /* at the working size */
    int count;
};

static void close_pictures(struct pictures *p)
{
    for (int i = 0; i < HELD_FRAMES; i++)
        free(p->frames[i].data);
}

static pv_status load_pictures(struct pv_bench *b, const struct pv_bench_case *c, struct pictures *p,
                               struct pv_error *err)
{
    const char *path;
    pv_clip_reader *reader = NULL;
    pv_clip_scaler *scaler = NULL;
    pv_clip_info info;
    pv_frame frame = {.data = NULL};
    PV_TRY(pv_bench_clip(b, c, &path, err));
    pv_status status = open_reader(b, path, &reader, &info, err);
    if (status == PV_OK && (!frame_alloc(&frame, info.width, info.height) ||
                            pv_clip_scaler_open(info.width, info.height, c->width, c->height, &scaler) != PV_OK))
        status = pv_fail(err, PV_ERR_MEMORY, "no memory for a frame of %dx%d", info.width, info.height);
    while (status == PV_OK && p->count < HELD_FRAMES) {
        status = pv_clip_reader_receive(reader, &frame, NULL);
        if (status != PV_OK)
            break;
        if (!frame_alloc(&p->frames[p->count], c->width, c->height))
            status = pv_fail(err, PV_ERR_MEMORY, "no memory for a frame of %dx%d", c->width, c->height);
        else
            status = pv_clip_scaler_run(scaler, &frame, &p->frames[p->count++]);
    }
    if (status == PV_END && p->count > 0)
        status = PV_OK;
    else if (status != PV_OK && reader && !*err->text)
        status = reader_failed(reader, status, err);
    pv_clip_scaler_close(scaler);
    pv_clip_reader_close(reader);
    free(frame.data);
    return status;
}

static pv_clip_writer_params writer_params(const struct pv_bench *b, const struct pv_bench_case *c)
{
    pv_clip_writer_params w;
    pv_clip_writer_params_init(&w);
    const bool own = b->v->output_size.choice < 0 && b->v->output_size.width > 0;
    w.width = own ? b->v->output_size.width : c->width;
    w.height = own ? b->v->output_size.height : c->height;
    w.fps_num = b->model.info.fps_num;
    w.fps_den = b->model.info.fps_den;
    w.preset = (pv_clip_preset)b->v->preset;
    w.overwrite = 1;
    return w;
}

static void output_path(const struct pv_bench *b, char path[96])
{
    static const char *const ends[] = {".mp4", ".mov", ".mkv", ""};
    snprintf(path, 96, "%s/out%s", b->folder, ends[b->v->preset]);
}

static pv_status write_clip(const struct pv_bench *b, const struct pv_bench_case *c, const struct pictures *pictures,
                            double *ms, int frames, struct pv_error *err)
{
    char path[96];
    pv_clip_writer *writer = NULL;
    const pv_clip_writer_params params = writer_params(b, c);
    output_path(b, path);
    uint64_t start = pv_now_ns();
    pv_status status = pv_clip_writer_open(path, &params, &writer);
    for (int i = 0; i < frames && status == PV_OK; i++) {
        status = pv_clip_writer_send(writer, &pictures->frames[i % pictures->count]);
        if (status == PV_OK && i + 1 == frames)
            status = pv_clip_writer_finish(writer);
        const uint64_t now = pv_now_ns();
        ms[i] = (double)(now - start) * 1e-6;
        start = now;
        if (status == PV_OK && pv_signals_count() > 0)
            status = pv_fail(err, PV_ERR_ABORTED, "interrupted");
    }
    if (status != PV_OK && status != PV_ERR_ABORTED)
        status = pv_fail(err, status, "%s", writer ? pv_clip_writer_message(writer) : pv_status_text(status));
    pv_clip_writer_close(writer);
    return status;
}

static void set_output_size(const struct pv_bench *b, const struct pv_bench_case *c, json_t *row)
{
    const pv_clip_writer_params w = writer_params(b, c);
    char text[32];
    snprintf(text, sizeof text, "%dx%d", w.width, w.height);
    pv_bench_set_text(row, "output_size", text);
}

static pv_status time_writer(struct pv_bench *b, const struct pv_bench_case *full, const struct pictures *pictures,
                             struct pv_bench_samples *samples, struct pv_error *err)
{
    const int frames = samples->frames;
    PV_TRY(write_clip(b, full, pictures, samples->frame_ms, frames, err)); /* to warm up */
    for (int i = 0; i < samples->repetitions; i++)
        PV_TRY(write_clip(b, full, pictures, samples->frame_ms + (size_t)i * (size_t)frames, frames, err));
    return PV_OK;
}

pv_status pv_bench_run_writer(struct pv_bench *b, const struct pv_bench_case *c, struct pv_error *err)
{
    struct pictures pictures = {.count = 0};
    struct pv_bench_samples samples = {0};
    PV_TRY(pv_bench_open_model(b, c, false, err));
    const struct pv_bench_case full = pv_bench_resolve(b, c);
    pv_status status = pv_bench_folder(b, err);
    if (status == PV_OK)
        status = load_pictures(b, &full, &pictures, err);
    if (status == PV_OK)
        status = pv_bench_samples_open(&samples, (int)b->v->repetitions,
                                       b->v->frames ? (int)b->v->frames : WRITTEN_FRAMES, err);
    if (status == PV_OK)
        status = time_writer(b, &full, &pictures, &samples, err);
    if (status == PV_OK) {
        json_t *row = pv_bench_row(b, c, PV_BENCH_WRITER);
        json_object_set_new(row, "takes", json_null());
        set_output_size(b, &full, row);
        pv_bench_set_times(row, &samples, fps_of(&b->model.info));
        json_object_set(row, "writer_ms", json_object_get(row, "ms"));
        json_array_append_new(b->rows, row);
    }
    pv_bench_samples_close(&samples);
    close_pictures(&pictures);
    return status;
}

/* ---- end to end ---- */

/* Busy time of each stage over all repetitions, and how many frames it was for. */
struct totals {
    double reader_ms, engine_ms, writer_ms;
    double read, predicted, written;
    uint64_t first_frame_ns; /* of the last one */
};

static double busy_ms(const struct pv_stage_time *time)
{
    return (double)(time->wall_ns - time->stalled_ns) * 1e-6;
}

/* One take: the clip in, the encoded clip out. */
static pv_status run_pipeline(struct pv_bench *b, const struct pv_bench_case *c, int take, int frames,
                              struct totals *totals, struct pv_error *err)
{
    const char *path;
    char output[96];
    pv_clip_reader *reader = NULL;
    pv_clip_info clip;
    pv_rollout *rollout = NULL;
    atomic_bool stopped = false;
    struct pv_pipeline_result *result = malloc(sizeof *result); /* large */
    if (!result)
        return pv_fail(err, PV_ERR_MEMORY, "no memory for a pipeline");
    output_path(b, output);
    pv_status status = pv_bench_clip(b, c, &path, err);
    if (status == PV_OK)
        status = open_reader(b, path, &reader, &clip, err);
    if (status == PV_OK)
        status = pv_bench_open_rollout(b, c, &rollout, err);
    if (status == PV_OK)
        status = pv_rollout_set_take(rollout, 0, (uint32_t)take);
    if (status == PV_OK) {
        const struct pv_pipeline_params params = {.reader = reader,
                                                  .clip = &clip,
                                                  .rollout = rollout,
                                                  .working = {c->width, c->height},
                                                  .context = c->context,
                                                  .frames = frames,
                                                  .output = output,
                                                  .writer = writer_params(b, c),
                                                  .stopped = &stopped,
                                                  .terminal = &b->hush};
        status = pv_pipeline_run(&params, result, err);
        if (status == PV_OK && result->interrupted)
            status = pv_fail(err, PV_ERR_ABORTED, "interrupted");
    }
    if (status == PV_OK) {
        totals->reader_ms += busy_ms(&result->reader);
        totals->engine_ms += busy_ms(&result->engine);
        totals->writer_ms += busy_ms(&result->writer);
        totals->read += (double)result->read;
        totals->predicted += (double)result->predicted;
        totals->written += (double)result->output.frames;
        totals->first_frame_ns = result->first_frame_ns;
    }
    pv_rollout_close(rollout);
    pv_clip_reader_close(reader);
    free(result);
    return status;
}

static pv_status run_takes(struct pv_bench *b, const struct pv_bench_case *c, int frames, struct totals *totals,
                           double *ms, struct pv_error *err)
{
    const uint64_t start = pv_now_ns();
    for (int take = 0; take < c->takes; take++)
        PV_TRY(run_pipeline(b, c, take, frames, totals, err));
    *ms = (double)(pv_now_ns() - start) * 1e-6 / frames;
    return PV_OK;
}

/* The stage that was busy longest; of the engine, what the model alone is held back by. */
static pv_status diagnose(struct pv_bench *b, const struct pv_bench_case *c, const struct totals *totals,
                          const char **bound, struct pv_error *err)
{
    if (totals->reader_ms > totals->engine_ms && totals->reader_ms > totals->writer_ms)
        *bound = "reader-bound";
    else if (totals->writer_ms > totals->engine_ms)
        *bound = "writer-bound";
    else
        return pv_bench_find_bound(b, c, bound, err);
    return PV_OK;
}

static pv_status measure_end_to_end(struct pv_bench *b, const struct pv_bench_case *full, struct totals *totals,
                                    struct pv_bench_samples *samples, int frames, struct pv_error *err)
{
    struct totals warm = {0};
    double ms;
    PV_TRY(run_takes(b, full, frames, &warm, &ms, err));
    for (int i = 0; i < samples->repetitions; i++) {
        pv_terminal_progress(b->terminal, "end to end: ran", i, samples->repetitions, 0);
        PV_TRY(run_takes(b, full, frames, totals, &samples->frame_ms[i], err));
    }
    return PV_OK;
}

pv_status pv_bench_run_end_to_end(struct pv_bench *b, const struct pv_bench_case *c, struct pv_error *err)
{
    struct pv_bench_samples samples;
    struct totals totals = {0};
    const char *bound = NULL;
    PV_TRY(pv_bench_open_model(b, c, true, err));
    PV_TRY(pv_bench_folder(b, err));
    const struct pv_bench_case full = pv_bench_resolve(b, c);
    const int frames = b->v->frames ? (int)b->v->frames : WRITTEN_FRAMES;
    PV_TRY(pv_bench_samples_open(&samples, (int)b->v->repetitions, 1, err)); /* one time a repetition */
    pv_peak_memory_restart();
    pv_power_begin(b->power, pv_bench_on_gpu(b->model.info.backend));
    pv_status status = measure_end_to_end(b, &full, &totals, &samples, frames, err);
    const struct pv_power_reading reading = pv_power_end(b->power);
    const int64_t peak = reading.gpu ? (int64_t)reading.memory_bytes : pv_peak_memory();
    if (status == PV_OK)
        status = diagnose(b, c, &totals, &bound, err);
    if (status == PV_OK) {
        json_t *row = pv_bench_row(b, c, PV_BENCH_END_TO_END);
        set_output_size(b, &full, row);
        pv_bench_set_times(row, &samples, fps_of(&b->model.info));
        pv_bench_set_integer(row, "frames", frames);
        pv_bench_set_integer(row, "peak_memory_bytes", peak);
        pv_bench_set_real(row, "reader_ms", totals.reader_ms / totals.read);
        pv_bench_set_real(row, "engine_ms", totals.engine_ms / totals.predicted);
        pv_bench_set_real(row, "writer_ms", totals.writer_ms / totals.written);
        /* The warm-up run drew power too. */
        pv_bench_set_power(row, &reading, (samples.repetitions + 1.0) * frames * full.takes);
        pv_bench_set_text(row, "bound", bound);
        json_array_append_new(b->rows, row);
    }
    pv_bench_samples_close(&samples);
    return status;
}

pv_status pv_bench_predict_one(struct pv_bench *b, const struct pv_bench_case *c, uint64_t *first_ns,
                               struct pv_error *err)
{
    struct totals totals = {0};
    PV_TRY(run_pipeline(b, c, 0, 1, &totals, err));
    *first_ns = totals.first_frame_ns;
    return PV_OK;
}
