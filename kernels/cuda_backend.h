/* cuda_backend.h: what the C files of the CUDA backend share. */
#ifndef PV_CUDA_BACKEND_H
#define PV_CUDA_BACKEND_H

#include "kernels.h"

struct pv_cuda_backend {
    struct pv_backend backend;
    enum pv_element element;
    int device, multiprocessors;
    void *tensor_maps; /* as in struct pv_queue */
};

static inline struct pv_cuda_backend *pv_cuda(struct pv_backend *backend)
{
    return (struct pv_cuda_backend *)backend;
}

/* module.c */

/* The code of what was asked for -> its status, with a sentence. */
pv_status pv_cuda_done(struct pv_error *error, const char *what, int code);
pv_status pv_cuda_alloc(struct pv_backend *backend, size_t bytes, void **memory, struct pv_error *error);
/* NULL is allowed. */
void pv_cuda_free(struct pv_backend *backend, void *memory);

/* weight.c */

pv_status pv_cuda_linear_weight(struct pv_backend *backend, const float *host_weight, const float *host_bias, int out,
                                int in, struct pv_weight **weight, struct pv_error *error);
pv_status pv_cuda_conv_weight(struct pv_backend *backend, const float *host_weight, const float *host_bias, int out,
                              int in, int size, struct pv_weight **weight, struct pv_error *error);
void pv_cuda_weight_free(struct pv_backend *backend, struct pv_weight *weight);

#endif
