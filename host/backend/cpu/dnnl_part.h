/* dnnl_part.h: what dnnl.c and dnnl_filter.c share. */
#ifndef PV_BACKEND_CPU_DNNL_PART_H
#define PV_BACKEND_CPU_DNNL_PART_H

#include <pthread.h>

#include "backend/cpu/dnnl.h"
#include "backend/cpu/dnnl_api.h"

struct pv_dnnl {
    dnnl_engine_t engine;
};

/* The filter's values in one layout. Usually the only one: a second is made when another shape wants it. */
struct arrangement {
    struct arrangement *next;
    dnnl_memory_t memory;
    void *bytes;
};

struct pv_dnnl_filter {
    int out, in, height, width;
    pthread_mutex_t lock;
    struct arrangement *first; /* never empty: begins with the values as they were given */
    bool plain_unused;         /* first is still the given one, and nothing has been compiled for it */
};

static inline bool is_matrix(const struct pv_dnnl_filter *f)
{
    return f->height == 0;
}

/* any: the layout that oneDNN would like best; else the one of the values as given. */
dnnl_status_t pv_dnnl_filter_layout(const struct pv_dnnl_filter *f, bool any, layout *l);
/* The filter's values as wanted. Kept with the filter. */
pv_status pv_dnnl_filter_memory(struct pv_dnnl *dnnl, struct pv_dnnl_filter *f, layout_p wanted, dnnl_memory_t *memory,
                                struct pv_error *error);

/* Leaves the function with oneDNN's failure as ours. */
#define DNNL_TRY(call, error)                                                                                          \
    do {                                                                                                               \
        const dnnl_status_t dnnl_status_ = (call);                                                                     \
        if (dnnl_status_ != dnnl_success)                                                                              \
            return pv_dnnl_failed(dnnl_status_, #call, error);                                                         \
    } while (0)

/* call: what failed, as source text; up to its first parenthesis. */
pv_status pv_dnnl_failed(dnnl_status_t status, const char *call, struct pv_error *error);

#endif
