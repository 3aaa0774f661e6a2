/* dynamics_rope.c: rotary positions (Su et al. 2021, "RoFormer"): axial over space, absolute over time. */
#include <math.h>
#include <stdlib.h>

#include "model/dynamics_dit.h"

static const double pi = 3.14159265358979323846;

static void turn(float *entry, double angle)
{
    entry[0] = (float)cos(angle);
    entry[1] = (float)sin(angle);
}

/* The first half of the pairs turn with y, the others with x. Both run over [-1, 1] at pixel centres, so that a model
 * meets the same positions at every frame size. Frequencies rise evenly from pi to pi max_freq / 2. */
void pv_rope_space(float *table, int height, int width, int head_dim, double max_freq)
{
    const int n = head_dim / 4;
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++)
            for (int i = 0; i < n; i++) {
                const double share = n > 1 ? (double)i / (n - 1) : 0;
                const double frequency = pi * (1 + share * (max_freq / 2 - 1));
                float *row = table + ((size_t)y * (size_t)width + (size_t)x) * (size_t)head_dim;
                turn(row + 2 * i, frequency * ((2.0 * y + 1) / height - 1));
                turn(row + 2 * (n + i), frequency * ((2.0 * x + 1) / width - 1));
            }
}

/* Pair i turns by frame * theta^(-2i / head_dim). */
void pv_rope_time(float *table, uint64_t frame, int head_dim, double theta)
{
    for (int i = 0; i < head_dim / 2; i++)
        turn(table + 2 * i, (double)frame * pow(theta, -2.0 * i / head_dim));
}

pv_status pv_dit_rope_space(struct pv_stream *s, const struct pv_dit *dit, struct pv_dit_scratch *scratch,
                            struct pv_error *error)
{
    const struct pv_dynamics_config *c = &dit->config;
    if (!scratch->rope_space)
        return PV_OK;
    const int latent_height = scratch->latent_height, latent_width = scratch->latent_width;
    const size_t bytes = (size_t)scratch->tokens * (size_t)c->head_dim * sizeof(float);
    float *table = malloc(bytes);
    if (!table)
        return pv_fail(error, PV_ERR_MEMORY, "no memory for the positions of %d tokens", scratch->tokens);
    pv_rope_space(table, latent_height / c->patch, latent_width / c->patch, c->head_dim, c->rope_space_max_freq);
    pv_status status = s->backend->op->upload(s, scratch->rope_space, table, bytes);
    if (status == PV_OK)
        status = s->backend->op->synchronize(s);
    free(table);
    return status;
}

pv_status pv_dit_rope_time(struct pv_stream *s, const struct pv_dit *dit, struct pv_dit_scratch *scratch,
                           uint64_t frame, float *host)
{
    const int head_dim = dit->config.head_dim;
    pv_rope_time(host, frame, head_dim, dit->config.rope_time_theta);
    return s->backend->op->upload(s, scratch->rope_time, host, (size_t)head_dim * sizeof(float));
}
