/* rollout.c: memory and streams of a rollout. */
#include "model/rollout.h"

#include <string.h>

float *pv_rollout_latent(const struct pv_rollout *r, uint64_t frame)
{
    return r->latents[frame % 3];
}

size_t pv_rollout_frame_bytes(const struct pv_rollout *r)
{
    return (size_t)r->width * 3 * (size_t)r->height;
}

size_t pv_rollout_all_bytes(const struct pv_rollout *r)
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
    r->now = pv_buffers_take(&r->scratch, sizeof *r->now, PV_NOW, 1, 1);
    r->pixels = pv_buffers_take(&r->scratch, 3, (size_t)r->takes, (size_t)r->width, (size_t)r->height);
    r->planes = pv_buffers_take(&r->scratch, 3, 1, (size_t)r->width, (size_t)r->height);
    for (int i = 0; i < 2; i++)
        r->features.features[i] = pv_buffers_take(&r->scratch, r->scratch.backend->element_bytes, features, 1, 1);
    pv_dit_scratch_take(&r->model->dit, &r->tokens, &r->scratch);
    pv_dit_condition_take(&r->model->dit, &r->condition, &r->scratch);
}

static void take_host(struct pv_rollout *r)
{
    for (int i = 0; i < 2; i++) {
        r->host_frame[i] = pv_buffers_take(&r->host, 3, (size_t)r->takes, (size_t)r->width, (size_t)r->height);
        r->told[i].action = pv_buffers_take(&r->host, sizeof(float), PV_CONFIG_ACTION, 1, 1);
        r->told[i].time = pv_buffers_take(&r->host, sizeof(float), (size_t)r->model->dit.config.head_dim, 1, 1);
        r->told[i].now = pv_buffers_take(&r->host, sizeof(uint32_t), PV_NOW, 1, 1);
    }
    if (r->detail != PV_DETAIL_KEEP)
        return;
    r->seen = pv_buffers_take(&r->host, 3, (size_t)r->width, (size_t)r->height, 1);
    r->seen_decoded = pv_buffers_take(&r->host, 3, (size_t)r->takes, (size_t)r->width, (size_t)r->height);
    struct pv_detail_scratch *scratch = &r->detail_scratch;
    scratch->change = pv_buffers_take(&r->host, 1, (size_t)r->width, (size_t)r->height, 1);
    scratch->gradient = pv_buffers_take(&r->host, 1, (size_t)r->width, (size_t)r->height, 1);
    for (int i = 0; i < 2; i++)
        scratch->sums[i] = pv_buffers_take(&r->host, sizeof(uint16_t), (size_t)r->width + PV_DETAIL_BORDER, 1, 1);
    scratch->kept = pv_buffers_take(&r->host, sizeof *scratch->kept, (size_t)r->width, 3, 1);
}

static pv_status allocate(struct pv_rollout *r)
{
    PV_TRY(pv_buffers_allocate(&r->state, "the state of a rollout", &r->error));
    PV_TRY(pv_buffers_allocate(&r->scratch, "the work of a rollout", &r->error));
    PV_TRY(pv_buffers_allocate(&r->host, "the frames of a rollout", &r->error));
    take_state(r);
    take_scratch(r);
    take_host(r);
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
    r->host = (struct pv_buffers){.backend = model->backend, .host = true};
    take_state(r);
    take_scratch(r);
    take_host(r);
}

/* ---- streams ---- */

bool pv_rollout_overlaps(const struct pv_rollout *r)
{
    return r->decoding != r->stream;
}

static void use_streams(struct pv_rollout *r)
{
    r->stream = r->opened[0];
    r->decoding = r->opened[1] ? r->opened[1] : r->stream;
}

static pv_status open_streams(struct pv_rollout *r)
{
    struct pv_backend *backend = r->model->backend;
    PV_TRY(backend->op->stream_open(backend, &r->error, &r->opened[0]));
    if (backend->op->mark)
        PV_TRY(backend->op->stream_open(backend, &r->error, &r->opened[1]));
    use_streams(r);
    return PV_OK;
}

