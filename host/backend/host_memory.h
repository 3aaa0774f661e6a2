/* host_memory.h: the memory half of the op table for backends whose memory is the host's and whose activations are
 * floats: reference and cpu. */
#ifndef PV_BACKEND_HOST_MEMORY_H
#define PV_BACKEND_HOST_MEMORY_H

#include "backend/op.h"

enum { PV_HOST_ALIGNMENT = 64 }; /* a cache line, and the widest vector */

pv_status pv_host_alloc(struct pv_backend *backend, size_t bytes, void **memory, struct pv_error *error);
void pv_host_free(struct pv_backend *backend, void *memory);
pv_status pv_host_copy(struct pv_stream *s, void *dst, const void *src, size_t bytes);
pv_status pv_host_zero(struct pv_stream *s, void *dst, size_t bytes);
pv_status pv_host_upload_activations(struct pv_stream *s, void *dst, const float *src, size_t count);
pv_status pv_host_download_activations(struct pv_stream *s, float *dst, const void *src, size_t count);

#endif
