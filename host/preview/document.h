/* document.h: takes.json: what was made and from what, enough to make any take again, bit for bit. */
#ifndef PV_PREVIEW_DOCUMENT_H
#define PV_PREVIEW_DOCUMENT_H

#include <jansson.h>

#include "preview/plan.h"

/* What decides the result: source, model, settings, shot. A new reference; NULL = no memory. */
json_t *pv_preview_asked_to_json(const struct pv_preview_plan *plan);

/* The whole entry: the same, then seeds and files. frames: predicted, at the source's rate. */
json_t *pv_preview_to_json(const struct pv_preview_plan *plan, int64_t frames);

/* Puts the entry first in DIR/takes.json, in the place of an older one of the same shot and version. *versions: the
 * whole list, a new reference. PV_ERR_FORMAT: there is a takes.json that this program has not written. */
pv_status pv_preview_document_save(const struct pv_preview_plan *plan, json_t *entry, json_t **versions,
                                   struct pv_error *err);
/* Whether that would succeed, and index.html is free or prevue's own, before any work is done. */
pv_status pv_preview_document_check(const struct pv_preview_plan *plan, struct pv_error *err);

#endif
