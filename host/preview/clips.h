/* clips.h: the clips of one take. Each function writes one file, start to end, while frames are still being predicted;
 * any number run at once, each on a thread of its own. */
#ifndef PV_PREVIEW_CLIPS_H
#define PV_PREVIEW_CLIPS_H

#include "preview/frame_file.h"
#include "preview/plan.h"

/* What all who write share; nothing in it changes while they run, but the files grow. */
struct pv_preview {
    const struct pv_preview_plan *plan;
    struct pv_frame_file *predicted; /* at the size the model works at; a step is a model frame, a take each */
    struct pv_frame_file *tail;      /* the source's last frames at its size: steps of one frame */
    pv_clip_reader_params reader;    /* to read the source again */
    pv_callbacks callbacks;          /* log and abort, for writers */
    bool overwrite;
};

/* PV_PREVIEW_NEW, _JOINED or _REVIEW of one take. */
pv_status pv_preview_write_clip(const struct pv_preview *preview, enum pv_preview_kind kind, int take,
                                struct pv_error *err);

/* What every clip is opened with. */
pv_clip_writer_params pv_preview_writer_params(const struct pv_preview *preview, pv_clip_preset preset, int width,
                                               int height, int64_t first_frame, char timecode[PV_CLIP_TIMECODE_SIZE]);
pv_status pv_preview_send(const struct pv_preview *preview, pv_clip_writer *writer, const pv_frame *frame,
                          struct pv_error *err);

#endif
