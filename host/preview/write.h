/* write.h: every file of a preview that shows frames, by its kind. */
#ifndef PV_PREVIEW_WRITE_H
#define PV_PREVIEW_WRITE_H

#include "preview/clips.h"

/* One file, start to end, while frames are still being predicted; any number at once, each on a thread of its own.
 * take: not used by kinds that are one for all. PV_END: nothing was predicted, and nothing is written. */
pv_status pv_preview_write(const struct pv_preview *preview, enum pv_preview_kind kind, int take, struct pv_error *err);

/* grid.c: PV_PREVIEW_GRID, _DIFFERENCE. sheet.c: _CONTACT, _STRIP. onion.c: _ONION. */
pv_status pv_preview_write_grid(const struct pv_preview *preview, struct pv_error *err);
pv_status pv_preview_write_difference(const struct pv_preview *preview, struct pv_error *err);
pv_status pv_preview_write_contact(const struct pv_preview *preview, struct pv_error *err);
pv_status pv_preview_write_strip(const struct pv_preview *preview, struct pv_error *err);
pv_status pv_preview_write_onion(const struct pv_preview *preview, struct pv_error *err);

#endif
