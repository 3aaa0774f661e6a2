/* api_params.h: structs that cross the library's border, whose size their owner states: how binaries built against an
 * older or a newer header are understood. */
#ifndef PV_MODEL_API_PARAMS_H
#define PV_MODEL_API_PARAMS_H

#include <stddef.h>

#include "base/error.h"

/* src starts with a size_t struct_size. Members that src is too old to have keep what dst holds already. A newer,
 * larger src is understood as long as what is unknown in it is zero; else PV_ERR_UNSUPPORTED. PV_ERR_ARGUMENT when
 * struct_size is less than oldest, the size in the first release. name stands for the struct in sentences. */
pv_status pv_params_read(void *dst, size_t known, size_t oldest, const void *src, const char *name,
                         struct pv_error *error);

#endif
