/* rollout.c: memory of a rollout and its two moves. */
#include "model/rollout.h"

#include <stdlib.h>
#include <string.h>

#include "model/surface.h"

enum { RECORDED_MAX = 192 };

float *pv_rollout_latent(const struct pv_rollout *r, uint64_t frame)
{
    return r->latents[frame % 3];
}

size_t pv_rollout_frame_bytes(const struct pv_rollout *r)
{
    return (size_t)r->width * 3 * (size_t)r->height;
}

static size_t all_frames_bytes(const struct pv_rollout *r)
{
    return (size_t)r->takes * pv_rollout_frame_bytes(r);
}

/* ---- memory ---- */

static float *take_latent(struct pv_rollout *r, struct pv_buffers *buffers)
{
    return pv_buffers_take(buffers, sizeof(float), (size_t)r->takes, r->latent_count, 1);
}

/* Run twice: see buffers.h. */
static void take_state(struct pv_rollout *r)
{
    const struct pv_tae *tae = &r->model->tae;
    for (int i = 0; i < 3; i++)
        r->latents[i] = take_latent(r, &r->state);
    pv_tae_memory_take(tae, &tae->encoder, &r->grid, &r->encoder, &r->state);
    pv_tae_memory_take(tae, &tae->decoder, &r->grid, &r->decoder, &r->state);
    pv_dit_cache_take(&r->model->dit, r->takes, r->tokens.tokens, &r->cache, &r->state);
}

static void take_scratch(struct pv_rollout *r)
{
    const size_t features = pv_tae_scratch_count(&r->model->tae, &r->grid);
    r->noise = take_latent(r, &r->scratch);
    r->noisy = take_latent(r, &r->scratch);
    r->clean = take_latent(r, &r->scratch);
    r->change = take_latent(r, &r->scratch);
    r->frame_index = pv_buffers_take(&r->scratch, sizeof *r->frame_index, 1, 1, 1);
    r->pixels = pv_buffers_take(&r->scratch, 3, (size_t)r->takes, (size_t)r->width, (size_t)r->height);
    r->planes = pv_buffers_take(&r->scratch, 3, 1, (size_t)r->width, (size_t)r->height);
    for (int i = 0; i < 2; i++)
        r->features.features[i] = pv_buffers_take(&r->scratch, r->scratch.backend->element_bytes, features, 1, 1);
    pv_dit_scratch_take(&r->model->dit, &r->tokens, &r->scratch);
    pv_dit_condition_take(&r->model->dit, &r->condition, &r->scratch);
}

static pv_status allocate(struct pv_rollout *r)
{
    PV_TRY(pv_buffers_allocate(&r->state, "the state of a rollout", &r->error));
    PV_TRY(pv_buffers_allocate(&r->scratch, "the work of a rollout", &r->error));
    take_state(r);
    take_scratch(r);
    r->tokens.host_time = calloc((size_t)r->model->dit.config.head_dim, sizeof(float));
    void *frames = NULL;
    if (r->model->backend->op->host_alloc)
        PV_TRY(r->model->backend->op->host_alloc(r->model->backend, all_frames_bytes(r), &frames, &r->error));
    else
        frames = calloc(1, all_frames_bytes(r));
    r->host_frame = frames;
    if (!r->host_frame || !r->tokens.host_time)
        return pv_fail(&r->error, PV_ERR_MEMORY, "no memory for %d frames of %d x %d pixels", r->takes, r->width,
                       r->height);
    return PV_OK;
}

void pv_rollout_measure(struct pv_rollout *r)
{
    const struct pv_model *model = r->model;
    const int patch = model->config.dynamics.patch;
    r->grid = pv_tae_grid_for(&model->tae, r->takes, r->height, r->width);
    r->latent_count = (size_t)r->grid.latent_height * (size_t)r->grid.latent_width * (size_t)model->tae.channels;
    r->tokens.takes = r->takes;
    r->tokens.latent_height = r->grid.latent_height;
    r->tokens.latent_width = r->grid.latent_width;
    r->tokens.tokens = (r->grid.latent_height / patch) * (r->grid.latent_width / patch);
    pv_sampler_levels(r);
    r->state = r->scratch = (struct pv_buffers){.backend = model->backend};
    take_state(r);
    take_scratch(r);
}

/* Ends a move: everything asked for is done before its effects are counted, and also before a failure is reported,
 * since what was asked for reads host memory. */
