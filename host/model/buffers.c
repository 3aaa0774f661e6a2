/* buffers.c: addresses inside one allocation. */
#include "model/buffers.h"

enum { ALIGNMENT = 64 };

static bool multiply(size_t *product, size_t factor)
{
    if (factor != 0 && *product > SIZE_MAX / factor)
        return false;
    *product *= factor;
    return true;
}

void *pv_buffers_take(struct pv_buffers *buffers, size_t element_bytes, size_t a, size_t b, size_t c)
{
    size_t bytes = element_bytes;
    if (!multiply(&bytes, a) || !multiply(&bytes, b) || !multiply(&bytes, c) ||
        bytes > SIZE_MAX - (ALIGNMENT - 1) - buffers->used) {
        buffers->overflow = true;
        return NULL;
    }
    char *const address = buffers->memory ? (char *)buffers->memory + buffers->used : NULL;
    buffers->used += (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    return address;
}

pv_status pv_buffers_allocate(struct pv_buffers *buffers, const char *what, struct pv_error *error)
{
    if (buffers->overflow)
        return pv_fail(error, PV_ERR_MEMORY,
                       "%s would take more memory than can be addressed; use a smaller frame size", what);
    struct pv_error why = {.text = ""};
    const pv_status status =
        buffers->backend->op->alloc(buffers->backend, buffers->used ? buffers->used : 1, &buffers->memory, &why);
    if (status != PV_OK) {
        buffers->memory = NULL;
        return pv_fail(error, status, "no memory for %s (%zu bytes): %.500s", what, buffers->used, why.text);
    }
    buffers->used = 0;
    return PV_OK;
}

void pv_buffers_free(struct pv_buffers *buffers)
{
    if (buffers->memory)
        buffers->backend->op->free(buffers->backend, buffers->memory);
    buffers->memory = NULL;
}
