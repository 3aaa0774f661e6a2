/* fuzz_file.h: the bytes of a whole safetensors file, in memory. */
#ifndef PV_TESTS_FUZZ_FILE_H
#define PV_TESTS_FUZZ_FILE_H

#include <string.h>

#include "fuzz.h"
#include "model/safetensors_part.h"

/* NULL when the metadata cannot stand in a file. The caller's to free. */
static inline unsigned char *fuzz_file_of(const struct pv_tensor_view *tensors, size_t count,
                                          const struct pv_metadata *metadata, size_t metadata_count, size_t *size)
{
    struct pv_layout layout;
    if (pv_layout_make(&layout, tensors, count, metadata, metadata_count, NULL) != PV_OK)
        return NULL;
    *size = layout.header_bytes;
    for (size_t i = 0; i < layout.count; i++)
        *size += layout.order[i]->bytes;
    unsigned char *bytes = malloc(*size);
    CHECK(bytes);
    size_t at = layout.header_bytes;
    memcpy(bytes, layout.header, at);
    for (size_t i = 0; i < layout.count; i++) {
        memcpy(bytes + at, layout.order[i]->data, layout.order[i]->bytes);
        at += layout.order[i]->bytes;
    }
    pv_layout_free(&layout);
    return bytes;
}

#endif
