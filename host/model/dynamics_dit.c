/* dynamics_dit.c: the forward pass of one frame. */
#include "model/dynamics_dit.h"

#include <math.h>

/* Row `level` of a condition's [levels][parts D], at its part-th D. */
static const void *part_of(const struct pv_stream *s, const struct pv_dit *dit, const void *rows, int level, int parts,
                           int part)
{
    const size_t elements = ((size_t)level * (size_t)parts + (size_t)part) * (size_t)dit->config.hidden;
    return (const char *)rows + elements * s->backend->element_bytes;
}

static int rows_of(const struct pv_dit_scratch *scratch)
{
    return scratch->takes * scratch->tokens;
}

static pv_status norm(struct pv_stream *s, const struct pv_dit *dit, const struct pv_dit_scratch *scratch,
                      const void *shift, const void *scale)
{
    return s->backend->op->norm_modulate(s, &(struct pv_norm_modulate){.dst = scratch->normed,
                                                                       .src = scratch->x,
                                                                       .shift = shift,
                                                                       .scale = scale,
                                                                       .rows = rows_of(scratch),
                                                                       .dim = dit->config.hidden,
                                                                       .rows_per_group = rows_of(scratch),
                                                                       .group_stride = 0,
                                                                       .norm = dit->config.norm,
                                                                       .eps = (float)dit->config.eps});
}

static pv_status linear(struct pv_stream *s, const struct pv_dit_scratch *scratch, void *dst, const void *src,
                        const struct pv_weight *weight, enum pv_activation activation)
{
    return s->backend->op->linear(
        s, &(struct pv_linear){
               .dst = dst, .src = src, .weight = weight, .rows = rows_of(scratch), .activation = activation});
}

/* x += gate * (src weight^T + bias) */
static pv_status join(struct pv_stream *s, const struct pv_dit_scratch *scratch, const void *src,
                      const struct pv_weight *weight, const void *gate)
{
    return s->backend->op->linear(s, &(struct pv_linear){.dst = scratch->x,
                                                         .src = src,
                                                         .residual = scratch->x,
                                                         .gate = gate,
                                                         .weight = weight,
                                                         .rows = rows_of(scratch),
                                                         .rows_per_gate = rows_of(scratch),
                                                         .gate_stride = 0});
}

/* Elements between the keys (or values) of two takes: their caches over time, or their scratch over space. */
static size_t take_stride(const struct pv_dit *dit, const struct pv_dit_block *block,
                          const struct pv_dit_scratch *scratch)
{
    const struct pv_dynamics_config *c = &dit->config;
    const size_t slot = (size_t)scratch->tokens * (size_t)c->kv_heads * (size_t)c->head_dim;
    return block->kind == PV_LAYER_TIME ? (size_t)c->window * slot : slot;
}

/* normed -> q, and k and v: in scratch for attention over space (slot NULL), in a slot of the cache for time. */
static pv_status qkv(struct pv_stream *s, const struct pv_dit *dit, const struct pv_dit_block *block,
                     const struct pv_dit_scratch *scratch, void *k, void *v, const uint32_t *slot)
{
    const struct pv_dynamics_config *c = &dit->config;
    const bool space = block->kind == PV_LAYER_SPACE;
    return s->backend->op->qkv(s, &(struct pv_qkv){.q = scratch->q,
                                                   .k = k,
                                                   .v = v,
                                                   .src = scratch->normed,
                                                   .product = scratch->qkv,
                                                   .weight = block->qkv,
                                                   .q_norm = block->q_norm,
                                                   .k_norm = block->k_norm,
                                                   .rope = space ? scratch->rope_space : scratch->rope_time,
                                                   .rope_rows = space ? scratch->tokens : 1,
                                                   .takes = scratch->takes,
                                                   .tokens = scratch->tokens,
                                                   .heads = c->heads,
                                                   .kv_heads = c->kv_heads,
                                                   .head_dim = c->head_dim,
                                                   .kv_take_stride = take_stride(dit, block, scratch),
                                                   .slot = slot,
                                                   .eps = (float)c->eps});
}

