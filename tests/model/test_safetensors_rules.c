/* test_safetensors_rules.c: each rule of docs/model-format.md, and a file that breaks it. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/safetensors_fixture.h"

#define F32(shape, begin, end) "{\"dtype\":\"F32\",\"shape\":" shape ",\"data_offsets\":[" #begin "," #end "]}"

struct rule {
    const char *name, *header;
    size_t data_bytes;
    const char *says[5]; /* NULL at the end */
};

static void refuse_all(const struct rule *rules, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct file_bytes file = file_make(rules[i].header, rules[i].data_bytes);
        refuse_file(&file, rules[i].name, rules[i].says);
        file_free(&file);
    }
}
#define REFUSE_ALL(rules) refuse_all(rules, sizeof(rules) / sizeof((rules)[0]))

Test(safetensors, accepts_plain_files)
{
    static const struct {
        const char *header;
        size_t data_bytes, tensors;
    } good[] = {
        {"{}", 0, 0},
        {"{}      ", 0, 0},
        {"{ \"a\" :\n" F32("[2]", 0, 8) "\t}\r\n ", 8, 1},
        {"{\"a\":" F32("[]", 0, 4) "}", 4, 1},
        {"{\"a\":" F32("[0]", 0, 0) "}", 0, 1},
        {"{\"a\":" F32("[3,0,9007199254740993]", 0, 0) "}", 0, 1},
        {"{\"b\":" F32("[1]", 4, 8) ",\"a\":" F32("[1]", 0, 4) ",\"z\":" F32("[0]", 4, 4) "}", 8, 3},
        {"{\"__metadata__\":{},\"a\":" F32("[1]", 0, 4) "}", 4, 1},
        {"{\"a\":{\"dtype\":\"F4\",\"shape\":[3,2],\"data_offsets\":[0,3]}}", 3, 1},
        {"{\"a\":{\"dtype\":\"F6_E2M3\",\"shape\":[4],\"data_offsets\":[0,3]}}", 3, 1},
        {"{\"\\u00e9\\\"\\\\\":" F32("[1,1,1,1,1,1,1,1]", 0, 4) "}", 4, 1},
        {"{\"\":" F32("[1]", 0, 4) "}", 4, 1},
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct file_bytes file = file_make(good[i].header, good[i].data_bytes);
        struct pv_safetensors *set = accept_file(&file);
        cr_expect_eq(pv_safetensors_count(set), good[i].tensors, "row %zu", i);
        pv_safetensors_close(set);
        file_free(&file);
    }
}

Test(safetensors, gives_views_and_metadata)
{
    struct file_bytes file = file_make("{\"__metadata__\":{\"format\":\"pt\",\"a\":\"\"},\"odd\":{\"dtype\":\"U8\","
                                       "\"shape\":[3],\"data_offsets\":[0,3]},\"w\":" F32("[2,1]", 3, 11) "}",
                                       11);
    struct pv_safetensors *set = accept_file(&file);
    const struct pv_tensor_view *w = pv_safetensors_find(set, "w");
    cr_assert_not_null(w);
    cr_expect_eq(w->dtype, PV_DTYPE_F32);
    cr_expect_eq(w->rank, 2);
    cr_expect_eq(w->shape[0], 2);
    cr_expect_eq(w->shape[1], 1);
    cr_expect_eq(w->bytes, 8);
    cr_expect_eq(*(const unsigned char *)w->data, 3);
    cr_expect_null(pv_safetensors_find(set, "W"));
    cr_expect_null(pv_safetensors_find(set, "__metadata__"));
    cr_expect_str_eq(pv_safetensors_metadata(set, "format"), "pt");
    cr_expect_str_eq(pv_safetensors_metadata(set, "a"), "");
    cr_expect_null(pv_safetensors_metadata(set, "b"));
    pv_safetensors_close(set);
    file_free(&file);
}