static pv_status leave(struct pv_rollout *r, pv_status status)
{
    const struct pv_op_table *op = r->stream->backend->op;
    struct pv_error first = r->error;
    pv_status over = op->synchronize(r->stream);
    if (over == PV_OK)
        over = pv_rollout_part(r, PV_METER_IDLE);
    op->leave(r->stream);
    if (status == PV_OK)
        return over;
    r->error = first;
    return status;
}

static pv_status compute_constants(struct pv_rollout *r)
{
    PV_TRY(pv_dit_rope_space(r->stream, &r->model->dit, &r->tokens, &r->error));
    return pv_dit_condition_levels(r->stream, &r->model->dit, &r->condition);
}

pv_status pv_rollout_prepare(struct pv_rollout *r)
{
    pv_rollout_measure(r);
    PV_TRY(allocate(r));
    PV_TRY(r->model->backend->op->stream_open(r->model->backend, &r->error, &r->stream));
    r->stream->backend->op->enter(r->stream);
    return leave(r, compute_constants(r));
}

static void remove_meter(struct pv_rollout *r)
{
    if (!r->meter)
        return;
    r->stream = r->meter->inner;
    pv_meter_close(r->meter);
    r->meter = NULL;
}

pv_status pv_rollout_meter(struct pv_rollout *r, pv_meter meter)
{
    remove_meter(r);
    if (meter == PV_METER_OFF)
        return PV_OK;
    r->stream->backend->op->enter(r->stream);
    PV_TRY(leave(r, pv_meter_open(r->stream, meter == PV_METER_OPS, &r->meter)));
    r->stream = &r->meter->stream;
    return PV_OK;
}

pv_status pv_rollout_part(struct pv_rollout *r, int part)
{
    return r->meter ? pv_meter_part(r->meter, part) : PV_OK;
}

void pv_rollout_release(struct pv_rollout *r)
{
    remove_meter(r);
    if (r->stream)
        r->stream->backend->op->stream_close(r->stream);
    pv_buffers_free(&r->state);
    pv_buffers_free(&r->scratch);
    if (r->host_frame && r->model->backend->op->host_free)
        r->model->backend->op->host_free(r->model->backend, r->host_frame);
    else
        free(r->host_frame);
    free(r->tokens.host_time);
}

pv_status pv_rollout_copy(struct pv_rollout *to, const struct pv_rollout *from)
{
    const struct pv_op_table *op = to->stream->backend->op;
    op->enter(to->stream);
    PV_TRY(leave(to, op->copy(to->stream, to->state.memory, from->state.memory, from->state.used)));
    memcpy(to->host_frame, from->host_frame, (size_t)from->takes * pv_rollout_frame_bytes(from));
    to->encoder.last = from->encoder.last;
    to->decoder.last = from->decoder.last;
    to->frames = from->frames;
    to->predicted = from->predicted;
    to->pending = from->pending;
    return PV_OK;
}

void pv_rollout_set_seed(struct pv_rollout *r, uint64_t seed, uint32_t take)
{
    const struct pv_op_table *op = r->stream->backend->op;
    r->seed = seed;
    r->take = take;
    if (op->record_forget)
        op->record_forget(r->stream);
}

/* ---- moves ---- */

static pv_status decode(struct pv_rollout *r, uint8_t *pixels)
{
    return pv_tae_decode(r->stream, &r->model->tae, &r->grid, &r->decoder, &r->features,
                         pv_rollout_latent(r, r->frames), pixels);
}

/* The observed frame of every take into pixels. */
static pv_status fetch(struct pv_rollout *r, const struct pv_yuv_to_rgb *packed)
{
    const struct pv_op_table *op = r->stream->backend->op;
    const size_t bytes = pv_rollout_frame_bytes(r);
    if (!packed)
        return op->upload(r->stream, r->pixels, r->host_frame, all_frames_bytes(r));
    struct pv_yuv_to_rgb yuv = *packed;
    yuv.dst = r->pixels;
    pv_surface_unpack(&yuv, r->planes);
    PV_TRY(op->upload(r->stream, r->planes, r->host_frame, pv_surface_bytes(&yuv)));
    PV_TRY(op->yuv_to_rgb(r->stream, &yuv));
    for (int t = 1; t < r->takes; t++)
        PV_TRY(op->copy(r->stream, r->pixels + (size_t)t * bytes, r->pixels, bytes));
    return PV_OK;
}

