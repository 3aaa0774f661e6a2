/* work.h: the hidden folder of an unfinished version, .{shot}_v001.partial: what it was asked (plan.json), how far it
 * came (progress.json), the rollouts at that point, raw frames, and which files are finished. It is also what reserves
 * the version: making a folder succeeds once. */
#ifndef PV_PREVIEW_WORK_H
#define PV_PREVIEW_WORK_H

#include <jansson.h>
#include <stdbool.h>

#include "preview/plan.h"

struct pv_preview_work {
    char path[PV_PREVIEW_PATH_BYTES];
    json_t *done; /* array: names of finished files */
};

/* Makes the folder of plan's version and writes what was asked there. PV_AGAIN: another has that version. work is
 * overwritten by this and the next; release it also after a failure. */
pv_status pv_preview_work_make(struct pv_preview_work *work, const struct pv_preview_plan *plan, const json_t *asked,
                               struct pv_error *err);
/* The newest unfinished version of plan's shot: sets plan->version. PV_END: there is none. PV_ERR_ARGUMENT: it was
 * asked something else. */
pv_status pv_preview_work_find(struct pv_preview_work *work, struct pv_preview_plan *plan, const json_t *asked,
                               struct pv_error *err);

/* "<folder>/<name>". */
void pv_preview_work_path(const struct pv_preview_work *work, const char *name, char path[PV_PREVIEW_PATH_BYTES]);

/* A JSON file in the folder, replaced as a whole. load: NULL when there is none or it is not valid. */
pv_status pv_preview_work_save(const struct pv_preview_work *work, const char *name, const json_t *value,
                               struct pv_error *err);
json_t *pv_preview_work_load(const struct pv_preview_work *work, const char *name);

/* A file is finished, and whether it is. One thread at a time. */
pv_status pv_preview_work_finish(struct pv_preview_work *work, const char *name, struct pv_error *err);
bool pv_preview_work_is_finished(const struct pv_preview_work *work, const char *name);

/* Removes the folder and what this program puts there. */
void pv_preview_work_remove(const struct pv_preview_work *work);
void pv_preview_work_release(struct pv_preview_work *work);

/* Writes a JSON value, or a text, as a file that appears as a whole, on the disk. */
pv_status pv_preview_save_json(const char *path, const json_t *value, struct pv_error *err);
pv_status pv_preview_save_text(const char *path, const char *text, size_t length, struct pv_error *err);

#endif
