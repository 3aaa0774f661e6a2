/* api_params.c: copying what both sides know. */
#include "model/api_params.h"

#include <string.h>

pv_status pv_params_read(void *dst, size_t known, size_t oldest, const void *src, const char *name,
                         struct pv_error *error)
{
    size_t size;
    memcpy(&size, src, sizeof size);
    if (size < oldest)
        return pv_fail(error, PV_ERR_ARGUMENT, "%s.struct_size is %zu; it must be at least %zu: call %s_init first",
                       name, size, oldest, name);
    for (size_t i = known; i < size; i++)
        if (((const unsigned char *)src)[i] != 0)
            return pv_fail(error, PV_ERR_UNSUPPORTED,
                           "%s has a setting that this version of prevue does not know; update the library", name);
    memcpy(dst, src, size < known ? size : known);
    memcpy(dst, &known, sizeof known);
    return PV_OK;
}