static pv_status observe(struct pv_rollout *r, const struct pv_yuv_to_rgb *yuv, const float *action)
{
    struct pv_dit_input in;
    PV_TRY(pv_rollout_part(r, PV_PART_ENCODE));
    PV_TRY(fetch(r, yuv));
    PV_TRY(pv_tae_encode(r->stream, &r->model->tae, &r->grid, &r->encoder, &r->features, r->pixels,
                         pv_rollout_latent(r, r->frames)));
    PV_TRY(pv_rollout_part(r, PV_PART_CONDITION));
    PV_TRY(pv_dit_condition_action(r->stream, &r->model->dit, &r->condition, action));
    PV_TRY(pv_rollout_part(r, PV_PART_COMMIT));
    PV_TRY(pv_sampler_place(r));
    PV_TRY(pv_sampler_describe(r, &in));
    PV_TRY(pv_sampler_commit(r, in));
    PV_TRY(pv_rollout_part(r, PV_PART_DECODE));
    return decode(r, NULL); /* nobody looks at it, but the frames after remember it */
}

/* From noise to pixels: everything that happens on the backend alone. */
static pv_status draw(struct pv_rollout *r)
{
    struct pv_dit_input in;
    PV_TRY(pv_sampler_describe(r, &in));
    PV_TRY(pv_sampler_predict(r, in));
    PV_TRY(pv_rollout_part(r, PV_PART_COMMIT));
    PV_TRY(pv_sampler_commit(r, in));
    PV_TRY(pv_rollout_part(r, PV_PART_DECODE));
    return decode(r, r->pixels);
}

/* After so many frames places in memory are the same again: latents have 3, the cache has `window`, the decoder's
 * memory has 2. */
static uint64_t period(const struct pv_rollout *r)
{
    const uint64_t window = (uint64_t)r->model->dit.config.window;
    return window * (window % 3 == 0 ? 1 : 3) * (window % 2 == 0 ? 1 : 2);
}

/* A long window would keep too many recordings, of which each is used too seldom. */
static bool repeats(const struct pv_rollout *r)
{
    return r->frames >= (uint64_t)r->model->dit.config.window && r->frames >= 2 && period(r) <= RECORDED_MAX;
}

/* One launch where the backend can record: a frame differs from the one a period earlier only in what place uploaded.
 */
static pv_status draw_recorded(struct pv_rollout *r)
{
    const struct pv_op_table *op = r->stream->backend->op;
    if (!op->record_begin || !repeats(r))
        return draw(r);
    bool replayed;
    PV_TRY(pv_sampler_stopped(r));
    PV_TRY(op->record_begin(r->stream, r->frames % period(r), &replayed));
    return replayed ? PV_OK : op->record_end(r->stream, draw(r));
}

static pv_status advance(struct pv_rollout *r, const float *action)
{
    PV_TRY(pv_rollout_part(r, PV_PART_CONDITION));
    PV_TRY(pv_dit_condition_action(r->stream, &r->model->dit, &r->condition, action));
    PV_TRY(pv_rollout_part(r, PV_PART_SAMPLE));
    PV_TRY(pv_sampler_place(r));
    PV_TRY(draw_recorded(r));
    return r->stream->backend->op->download(r->stream, r->host_frame, r->pixels, all_frames_bytes(r));
}

/* The decoder's memory as it was before the last frame; that the frame's own is written once more, with the same
 * values, changes nothing. */
static pv_status decode_again(struct pv_rollout *r)
{
    struct pv_tae_memory before = r->decoder;
    before.last = !before.last;
    PV_TRY(pv_rollout_part(r, PV_PART_DECODE));
    PV_TRY(pv_tae_decode(r->stream, &r->model->tae, &r->grid, &before, &r->features,
                         pv_rollout_latent(r, r->frames - 1), r->pixels));
    return r->stream->backend->op->download(r->stream, r->host_frame, r->pixels, all_frames_bytes(r));
}

pv_status pv_rollout_decode_last(struct pv_rollout *r)
{
    r->stream->backend->op->enter(r->stream);
    return leave(r, decode_again(r));
}

pv_status pv_rollout_observe(struct pv_rollout *r, const struct pv_yuv_to_rgb *yuv, const float *action)
{
    r->stream->backend->op->enter(r->stream);
    PV_TRY(leave(r, observe(r, yuv, action)));
    r->encoder.last = !r->encoder.last;
    r->decoder.last = !r->decoder.last;
    r->frames++;
    return PV_OK;
}

pv_status pv_rollout_advance(struct pv_rollout *r, const float *action)
{
    r->stream->backend->op->enter(r->stream);
    PV_TRY(leave(r, advance(r, action)));
    r->decoder.last = !r->decoder.last;
    r->frames++;
    r->predicted++;
    r->pending = r->takes;
    return PV_OK;
}
