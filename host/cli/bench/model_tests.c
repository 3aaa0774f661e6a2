/* model_tests.c: what is measured on frames in memory: the model, the codec, the ops. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ahead.h"
#include "bench/bench.h"
#include "bench/memory.h"
#include "bench/row.h"
#include "timing.h"

/* On a GPU the first frames are recorded (48 of a window of 16), as those of any rollout are. */
enum { WARM_UP = 2, WARM_UP_GPU = 50, FRAMES_MIN = 4, FRAMES_MAX = 200 };
static const double repetition_ms = 500;

/* A case on the way: its rollout, with its context, and a frame to send and receive. */
struct stage {
    struct pv_bench *b;
    struct pv_bench_case c; /* resolved */
    pv_rollout *rollout;
    pv_frame frame;
    struct pv_error *err;
};

/* Any picture costs the same: here a gradient that moves. */
static void draw(struct stage *s, int index)
{
    for (int y = 0; y < s->c.height; y++)
        for (int x = 0; x < s->c.width * 3; x++)
            s->frame.data[(size_t)y * s->frame.stride + (size_t)x] = (uint8_t)(x + 2 * y + 5 * index);
}

static pv_status rollout_failed(struct stage *s, const pv_rollout *rollout, pv_status status)
{
    return pv_fail(s->err, status, "%s", rollout ? pv_rollout_message(rollout) : pv_status_text(status));
}

static pv_status send(struct stage *s, int index)
{
    draw(s, index);
    const pv_status status = pv_rollout_send(s->rollout, &s->frame, NULL);
    return status == PV_OK ? PV_OK : rollout_failed(s, s->rollout, status);
}

/* The next frame of every take; asked, until: of pv_ask_ahead. */
static pv_status predict_ahead(struct stage *s, int64_t *asked, int64_t until)
{
    pv_status status = pv_ask_ahead(s->rollout, NULL, asked, until);
    for (int i = 0; i < s->c.takes && status == PV_OK; i++)
        status = pv_rollout_receive(s->rollout, &s->frame);
    return status == PV_OK ? PV_OK : rollout_failed(s, s->rollout, status);
}

static pv_status predict(struct stage *s)
{
    int64_t asked = 0;
    return predict_ahead(s, &asked, 1);
}

/* Spreads a rollout that has its context over the takes. */
static pv_status spread(struct stage *s)
{
    pv_rollout *all = NULL;
    const pv_status status = pv_rollout_fork_takes(s->rollout, s->c.takes, &all);
    if (status != PV_OK) {
        rollout_failed(s, all, status);
        pv_rollout_close(all);
        return status;
    }
    pv_rollout_close(s->rollout);
    s->rollout = all;
    return PV_OK;
}

static pv_status open_stage(struct stage *s)
{
    s->frame = (pv_frame){.stride = (size_t)s->c.width * 3, .width = s->c.width, .height = s->c.height};
    s->frame.data = malloc(s->frame.stride * (size_t)s->c.height);
    if (!s->frame.data)
        return pv_fail(s->err, PV_ERR_MEMORY, "no memory for a frame of %dx%d", s->c.width, s->c.height);
    PV_TRY(pv_bench_open_rollout(s->b, &s->c, &s->rollout, s->err));
    for (int i = 0; i < s->c.context; i++)
        PV_TRY(send(s, i));
    return s->c.takes > 1 ? spread(s) : PV_OK;
}

static void close_stage(struct stage *s)
{
    pv_rollout_close(s->rollout);
    free(s->frame.data);
}

/* The same, timed: on a device that works ahead, what passes between two frames. */
static pv_status advance_ahead(struct stage *s, int64_t *asked, int64_t until, double *ms)
{
    const uint64_t start = pv_now_ns();
    PV_TRY(predict_ahead(s, asked, until));
    *ms = (double)(pv_now_ns() - start) * 1e-6;
    return PV_OK;
}

/* One frame, from when it is asked for. */
static pv_status advance(struct stage *s, double *ms)
{
    int64_t asked = 0;
    return advance_ahead(s, &asked, 1, ms);
}

static int frames_for(const struct stage *s, double one_ms)
{
    if (s->b->v->frames)
        return (int)s->b->v->frames;
    const double frames = one_ms > 0 ? repetition_ms / one_ms : FRAMES_MAX;
    return frames < FRAMES_MIN ? FRAMES_MIN : frames > FRAMES_MAX ? FRAMES_MAX : (int)frames;
}

static void show_progress(const struct stage *s, const char *what, int done, int total)
{
    pv_terminal_progress(s->b->terminal, what, done, total, 0);
}

/* ---- what the meter has seen ---- */

static pv_status read_row(struct stage *s, size_t index, pv_meter_row *row)
{
    *row = (pv_meter_row){.struct_size = sizeof *row};
    const pv_status status = pv_rollout_get_meter(s->rollout, index, row);
    return status == PV_OK || status == PV_END ? status : rollout_failed(s, s->rollout, status);
}

