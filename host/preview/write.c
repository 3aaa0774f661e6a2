/* write.c: see write.h. */
#include "preview/write.h"

pv_status pv_preview_write(const struct pv_preview *preview, enum pv_preview_kind kind, int take, struct pv_error *err)
{
    if (pv_frame_file_wait(preview->predicted, 0) == 0)
        return PV_END;
    switch (kind) {
    case PV_PREVIEW_NEW:
    case PV_PREVIEW_JOINED:
    case PV_PREVIEW_REVIEW: return pv_preview_write_clip(preview, kind, take, err);
    case PV_PREVIEW_GRID: return pv_preview_write_grid(preview, err);
    case PV_PREVIEW_DIFFERENCE: return pv_preview_write_difference(preview, err);
    case PV_PREVIEW_CONTACT: return pv_preview_write_contact(preview, err);
    case PV_PREVIEW_STRIP: return pv_preview_write_strip(preview, err);
    case PV_PREVIEW_ONION: return pv_preview_write_onion(preview, err);
    default: return pv_fail(err, PV_ERR_INTERNAL, "there are no frames in a file of kind %d", (int)kind);
    }
}