static pv_status synchronize(const struct pv_rollout *r)
{
    const struct pv_op_table *op = r->stream->backend->op;
    const pv_status first = op->synchronize(r->stream);
    const pv_status second = pv_rollout_overlaps(r) ? op->synchronize(r->decoding) : PV_OK;
    return first != PV_OK ? first : second;
}

pv_status pv_rollout_wait(const struct pv_rollout *r, struct pv_error *error)
{
    r->stream->backend->op->enter(r->stream);
    const pv_status status = synchronize(r);
    r->stream->backend->op->leave(r->stream);
    if (status != PV_OK && error != &r->error)
        *error = r->error;
    return status;
}

pv_status pv_rollout_finish(struct pv_rollout *r, pv_status status)
{
    struct pv_error first = r->error;
    pv_status over = synchronize(r);
    if (over == PV_OK)
        over = pv_rollout_part(r, PV_METER_IDLE);
    r->stream->backend->op->leave(r->stream);
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
    PV_TRY(open_streams(r));
    r->stream->backend->op->enter(r->stream);
    return pv_rollout_finish(r, compute_constants(r));
}

static void remove_meter(struct pv_rollout *r)
{
    if (!r->meter)
        return;
    use_streams(r);
    pv_meter_close(r->meter);
    r->meter = NULL;
}

/* What is metered is on one stream, so that parts have times of their own. */
pv_status pv_rollout_meter(struct pv_rollout *r, pv_meter meter)
{
    PV_TRY(pv_rollout_wait(r, &r->error));
    remove_meter(r);
    if (meter == PV_METER_OFF)
        return PV_OK;
    r->stream->backend->op->enter(r->stream);
    PV_TRY(pv_rollout_finish(r, pv_meter_open(r->stream, meter == PV_METER_OPS, &r->meter)));
    r->stream = r->decoding = &r->meter->stream;
    return PV_OK;
}

pv_status pv_rollout_part(struct pv_rollout *r, int part)
{
    return r->meter ? pv_meter_part(r->meter, part) : PV_OK;
}

void pv_rollout_release(struct pv_rollout *r)
{
    remove_meter(r);
    for (int i = 0; i < 2; i++)
        if (r->opened[i])
            r->opened[i]->backend->op->stream_close(r->opened[i]);
    pv_buffers_free(&r->state);
    pv_buffers_free(&r->scratch);
    pv_buffers_free(&r->host);
}

pv_status pv_rollout_copy(struct pv_rollout *to, const struct pv_rollout *from)
{
    const struct pv_op_table *op = to->stream->backend->op;
    PV_TRY(pv_rollout_wait(from, &to->error));
    op->enter(to->stream);
    PV_TRY(pv_rollout_finish(to, op->copy(to->stream, to->state.memory, from->state.memory, from->state.used)));
    for (int i = 0; i < 2; i++)
        memcpy(to->host_frame[i], from->host_frame[i], pv_rollout_all_bytes(from));
    if (from->detail == PV_DETAIL_KEEP) {
        memcpy(to->seen, from->seen, pv_rollout_frame_bytes(from));
        memcpy(to->seen_decoded, from->seen_decoded, pv_rollout_all_bytes(from));
    }
    to->has_seen_decoded = from->has_seen_decoded;
    to->seen_end = from->seen_end;
    to->encoder.last = from->encoder.last;
    to->decoder.last = from->decoder.last;
    to->frames = from->frames;
    to->predicted = from->predicted;
    to->pending = from->pending;
    return PV_OK;
}

pv_status pv_rollout_set_seed(struct pv_rollout *r, uint64_t seed, uint32_t take)
{
    const struct pv_op_table *op = r->stream->backend->op;
    PV_TRY(pv_rollout_wait(r, &r->error));
    r->seed = seed;
    r->take = take;
    if (op->record_forget)
        op->record_forget(r->stream);
    return PV_OK;
}