/* Adds ops of the parts that are wanted; parts: a bit for each. */
static pv_status add_work(struct stage *s, unsigned parts, struct pv_bench_work *work)
{
    pv_meter_row row;
    pv_status status;
    for (size_t i = PV_PART_COUNT; (status = read_row(s, i, &row)) == PV_OK; i++) {
        if (!(parts & 1u << row.part))
            continue;
        const bool linear = strcmp(row.op, "linear") == 0 || strcmp(row.op, "qkv") == 0;
        double *calls = linear                        ? &work->linear_calls
                        : strcmp(row.op, "conv") == 0 ? &work->conv_calls
                                                      : &work->other_calls;
        *calls += (double)row.calls;
        work->operations += row.operations;
        work->bytes += row.bytes;
    }
    return status == PV_END ? PV_OK : status;
}

static pv_status set_meter(struct stage *s, pv_meter meter)
{
    const pv_status status = pv_rollout_set_meter(s->rollout, meter);
    return status == PV_OK ? PV_OK : rollout_failed(s, s->rollout, status);
}

/* ---- model ---- */

static pv_status time_model(struct stage *s, struct pv_bench_samples *samples, struct pv_power_reading *reading)
{
    const bool gpu = pv_bench_on_gpu(s->b->model.info.backend);
    const int warm_up = gpu ? WARM_UP_GPU : WARM_UP;
    int64_t asked = 0;
    double ms = 0;
    for (int i = 0; i < warm_up; i++)
        PV_TRY(advance_ahead(s, &asked, warm_up + 1, &ms));
    PV_TRY(pv_bench_samples_open(samples, (int)s->b->v->repetitions, frames_for(s, ms), s->err));
    const int all = samples->repetitions * samples->frames;
    pv_power_begin(s->b->power, gpu);
    for (int i = 0; i < all; i++) {
        show_progress(s, "model: measured", i, all);
        PV_TRY(advance_ahead(s, &asked, warm_up + all, &samples->frame_ms[i]));
    }
    *reading = pv_power_end(s->b->power);
    return PV_OK;
}

static pv_status measure_model(struct stage *s, json_t *row)
{
    const pv_model_info *info = &s->b->model.info;
    struct pv_bench_samples samples = {0};
    struct pv_power_reading reading;
    struct pv_bench_work work = {0};
    double ms;
    pv_peak_memory_restart();
    pv_status status = open_stage(s);
    if (status == PV_OK)
        status = time_model(s, &samples, &reading);
    if (status == PV_OK)
        pv_bench_set_times(row, &samples, (double)info->fps_num / info->fps_den);
    pv_bench_samples_close(&samples);
    PV_TRY(status);
    pv_bench_set_integer(row, "peak_memory_bytes", reading.gpu ? (int64_t)reading.memory_bytes : pv_peak_memory());
    pv_bench_set_power(row, &reading, (double)samples.repetitions * samples.frames * s->c.takes);
    PV_TRY(set_meter(s, PV_METER_PARTS));
    PV_TRY(advance(s, &ms));
    PV_TRY(add_work(s, ~0u, &work));
    pv_bench_set_work(s->b, row, &work);
    s->b->bound = pv_bench_model_bound(s->b, &work);
    s->b->bound_of = s->b->model.of;
    pv_bench_set_text(row, "bound", s->b->bound);
    return PV_OK;
}

/* ---- codec ---- */

static pv_status part_ms(struct stage *s, pv_frame_part part, double *ms)
{
    pv_meter_row row;
    PV_TRY(read_row(s, (size_t)part, &row));
    *ms += row.seconds * 1000;
    return PV_OK;
}

/* Encodes a frame, decodes the one predicted after it; work may be NULL. */
static pv_status through_codec(struct stage *s, int index, double *ms, struct pv_bench_work *work)
{
    *ms = 0;
    PV_TRY(set_meter(s, PV_METER_PARTS));
    PV_TRY(send(s, index));
    PV_TRY(part_ms(s, PV_PART_ENCODE, ms));
    if (work)
        PV_TRY(add_work(s, 1u << PV_PART_ENCODE, work));
    PV_TRY(set_meter(s, PV_METER_PARTS));
    PV_TRY(predict(s));
    PV_TRY(part_ms(s, PV_PART_DECODE, ms));
    return work ? add_work(s, 1u << PV_PART_DECODE, work) : PV_OK;
}

static pv_status time_codec(struct stage *s, struct pv_bench_samples *samples, struct pv_bench_work *work)
{
    double ms = 0;
    for (int i = 0; i < WARM_UP; i++)
        PV_TRY(through_codec(s, i, &ms, i ? NULL : work));
    PV_TRY(pv_bench_samples_open(samples, (int)s->b->v->repetitions, frames_for(s, ms), s->err));
    const int all = samples->repetitions * samples->frames;
    for (int i = 0; i < all; i++) {
        show_progress(s, "codec: measured", i, all);
        PV_TRY(through_codec(s, i, &samples->frame_ms[i], NULL));
    }
    return PV_OK;
}

