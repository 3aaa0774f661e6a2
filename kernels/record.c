/* record.c: what is asked for again and again is a few hundred launches twice, and one every time after.
 *
 * Recorded is what comes a second time: what comes once pays nothing for it, the first frame does not wait for it, and
 * by then the driver has loaded every kernel, which it cannot always do while it records. */
#include "record.h"

#include <stdlib.h>

#include "cuda_backend.h"
#include "device.h"

static struct pv_recording *find(struct pv_recordings *r, uint64_t key)
{
    for (size_t i = 0; i < r->count; i++)
        if (r->kept[i].key == key)
            return &r->kept[i];
    return NULL;
}

/* Where there is no memory, it is asked for once more the next time. */
static void remember(struct pv_recordings *r, uint64_t key)
{
    if (r->count == r->room) {
        const size_t room = r->room ? 2 * r->room : 16;
        struct pv_recording *larger = realloc(r->kept, room * sizeof *larger);
        if (!larger)
            return;
        r->kept = larger;
        r->room = room;
    }
    r->kept[r->count++] = (struct pv_recording){.key = key};
}

/* A failure of the device while it records may be one of recording: another thread did what no capture survives, or
 * memory for the graph is short. Then the ops alone will show whether it was. */
static pv_status record(struct pv_recordings *r, struct pv_recording *of, void *queue, pv_status (*ops)(void *user),
                        void *user, struct pv_error *error)
{
    if (pv_device_record_begin(queue) == 0) {
        const pv_status status = ops(user);
        if (pv_device_record_end(queue, status == PV_OK ? &of->graph : NULL) == 0 && status == PV_OK)
            return pv_cuda_done(error, "replaying a frame", pv_device_replay(of->graph, queue));
        if (status != PV_OK && status != PV_ERR_DEVICE)
            return status;
    }
    r->refused = true;
    return ops(user);
}

pv_status pv_recordings_run(struct pv_recordings *r, void *queue, uint64_t key, pv_status (*ops)(void *user),
                            void *user, struct pv_error *error)
{
    struct pv_recording *of = find(r, key);
    if (of && of->graph)
        return pv_cuda_done(error, "replaying a frame", pv_device_replay(of->graph, queue));
    if (of && !r->refused)
        return record(r, of, queue, ops, user, error);
    if (!of)
        remember(r, key);
    return ops(user);
}

void pv_recordings_forget(struct pv_recordings *r)
{
    for (size_t i = 0; i < r->count; i++)
        pv_device_record_free(r->kept[i].graph);
    free(r->kept);
    *r = (struct pv_recordings){0};
}
