/* api_rollout.c: the public functions of rollouts: every argument is checked here, so that what lies behind may trust
 * its own. */
#include <math.h>
#include <prevue/prevue.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "model/api_params.h"
#include "model/detail.h"
#include "model/rollout.h"
#include "model/surface.h"

void pv_rollout_params_init(pv_rollout_params *params)
{
    if (params)
        *params = (pv_rollout_params){.struct_size = sizeof *params, .mode = PV_MODE_SAMPLE};
}

/* ---- open, load, fork, close ---- */

static pv_status read_params(struct pv_rollout *r, const pv_rollout_params *params, pv_rollout_params *p)
{
    pv_rollout_params_init(p);
    if (params)
        PV_TRY(pv_params_read(p, sizeof *p, offsetof(pv_rollout_params, detail), params, "pv_rollout_params", &r->error));
    r->callbacks = p->callbacks;
    if (!r->model || !r->model->ready)
        return pv_fail(&r->error, PV_ERR_ARGUMENT, "the model is not open; pv_model_message says why");
    return PV_OK;
}

static pv_status open_rollout(struct pv_rollout *r, const pv_rollout_params *params)
{
    pv_rollout_params p;
    PV_TRY(read_params(r, params, &p));
    const struct pv_model_config *c = &r->model->config;
    r->width = p.width ? p.width : c->width;
    r->height = p.height ? p.height : c->height;
    if (!pv_config_size_fits(c, r->width, r->height))
        return pv_fail(&r->error, PV_ERR_ARGUMENT,
                       "width and height are %d x %d; both must be from %d to %d and divide by %d", r->width, r->height,
                       PV_CONFIG_MIN_SIDE, PV_CONFIG_MAX_SIDE, pv_config_size_multiple(c));
    if (p.steps < 0 || p.steps > PV_CONFIG_STEPS)
        return pv_fail(&r->error, PV_ERR_ARGUMENT, "steps is %d; it must be from 1 to %d, or 0 for the model's %d",
                       p.steps, PV_CONFIG_STEPS, c->steps);
    if (p.detail != PV_DETAIL_NONE && p.detail != PV_DETAIL_KEEP)
        return pv_fail(&r->error, PV_ERR_ARGUMENT, "detail is %d; it must be PV_DETAIL_NONE or PV_DETAIL_KEEP",
                       (int)p.detail);
    if (p.mode != PV_MODE_SAMPLE && p.mode != PV_MODE_MEAN)
        return pv_fail(&r->error, PV_ERR_ARGUMENT, "mode is %d; it must be PV_MODE_SAMPLE or PV_MODE_MEAN",
                       (int)p.mode);
    r->mode = p.mode;
    r->steps = p.mode == PV_MODE_MEAN ? 1 : p.steps ? p.steps : c->steps;
    r->detail = p.detail;
    r->seed = p.seed;
    r->takes = 1;
    r->take = p.take;
    return pv_rollout_prepare(r);
}

static pv_status load_rollout(struct pv_rollout *r, const char *path, const pv_rollout_params *params)
{
    pv_rollout_params p;
    PV_TRY(read_params(r, params, &p));
    if (!path)
        return pv_fail(&r->error, PV_ERR_ARGUMENT, "path is NULL; give the path of a saved rollout");
    return pv_rollout_read(r, path);
}

/* takes 0: as many as from has. */
static pv_status fork_rollout(struct pv_rollout *r, const struct pv_rollout *from, int takes)
{
    if (!from->ready)
        return pv_fail(&r->error, PV_ERR_ARGUMENT, "the rollout to fork is not open; pv_rollout_message says why");
    if (takes > 0 && from->takes > 1)
        return pv_fail(&r->error, PV_ERR_ARGUMENT,
                       "the rollout to fork has %d takes already; fork one that has a single one", from->takes);
    if (takes > 0 && from->pending)
        return pv_fail(&r->error, PV_AGAIN, "a predicted frame waits in the rollout to fork; receive it first");
    r->callbacks = from->callbacks;
    r->width = from->width;
    r->height = from->height;
    r->steps = from->steps;
    r->mode = from->mode;
    r->detail = from->detail;
    r->seed = from->seed;
    r->takes = takes > 0 ? takes : from->takes;
    r->take = from->take;
    PV_TRY(pv_rollout_prepare(r));
    return takes > 0 ? pv_rollout_spread(r, from) : pv_rollout_copy(r, from);
}

/* NULL when out of memory. */
static struct pv_rollout *new_rollout(const struct pv_model *model)
{
    struct pv_rollout *r = calloc(1, sizeof *r);
    if (r)
        r->model = model;
    return r;
}

/* Every failure is also a line of the log. */
static pv_status report(struct pv_rollout *r, pv_status status)
{
    if (status != PV_OK && status != PV_AGAIN && status != PV_ERR_ABORTED)
        pv_callbacks_log(&r->callbacks, PV_LOG_ERROR, "%s", r->error.text);
    return status;
}

