/* dynamics_dit.h: the dynamics `dit`: a transformer over the tokens of space and time that predicts a frame's clean
 * latent from its noisy one and the frames before it. training/model.py is the same in PyTorch.
 *
 * Sizes: T = takes, D = hidden, F = mlp width, H = heads, K = kv_heads, E = head_dim, N = tokens of a frame, C = latent
 * channels, P = patch. Matrices are [out][in]. */
#ifndef PV_MODEL_DYNAMICS_DIT_H
#define PV_MODEL_DYNAMICS_DIT_H

#include "backend/op.h"
#include "model/buffers.h"
#include "model/config.h"
#include "model/weights.h"

enum {
    PV_DIT_LEVELS = PV_CONFIG_STEPS + 1, /* noise levels a rollout uses: one a sampling step, one for the commit */
};

struct pv_dit_block {
    enum pv_layer_kind kind;
    const struct pv_weight *qkv;        /* [(H + 2K) E][D] */
    const struct pv_weight *out;        /* [D][H E] */
    const struct pv_weight *mlp_in;     /* [F][D] */
    const struct pv_weight *mlp_out;    /* [D][F] */
    const float *q_norm, *k_norm;       /* [E]; NULL = q and k are not normalised */
    const void *table;                  /* [6D], shared modulation only */
    const struct pv_weight *modulation; /* [6D][D], modulation per layer only */
};

struct pv_dit {
    struct pv_dynamics_config config;
    int channels;                             /* C */
    int last_time_layer;                      /* -1 = there is none */
    const struct pv_weight *embed;            /* [D][sources P P C] */
    const struct pv_weight *level_in;         /* [D][level_embedding] */
    const struct pv_weight *level_out;        /* [D][D] */
    const struct pv_weight *action;           /* [D][action_size]; NULL = the model takes no action */
    const struct pv_weight *modulation;       /* [6D][D], shared modulation only */
    const struct pv_weight *final_modulation; /* [2D][D] */
    const struct pv_weight *final;            /* [P P C][D] */
    struct pv_dit_block blocks[PV_CONFIG_LAYERS];
};

/* dit must be zero; its weights belong to reader->weights. */
pv_status pv_dit_load(struct pv_dit *dit, const struct pv_dynamics_config *config, int channels,
                      struct pv_weight_reader *reader);

/* The past, one rollout's own: keys and values of every time layer; a frame's place is its index modulo the window. */
struct pv_dit_cache {
    void *k[PV_CONFIG_LAYERS], *v[PV_CONFIG_LAYERS]; /* [T][window][N][K E]; NULL for layers over space */
};

/* What (noise level, action) do to the layers: computed when the action changes, then only read. Activations. */
struct pv_dit_condition {
    int levels;
    float level[PV_DIT_LEVELS];
    bool valid; /* everything below is that of action */
    float action[PV_CONFIG_ACTION];
    void *level_hidden;                  /* [levels][D], before the action joins: the same for the whole rollout */
    void *hidden;                        /* [levels][D] */
    void *shared;                        /* [levels][6D] */
    void *modulation[PV_CONFIG_LAYERS];  /* [levels][6D]: shift, scale, gate of attention, then of the MLP */
    void *final_modulation;              /* [levels][2D]: shift, scale */
    void *embedding;                     /* [levels][level_embedding] */
    void *action_values, *action_hidden; /* [action_size], [D] */
};

struct pv_dit_scratch {
    int latent_height, latent_width;
    int takes, tokens; /* T, N */
    void *patches;     /* [T][N][3 P P C], and the way back [T][N][P P C] */
    void *x, *normed;  /* [T][N][D] */
    void *qkv;         /* [T][N][(H + 2K) E], of which a backend may make use */
    void *q, *k, *v;   /* [T][N][H E], [T][N][K E], [T][N][K E] */
    void *attended;    /* [T][N][H E] */
    void *mlp;         /* [T][N][F] */
    float *rope_space; /* [N][E/2][2] */
    float *rope_time;  /* [1][E/2][2], of the frame in work */
};

void pv_dit_cache_take(const struct pv_dit *dit, int takes, int tokens, struct pv_dit_cache *cache,
                       struct pv_buffers *buffers);
void pv_dit_condition_take(const struct pv_dit *dit, struct pv_dit_condition *condition, struct pv_buffers *buffers);
void pv_dit_scratch_take(const struct pv_dit *dit, struct pv_dit_scratch *scratch, struct pv_buffers *buffers);

/* dynamics_condition.c: once a rollout, for the levels in condition->level; then before each frame, with the action's
 * action_size values, where nothing is done unless they differ from the last ones. host: room for as many on the host,
 * which the stream reads when it gets there. */
pv_status pv_dit_condition_levels(struct pv_stream *s, const struct pv_dit *dit, struct pv_dit_condition *condition);
pv_status pv_dit_condition_action(struct pv_stream *s, const struct pv_dit *dit, struct pv_dit_condition *condition,
                                  const float *action, float *host);

/* dynamics_rope.c: angles in double, tables in float [rows][E/2][2]. host: E floats, as above. */
void pv_rope_space(float *table, int height, int width, int head_dim, double max_freq);
void pv_rope_time(float *table, uint64_t frame, int head_dim, double theta);
pv_status pv_dit_rope_space(struct pv_stream *s, const struct pv_dit *dit, struct pv_dit_scratch *scratch,
                            struct pv_error *error);
pv_status pv_dit_rope_time(struct pv_stream *s, const struct pv_dit *dit, struct pv_dit_scratch *scratch,
                           uint64_t frame, float *host);

/* One frame of every take for one pass; its rotation over time must be uploaded. Latents
 * [T][latent_height][latent_width][C]. */
struct pv_dit_input {
    int slots;                              /* of the cache that hold a frame, with this one */
    const uint32_t *slot, *used;            /* in the backend's memory: the frame's own slot; slots once more */
    int level;                              /* place in condition->level */
    const float *noisy, *previous, *change; /* level * latent + (1 - level) * noise; the frame before; its change */
};

/* Writes the frame's keys and values into the cache and its clean latent to clean. clean NULL: only the cache, and the
 * pass ends with the last layer that has one. */
pv_status pv_dit_forward(struct pv_stream *s, const struct pv_dit *dit, const struct pv_dit_condition *condition,
                         const struct pv_dit_scratch *scratch, const struct pv_dit_cache *cache,
                         const struct pv_dit_input *in, float *clean);

#endif
