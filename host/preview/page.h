/* page.h: index.html, for a browser: all takes in step under one scrub bar. One file beside the clips, no network; it
 * holds what takes.json holds. */
#ifndef PV_PREVIEW_PAGE_H
#define PV_PREVIEW_PAGE_H

#include <jansson.h>

#include "preview/plan.h"

/* versions: the list of takes.json, newest first. Replaces the page that is there. */
pv_status pv_preview_write_page(const struct pv_preview_plan *plan, const json_t *versions, struct pv_error *err);

#endif
