/* rollout.h: what a rollout is, and its two moves: observe a frame, predict one.
 *
 * A move works beside the state and takes effect at its end: new features, latents, keys and values are written where
 * the frames that a retry, a copy or a saved file needs do not lie, and only then the counters turn. So a move that
 * fails or is stopped half-way has changed nothing:
 * - the codec's memory has two places, of which the older one is written (struct pv_tae_memory);
 * - the latent of frame i lies in place i % 3 and needs only those of i - 1 and i - 2;
 * - the cache's slot i % window held frame i - window, which frame i can no longer see. */
#ifndef PV_MODEL_ROLLOUT_H
#define PV_MODEL_ROLLOUT_H

#include "backend/meter.h"
#include "model/model.h"

struct pv_rollout {
    struct pv_error error;
    bool ready; /* open succeeded */
    const struct pv_model *model;
    struct pv_callbacks callbacks;
    struct pv_stream *stream;        /* what ops are called on: the backend's, or the meter around it */
    struct pv_metered_stream *meter; /* NULL = off */

    int width, height; /* of a frame, pixels */
    int steps;
    pv_mode mode;
    int takes;     /* futures that run side by side, T */
    uint64_t seed; /* of the first; those of the others follow */
    uint32_t take;

    uint64_t frames;    /* in the context of each; the index of the next one */
    uint64_t predicted; /* of them */
    int pending;        /* takes whose last predicted frame waits in host_frame: the last ones */

    struct pv_tae_grid grid;
    size_t latent_count; /* numbers in a latent of one take */

    /* What a copy copies and a file holds, in one piece of memory. */
    struct pv_buffers state;
    float *latents[3]; /* [T] latents of frame i in i % 3; zero before frame 0 */
    struct pv_tae_memory encoder, decoder;
    struct pv_dit_cache cache;

    /* What one move leaves for the next to overwrite. */
    struct pv_buffers scratch;
    float *noise, *noisy, *clean, *change; /* [T] latents */
    uint32_t *frame_index;                 /* [1]: of the frame in work, for its noise */
    uint8_t *pixels;                       /* [T][height][width][3] */
    uint8_t *planes;                       /* of a surface that is sent */
    struct pv_tae_scratch features;
    struct pv_dit_scratch tokens;
    struct pv_dit_condition condition; /* its last level is the commit's */
    uint8_t *host_frame;               /* [T][height][width][3] */
    uint32_t host_index;               /* what is uploaded to frame_index */
};

/* What noise is for: part of its counter, so that the two draws of a frame are independent. */
enum pv_noise_purpose { PV_NOISE_SAMPLE = 0, PV_NOISE_COMMIT = 1 };

/* Of a zeroed rollout with model, callbacks and settings (width to take) set: all sizes, but no memory yet. */
void pv_rollout_measure(struct pv_rollout *r);
/* The same, and memory, positions, noise levels. */
pv_status pv_rollout_prepare(struct pv_rollout *r);
/* Leaves the struct itself to the caller. Safe on whatever prepare left. */
void pv_rollout_release(struct pv_rollout *r);
/* to is prepared with the same settings. */
pv_status pv_rollout_copy(struct pv_rollout *to, const struct pv_rollout *from);
/* Bytes of one take's frame in host_frame. */
size_t pv_rollout_frame_bytes(const struct pv_rollout *r);

/* What lies in host_frame joins the context: a frame for every take; or, where yuv is not NULL, a packed surface (yuv
 * as pv_surface_pack left it) for all of them. action: action_size values. */
pv_status pv_rollout_observe(struct pv_rollout *r, const struct pv_yuv_to_rgb *yuv, const float *action);
/* The next frame of every take joins its context and is left in host_frame, pending. */
pv_status pv_rollout_advance(struct pv_rollout *r, const float *action);
/* The last frame (there is one) decoded once more, into host_frame. The state stays as it is. */
pv_status pv_rollout_decode_last(struct pv_rollout *r);

/* Other noise from here on: what was recorded holds the old seed. */
void pv_rollout_set_seed(struct pv_rollout *r, uint64_t seed, uint32_t take);

/* Ops from here on belong to this part of a frame (PV_METER_IDLE: to none). */
pv_status pv_rollout_part(struct pv_rollout *r, int part);
/* Starts anew, or stops. */
pv_status pv_rollout_meter(struct pv_rollout *r, pv_meter meter);

/* Latents of frame i, while it is one of the last three. */
float *pv_rollout_latent(const struct pv_rollout *r, uint64_t frame);

/* ---- sampler.c ---- */

/* The settings' noise levels into condition.level: one a step, then the commit's. */
void pv_sampler_levels(struct pv_rollout *r);
/* Tells the backend's memory which frame comes next: its index and the positions of its time. */
pv_status pv_sampler_place(struct pv_rollout *r);
/* The next frame as the dynamics sees it, but for noisy and level. */
pv_status pv_sampler_describe(struct pv_rollout *r, struct pv_dit_input *in);
/* PV_ERR_ABORTED when the owner's abort says so. */
pv_status pv_sampler_stopped(struct pv_rollout *r);
/* The latent of the next frame, from noise, by rectified flow (Liu et al. 2022, "Flow straight and fast"), predicting
 * the clean latent, in Euler steps. */
pv_status pv_sampler_predict(struct pv_rollout *r, struct pv_dit_input in);
/* Keys and values of the next frame, whose latent is known, into the cache. */
pv_status pv_sampler_commit(struct pv_rollout *r, struct pv_dit_input in);

/* ---- rollout_state.c ---- */

pv_status pv_rollout_write(struct pv_rollout *r, const char *path);
/* Of a zeroed rollout with model and callbacks set: settings and state from the file, prepared. */
pv_status pv_rollout_read(struct pv_rollout *r, const char *path);
/* to is prepared with from's settings, but any number of takes; from has one, and no frame pending. */
pv_status pv_rollout_spread(struct pv_rollout *to, const struct pv_rollout *from);

#endif
