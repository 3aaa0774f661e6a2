/* record.c: a frame is a few hundred launches the first time and one every time after. */
#include "record.h"

#include <stdlib.h>

#include "cuda_backend.h"
#include "device.h"

/* One more place before anything is recorded, so that nothing can be lost for want of memory. */
static pv_status make_room(struct pv_recordings *r, struct pv_error *error)
{
    if (r->count < r->room)
        return PV_OK;
    const size_t room = r->room ? 2 * r->room : 64;
    struct pv_recording *larger = realloc(r->kept, room * sizeof *larger);
    if (!larger)
        return pv_fail(error, PV_ERR_MEMORY, "the system refused memory for %zu recorded frames", room);
    r->kept = larger;
    r->room = room;
    return PV_OK;
}

pv_status pv_recordings_begin(struct pv_recordings *r, void *queue, uint64_t key, bool *replayed,
                              struct pv_error *error)
{
    *replayed = false;
    for (size_t i = 0; i < r->count; i++)
        if (r->kept[i].key == key) {
            *replayed = true;
            return pv_cuda_done(error, "replaying a frame", pv_device_replay(r->kept[i].graph, queue));
        }
    PV_TRY(make_room(r, error));
    r->key = key;
    return pv_cuda_done(error, "recording a frame", pv_device_record_begin(queue));
}

pv_status pv_recordings_end(struct pv_recordings *r, void *queue, pv_status ops, struct pv_error *error)
{
    void *graph;
    const int code = pv_device_record_end(queue, &graph);
    if (ops != PV_OK) { /* its sentence is the one to keep */
        pv_device_record_free(graph);
        return ops;
    }
    PV_TRY(pv_cuda_done(error, "recording a frame", code));
    r->kept[r->count++] = (struct pv_recording){r->key, graph};
    return pv_cuda_done(error, "replaying a frame", pv_device_replay(graph, queue));
}

void pv_recordings_forget(struct pv_recordings *r)
{
    for (size_t i = 0; i < r->count; i++)
        pv_device_record_free(r->kept[i].graph);
    free(r->kept);
    *r = (struct pv_recordings){0};
}
