/* dynamics_load.c: the dynamics' weights by name, and the buffers a rollout needs for them. */
#include "model/dynamics_dit.h"

static pv_status load_block(struct pv_dit_block *block, const struct pv_dynamics_config *c, int i,
                            struct pv_weight_reader *reader)
{
    const struct pv_weight_name name = pv_weight_name("dynamics.block.%d", i);
    const char *prefix = name.text;
    const int attended = c->heads * c->head_dim, qkv = (c->heads + 2 * c->kv_heads) * c->head_dim;
    block->kind = c->kinds[i];
    PV_TRY(
        pv_weight_linear(reader, pv_weight_name("%s.attention.qkv", prefix).text, qkv, c->hidden, true, &block->qkv));
    PV_TRY(pv_weight_linear(reader, pv_weight_name("%s.attention.out", prefix).text, c->hidden, attended, true,
                            &block->out));
    if (c->qk_norm == PV_QK_NORM_RMS) {
        PV_TRY(
            pv_weight_floats(reader, pv_weight_name("%s.attention.q_norm", prefix).text, c->head_dim, &block->q_norm));
        PV_TRY(
            pv_weight_floats(reader, pv_weight_name("%s.attention.k_norm", prefix).text, c->head_dim, &block->k_norm));
    }
    PV_TRY(pv_weight_linear(reader, pv_weight_name("%s.mlp.0", prefix).text, c->mlp, c->hidden, true, &block->mlp_in));
    PV_TRY(pv_weight_linear(reader, pv_weight_name("%s.mlp.1", prefix).text, c->hidden, c->mlp, true, &block->mlp_out));
    if (c->modulation == PV_MODULATION_SHARED)
        return pv_weight_activations(reader, pv_weight_name("%s.table", prefix).text, 6 * c->hidden, &block->table);
    return pv_weight_linear(reader, pv_weight_name("%s.modulation", prefix).text, 6 * c->hidden, c->hidden, true,
                            &block->modulation);
}

static int patch_size(const struct pv_dit *dit)
{
    return dit->config.patch * dit->config.patch * dit->channels;
}

static int sources(const struct pv_dit *dit)
{
    return dit->config.motion_input ? 3 : 1;
}

pv_status pv_dit_load(struct pv_dit *dit, const struct pv_dynamics_config *config, int channels,
                      struct pv_weight_reader *reader)
{
    const struct pv_dynamics_config *c = &dit->config;
    dit->config = *config;
    dit->channels = channels;
    dit->last_time_layer = -1;
    const int patch = patch_size(dit);
    PV_TRY(pv_weight_linear(reader, "dynamics.embed", c->hidden, sources(dit) * patch, true, &dit->embed));
    PV_TRY(pv_weight_linear(reader, "dynamics.level.0", c->hidden, c->level_embedding, true, &dit->level_in));
    PV_TRY(pv_weight_linear(reader, "dynamics.level.1", c->hidden, c->hidden, true, &dit->level_out));
    if (c->action_size > 0)
        PV_TRY(pv_weight_linear(reader, "dynamics.action", c->hidden, c->action_size, false, &dit->action));
    if (c->modulation == PV_MODULATION_SHARED)
        PV_TRY(pv_weight_linear(reader, "dynamics.modulation", 6 * c->hidden, c->hidden, true, &dit->modulation));
    for (int i = 0; i < c->layers; i++) {
        PV_TRY(load_block(&dit->blocks[i], c, i, reader));
        if (c->kinds[i] == PV_LAYER_TIME)
            dit->last_time_layer = i;
    }
    PV_TRY(
        pv_weight_linear(reader, "dynamics.final_modulation", 2 * c->hidden, c->hidden, true, &dit->final_modulation));
    return pv_weight_linear(reader, "dynamics.final", patch, c->hidden, true, &dit->final);
}

static void *activations(struct pv_buffers *buffers, int a, int b)
{
    return pv_buffers_take(buffers, buffers->backend->element_bytes, (size_t)a, (size_t)b, 1);
}

void pv_dit_cache_take(const struct pv_dit *dit, int takes, int tokens, struct pv_dit_cache *cache,
                       struct pv_buffers *buffers)
{
    const struct pv_dynamics_config *c = &dit->config;
    const size_t row = (size_t)c->kv_heads * (size_t)c->head_dim;
    const size_t slots = (size_t)takes * (size_t)c->window, bytes = buffers->backend->element_bytes;
    for (int i = 0; i < c->layers; i++) {
        if (c->kinds[i] != PV_LAYER_TIME)
            continue;
        cache->k[i] = pv_buffers_take(buffers, bytes, slots, (size_t)tokens, row);
        cache->v[i] = pv_buffers_take(buffers, bytes, slots, (size_t)tokens, row);
    }
}

void pv_dit_condition_take(const struct pv_dit *dit, struct pv_dit_condition *c, struct pv_buffers *buffers)
{
    const int hidden = dit->config.hidden;
    c->level_hidden = activations(buffers, c->levels, hidden);
    c->hidden = activations(buffers, c->levels, hidden);
    c->embedding = activations(buffers, c->levels, dit->config.level_embedding);
    c->final_modulation = activations(buffers, c->levels, 2 * hidden);
    for (int i = 0; i < dit->config.layers; i++)
        c->modulation[i] = activations(buffers, c->levels, 6 * hidden);
    if (dit->modulation)
        c->shared = activations(buffers, c->levels, 6 * hidden);
    if (dit->action) {
        c->action_values = activations(buffers, 1, dit->config.action_size);
        c->action_hidden = activations(buffers, 1, hidden);
    }
}

void pv_dit_scratch_take(const struct pv_dit *dit, struct pv_dit_scratch *scratch, struct pv_buffers *buffers)
{
    const struct pv_dynamics_config *c = &dit->config;
    const int n = scratch->takes * scratch->tokens, q = c->heads * c->head_dim, kv = c->kv_heads * c->head_dim;
    scratch->patches = activations(buffers, n, sources(dit) * patch_size(dit));
    scratch->x = activations(buffers, n, c->hidden);
    scratch->normed = activations(buffers, n, c->hidden);
    scratch->qkv = activations(buffers, n, q + 2 * kv);
    scratch->q = activations(buffers, n, q);
    scratch->k = activations(buffers, n, kv);
    scratch->v = activations(buffers, n, kv);
    scratch->attended = activations(buffers, n, q);
    scratch->mlp = activations(buffers, n, c->mlp);
    scratch->rope_time = pv_buffers_take(buffers, sizeof(float), 1, (size_t)c->head_dim, 1);
    bool space = false;
    for (int i = 0; i < c->layers; i++)
        space |= c->kinds[i] == PV_LAYER_SPACE;
    if (space)
        scratch->rope_space = pv_buffers_take(buffers, sizeof(float), (size_t)scratch->tokens, (size_t)c->head_dim, 1);
}
