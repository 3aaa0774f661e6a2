/* buffers.h: many buffers in one piece of memory, a backend's or the host's: counted, allocated, copied and freed
 * together.
 *
 * One function takes all buffers in order and is run twice: first with no memory behind it, which counts the bytes and
 * gives NULL; then, after pv_buffers_allocate, for the addresses. */
#ifndef PV_MODEL_BUFFERS_H
#define PV_MODEL_BUFFERS_H

#include "backend/op.h"

struct pv_buffers {
    struct pv_backend *backend;
    bool host;    /* the host's memory that the backend reaches best; else the backend's own */
    void *memory; /* NULL while counting */
    size_t used;  /* bytes taken so far */
    bool overflow;
};

/* The next a * b * c elements, aligned to 64 bytes; zero after allocation. */
void *pv_buffers_take(struct pv_buffers *buffers, size_t element_bytes, size_t a, size_t b, size_t c);

/* Memory for all that was counted; taking then starts over. what names it in a failure's sentence. */
pv_status pv_buffers_allocate(struct pv_buffers *buffers, const char *what, struct pv_error *error);
/* Safe when nothing was allocated. */
void pv_buffers_free(struct pv_buffers *buffers);

#endif
