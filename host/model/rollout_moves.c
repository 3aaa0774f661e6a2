/* rollout_moves.c: observe a frame, predict one; see rollout.h. */
#include <string.h>

#include "model/rollout.h"
#include "model/surface.h"

/* ---- observing ---- */

static pv_status decode(struct pv_rollout *r, struct pv_stream *s, uint8_t *pixels)
{
    return pv_tae_decode(s, &r->model->tae, &r->grid, &r->decoder, &r->features, pv_rollout_latent(r, r->frames),
                         pixels);
}

static pv_status condition(struct pv_rollout *r, const float *action)
{
    PV_TRY(pv_rollout_part(r, PV_PART_CONDITION));
    return pv_dit_condition_action(r->stream, &r->model->dit, &r->condition, action, r->told[r->frames % 2].action);
}

/* The observed frame of every take into pixels. */
static pv_status fetch(struct pv_rollout *r, const struct pv_yuv_to_rgb *packed)
{
    const struct pv_op_table *op = r->stream->backend->op;
    const size_t bytes = pv_rollout_frame_bytes(r);
    if (!packed)
        return op->upload(r->stream, r->pixels, r->host_frame[0], pv_rollout_all_bytes(r));
    struct pv_yuv_to_rgb yuv = *packed;
    yuv.dst = r->pixels;
    pv_surface_unpack(&yuv, r->planes);
    PV_TRY(op->upload(r->stream, r->planes, r->host_frame[0], pv_surface_bytes(&yuv)));
    PV_TRY(op->yuv_to_rgb(r->stream, &yuv));
    for (int t = 1; t < r->takes; t++)
        PV_TRY(op->copy(r->stream, r->pixels + (size_t)t * bytes, r->pixels, bytes));
    return r->detail == PV_DETAIL_KEEP ? op->download(r->stream, r->host_frame[0], r->pixels, bytes) : PV_OK;
}

static pv_status observe(struct pv_rollout *r, const struct pv_yuv_to_rgb *yuv, const float *action)
{
    PV_TRY(pv_rollout_part(r, PV_PART_ENCODE));
    PV_TRY(fetch(r, yuv));
    PV_TRY(pv_tae_encode(r->stream, &r->model->tae, &r->grid, &r->encoder, &r->features, r->pixels,
                         pv_rollout_latent(r, r->frames)));
    PV_TRY(condition(r, action));
    PV_TRY(pv_rollout_part(r, PV_PART_COMMIT));
    PV_TRY(pv_sampler_place(r));
    PV_TRY(pv_sampler_change(r));
    PV_TRY(pv_sampler_commit(r));
    PV_TRY(pv_rollout_part(r, PV_PART_DECODE));
    return decode(r, r->stream, NULL); /* nobody looks at it, but the frames after remember it */
}

pv_status pv_rollout_observe(struct pv_rollout *r, const struct pv_yuv_to_rgb *yuv, const float *action)
{
    r->stream->backend->op->enter(r->stream);
    PV_TRY(pv_rollout_finish(r, observe(r, yuv, action)));
    r->encoder.last = !r->encoder.last;
    r->decoder.last = !r->decoder.last;
    r->frames++;
    if (r->detail == PV_DETAIL_KEEP)
        memcpy(r->seen, r->host_frame[0], pv_rollout_frame_bytes(r));
    r->has_seen_decoded = false;
    r->seen_end = r->frames;
    return PV_OK;
}

/* The decoder's memory as it was before the last frame; that the frame's own is written once more, with the same
 * values, changes nothing. */
static pv_status decode_again(struct pv_rollout *r)
{
    struct pv_tae_memory before = r->decoder;
    before.last = !before.last;
    PV_TRY(pv_rollout_part(r, PV_PART_DECODE));
    PV_TRY(pv_tae_decode(r->decoding, &r->model->tae, &r->grid, &before, &r->features,
                         pv_rollout_latent(r, r->frames - 1), r->pixels));
    return r->stream->backend->op->download(r->decoding, r->host_frame[0], r->pixels, pv_rollout_all_bytes(r));
}

pv_status pv_rollout_decode_last(struct pv_rollout *r)
{
    r->stream->backend->op->enter(r->stream);
    return pv_rollout_finish(r, decode_again(r));
}

/* ---- predicting ---- */

/* A frame in three pieces, each from memory of the backend to memory of the backend. */

