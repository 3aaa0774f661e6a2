/* record.h: the recordings of one stream: what was put on its queue, kept as CUDA graphs by key. */
#ifndef PV_KERNELS_RECORD_H
#define PV_KERNELS_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct pv_recording {
    uint64_t key;
    void *graph;
};

/* Begins zeroed, ends with forget. */
struct pv_recordings {
    struct pv_recording *kept;
    size_t count, room;
    uint64_t key; /* of the one in work */
};

/* These are the op table's record_begin, record_end and record_forget. */
pv_status pv_recordings_begin(struct pv_recordings *r, void *queue, uint64_t key, bool *replayed,
                              struct pv_error *error);
pv_status pv_recordings_end(struct pv_recordings *r, void *queue, pv_status ops, struct pv_error *error);
void pv_recordings_forget(struct pv_recordings *r);

#endif
