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
                                                                       .past = r->frame_index});
}

pv_status pv_sampler_place(struct pv_rollout *r)
{
    PV_TRY(pv_dit_rope_time(r->stream, &r->model->dit, &r->tokens, r->frames));
    r->host_index = (uint32_t)r->frames;
    return r->stream->backend->op->upload(r->stream, r->frame_index, &r->host_index, sizeof r->host_index);
}

/* Before frame 0 there is nothing (zero); a frame with one frame of past has no change yet (zero). */
pv_status pv_sampler_describe(struct pv_rollout *r, struct pv_dit_input *in)
{
    const struct pv_op_table *op = r->stream->backend->op;
    const uint64_t i = r->frames;
    const float *previous = pv_rollout_latent(r, i + 2); /* i - 1, modulo 3 */
    *in = (struct pv_dit_input){.frame = i, .previous = previous, .change = r->change};
    if (i < 2)
        return op->zero(r->stream, r->change, (size_t)r->takes * r->latent_count * sizeof(float));
    return combine(r, r->change, previous, 1, pv_rollout_latent(r, i + 1), -1);
}

static pv_status step(struct pv_rollout *r, int k, const struct pv_dit_input *in, float *x)
{
    const double share = 1.0 / (r->steps - k); /* of the way left that one Euler step goes */
    PV_TRY(pv_dit_forward(r->stream, &r->model->dit, &r->condition, &r->tokens, &r->cache, in, r->clean));
    return combine(r, x, x, 1 - share, r->clean, share);
}

pv_status pv_sampler_stopped(struct pv_rollout *r)
{
    if (!r->callbacks.abort || !r->callbacks.abort(r->callbacks.user))
        return PV_OK;
    return pv_fail(&r->error, PV_ERR_ABORTED, "predicting frame %llu was stopped on request",
                   (unsigned long long)r->frames);
}

pv_status pv_sampler_predict(struct pv_rollout *r, struct pv_dit_input in)
{
    const struct pv_callbacks *callbacks = &r->callbacks;
    float *x = pv_rollout_latent(r, r->frames);
    in.noisy = x;
    PV_TRY(noise(r, x, PV_NOISE_SAMPLE));
    for (int k = 0; k < r->steps; k++) {
        PV_TRY(pv_sampler_stopped(r));
        in.level = k;
        PV_TRY(step(r, k, &in, x));
        if (callbacks->progress)
            callbacks->progress(callbacks->user, (uint64_t)k + 1, (uint64_t)r->steps);
    }
    return PV_OK;
}

pv_status pv_sampler_commit(struct pv_rollout *r, struct pv_dit_input in)
{
    const double level = r->model->config.context_level;
    PV_TRY(noise(r, r->noise, PV_NOISE_COMMIT));
    PV_TRY(combine(r, r->noisy, pv_rollout_latent(r, r->frames), level, r->noise, 1 - level));
    in.noisy = r->noisy;
    in.level = r->steps;
    return pv_dit_forward(r->stream, &r->model->dit, &r->condition, &r->tokens, &r->cache, &in, NULL);
}
