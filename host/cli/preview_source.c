/* preview_source.c: the one pass over the clip before anything is predicted. Two rings keep its end: pictures at the
 * clip's size for handles, and at the working size for the model, which may want every second or each of them twice. */
#include <stdlib.h>
#include <string.h>

#include "preview.h"
#include "signals.h"
#include "timing.h"

/* The last frames, newest at back 0. */
struct ring {
    uint8_t *pixels;
    pv_frame shape;
    int capacity;
    int64_t count; /* ever pushed */
};

static pv_status ring_open(struct ring *ring, int capacity, int width, int height, struct pv_error *err)
{
    *ring = (struct ring){.capacity = capacity};
    ring->shape = (pv_frame){.stride = 3 * (size_t)width, .width = width, .height = height};
    const size_t bytes = ring->shape.stride * (size_t)height;
    ring->pixels = (size_t)capacity <= SIZE_MAX / bytes ? malloc(bytes * (size_t)capacity) : NULL;
    return ring->pixels ? PV_OK
                        : pv_fail(err, PV_ERR_MEMORY, "no memory for %d frames of %dx%d", capacity, width, height);
}

static pv_frame ring_place(const struct ring *ring, int64_t number)
{
    pv_frame frame = ring->shape;
    frame.data = ring->pixels + (size_t)(number % ring->capacity) * frame.stride * (size_t)frame.height;
    return frame;
}

static int ring_kept(const struct ring *ring)
{
    return ring->count < ring->capacity ? (int)ring->count : ring->capacity;
}

struct reading {
    struct pv_preview_session *session;
    struct ring tail, context;
    pv_clip_scaler *scaler;
    uint64_t start_ns;
};

static pv_status reading_open(struct reading *r, struct pv_error *err)
{
    const struct pv_preview_plan *plan = &r->session->plan;
    const struct pv_preview_source *source = &plan->source;
    const int64_t span = pv_preview_clock_back(&plan->clock, plan->context - 1) + 1;
    PV_TRY(ring_open(&r->tail, plan->handles > 0 ? plan->handles : 1, source->width, source->height, err));
    PV_TRY(ring_open(&r->context, (int)span, plan->model.width, plan->model.height, err));
    if (pv_clip_scaler_open(source->width, source->height, plan->model.width, plan->model.height, &r->scaler) != PV_OK)
        return pv_fail(err, PV_ERR_MEMORY, "no memory to scale frames from %dx%d", source->width, source->height);
    return PV_OK;
}

/* The next frame into the rings. */
static pv_status read_frame(struct reading *r)
{
    struct pv_preview_session *s = r->session;
    pv_frame frame = ring_place(&r->tail, r->tail.count), small = ring_place(&r->context, r->context.count);
    pv_clip_frame_info info = {.struct_size = sizeof info};
    const pv_status status = pv_clip_reader_receive(s->in.reader, &frame, &info);
    if (status != PV_OK)
        return status;
    r->tail.count++;
    if ((info.flags & PV_CLIP_FRAME_CORRUPT) && !s->v->input.allow_corrupt) {
        s->plan.source.skipped++;
        return PV_OK;
    }
    r->context.count++;
    return pv_clip_scaler_run(r->scaler, &frame, &small);
}

static pv_status read_all(struct reading *r, struct pv_error *err)
{
    struct pv_preview_session *s = r->session;
    struct pv_preview_source *source = &s->plan.source;
    pv_status status;
    while ((status = read_frame(r)) == PV_OK)
        if (r->tail.count % 16 == 0)
            pv_terminal_progress(s->terminal, "read", r->tail.count, 0, (double)(pv_now_ns() - r->start_ns) / 1e9);
    pv_terminal_progress_end(s->terminal);
    const char *message = pv_clip_reader_message(s->in.reader);
    if (status == PV_ERR_ABORTED || status == PV_ERR_MEMORY || (status != PV_END && r->tail.count == 0))
        return pv_fail(err, status, "%s", message);
    pv_clip_reader_summary summary = {.struct_size = sizeof summary};
    pv_clip_reader_get_summary(s->in.reader, &summary);
    source->damaged = status != PV_END || summary.corrupt > 0 || summary.truncated || summary.bad_packets > 0;
    if (status != PV_END) /* the damaged rest of a clip: what came before it is used */
        pv_terminal_say(s->terminal, PV_LOG_WARNING, "%s", message);
    source->frames = r->tail.count;
    source->tail = ring_kept(&r->tail);
    if (r->context.count == 0)
        return pv_fail(err, PV_ERR_FORMAT,
                       "the clip has no undamaged frame to start from; --allow-corrupt takes the damaged ones");
    return PV_OK;
}

static pv_status keep_tail(struct reading *r, struct pv_error *err)
{
    struct pv_frame_file *file = r->session->tail;
    for (int64_t i = r->tail.count - ring_kept(&r->tail); i < r->tail.count; i++) {
        const pv_frame frame = ring_place(&r->tail, i);
        PV_TRY(pv_frame_file_put(file, 0, &frame, err));
        pv_frame_file_publish(file);
    }
    pv_frame_file_end(file);
    return pv_frame_file_sync(file, err);
}

/* The last real frame is always the last one the model sees, so the seam is exact at any rate. */
static pv_status condition(struct reading *r, struct pv_error *err)
{
    struct pv_preview_session *s = r->session;
    pv_rollout *rollout = s->rollout;
    for (int64_t i = s->plan.context - 1; i >= 0; i--) {
        const int64_t back = pv_preview_clock_back(&s->plan.clock, i);
        if (back >= ring_kept(&r->context))
            continue;
        const pv_frame frame = ring_place(&r->context, r->context.count - 1 - back);
        const pv_status status = pv_rollout_send(rollout, &frame, s->action.values ? &s->action : NULL);
        if (status != PV_OK)
            return pv_fail(err, status, "%s", pv_rollout_message(rollout));
        s->plan.source.context++;
    }
    return PV_OK;
}

pv_status pv_preview_read_source(struct pv_preview_session *session, struct pv_error *err)
{
    struct reading r = {.session = session, .start_ns = pv_now_ns()};
    pv_status status = reading_open(&r, err);
    if (status == PV_OK)
        status = read_all(&r, err);
    if (status == PV_OK)
        status = keep_tail(&r, err);
    if (status == PV_OK)
        status = condition(&r, err);
    pv_clip_scaler_close(r.scaler);
    free(r.context.pixels);
    free(r.tail.pixels);
    return status;
}
