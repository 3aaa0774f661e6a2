/* tensor_view.h: a tensor as it lies in a file: a type, a shape and little-endian bytes at any alignment. */
#ifndef PV_MODEL_TENSOR_VIEW_H
#define PV_MODEL_TENSOR_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum {
    PV_TENSOR_MAX_RANK = 8,
    PV_TENSOR_MAX_NAME = 512, /* bytes, without the NUL */
};

/* All types of the safetensors format, in its order: alignment never falls from one to the next. */
enum pv_dtype {
    PV_DTYPE_BOOL,
    PV_DTYPE_F4,
    PV_DTYPE_F6_E2M3,
    PV_DTYPE_F6_E3M2,
    PV_DTYPE_U8,
    PV_DTYPE_I8,
    PV_DTYPE_F8_E5M2,
    PV_DTYPE_F8_E4M3,
    PV_DTYPE_F8_E8M0,
    PV_DTYPE_F8_E4M3FNUZ,
    PV_DTYPE_F8_E5M2FNUZ,
    PV_DTYPE_I16,
    PV_DTYPE_U16,
    PV_DTYPE_F16,
    PV_DTYPE_BF16,
    PV_DTYPE_I32,
    PV_DTYPE_U32,
    PV_DTYPE_F32,
    PV_DTYPE_C64,
    PV_DTYPE_F64,
    PV_DTYPE_I64,
    PV_DTYPE_U64,
    PV_DTYPE_COUNT
};

struct pv_tensor_view {
    const char *name; /* UTF-8 */
    enum pv_dtype dtype;
    int rank;                          /* 0: one element */
    int64_t shape[PV_TENSOR_MAX_RANK]; /* outermost first; the rest is 0 */
    const void *data;                  /* any alignment: memcpy, do not cast */
    size_t bytes;
};

/* "BF16": the name the format uses. */
const char *pv_dtype_name(enum pv_dtype dtype);
/* False when the name is none of the format's. */
bool pv_dtype_from_name(const char *name, enum pv_dtype *dtype);

/* Bytes that a tensor of this type and shape takes. NULL when there is such a number, else why not, as the end of a
 * sentence. A size of 0 is fine, but the other sizes must still multiply without overflow, whatever their order. */
const char *pv_tensor_measure(enum pv_dtype dtype, int rank, const int64_t *shape, size_t *bytes);

/* Product of the shape, which must be one that pv_tensor_measure accepts. */
size_t pv_tensor_elements(const struct pv_tensor_view *view);

/* F32, F16 and BF16 -> float, exactly (subnormals, infinities and NaN included). count must be the tensor's number of
 * elements (PV_ERR_ARGUMENT), its type one of the three (PV_ERR_UNSUPPORTED). */
pv_status pv_tensor_to_f32(const struct pv_tensor_view *view, float *out, size_t count, struct pv_error *err);

#endif