static pv_status measure_codec(struct stage *s, json_t *row)
{
    const pv_model_info *info = &s->b->model.info;
    struct pv_bench_samples samples = {0};
    struct pv_bench_work work = {0};
    s->c.takes = 1;
    pv_status status = open_stage(s);
    if (status == PV_OK)
        status = time_codec(s, &samples, &work);
    if (status == PV_OK)
        pv_bench_set_times(row, &samples, (double)info->fps_num / info->fps_den);
    pv_bench_samples_close(&samples);
    PV_TRY(status);
    pv_bench_set_work(s->b, row, &work);
    pv_bench_set_text(row, "bound", pv_bench_model_bound(s->b, &work));
    return PV_OK;
}

/* ---- ops ---- */

/* Rows of the parts that are wanted, each divided by frames. */
static pv_status append_ops(struct stage *s, unsigned parts, double frames)
{
    static const char *const words[PV_PART_COUNT] = {"encode", "condition", "sample", "commit", "decode"};
    pv_meter_row op;
    pv_status status;
    for (size_t i = PV_PART_COUNT; (status = read_row(s, i, &op)) == PV_OK; i++) {
        if (!(parts & 1u << op.part))
            continue;
        json_t *row = pv_bench_row(s->b, s->b->model.of, PV_BENCH_OPS);
        const struct pv_bench_work work = {.operations = op.operations / frames, .bytes = op.bytes / frames};
        pv_bench_set_text(row, "part", words[op.part]);
        pv_bench_set_text(row, "op", op.op);
        pv_bench_set_text(row, "shape", op.shape);
        pv_bench_set_integer(row, "frames", (int64_t)frames);
        pv_bench_set_real(row, "ms", op.seconds * 1000 / frames);
        pv_bench_set_work(s->b, row, &work);
        pv_bench_set_real(row, "calls_per_frame", (double)op.calls / frames);
        json_object_set_new(row, "overhead_ms", json_null());
        json_array_append_new(s->b->rows, row);
    }
    return status == PV_END ? PV_OK : status;
}

/* A send first, for the encoder; then predictions, which have all other parts. */
static pv_status measure_ops(struct stage *s)
{
    double ms;
    PV_TRY(open_stage(s));
    for (int i = 0; i < WARM_UP; i++)
        PV_TRY(advance(s, &ms));
    const int frames = frames_for(s, ms);
    PV_TRY(set_meter(s, PV_METER_OPS));
    for (int i = 0; i < frames; i++)
        PV_TRY(send(s, i));
    PV_TRY(append_ops(s, 1u << PV_PART_ENCODE, frames));
    PV_TRY(set_meter(s, PV_METER_OPS));
    for (int i = 0; i < frames; i++) {
        show_progress(s, "ops: measured", i, frames);
        PV_TRY(advance(s, &ms));
    }
    return append_ops(s, ~0u, frames);
}

/* ---- what the others see ---- */

/* rows NULL: the row is dropped. */
static pv_status run_one(struct pv_bench *b, const struct pv_bench_case *c, enum pv_bench_test test, json_t *rows,
                         pv_status (*measure)(struct stage *s, json_t *row), struct pv_error *err)
{
    PV_TRY(pv_bench_open_model(b, c, true, err));
    struct stage s = {.b = b, .c = pv_bench_resolve(b, c), .err = err};
    json_t *row = pv_bench_row(b, c, test);
    const pv_status status = measure(&s, row);
    close_stage(&s);
    if (status == PV_OK && rows)
        json_array_append(rows, row);
    json_decref(row);
    return status;
}

pv_status pv_bench_run_model(struct pv_bench *b, const struct pv_bench_case *c, struct pv_error *err)
{
    return run_one(b, c, PV_BENCH_MODEL, b->rows, measure_model, err);
}

pv_status pv_bench_find_bound(struct pv_bench *b, const struct pv_bench_case *c, const char **bound,
                              struct pv_error *err)
{
    if (b->bound_of != c)
        PV_TRY(run_one(b, c, PV_BENCH_MODEL, NULL, measure_model, err));
    *bound = b->bound;
    return PV_OK;
}

pv_status pv_bench_run_codec(struct pv_bench *b, const struct pv_bench_case *c, struct pv_error *err)
{
    return run_one(b, c, PV_BENCH_CODEC, b->rows, measure_codec, err);
}

pv_status pv_bench_run_ops(struct pv_bench *b, const struct pv_bench_case *c, struct pv_error *err)
{
    PV_TRY(pv_bench_open_model(b, c, true, err));
    struct stage s = {.b = b, .c = pv_bench_resolve(b, c), .err = err};
    const pv_status status = measure_ops(&s);
    close_stage(&s);
    return status;
}
