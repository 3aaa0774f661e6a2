/* rollout.h: what a rollout is, and its two moves: observe a frame, predict one.
 *
 * Where the backend has streams that overlap, predicting only asks: one stream samples and commits, frame after frame,
 * another one decodes what the first has sampled and brings it to the host. What both touch is ordered so:
 * - a latent is decoded after the mark that its stream set when it was sampled. The frame that writes over it is the
 *   third after it, and may be asked for only when it was received;
 * - the decoder's memory, features and pixels are the second stream's. An observation, which needs them on the first,
 *   is made when no frame waits, and is over when it returns;
 * - what the host tells and hears lies in two places, of which frames take turns: one is asked for only when the one
 *   before the last was received.
 *
 * Whatever else there is waits for both streams first.
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
#include "model/detail.h"
#include "model/model.h"

/* What a frame's ops fetch from the host. */
struct pv_told {
    float *action, *time;
    uint32_t *now; /* [PV_NOW] */
};

/* Where the frame in work stands: numbers that ops fetch from memory, so that their recordings serve every frame. */
enum {
    PV_NOW_INDEX, /* its index modulo 2^32, for its noise */
    PV_NOW_SLOT,  /* its place in the cache */
    PV_NOW_USED,  /* places of the cache that hold a frame, with this one */
    PV_NOW
};

struct pv_rollout {
    struct pv_error error;
    bool ready; /* open succeeded */
    const struct pv_model *model;
    struct pv_callbacks callbacks;
    struct pv_stream *opened[2];     /* the backend's; the second NULL where its ops are done when they return */
    struct pv_stream *stream;        /* what ops are called on: the first of them, or the meter around it */
    struct pv_stream *decoding;      /* of predicted frames, and their way to the host: the second; else stream */
    struct pv_metered_stream *meter; /* NULL = off */

    int width, height; /* of a frame, pixels */
    int steps;
    pv_mode mode;
    pv_detail detail;
    int takes;     /* futures that run side by side, T */
    uint64_t seed; /* of the first; those of the others follow */
    uint32_t take;

    uint64_t frames;    /* in the context of each; the index of the next one */
    uint64_t predicted; /* of them */
    uint64_t seen_end;  /* frames when the last one was observed: those after it are predicted */
    int pending;        /* pictures of the last predicted frames, T each, that were not received: the last ones */

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
    uint32_t *now;                         /* [PV_NOW] */
    uint8_t *pixels;                       /* [T][height][width][3] */
    uint8_t *planes;                       /* of a surface that is sent */
    struct pv_tae_scratch features;
    struct pv_dit_scratch tokens;
    struct pv_dit_condition condition; /* its last level is the commit's */

    /* On the host. */
    struct pv_buffers host;
    uint8_t *host_frame[2]; /* [T][height][width][3]: predicted frame i (of `predicted`) in i % 2; in 0 what is sent */
    struct pv_told told[2]; /* to frame i (of `frames`) in i % 2 */

    /* With PV_DETAIL_KEEP, else NULL. */
    uint8_t *seen;         /* [height][width][3]: the last observed frame */
    uint8_t *seen_decoded; /* [T][height][width][3]: the codec's picture of it ... */
    bool has_seen_decoded; /* ... made before the first prediction from it */
    struct pv_detail_scratch detail_scratch;
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
/* Bytes of one take's frame in host_frame; and of all. */
size_t pv_rollout_frame_bytes(const struct pv_rollout *r);
size_t pv_rollout_all_bytes(const struct pv_rollout *r);
/* stream and decoding are two. */
bool pv_rollout_overlaps(const struct pv_rollout *r);
/* All that was asked for is done. */
pv_status pv_rollout_wait(const struct pv_rollout *r, struct pv_error *error);
/* The same, at the end of a move that is over when it returns, and then leave: before its effects are counted, and also
 * before a failure is reported, since what was asked for reads host memory. status: of the move; returned if not PV_OK.
 */
pv_status pv_rollout_finish(struct pv_rollout *r, pv_status status);

/* ---- rollout_moves.c ---- */

/* Predicted frames that were not received, or not of all takes; and how many there may be. */
int pv_rollout_waiting(const struct pv_rollout *r);
int pv_rollout_room(const struct pv_rollout *r);

/* What lies in host_frame[0] joins the context: a frame for every take; or, where yuv is not NULL, a packed surface
 * (yuv as pv_surface_pack left it) for all of them. No frame waits. action: action_size values. */
pv_status pv_rollout_observe(struct pv_rollout *r, const struct pv_yuv_to_rgb *yuv, const float *action);
/* The next frame of every take joins its context, and will be in host_frame, pending; there is room. */
pv_status pv_rollout_advance(struct pv_rollout *r, const float *action);
/* The oldest frame that waits is in host_frame. */
pv_status pv_rollout_await(struct pv_rollout *r);
/* The last frame (there is one, none waits) decoded once more, into host_frame[0]. The state stays as it is. */
pv_status pv_rollout_decode_last(struct pv_rollout *r);

/* ---- rollout.c ---- */

/* Other noise from here on: what was recorded holds the old seed. */
pv_status pv_rollout_set_seed(struct pv_rollout *r, uint64_t seed, uint32_t take);

/* Ops from here on belong to this part of a frame (PV_METER_IDLE: to none). */
pv_status pv_rollout_part(struct pv_rollout *r, int part);
/* Starts anew, or stops. */
pv_status pv_rollout_meter(struct pv_rollout *r, pv_meter meter);

/* Latents of frame i, while it is one of the last three. */
float *pv_rollout_latent(const struct pv_rollout *r, uint64_t frame);

/* ---- sampler.c ---- */

/* The settings' noise levels into condition.level: one a step, then the commit's. */
void pv_sampler_levels(struct pv_rollout *r);
/* Slots of the cache that hold a frame when the next one has its own. */
int pv_sampler_slots(const struct pv_rollout *r);
/* Tells the backend's memory which frame comes next: where it stands and the positions of its time. */
pv_status pv_sampler_place(struct pv_rollout *r);
/* How the last two latents differ, for the next frame. */
pv_status pv_sampler_change(struct pv_rollout *r);
/* PV_ERR_ABORTED when the owner's abort says so. */
pv_status pv_sampler_stopped(struct pv_rollout *r);
/* The latent of the next frame, whose change is known, from noise, by rectified flow (Liu et al. 2022, "Flow straight
 * and fast"), predicting the clean latent, in Euler steps. */
pv_status pv_sampler_predict(struct pv_rollout *r);
/* Keys and values of the next frame, whose change and latent are known, into the cache. */
pv_status pv_sampler_commit(struct pv_rollout *r);

/* ---- rollout_state.c ---- */

pv_status pv_rollout_write(struct pv_rollout *r, const char *path);
/* Of a zeroed rollout with model and callbacks set: settings and state from the file, prepared. */
pv_status pv_rollout_read(struct pv_rollout *r, const char *path);
/* to is prepared with from's settings, but any number of takes; from has one, and no frame pending. */
pv_status pv_rollout_spread(struct pv_rollout *to, const struct pv_rollout *from);

#endif
