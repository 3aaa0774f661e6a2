/* preview_state.c: how far the takes have come, on the disk. States alternate between two sets of files, and
 * progress.json, replaced as a whole, says which set counts: a kill at any moment leaves a set that fits together. */
#include <stdio.h>
#include <unistd.h>

#include "preview.h"

static void state_path(const struct pv_preview_session *s, int slot, int take, char path[PV_PREVIEW_PATH_BYTES])
{
    char name[48];
    snprintf(name, sizeof name, "state-%c-%d.safetensors", 'a' + slot, take);
    pv_preview_work_path(&s->work, name, path);
}

static pv_status fail_rollout(pv_status status, const pv_rollout *rollout, struct pv_error *err)
{
    return pv_fail(err, status, "%s", rollout ? pv_rollout_message(rollout) : pv_status_text(status));
}

pv_status pv_preview_begin_takes(struct pv_preview_session *s, struct pv_error *err)
{
    const struct pv_preview_plan *plan = &s->plan;
    for (int i = 1; i < plan->takes; i++) {
        const pv_status status = pv_rollout_fork(s->rollouts[0], &s->rollouts[i]);
        if (status != PV_OK)
            return fail_rollout(status, s->rollouts[i], err);
    }
    for (int i = 0; i < plan->takes; i++) {
        const pv_status status = pv_rollout_set_take(s->rollouts[i], pv_preview_seed(plan, i), 0);
        if (status != PV_OK)
            return fail_rollout(status, s->rollouts[i], err);
    }
    s->slot = 1;
    return pv_preview_save_takes(s, 0, err);
}

pv_status pv_preview_save_takes(struct pv_preview_session *s, int64_t steps, struct pv_error *err)
{
    const struct pv_preview_source *source = &s->plan.source;
    char path[PV_PREVIEW_PATH_BYTES];
    const int slot = !s->slot;
    for (int i = 0; i < s->plan.takes; i++) {
        state_path(s, slot, i, path);
        const pv_status status = pv_rollout_save(s->rollouts[i], path);
        if (status != PV_OK)
            return fail_rollout(status, s->rollouts[i], err);
    }
    PV_TRY(pv_frame_file_sync(s->predicted, err));
    json_t *progress =
        json_pack("{s:I, s:i, s:I, s:I, s:I, s:i, s:b}", "steps", (json_int_t)steps, "slot", slot, "source_frames",
                  (json_int_t)source->frames, "context", (json_int_t)source->context, "skipped",
                  (json_int_t)source->skipped, "tail", source->tail, "damaged", source->damaged);
    const pv_status status = pv_preview_work_save(&s->work, "progress.json", progress, err);
    json_decref(progress);
    if (status == PV_OK)
        s->slot = slot;
    return status;
}

static bool read_progress(struct pv_preview_session *s, const json_t *progress)
{
    struct pv_preview_source *source = &s->plan.source;
    json_int_t steps, frames, context, skipped;
    int slot, tail, damaged;
    if (json_unpack((json_t *)(uintptr_t)progress, "{s:I, s:i, s:I, s:I, s:I, s:i, s:b}", "steps", &steps, "slot",
                    &slot, "source_frames", &frames, "context", &context, "skipped", &skipped, "tail", &tail, "damaged",
                    &damaged) != 0 ||
        steps < 0 || slot < 0 || slot > 1 || frames < 1 || tail < 1 || tail > frames ||
        tail > (s->plan.handles > 0 ? s->plan.handles : 1))
        return false;
    s->start_step = steps;
    s->slot = slot;
    source->frames = frames;
    source->context = context;
    source->skipped = skipped;
    source->tail = tail;
    source->damaged = damaged;
    return true;
}

pv_status pv_preview_load_takes(struct pv_preview_session *s, struct pv_error *err)
{
    char path[PV_PREVIEW_PATH_BYTES];
    json_t *progress = pv_preview_work_load(&s->work, "progress.json");
    const bool valid = progress && read_progress(s, progress);
    json_decref(progress);
    if (!valid)
        return PV_END;
    pv_rollout_params params;
    pv_rollout_params_init(&params);
    params.callbacks = s->callbacks;
    for (int i = 0; i < s->plan.takes; i++) {
        state_path(s, s->slot, i, path);
        const pv_status status = pv_rollout_load(s->in.model, path, &params, &s->rollouts[i]);
        if (status != PV_OK)
            return fail_rollout(status, s->rollouts[i], err);
    }
    return PV_OK;
}
