/* preview_state.c: how far the takes have come, on the disk. States alternate between two files, and
 * progress.json, replaced as a whole, says which one counts: a kill at any moment leaves what fits together. */
#include <stdio.h>
#include <unistd.h>

#include "preview.h"

static void state_path(const struct pv_preview_session *s, int slot, char path[PV_PREVIEW_PATH_BYTES])
{
    char name[48];
    snprintf(name, sizeof name, "state-%c.safetensors", 'a' + slot);
    pv_preview_work_path(&s->work, name, path);
}

static pv_status fail_rollout(pv_status status, const pv_rollout *rollout, struct pv_error *err)
{
    return pv_fail(err, status, "%s", rollout ? pv_rollout_message(rollout) : pv_status_text(status));
}

pv_status pv_preview_begin_takes(struct pv_preview_session *s, struct pv_error *err)
{
    pv_rollout *takes = NULL;
    pv_status status = pv_rollout_fork_takes(s->rollout, s->plan.takes, &takes);
    if (status == PV_OK)
        status = pv_rollout_set_take(takes, s->plan.seed, 0);
    if (status != PV_OK) {
        fail_rollout(status, takes ? takes : s->rollout, err);
        pv_rollout_close(takes);
        return status;
    }
    pv_rollout_close(s->rollout);
    s->rollout = takes;
    s->slot = 1;
    return pv_preview_save_takes(s, 0, err);
}

pv_status pv_preview_save_takes(struct pv_preview_session *s, int64_t steps, struct pv_error *err)
{
    const struct pv_preview_source *source = &s->plan.source;
    char path[PV_PREVIEW_PATH_BYTES];
    const int slot = !s->slot;
    state_path(s, slot, path);
    const pv_status saved = pv_rollout_save(s->rollout, path);
    if (saved != PV_OK)
        return fail_rollout(saved, s->rollout, err);
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
    state_path(s, s->slot, path);
    const pv_status status = pv_rollout_load(s->in.model, path, &params, &s->rollout);
    return status == PV_OK ? PV_OK : fail_rollout(status, s->rollout, err);
}