pv_status pv_rollout_open(pv_model *model, const pv_rollout_params *params, pv_rollout **rollout)
{
    if (!rollout)
        return PV_ERR_ARGUMENT;
    *rollout = new_rollout(model);
    if (!*rollout)
        return PV_ERR_MEMORY;
    const pv_status status = open_rollout(*rollout, params);
    (*rollout)->ready = status == PV_OK;
    return report(*rollout, status);
}

pv_status pv_rollout_load(pv_model *model, const char *path, const pv_rollout_params *params, pv_rollout **rollout)
{
    if (!rollout)
        return PV_ERR_ARGUMENT;
    *rollout = new_rollout(model);
    if (!*rollout)
        return PV_ERR_MEMORY;
    const pv_status status = load_rollout(*rollout, path, params);
    (*rollout)->ready = status == PV_OK;
    return report(*rollout, status);
}

static pv_status fork_into(const pv_rollout *rollout, int takes, pv_rollout **copy)
{
    if (!copy)
        return PV_ERR_ARGUMENT;
    *copy = NULL;
    if (!rollout)
        return PV_ERR_ARGUMENT;
    *copy = new_rollout(rollout->model);
    if (!*copy)
        return PV_ERR_MEMORY;
    const pv_status status =
        takes >= 0 && takes <= PV_CONFIG_TAKES
            ? fork_rollout(*copy, rollout, takes)
            : pv_fail(&(*copy)->error, PV_ERR_ARGUMENT, "takes is %d; it must be from 1 to %d", takes, PV_CONFIG_TAKES);
    (*copy)->ready = status == PV_OK;
    return report(*copy, status);
}

pv_status pv_rollout_fork(const pv_rollout *rollout, pv_rollout **copy)
{
    return fork_into(rollout, 0, copy);
}

pv_status pv_rollout_fork_takes(const pv_rollout *rollout, int takes, pv_rollout **copy)
{
    return fork_into(rollout, takes == 0 ? -1 : takes, copy);
}

const char *pv_rollout_message(const pv_rollout *rollout)
{
    return rollout ? rollout->error.text : "";
}

void pv_rollout_close(pv_rollout *rollout)
{
    if (!rollout)
        return;
    pv_rollout_release(rollout);
    free(rollout);
}

/* ---- moves ---- */

static pv_status check_open(struct pv_rollout *r)
{
    return r->ready ? PV_OK : pv_fail(&r->error, PV_ERR_ARGUMENT, "the rollout is not open: opening it failed");
}

static pv_status check_frame(struct pv_rollout *r, const pv_frame *frame)
{
    if (!frame || !frame->data)
        return pv_fail(&r->error, PV_ERR_ARGUMENT, "frame is NULL or has no data");
    if (frame->width != r->width || frame->height != r->height)
        return pv_fail(&r->error, PV_ERR_ARGUMENT, "the frame is %d x %d pixels; this rollout's frames are %d x %d",
                       frame->width, frame->height, r->width, r->height);
    if (frame->stride < (size_t)r->width * 3)
        return pv_fail(&r->error, PV_ERR_ARGUMENT, "the frame's stride is %zu bytes; %d pixels take at least %zu",
                       frame->stride, r->width, (size_t)r->width * 3);
    return PV_OK;
}

/* An absent action is all zeros, which for native models says `unknown`. */
static pv_status read_action(struct pv_rollout *r, const pv_action *action, float values[PV_CONFIG_ACTION])
{
    const int size = r->model->config.dynamics.action_size;
    memset(values, 0, PV_CONFIG_ACTION * sizeof *values);
    if (!action)
        return PV_OK;
    if (action->count != size || (size > 0 && !action->values))
        return pv_fail(&r->error, PV_ERR_ARGUMENT, "the action has %d values; this model takes %d",
                       action->values ? action->count : 0, size);
    for (int i = 0; i < size; i++) {
        if (!isfinite(action->values[i]))
            return pv_fail(&r->error, PV_ERR_ARGUMENT, "value %d of the action is not a finite number", i);
        values[i] = action->values[i];
    }
    return PV_OK;
}

/* No more predicted frames wait than may. */
static pv_status check_room(struct pv_rollout *r, int most)
{
    if (pv_rollout_waiting(r) > most)
        return pv_fail(&r->error, PV_AGAIN, "a predicted frame waits; receive it first");
    if (r->frames >= UINT32_MAX) /* noise counts frames in 32 bits */
        return pv_fail(&r->error, PV_ERR_ARGUMENT, "the rollout has %llu frames, the most there can be; open a new one",
                       (unsigned long long)r->frames);
    return PV_OK;
}

static pv_status send_frame(struct pv_rollout *r, const pv_frame *frame, const pv_action *action)
{
    float values[PV_CONFIG_ACTION];
    PV_TRY(check_open(r));
    PV_TRY(check_frame(r, frame));
    PV_TRY(read_action(r, action, values));
    PV_TRY(check_room(r, 0));
    const size_t row = (size_t)r->width * 3, bytes = pv_rollout_frame_bytes(r);
    uint8_t *const first = r->host_frame[0];
    for (int y = 0; y < r->height; y++)
        memcpy(first + (size_t)y * row, frame->data + (size_t)y * frame->stride, row);
    for (int t = 1; t < r->takes; t++)
        memcpy(first + (size_t)t * bytes, first, bytes);
    return pv_rollout_observe(r, NULL, values);
}

