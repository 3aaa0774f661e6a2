/* tensor_view.c: sizes of tensors, and their elements as float. */
#include "model/tensor_view.h"

#include <string.h>

#include "base/text.h"

static const struct {
    const char *name;
    unsigned bits;
} dtypes[PV_DTYPE_COUNT] = {
    [PV_DTYPE_BOOL] = {"BOOL", 8},
    [PV_DTYPE_F4] = {"F4", 4},
    [PV_DTYPE_F6_E2M3] = {"F6_E2M3", 6},
    [PV_DTYPE_F6_E3M2] = {"F6_E3M2", 6},
    [PV_DTYPE_U8] = {"U8", 8},
    [PV_DTYPE_I8] = {"I8", 8},
    [PV_DTYPE_F8_E5M2] = {"F8_E5M2", 8},
    [PV_DTYPE_F8_E4M3] = {"F8_E4M3", 8},
    [PV_DTYPE_F8_E8M0] = {"F8_E8M0", 8},
    [PV_DTYPE_F8_E4M3FNUZ] = {"F8_E4M3FNUZ", 8},
    [PV_DTYPE_F8_E5M2FNUZ] = {"F8_E5M2FNUZ", 8},
    [PV_DTYPE_I16] = {"I16", 16},
    [PV_DTYPE_U16] = {"U16", 16},
    [PV_DTYPE_F16] = {"F16", 16},
    [PV_DTYPE_BF16] = {"BF16", 16},
    [PV_DTYPE_I32] = {"I32", 32},
    [PV_DTYPE_U32] = {"U32", 32},
    [PV_DTYPE_F32] = {"F32", 32},
    [PV_DTYPE_C64] = {"C64", 64},
    [PV_DTYPE_F64] = {"F64", 64},
    [PV_DTYPE_I64] = {"I64", 64},
    [PV_DTYPE_U64] = {"U64", 64},
};

const char *pv_dtype_name(enum pv_dtype dtype)
{
    return dtypes[dtype].name;
}

bool pv_dtype_from_name(const char *name, enum pv_dtype *dtype)
{
    for (int i = 0; i < PV_DTYPE_COUNT; i++) {
        if (strcmp(dtypes[i].name, name) == 0) {
            *dtype = (enum pv_dtype)i;
            return true;
        }
    }
    return false;
}

const char *pv_tensor_measure(enum pv_dtype dtype, int rank, const int64_t *shape, size_t *bytes)
{
    int64_t bits = dtypes[dtype].bits;
    bool empty = false;
    for (int i = 0; i < rank; i++) {
        if (shape[i] < 0)
            return "has a negative size in its shape";
        if (shape[i] == 0)
            empty = true;
        else if (bits > INT64_MAX / shape[i])
            return "has a shape whose size overflows 64 bits";
        else
            bits *= shape[i];
    }
    if (empty)
        bits = 0;
    if (bits % 8 != 0)
        return "has elements that do not fill whole bytes";
    if ((uint64_t)bits / 8 > SIZE_MAX)
        return "is larger than this system can address";
    *bytes = (size_t)(bits / 8);
    return NULL;
}

size_t pv_tensor_elements(const struct pv_tensor_view *view)
{
    size_t elements = 1;
    for (int i = 0; i < view->rank; i++)
        if (view->shape[i] == 0)
            return 0;
    for (int i = 0; i < view->rank; i++)
        elements *= (size_t)view->shape[i];
    return elements;
}

static uint32_t load_u16(const unsigned char *at)
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8;
}

static uint32_t load_u32(const unsigned char *at)
{
    return load_u16(at) | load_u16(at + 2) << 16;
}

/* IEEE 754 binary16 -> binary32, as bits. Exponent bias 15 -> 127; a subnormal is mantissa * 2^-24, exact in float. */
static uint32_t f32_bits_from_f16(uint32_t half)
{
    const uint32_t sign = (half & 0x8000u) << 16;
    const uint32_t exponent = half >> 10 & 0x1fu;
    const uint32_t mantissa = half & 0x3ffu;
    if (exponent == 0x1f)
        return sign | 0x7f800000u | mantissa << 13;
    if (exponent != 0)
        return sign | (exponent + 112) << 23 | mantissa << 13;

    const float magnitude = (float)mantissa * 0x1p-24f;
    uint32_t bits;
    memcpy(&bits, &magnitude, sizeof bits);
    return sign | bits;
}

pv_status pv_tensor_to_f32(const struct pv_tensor_view *view, float *out, size_t count, struct pv_error *err)
{
    const size_t elements = pv_tensor_elements(view);
    if (count != elements)
        return pv_fail(err, PV_ERR_ARGUMENT, "tensor %s has %zu elements; %zu were asked for",
                       pv_quote(view->name, strlen(view->name)).text, elements, count);

    /* Through bits, not floats: a signalling NaN stays the NaN it was. */
    const unsigned char *from = view->data;
    unsigned char *to = (unsigned char *)out;
    switch (view->dtype) {
    case PV_DTYPE_F32:
        for (size_t i = 0; i < count; i++) {
            const uint32_t bits = load_u32(from + 4 * i);
            memcpy(to + 4 * i, &bits, 4);
        }
        return PV_OK;
    case PV_DTYPE_F16:
        for (size_t i = 0; i < count; i++) {
            const uint32_t bits = f32_bits_from_f16(load_u16(from + 2 * i));
            memcpy(to + 4 * i, &bits, 4);
        }
        return PV_OK;
    case PV_DTYPE_BF16:
        for (size_t i = 0; i < count; i++) {
            const uint32_t bits = load_u16(from + 2 * i) << 16;
            memcpy(to + 4 * i, &bits, 4);
        }
        return PV_OK;
    default:
        return pv_fail(err, PV_ERR_UNSUPPORTED, "tensor %s is %s; expected F32, F16 or BF16: convert the file",
                       pv_quote(view->name, strlen(view->name)).text, pv_dtype_name(view->dtype));
    }
}