static pv_status sample_frame(void *rollout)
{
    struct pv_rollout *r = rollout;
    PV_TRY(pv_sampler_change(r));
    return pv_sampler_predict(r);
}

static pv_status commit_frame(void *rollout)
{
    return pv_sampler_commit(rollout);
}

static pv_status decode_frame(void *rollout)
{
    struct pv_rollout *r = rollout;
    return decode(r, r->decoding, r->pixels);
}

/* After so many frames a piece uses the same places in memory again: latents have 3, the decoder's memory 2. */
enum { DYNAMICS_PERIOD = 3, DECODER_PERIOD = 6 };

/* Where the backend can record, a piece becomes one launch: it differs from that of a period of frames earlier only in
 * what place uploaded. But the first two frames have no change yet, and other ops. */
enum piece { SAMPLE, COMMIT, DECODE, PIECES };

static pv_status run(struct pv_rollout *r, struct pv_stream *s, enum piece piece)
{
    static pv_status (*const ops[PIECES])(void *) = {sample_frame, commit_frame, decode_frame};
    const struct pv_op_table *op = s->backend->op;
    if (!op->record || r->frames < 2)
        return ops[piece](r);
    PV_TRY(pv_sampler_stopped(r));
    const uint64_t period = piece == DECODE ? DECODER_PERIOD : DYNAMICS_PERIOD;
    return op->record(s, r->frames % period * PIECES + piece, ops[piece], r);
}

/* The frame is sampled: from here on it can be decoded. */
static pv_status hand_over(struct pv_rollout *r)
{
    const struct pv_op_table *op = r->stream->backend->op;
    if (!pv_rollout_overlaps(r))
        return PV_OK;
    PV_TRY(op->mark(r->stream, 0));
    return op->after(r->decoding, r->stream, 0);
}

static pv_status advance(struct pv_rollout *r, const float *action)
{
    const struct pv_op_table *op = r->stream->backend->op;
    const int place = (int)(r->predicted % 2);
    PV_TRY(condition(r, action));
    PV_TRY(pv_rollout_part(r, PV_PART_SAMPLE));
    PV_TRY(pv_sampler_place(r));
    PV_TRY(run(r, r->stream, SAMPLE));
    PV_TRY(hand_over(r));
    PV_TRY(pv_rollout_part(r, PV_PART_COMMIT));
    PV_TRY(run(r, r->stream, COMMIT));
    PV_TRY(pv_rollout_part(r, PV_PART_DECODE));
    PV_TRY(run(r, r->decoding, DECODE));
    PV_TRY(op->download(r->decoding, r->host_frame[place], r->pixels, pv_rollout_all_bytes(r)));
    return pv_rollout_overlaps(r) ? op->mark(r->decoding, place) : PV_OK;
}

/* What detail is measured against, once a seam: no frame waits there. */
static pv_status remember_seam(struct pv_rollout *r)
{
    PV_TRY(pv_rollout_decode_last(r));
    memcpy(r->seen_decoded, r->host_frame[0], pv_rollout_all_bytes(r));
    r->has_seen_decoded = true;
    return PV_OK;
}

pv_status pv_rollout_advance(struct pv_rollout *r, const float *action)
{
    const struct pv_op_table *op = r->stream->backend->op;
    if (r->detail == PV_DETAIL_KEEP && !r->has_seen_decoded)
        PV_TRY(remember_seam(r));
    op->enter(r->stream);
    const pv_status status = advance(r, action);
    if (status != PV_OK || !pv_rollout_overlaps(r))
        PV_TRY(pv_rollout_finish(r, status));
    else
        op->leave(r->stream);
    r->decoder.last = !r->decoder.last;
    r->frames++;
    r->predicted++;
    r->pending += r->takes;
    return PV_OK;
}

int pv_rollout_waiting(const struct pv_rollout *r)
{
    return (r->pending + r->takes - 1) / r->takes;
}

int pv_rollout_room(const struct pv_rollout *r)
{
    return pv_rollout_overlaps(r) ? 2 : 1;
}

pv_status pv_rollout_await(struct pv_rollout *r)
{
    const struct pv_op_table *op = r->stream->backend->op;
    if (!pv_rollout_overlaps(r))
        return PV_OK;
    op->enter(r->stream);
    const pv_status status = op->wait(r->decoding, (int)((r->predicted - (uint64_t)pv_rollout_waiting(r)) % 2));
    op->leave(r->stream);
    return status;
}
