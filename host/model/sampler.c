/* sampler.c: from noise to the next latent, and from a latent to its place in the cache. */
#include "model/rollout.h"

void pv_sampler_levels(struct pv_rollout *r)
{
    struct pv_dit_condition *c = &r->condition;
    c->levels = r->steps + 1;
    for (int k = 0; k < r->steps; k++)
        c->level[k] = (float)((double)k / r->steps);
    c->level[r->steps] = (float)r->model->config.context_level;
}

static pv_status combine(struct pv_rollout *r, float *dst, const float *x, double a, const float *y, double b)
{
    return r->stream->backend->op->combine(
        r->stream,
        &(struct pv_combine){
            .dst = dst, .x = x, .y = y, .a = (float)a, .b = (float)b, .count = (size_t)r->takes * r->latent_count});
}

/* Every take has its own, a function of its seed alone: how many run together changes nothing. */
static pv_status noise(struct pv_rollout *r, float *dst, enum pv_noise_purpose purpose)
{
    return r->stream->backend->op->noise(r->stream, &(struct pv_noise){.dst = dst,
                                                                       .count = r->latent_count,
                                                                       .seed = r->seed,
                                                                       .take = r->take,
                                                                       .purpose = purpose,
                                                                       .takes = r->takes,
                                                                       .past = &r->now[PV_NOW_INDEX]});
}

int pv_sampler_slots(const struct pv_rollout *r)
{
    const int window = r->model->dit.config.window;
    return r->frames < (uint64_t)window ? (int)r->frames + 1 : window;
}

pv_status pv_sampler_place(struct pv_rollout *r)
{
    const struct pv_told *told = &r->told[r->frames % 2];
    PV_TRY(pv_dit_rope_time(r->stream, &r->model->dit, &r->tokens, r->frames, told->time));
    told->now[PV_NOW_INDEX] = (uint32_t)r->frames;
    told->now[PV_NOW_SLOT] = (uint32_t)(r->frames % (uint64_t)r->model->dit.config.window);
    told->now[PV_NOW_USED] = (uint32_t)pv_sampler_slots(r);
    return r->stream->backend->op->upload(r->stream, r->now, told->now, PV_NOW * sizeof *told->now);
}

/* Before frame 0 there is nothing (zero). */
static const float *latent_before(const struct pv_rollout *r, unsigned back)
{
    return pv_rollout_latent(r, r->frames + 3 - back);
}

/* A frame with one frame of past has no change yet (zero). */
pv_status pv_sampler_change(struct pv_rollout *r)
{
    const struct pv_op_table *op = r->stream->backend->op;
    if (r->frames < 2)
        return op->zero(r->stream, r->change, (size_t)r->takes * r->latent_count * sizeof(float));
    return combine(r, r->change, latent_before(r, 1), 1, latent_before(r, 2), -1);
}

/* The next frame as the dynamics sees it. */
static struct pv_dit_input input_with(const struct pv_rollout *r, const float *noisy, int level)
{
    return (struct pv_dit_input){.slots = pv_sampler_slots(r),
                                 .slot = &r->now[PV_NOW_SLOT],
                                 .used = &r->now[PV_NOW_USED],
                                 .level = level,
                                 .noisy = noisy,
                                 .previous = latent_before(r, 1),
                                 .change = r->change};
}

static pv_status step(struct pv_rollout *r, int k, float *x)
{
    const double share = 1.0 / (r->steps - k); /* of the way left that one Euler step goes */
    const struct pv_dit_input in = input_with(r, x, k);
    PV_TRY(pv_dit_forward(r->stream, &r->model->dit, &r->condition, &r->tokens, &r->cache, &in, r->clean));
    return combine(r, x, x, 1 - share, r->clean, share);
}

pv_status pv_sampler_stopped(struct pv_rollout *r)
{
    if (!r->callbacks.abort || !r->callbacks.abort(r->callbacks.user))
        return PV_OK;
    return pv_fail(&r->error, PV_ERR_ABORTED, "predicting frame %llu was stopped on request",
                   (unsigned long long)r->frames);
}

pv_status pv_sampler_predict(struct pv_rollout *r)
{
    const struct pv_callbacks *callbacks = &r->callbacks;
    float *x = pv_rollout_latent(r, r->frames);
    PV_TRY(noise(r, x, PV_NOISE_SAMPLE));
    for (int k = 0; k < r->steps; k++) {
        PV_TRY(pv_sampler_stopped(r));
        PV_TRY(step(r, k, x));
        if (callbacks->progress)
            callbacks->progress(callbacks->user, (uint64_t)k + 1, (uint64_t)r->steps);
    }
    return PV_OK;
}

pv_status pv_sampler_commit(struct pv_rollout *r)
{
    const double level = r->model->config.context_level;
    PV_TRY(noise(r, r->noise, PV_NOISE_COMMIT));
    PV_TRY(combine(r, r->noisy, pv_rollout_latent(r, r->frames), level, r->noise, 1 - level));
    const struct pv_dit_input in = input_with(r, r->noisy, r->steps);
    return pv_dit_forward(r->stream, &r->model->dit, &r->condition, &r->tokens, &r->cache, &in, NULL);
}
