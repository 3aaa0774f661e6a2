/* record.h: the recordings of one stream: what was put on its queue, kept as CUDA graphs by key. */
#ifndef PV_KERNELS_RECORD_H
#define PV_KERNELS_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct pv_recording {
    uint64_t key;
    void *graph; /* NULL: asked for once */
};

/* Begins zeroed, ends with forget. */
struct pv_recordings {
    struct pv_recording *kept;
    size_t count, room;
    bool refused; /* one could not be made: no other is tried */
};

/* These are the op table's record and record_forget. */
pv_status pv_recordings_run(struct pv_recordings *r, void *queue, uint64_t key, pv_status (*ops)(void *user),
                            void *user, struct pv_error *error);
void pv_recordings_forget(struct pv_recordings *r);

#endif
