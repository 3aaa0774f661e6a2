/* dynamics_condition.c: noise level and action -> shift, scale and gate of every layer. The levels of a rollout are
 * known when it opens, so they are all computed together, and only again when the action changes. */
#include <string.h>

#include "model/dynamics_dit.h"

static void *row(const struct pv_stream *s, void *rows, int i, int width)
{
    return (char *)rows + (size_t)i * (size_t)width * s->backend->element_bytes;
}

static pv_status linear(struct pv_stream *s, void *dst, const void *src, const struct pv_weight *weight, int rows,
                        enum pv_activation activation)
{
    return s->backend->op->linear(
        s, &(struct pv_linear){.dst = dst, .src = src, .weight = weight, .rows = rows, .activation = activation});
}

static pv_status add(struct pv_stream *s, void *dst, const void *a, const void *b, int count,
                     enum pv_activation activation)
{
    return s->backend->op->add(
        s, &(struct pv_add){.dst = dst, .a = a, .b = b, .count = (size_t)count, .activation = activation});
}

pv_status pv_dit_condition_levels(struct pv_stream *s, const struct pv_dit *dit, struct pv_dit_condition *c)
{
    const int dim = dit->config.level_embedding;
    c->valid = false;
    for (int i = 0; i < c->levels; i++)
        PV_TRY(s->backend->op->level_embedding(
            s, &(struct pv_level_embedding){.dst = row(s, c->embedding, i, dim), .level = c->level[i], .dim = dim}));
    PV_TRY(linear(s, c->hidden, c->embedding, dit->level_in, c->levels, PV_ACTIVATION_SILU));
    return linear(s, c->level_hidden, c->hidden, dit->level_out, c->levels, PV_ACTIVATION_NONE);
}

/* hidden = silu(level_hidden + action) */
static pv_status join_action(struct pv_stream *s, const struct pv_dit *dit, struct pv_dit_condition *c, float *host)
{
    const int size = dit->config.action_size, hidden = dit->config.hidden;
    if (!dit->action)
        return add(s, c->hidden, c->level_hidden, NULL, c->levels * hidden, PV_ACTIVATION_SILU);
    for (int i = 0; i < size; i++)
        host[i] = c->action[i] * (float)dit->config.action_scale[i];
    PV_TRY(s->backend->op->upload_activations(s, c->action_values, host, (size_t)size));
    PV_TRY(linear(s, c->action_hidden, c->action_values, dit->action, 1, PV_ACTIVATION_NONE));
    for (int i = 0; i < c->levels; i++)
        PV_TRY(add(s, row(s, c->hidden, i, hidden), row(s, c->level_hidden, i, hidden), c->action_hidden, hidden,
                   PV_ACTIVATION_SILU));
    return PV_OK;
}

pv_status pv_dit_condition_action(struct pv_stream *s, const struct pv_dit *dit, struct pv_dit_condition *c,
                                  const float *action, float *host)
{
    const size_t bytes = (size_t)dit->config.action_size * sizeof *action;
    const int six = 6 * dit->config.hidden;
    if (c->valid && memcmp(c->action, action, bytes) == 0)
        return PV_OK;
    c->valid = false;
    memcpy(c->action, action, bytes);
    PV_TRY(join_action(s, dit, c, host));
    if (dit->modulation)
        PV_TRY(linear(s, c->shared, c->hidden, dit->modulation, c->levels, PV_ACTIVATION_NONE));
    for (int i = 0; i < dit->config.layers; i++) {
        const struct pv_dit_block *block = &dit->blocks[i];
        if (!dit->modulation) {
            PV_TRY(linear(s, c->modulation[i], c->hidden, block->modulation, c->levels, PV_ACTIVATION_NONE));
            continue;
        }
        for (int level = 0; level < c->levels; level++)
            PV_TRY(add(s, row(s, c->modulation[i], level, six), row(s, c->shared, level, six), block->table, six,
                       PV_ACTIVATION_NONE));
    }
    PV_TRY(linear(s, c->final_modulation, c->hidden, dit->final_modulation, c->levels, PV_ACTIVATION_NONE));
    c->valid = true;
    return PV_OK;
}