static pv_status attend(struct pv_stream *s, const struct pv_dit *dit, const struct pv_dit_block *block,
                        const struct pv_dit_scratch *scratch, const void *k, const void *v, int slots,
                        const uint32_t *used)
{
    const struct pv_dynamics_config *c = &dit->config;
    return s->backend->op->attention(
        s, &(struct pv_attention){.dst = scratch->attended,
                                  .q = scratch->q,
                                  .k = k,
                                  .v = v,
                                  .takes = scratch->takes,
                                  .tokens = scratch->tokens,
                                  .slots = slots,
                                  .heads = c->heads,
                                  .kv_heads = c->kv_heads,
                                  .head_dim = c->head_dim,
                                  .kv_take_stride = take_stride(dit, block, scratch),
                                  .used = used,
                                  .scale = 1.0f / sqrtf((float)c->head_dim),
                                  .kind = block->kind == PV_LAYER_TIME ? PV_ATTENTION_TIME : PV_ATTENTION_JOINT});
}

/* One below another, the latents of all takes are one tall latent in memory, and its tokens theirs in order. */
static pv_status embed(struct pv_stream *s, const struct pv_dit *dit, const struct pv_dit_scratch *scratch,
                       const struct pv_dit_input *in)
{
    PV_TRY(s->backend->op->patch(s, &(struct pv_patch){.dst = scratch->patches,
                                                       .src = {in->noisy, in->previous, in->change},
                                                       .sources = dit->config.motion_input ? 3 : 1,
                                                       .height = scratch->takes * scratch->latent_height,
                                                       .width = scratch->latent_width,
                                                       .channels = dit->channels,
                                                       .p = dit->config.patch}));
    return linear(s, scratch, scratch->x, scratch->patches, dit->embed, PV_ACTIVATION_NONE);
}

static pv_status finish(struct pv_stream *s, const struct pv_dit *dit, const struct pv_dit_condition *condition,
                        const struct pv_dit_scratch *scratch, const struct pv_dit_input *in, float *clean)
{
    const void *rows = condition->final_modulation;
    PV_TRY(norm(s, dit, scratch, part_of(s, dit, rows, in->level, 2, 0), part_of(s, dit, rows, in->level, 2, 1)));
    PV_TRY(linear(s, scratch, scratch->patches, scratch->normed, dit->final, PV_ACTIVATION_NONE));
    return s->backend->op->unpatch(
        s, &(struct pv_unpatch){.dst = clean,
                                .src = scratch->patches,
                                .base = dit->config.predict == PV_PREDICT_CHANGE ? in->previous : NULL,
                                .still = (float)dit->config.still,
                                .takes = scratch->takes,
                                .height = scratch->takes * scratch->latent_height,
                                .width = scratch->latent_width,
                                .channels = dit->channels,
                                .p = dit->config.patch});
}

pv_status pv_dit_forward(struct pv_stream *s, const struct pv_dit *dit, const struct pv_dit_condition *condition,
                         const struct pv_dit_scratch *scratch, const struct pv_dit_cache *cache,
                         const struct pv_dit_input *in, float *clean)
{
    if (!clean && dit->last_time_layer < 0)
        return PV_OK;
    PV_TRY(embed(s, dit, scratch, in));
    for (int i = 0; i < dit->config.layers; i++) {
        const struct pv_dit_block *block = &dit->blocks[i];
        const bool time = block->kind == PV_LAYER_TIME;
        const void *part[6]; /* shift, scale, gate of attention, then of the MLP: each [D] */
        for (int j = 0; j < 6; j++)
            part[j] = part_of(s, dit, condition->modulation[i], in->level, 6, j);

        PV_TRY(norm(s, dit, scratch, part[0], part[1]));
        if (time) {
            PV_TRY(qkv(s, dit, block, scratch, cache->k[i], cache->v[i], in->slot));
            if (!clean && i == dit->last_time_layer)
                return PV_OK;
            PV_TRY(attend(s, dit, block, scratch, cache->k[i], cache->v[i], in->slots, in->used));
        } else {
            PV_TRY(qkv(s, dit, block, scratch, scratch->k, scratch->v, NULL));
            PV_TRY(attend(s, dit, block, scratch, scratch->k, scratch->v, 1, NULL));
        }
        PV_TRY(join(s, scratch, scratch->attended, block->out, part[2]));

        PV_TRY(norm(s, dit, scratch, part[3], part[4]));
        PV_TRY(linear(s, scratch, scratch->mlp, scratch->normed, block->mlp_in, PV_ACTIVATION_GELU_TANH));
        PV_TRY(join(s, scratch, scratch->mlp, block->mlp_out, part[5]));
    }
    return finish(s, dit, condition, scratch, in, clean);
}