Test(safetensors, refuses_broken_lengths)
{
    static const unsigned char words[][8] = {
        {3, 0, 0, 0, 0, 0, 0, 0},                         /* longer than what follows */
        {1, 0, 0, 1, 0, 0, 0, 0},                         /* 16 MiB + 1 */
        {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, /* would wrap around */
        {0xf8, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, /* + 8 would be 0 */
        {0, 0, 0, 0, 0, 0, 0, 0},                         /* no header */
    };
    static const char *const says[][3] = {{"bytes 0 to 7", "3 bytes", NULL},
                                          {"bytes 0 to 7", "16777217", NULL},
                                          {"bytes 0 to 7", "18446744073709551615", NULL},
                                          {"bytes 0 to 7", "18446744073709551608", NULL},
                                          {"header is empty", "byte 8", NULL}};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        struct file_bytes file = file_make("{}", 0);
        memcpy(file.data, words[i], 8);
        refuse_file(&file, "length", says[i]);
        file_free(&file);
    }
    for (size_t size = 0; size < 8; size++) {
        struct file_bytes file = file_make("{}", 0);
        unsigned char *cut = malloc(size ? size : 1);
        cr_assert_not_null(cut);
        memcpy(cut, file.data, size);
        char count[32];
        snprintf(count, sizeof count, "it has %zu bytes", size);
        refuse_file(&(struct file_bytes){cut, size}, "cut", (const char *[]){count, NULL});
        free(cut);
        file_free(&file);
    }
}

Test(safetensors, refuses_what_is_no_header)
{
    static const struct rule rules[] = {
        {"leading space", " {}", 0, {"byte 8", "' '", "'{'"}},
        {"list", "[]", 0, {"byte 8", "'['"}},
        {"string", "\"a\"", 0, {"byte 8"}},
        {"byte order mark", "\xef\xbb\xbf{}", 0, {"byte 8", "'\\xef'"}},
        {"second object", "{}{}", 0, {"byte 10", "'{'"}},
        {"text after", "{}x", 0, {"byte 10", "'x'"}},
        {"stray end", "{}}", 0, {"byte 10", "'}'"}},
        {"unfinished", "{\"a\":", 0, {"byte 13", "unexpected token"}},
        {"unfinished string", "{\"a", 0, {"byte 11", "premature end"}},
        {"unfinished escape", "{\"a\\", 0, {"byte 12"}},
        {"no colon", "{\"a\" 1}", 0, {"byte 14", "':' expected"}},
        {"trailing comma", "{\"a\":" F32("[1]", 0, 4) ",}", 4, {"byte 63", "expected"}},
        {"single quotes", "{'a':1}", 0, {"byte 9 is '''"}},
        {"comment", "{/**/}", 0, {"byte 9", "'/'"}},
        {"bad escape", "{\"\\q\":{}}", 0, {"byte 12", "invalid escape"}},
        {"lone surrogate", "{\"\\ud800\":{}}", 0, {"byte", "Unicode"}},
        {"newline in a name", "{\"a\nb\":{}}", 0, {"byte 11", "unexpected newline"}},
        {"leading zero", "{\"a\":" F32("[01]", 0, 4) "}", 4, {"byte 38", "invalid token"}},
        {"number as a name", "{1:{}}", 0, {"byte 10", "string or '}' expected"}},
    };
    REFUSE_ALL(rules);
}

Test(safetensors, refuses_bytes_that_are_not_utf8)
{
    static const struct rule rules[] = {
        {"stray continuation", "{\"\x80\":1}", 0, {"byte 10", "'\\x80'", "UTF-8"}},
        {"overlong slash", "{\"\xc0\xaf\":1}", 0, {"byte 10", "'\\xc0'", "UTF-8"}},
        {"overlong three", "{\"\xe0\x80\xaf\":1}", 0, {"byte 10", "UTF-8"}},
        {"surrogate", "{\"\xed\xa0\x80\":1}", 0, {"byte 10", "UTF-8"}},
        {"above U+10FFFF", "{\"a\xf4\x90\x80\x80\":1}", 0, {"byte 11", "UTF-8"}},
        {"cut sequence", "{\"\xe2\x82", 0, {"byte 10", "UTF-8"}},
    };
    REFUSE_ALL(rules);
}

Test(safetensors, refuses_nul)
{
    static const struct rule rules[] = {
        {"escaped in a name", "{\"a\\u0000b\":" F32("[1]", 0, 4) "}", 4, {"byte 11", "NUL"}},
        {"escaped in metadata", "{\"__metadata__\":{\"a\":\"\\u0000\"}}", 0, {"byte 30", "NUL", "__metadata__"}},
        {"escaped after a backslash", "{\"\\\\\\u0000\":{}}", 0, {"byte 12", "NUL"}},
    };
    REFUSE_ALL(rules);

    static const char raw[] = "{\"a\0b\":{}}";
    struct file_bytes file = file_make_n(raw, sizeof raw - 1, 0);
    refuse_file(&file, "raw", (const char *[]){"byte 11", "'\\x00'", "NUL", NULL});
    file_free(&file);

    /* A backslash, then the letters u0000: no NUL. */
    file = file_make("{\"\\\\u0000\":" F32("[1]", 0, 4) "}", 4);
    struct pv_safetensors *set = accept_file(&file);
    cr_expect_not_null(pv_safetensors_find(set, "\\u0000"));
    pv_safetensors_close(set);
    file_free(&file);
}

Test(safetensors, refuses_duplicate_keys)
{
    static const struct rule rules[] = {
        {"tensor", "{\"twin\":" F32("[1]", 0, 4) ",\"twin\":" F32("[1]", 4, 8) "}", 8, {"duplicate", "byte", "twin"}},
        {"spelled differently",
         "{\"twin\":" F32("[1]", 0, 4) ",\"tw\\u0069n\":" F32("[1]", 4, 8) "}",
         8,
         {"duplicate", "n\""}},
        {"field",
         "{\"a\":{\"dtype\":\"F32\",\"dtype\":\"F16\",\"shape\":[1],\"data_offsets\":[0,4]}}",
         4,
         {"duplicate", "dtype"}},
        {"metadata key", "{\"__metadata__\":{\"k\":\"1\",\"k\":\"2\"}}", 0, {"duplicate", "\"k\""}},
        {"metadata", "{\"__metadata__\":{},\"__metadata__\":{}}", 0, {"duplicate", "__metadata__"}},
    };
    REFUSE_ALL(rules);
}

Test(safetensors, refuses_broken_metadata)
{
    static const struct rule rules[] = {
        {"null", "{\"__metadata__\":null}", 0, {"byte 24", "'n'"}},
        {"string", "{\"__metadata__\":\"x\"}", 0, {"__metadata__ is not an object"}},
        {"number value", "{\"__metadata__\":{\"epoch\":3}}", 0, {"__metadata__", "'epoch'", "not a string"}},
        {"list value", "{\"__metadata__\":{\"tags\":[1]}}", 0, {"__metadata__", "'tags'", "not a string"}},
        {"object value", "{\"__metadata__\":{\"a\":{}}}", 0, {"byte 29", "__metadata__"}},
        {"true", "{\"__metadata__\":{\"a\":true}}", 0, {"byte 29", "'t'", "__metadata__"}},
    };
    REFUSE_ALL(rules);
}

Test(safetensors, refuses_broken_entries)
{
    static const struct rule rules[] = {
        {"number", "{\"w\":3}", 0, {"tensor 'w'", "not an object"}},
        {"string", "{\"w\":\"F32\"}", 0, {"tensor 'w'", "not an object"}},
        {"list", "{\"w\":[]}", 0, {"byte 13", "'['"}},
        {"no dtype", "{\"w\":{\"shape\":[1],\"data_offsets\":[0,4]}}", 4, {"tensor 'w'", "dtype is missing"}},
        {"no shape", "{\"w\":{\"dtype\":\"F32\",\"data_offsets\":[0,4]}}", 4, {"tensor 'w'", "shape is missing"}},
        {"no offsets", "{\"w\":{\"dtype\":\"F32\",\"shape\":[1]}}", 4, {"tensor 'w'", "data_offsets is missing"}},
        {"unknown field",
         "{\"w\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4],\"x\\u001b\":1}}",
         4,
         {"tensor 'w'", "unknown field 'x\\x1b'"}},
        {"unknown dtype",
         "{\"w\":{\"dtype\":\"F33\",\"shape\":[1],\"data_offsets\":[0,4]}}",
         4,
         {"tensor 'w'", "dtype 'F33'"}},
        {"lower case dtype",
         "{\"w\":{\"dtype\":\"f32\",\"shape\":[1],\"data_offsets\":[0,4]}}",
         4,
         {"tensor 'w'", "dtype 'f32'"}},
        {"dtype a number",
         "{\"w\":{\"dtype\":32,\"shape\":[1],\"data_offsets\":[0,4]}}",
         4,
         {"tensor 'w'", "dtype is not a string"}},
        {"shape a number",
         "{\"w\":{\"dtype\":\"F32\",\"shape\":1,\"data_offsets\":[0,4]}}",
         4,
         {"tensor 'w'", "shape is not a list"}},
        {"shape of strings",
         "{\"w\":{\"dtype\":\"F32\",\"shape\":[1,\"1\"],\"data_offsets\":[0,4]}}",
         4,
         {"tensor 'w'", "item 1 of shape"}},
        {"one offset",
         "{\"w\":"
         "{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[4]}}",
         4,
         {"tensor 'w'", "two numbers"}},
        {"three offsets",
         "{\"w\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4,8]}}",
         4,
         {"tensor 'w'", "two numbers"}},
        {"offsets of strings",
         "{\"w\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[\"0\",4]}}",
         4,
         {"tensor 'w'", "item 0 of data_offsets"}},
        {"list in a list",
         "{\"w\":{\"dtype\":\"F32\",\"shape\":[[1]],\"data_offsets\":[0,4]}}",
         4,
         {"tensor 'w'", "byte 37", "'['"}},
        {"object in a list", "{\"w\":{\"dtype\":\"F32\",\"shape\":[{}]}}", 4, {"tensor 'w'", "byte 37", "'{'"}},
        {"mixed brackets", "{\"w\":{\"shape\":[1}}", 4, {"tensor 'w'", "byte 24", "'}'"}},
        {"object in an entry", "{\"w\":{\"more\":{}}}", 0, {"tensor 'w'", "byte 21", "'{'"}},
    };
    REFUSE_ALL(rules);
}

Test(safetensors, refuses_numbers_that_are_not_whole_or_negative)
{
    static const struct rule rules[] = {
        {"negative shape", "{\"w\":" F32("[-1]", 0, 4) "}", 4, {"tensor 'w'", "byte 37", "'-'"}},
        {"negative zero", "{\"w\":" F32("[-0]", 0, 0) "}", 0, {"tensor 'w'", "byte 37", "'-'"}},
        {"negative offset", "{\"w\":" F32("[1]", -4, 0) "}", 4, {"tensor 'w'", "byte 56", "'-'"}},
        {"fraction", "{\"w\":" F32("[1.0]", 0, 4) "}", 4, {"tensor 'w'", "byte 38", "'.'"}},
        {"exponent", "{\"w\":" F32("[1e0]", 0, 4) "}", 4, {"tensor 'w'", "byte 38", "'e'"}},
        {"capital exponent", "{\"w\":" F32("[1E0]", 0, 4) "}", 4, {"tensor 'w'", "byte 38", "'E'"}},
        {"NaN", "{\"w\":" F32("[NaN]", 0, 4) "}", 4, {"tensor 'w'", "byte 37", "'N'"}},
        {"true", "{\"w\":" F32("[true]", 0, 4) "}", 4, {"tensor 'w'", "byte 37", "'t'"}},
        {"null", "{\"w\":" F32("[null]", 0, 4) "}", 4, {"tensor 'w'", "byte 37", "'n'"}},
        {"beyond 64 bits", "{\"w\":" F32("[9223372036854775808]", 0, 4) "}", 4, {"byte", "too big", "36854775808"}},
    };
    REFUSE_ALL(rules);
}

Test(safetensors, refuses_overflowing_shapes)
{
    static const struct rule rules[] = {
        {"elements", "{\"w\":" F32("[4294967296,4294967296]", 0, 0) "}", 0, {"tensor 'w'", "overflows"}},
        {"wraps to 4 bytes", "{\"w\":" F32("[4611686018427387905]", 0, 4) "}", 4, {"tensor 'w'", "overflows"}},
        {"zero first", "{\"w\":" F32("[0,4294967296,4294967296]", 0, 0) "}", 0, {"tensor 'w'", "overflows"}},
        {"zero last", "{\"w\":" F32("[4294967296,4294967296,0]", 0, 0) "}", 0, {"tensor 'w'", "overflows"}},
        {"bits",
         "{\"w\":{\"dtype\":\"U64\",\"shape\":[144115188075855872],\"data_offsets\":[0,0]}}",
         0,
         {"tensor 'w'", "overflows"}},
    };
    REFUSE_ALL(rules);
}

Test(safetensors, refuses_offsets_that_do_not_fit)
{
    static const struct rule rules[] = {
        {"too small for the shape", "{\"w\":" F32("[2]", 0, 4) "}", 4, {"tensor 'w'", "8 bytes", "[0, 4]"}},
        {"too large for the shape", "{\"w\":" F32("[1]", 0, 8) "}", 8, {"tensor 'w'", "4 bytes", "[0, 8]"}},
        {"empty with bytes", "{\"w\":" F32("[0]", 0, 4) "}", 4, {"tensor 'w'", "take 0 bytes"}},
        {"end before begin", "{\"w\":" F32("[1]", 4, 0) "}", 4, {"tensor 'w'", "[4, 0]", "end before"}},
        {"does not start at 0", "{\"w\":" F32("[1]", 4, 8) "}", 8, {"tensor 'w'", "begins at 4", "hole"}},
        {"hole",
         "{\"v\":" F32("[1]", 0, 4) ",\"w\":" F32("[1]", 5, 9) "}",
         9,
         {"tensor 'w'", "begins at 5", "ends at 4", "hole"}},
        {"overlap",
         "{\"v\":" F32("[1]", 0, 4) ",\"w\":" F32("[1]", 3, 7) "}",
         7,
         {"tensor 'w'", "begins at 3", "ends at 4", "overlap"}},
        {"same bytes twice",
         "{\"v\":" F32("[1]", 0, 4) ",\"w\":" F32("[1]", 0, 4) "}",
         4,
         {"begins at 0", "ends at 4", "overlap"}},
        {"empty one inside another",
         "{\"v\":" F32("[1]", 0, 4) ",\"w\":" F32("[0]", 2, 2) "}",
         4,
         {"tensor 'w'", "begins at 2", "overlap"}},
        {"data cut short", "{\"w\":" F32("[2]", 0, 8) "}", 7, {"tensor 'w'", "[0, 8]", "7 bytes", "cut short"}},
        {"data trailing", "{\"w\":" F32("[1]", 0, 4) "}", 5, {"1 bytes of data follow", "ends at 4"}},
        {"data without tensors", "{}", 3, {"3 bytes of data follow"}},
        {"half bytes",
         "{\"w\":{\"dtype\":\"F4\",\"shape\":[3],\"data_offsets\":[0,2]}}",
         2,
         {"tensor 'w'", "whole bytes"}},
        {"six bits",
         "{\"w\":{\"dtype\":\"F6_E3M2\",\"shape\":[3],\"data_offsets\":[0,2]}}",
         2,
         {"tensor 'w'", "whole bytes"}},
    };
    REFUSE_ALL(rules);
}

Test(safetensors, refuses_rank_above_8)
{
    static const struct rule rules[] = {
        {"rank 9", "{\"deep\":" F32("[1,1,1,1,1,1,1,1,1]", 0, 4) "}", 4, {"tensor 'deep'", "byte 55", "8 dimensions"}}};
    REFUSE_ALL(rules);
}

Test(safetensors, refuses_names_above_512_bytes)
{
    char header[1024], name[514];
    for (size_t length = 512; length <= 513; length++) {
        memset(name, 'n', length);
        name[length] = '\0';
        snprintf(header, sizeof header, "{\"%s\":%s}", name, F32("[1]", 0, 4));
        struct file_bytes file = file_make(header, 4);
        if (length == 512)
            pv_safetensors_close(accept_file(&file));
        else
            refuse_file(&file, "513 bytes", (const char *[]){"tensor 'nnnn", "513 bytes", "512", NULL});
        file_free(&file);
    }
}

Test(safetensors, refuses_more_than_a_million_tensors)
{
    const size_t tensors = 1000001;
    char *header = malloc(tensors * 16 + 2);
    cr_assert_not_null(header);
    size_t at = 0;
    header[at++] = '{';
    for (size_t i = 0; i < tensors; i++)
        at += (size_t)sprintf(header + at, "\"%zx\":{},", i);
    header[at - 1] = '}';
    struct file_bytes file = file_make_n(header, at, 0);
    refuse_file(&file, "tensors", (const char *[]){"1000000 tensors", "byte", NULL});
    file_free(&file);
    free(header);
}

Test(safetensors, opens_a_header_of_16_MiB)
{
    const size_t most = (size_t)16 << 20;
    char *header = malloc(most + 1);
    cr_assert_not_null(header);
    memset(header, ' ', most + 1);
    memcpy(header, "{}", 2);
    struct file_bytes file = file_make_n(header, most, 0);
    pv_safetensors_close(accept_file(&file));
    file_free(&file);
    file = file_make_n(header, most + 1, 0);
    refuse_file(&file, "16 MiB + 1", (const char *[]){"16777217 bytes", "16777216", NULL});
    file_free(&file);
    free(header);
}

Test(safetensors, answers_with_the_status_it_was_told)
{
    struct pv_safetensors *set;
    struct pv_error err;
    cr_expect_eq(pv_safetensors_parse("x", 1, "m", PV_ERR_MODEL, &set, &err), PV_ERR_MODEL);
    cr_expect_eq(pv_safetensors_parse("x", 1, "m", PV_ERR_FORMAT, &set, &err), PV_ERR_FORMAT);
    cr_expect_eq(pv_safetensors_parse("x", 1, "m", PV_ERR_FORMAT, &set, NULL), PV_ERR_FORMAT);
}
