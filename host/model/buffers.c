/* buffers.c: addresses inside one allocation. */
#include "model/buffers.h"

#include <stdlib.h>

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

static pv_status allocate_host(struct pv_buffers *buffers, size_t bytes, struct pv_error *error)
{
    const struct pv_op_table *op = buffers->backend->op;
    if (op->host_alloc)
        return op->host_alloc(buffers->backend, bytes, &buffers->memory, error);
    buffers->memory = calloc(1, bytes);
    return buffers->memory ? PV_OK : pv_fail(error, PV_ERR_MEMORY, "the system refused it");
}

pv_status pv_buffers_allocate(struct pv_buffers *buffers, const char *what, struct pv_error *error)
{
    if (buffers->overflow)
        return pv_fail(error, PV_ERR_MEMORY,
                       "%s would take more memory than can be addressed; use a smaller frame size", what);
    struct pv_error why = {.text = ""};
    const size_t bytes = buffers->used ? buffers->used : 1;
    const pv_status status = buffers->host
                                 ? allocate_host(buffers, bytes, &why)
                                 : buffers->backend->op->alloc(buffers->backend, bytes, &buffers->memory, &why);
    if (status != PV_OK) {
        buffers->memory = NULL;
        return pv_fail(error, status, "no memory for %s (%zu bytes): %.500s", what, buffers->used, why.text);
    }
    buffers->used = 0;
    return PV_OK;
}

void pv_buffers_free(struct pv_buffers *buffers)
{
    if (!buffers->memory)
        return;
    const struct pv_op_table *op = buffers->backend->op;
    if (!buffers->host)
        op->free(buffers->backend, buffers->memory);
    else if (op->host_free)
        op->host_free(buffers->backend, buffers->memory);
    else
        free(buffers->memory);
    buffers->memory = NULL;
}