pv_status pv_rollout_send(pv_rollout *rollout, const pv_frame *frame, const pv_action *action)
{
    return rollout ? report(rollout, send_frame(rollout, frame, action)) : PV_ERR_ARGUMENT;
}

static pv_status send_surface(struct pv_rollout *r, const pv_surface *surface, const pv_action *action)
{
    float values[PV_CONFIG_ACTION];
    struct pv_yuv_to_rgb yuv;
    PV_TRY(check_open(r));
    PV_TRY(pv_surface_read(surface, r->width, r->height, &yuv, &r->error));
    PV_TRY(read_action(r, action, values));
    PV_TRY(check_room(r, 0));
    pv_surface_pack(&yuv, r->host_frame[0]);
    return pv_rollout_observe(r, &yuv, values);
}

pv_status pv_rollout_send_surface(pv_rollout *rollout, const pv_surface *surface, const pv_action *action)
{
    return rollout ? report(rollout, send_surface(rollout, surface, action)) : PV_ERR_ARGUMENT;
}

static pv_status predict_frame(struct pv_rollout *r, const pv_action *action)
{
    float values[PV_CONFIG_ACTION];
    PV_TRY(check_open(r));
    PV_TRY(read_action(r, action, values));
    PV_TRY(check_room(r, pv_rollout_room(r) - 1));
    if (r->frames == 0)
        return pv_fail(&r->error, PV_ERR_ARGUMENT, "nothing to predict from; send at least one frame first");
    return pv_rollout_advance(r, values);
}

pv_status pv_rollout_predict(pv_rollout *rollout, const pv_action *action)
{
    return rollout ? report(rollout, predict_frame(rollout, action)) : PV_ERR_ARGUMENT;
}

/* predicted: the picture of a predicted frame, which has no detail of its own yet. */
static void copy_out(const struct pv_rollout *r, int place, int take, bool predicted, pv_frame *frame)
{
    const size_t row = (size_t)r->width * 3, begin = (size_t)take * pv_rollout_frame_bytes(r);
    const uint8_t *src = r->host_frame[place] + begin;
    if (predicted && r->detail == PV_DETAIL_KEEP) {
        const struct pv_detail_pictures detail = {r->seen, r->seen_decoded + begin, r->width, r->height};
        pv_detail_add(&detail, &r->detail_scratch, src, frame->data, frame->stride);
        return;
    }
    for (int y = 0; y < r->height; y++)
        memcpy(frame->data + (size_t)y * frame->stride, src + (size_t)y * row, row);
}

static pv_status receive_frame(struct pv_rollout *r, pv_frame *frame)
{
    PV_TRY(check_open(r));
    PV_TRY(check_frame(r, frame));
    if (!r->pending)
        return pv_fail(&r->error, PV_AGAIN, "no predicted frame waits; predict one first");
    PV_TRY(pv_rollout_await(r));
    const uint64_t index = r->predicted - (uint64_t)pv_rollout_waiting(r);
    const int take = (r->takes - r->pending % r->takes) % r->takes;
    copy_out(r, (int)(index % 2), take, true, frame);
    frame->index = (int64_t)index;
    frame->take = take;
    r->pending--;
    return PV_OK;
}

pv_status pv_rollout_receive(pv_rollout *rollout, pv_frame *frame)
{
    return rollout ? report(rollout, receive_frame(rollout, frame)) : PV_ERR_ARGUMENT;
}

static pv_status reconstruct_frame(struct pv_rollout *r, pv_frame *frame)
{
    PV_TRY(check_open(r));
    PV_TRY(check_frame(r, frame));
    PV_TRY(check_room(r, 0));
    if (r->frames == 0)
        return pv_fail(&r->error, PV_ERR_ARGUMENT, "nothing to reconstruct; send at least one frame first");
    PV_TRY(pv_rollout_decode_last(r));
    copy_out(r, 0, 0, r->frames > r->seen_end, frame);
    return PV_OK;
}

pv_status pv_rollout_reconstruct(pv_rollout *rollout, pv_frame *frame)
{
    return rollout ? report(rollout, reconstruct_frame(rollout, frame)) : PV_ERR_ARGUMENT;
}

/* ---- the rest ---- */

pv_status pv_rollout_set_take(pv_rollout *rollout, uint64_t seed, uint32_t take)
{
    if (!rollout)
        return PV_ERR_ARGUMENT;
    PV_TRY(report(rollout, check_open(rollout)));
    return report(rollout, pv_rollout_set_seed(rollout, seed, take));
}

static pv_status save_rollout(struct pv_rollout *r, const char *path)
{
    PV_TRY(check_open(r));
    if (!path)
        return pv_fail(&r->error, PV_ERR_ARGUMENT, "path is NULL; give the path to save the rollout under");
    return pv_rollout_write(r, path);
}

pv_status pv_rollout_save(pv_rollout *rollout, const char *path)
{
    return rollout ? report(rollout, save_rollout(rollout, path)) : PV_ERR_ARGUMENT;
}
