/* test_tensor_view.c: every half and every bfloat16 as float, sizes, and types. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "model/tensor_view.h"

/* From the definition of the formats: (-1)^s 2^(e - bias) (1 + m / 2^mantissa_bits), no bits moved about. */
static double value_of(unsigned code, int exponent_bits, int mantissa_bits)
{
    const int bias = (1 << (exponent_bits - 1)) - 1;
    const int mantissa = (int)(code % (1u << mantissa_bits));
    const int exponent = (int)(code >> mantissa_bits) % (1 << exponent_bits);
    const double sign = code >> 15 ? -1 : 1;
    const double fraction = ldexp(mantissa, -mantissa_bits);
    if (exponent == (1 << exponent_bits) - 1)
        return mantissa ? NAN : sign * INFINITY;
    if (exponent == 0)
        return sign * ldexp(fraction, 1 - bias);
    return sign * ldexp(1 + fraction, exponent - bias);
}

static void check_all_codes(enum pv_dtype dtype, int exponent_bits, int mantissa_bits)
{
    enum { CODES = 65536 };
    /* One byte off alignment: files place tensors anywhere. */
    unsigned char *bytes = malloc(2 * CODES + 1);
    float *out = malloc(CODES * sizeof *out);
    cr_assert(bytes && out);
    for (unsigned i = 0; i < CODES; i++) {
        bytes[1 + 2 * i] = (unsigned char)i;
        bytes[2 + 2 * i] = (unsigned char)(i >> 8);
    }
    const struct pv_tensor_view view = {"all", dtype, 2, {256, 256}, bytes + 1, 2 * CODES};
    cr_assert_eq(pv_tensor_to_f32(&view, out, CODES, NULL), PV_OK);
    for (unsigned i = 0; i < CODES; i++) {
        const double expected = value_of(i, exponent_bits, mantissa_bits);
        if (isnan(expected))
            cr_assert(isnan(out[i]), "code %#x is %g, not NaN", i, (double)out[i]);
        else
            cr_assert(out[i] == expected && !signbit(out[i]) == !signbit(expected), "code %#x is %a, not %a", i,
                      (double)out[i], expected);
    }
    free(out);
    free(bytes);
}

Test(tensor_view, every_half_is_exact)
{
    check_all_codes(PV_DTYPE_F16, 5, 10);
}

Test(tensor_view, every_bfloat16_is_exact)
{
    check_all_codes(PV_DTYPE_BF16, 8, 7);
}

Test(tensor_view, floats_keep_their_bits)
{
    /* 1, -0, smallest subnormal, infinity, a quiet NaN with payload; one byte off alignment. */
    static const unsigned char bytes[] = {99, 0, 0, 0x80, 0x3f, 0,    0,    0, 0x80, 1,   0,
                                          0,  0, 0, 0,    0x80, 0x7f, 0x2a, 0, 0xc0, 0x7f};
    static const uint32_t expected[] = {0x3f800000, 0x80000000, 1, 0x7f800000, 0x7fc0002a};
    const struct pv_tensor_view view = {"few", PV_DTYPE_F32, 1, {5}, bytes + 1, 20};
    float out[5];
    cr_assert_eq(pv_tensor_to_f32(&view, out, 5, NULL), PV_OK);
    cr_expect_arr_eq(out, expected, sizeof expected);
}

Test(tensor_view, refuses_other_counts_and_types)
{
    static const int64_t numbers[2] = {1, 2};
    const struct pv_tensor_view view = {"steps", PV_DTYPE_I64, 1, {2}, numbers, sizeof numbers};
    float out[3];
    struct pv_error err;
    cr_expect_eq(pv_tensor_to_f32(&view, out, 3, &err), PV_ERR_ARGUMENT);
    cr_expect_not_null(strstr(err.text, "'steps' has 2 elements; 3"), "%s", err.text);
    cr_expect_eq(pv_tensor_to_f32(&view, out, 2, &err), PV_ERR_UNSUPPORTED);
    cr_expect_not_null(strstr(err.text, "'steps' is I64"), "%s", err.text);
}

Test(tensor_view, names_and_types_pair_up)
{
    for (int i = 0; i < PV_DTYPE_COUNT; i++) {
        enum pv_dtype found;
        cr_assert(pv_dtype_from_name(pv_dtype_name((enum pv_dtype)i), &found), "type %d", i);
        cr_expect_eq((int)found, i);
    }
    enum pv_dtype unchanged = PV_DTYPE_I8;
    cr_expect_not(pv_dtype_from_name("", &unchanged));
    cr_expect_eq(unchanged, PV_DTYPE_I8);
}

Test(tensor_view, measures_shapes)
{
    size_t bytes = 77;
    cr_expect_null(pv_tensor_measure(PV_DTYPE_F32, 0, NULL, &bytes));
    cr_expect_eq(bytes, 4);
    cr_expect_null(pv_tensor_measure(PV_DTYPE_F6_E2M3, 2, (int64_t[]){2, 2}, &bytes));
    cr_expect_eq(bytes, 3);
    cr_expect_null(pv_tensor_measure(PV_DTYPE_U64, 2, (int64_t[]){0, INT64_MAX / 64}, &bytes));
    cr_expect_eq(bytes, 0);
    cr_expect_null(pv_tensor_measure(PV_DTYPE_U8, 1, (int64_t[]){INT64_MAX / 8}, &bytes));
    cr_expect_eq(bytes, (size_t)(INT64_MAX / 8));
    cr_expect_not_null(pv_tensor_measure(PV_DTYPE_U8, 1, (int64_t[]){INT64_MAX / 8 + 1}, &bytes));
    cr_expect_not_null(pv_tensor_measure(PV_DTYPE_U8, 2, (int64_t[]){0, -1}, &bytes));
    cr_expect_not_null(pv_tensor_measure(PV_DTYPE_F4, 1, (int64_t[]){1}, &bytes));
}
