/* host_memory.c: aligned, zeroed allocation and plain copies. */
#include "backend/host_memory.h"

#include <stdlib.h>
#include <string.h>

pv_status pv_host_alloc(struct pv_backend *backend, size_t bytes, void **memory, struct pv_error *error)
{
    (void)backend;
    *memory = NULL;
    if (bytes > (size_t)PTRDIFF_MAX - PV_HOST_ALIGNMENT)
        return pv_fail(error, PV_ERR_MEMORY, "%zu bytes are more than a process can have", bytes);
    /* aligned_alloc wants a multiple of the alignment; nothing asked for is still a pointer that can be freed. */
    size_t rounded = (bytes + PV_HOST_ALIGNMENT - 1) / PV_HOST_ALIGNMENT * PV_HOST_ALIGNMENT;
    if (rounded == 0)
        rounded = PV_HOST_ALIGNMENT;
    void *fresh = aligned_alloc(PV_HOST_ALIGNMENT, rounded);
    if (!fresh)
        return pv_fail(error, PV_ERR_MEMORY, "the system refused %zu bytes of memory", rounded);
    memset(fresh, 0, rounded);
    *memory = fresh;
    return PV_OK;
}

void pv_host_free(struct pv_backend *backend, void *memory)
{
    (void)backend;
    free(memory);
}

pv_status pv_host_copy(struct pv_stream *s, void *dst, const void *src, size_t bytes)
{
    (void)s;
    if (bytes > 0)
        memcpy(dst, src, bytes);
    return PV_OK;
}

pv_status pv_host_zero(struct pv_stream *s, void *dst, size_t bytes)
{
    (void)s;
    if (bytes > 0)
        memset(dst, 0, bytes);
    return PV_OK;
}

pv_status pv_host_upload_activations(struct pv_stream *s, void *dst, const float *src, size_t count)
{
    return pv_host_copy(s, dst, src, count * sizeof(float));
}

pv_status pv_host_download_activations(struct pv_stream *s, float *dst, const void *src, size_t count)
{
    return pv_host_copy(s, dst, src, count * sizeof(float));
}
