/* test_text.c: what is UTF-8, and what reaches a terminal. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

/* Encodes as RFC 3629 does, without judging: surrogates and code points beyond the end too. */
static size_t encode(unsigned long point, char *out)
{
    if (point < 0x80) {
        out[0] = (char)point;
        return 1;
    }
    const size_t bytes = point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    for (size_t i = bytes - 1; i > 0; i--, point >>= 6)
        out[i] = (char)(0x80 | (point & 0x3f));
    static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
    out[0] = (char)(lead[bytes] | point);
    return bytes;
}

Test(text, every_code_point_and_no_surrogate_is_utf8)
{
    for (unsigned long point = 0; point < 0x120000; point++) {
        char text[4];
        const size_t bytes = encode(point, text);
        const int is_character = point < 0xd800 || (point > 0xdfff && point < 0x110000);
        cr_assert_eq(pv_utf8_valid_bytes(text, bytes), is_character ? bytes : 0, "U+%04lX", point);
        for (size_t cut = 1; cut < bytes; cut++)
            cr_assert_eq(pv_utf8_valid_bytes(text, cut), 0, "U+%04lX cut to %zu", point, cut);
    }
}

Test(text, overlong_forms_are_not_utf8)
{
    static const char *const overlong[] = {
        "\xc0\x80", "\xc1\xbf",         "\xe0\x80\x80", "\xe0\x9f\xbf", "\xf0\x80\x80\x80", "\xf0\x8f\xbf\xbf", "\x80",
        "\xbf",     "\xf5\x80\x80\x80", "\xfe",         "\xff"};
    for (size_t i = 0; i < sizeof overlong / sizeof overlong[0]; i++)
        cr_expect_eq(pv_utf8_valid_bytes(overlong[i], strlen(overlong[i])), 0, "row %zu", i);
    cr_expect_eq(pv_utf8_valid_bytes("ab\xc3\xa9\xff", 5), 4);
    cr_expect_eq(pv_utf8_valid_bytes("", 0), 0);
}

Test(text, quotes_show_no_raw_control_bytes)
{
    cr_expect_str_eq(pv_quote("codec.w", 7).text, "'codec.w'");
    cr_expect_str_eq(pv_quote("", 0).text, "''");
    cr_expect_str_eq(pv_quote("\x1b[2J\n\xc3\xa9", 7).text, "'\\x1b[2J\\x0a\\xc3\\xa9'");
    cr_expect_str_eq(pv_quote("a\0b", 3).text, "'a\\x00b'");
}

Test(text, quotes_of_any_length_fit)
{
    char plain[600], wild[600];
    memset(plain, 'p', sizeof plain);
    memset(wild, 0x1b, sizeof wild);
    for (size_t length = 0; length <= sizeof plain; length++) {
        const struct pv_quoted a = pv_quote(plain, length), b = pv_quote(wild, length);
        cr_assert_not_null(memchr(a.text, '\0', sizeof a.text));
        cr_assert_not_null(memchr(b.text, '\0', sizeof b.text));
        const size_t shown = strlen(a.text);
        cr_assert_eq(a.text[shown - 1], '\'');
        cr_assert(length > 151 ? strcmp(a.text + shown - 4, "...'") == 0 : shown == length + 2, "length %zu", length);
    }
}

Test(text, long_paths_show_their_end)
{
    char path[1000];
    memset(path, 'd', sizeof path);
    snprintf(path + 900, sizeof path - 900, "/model.safetensors");
    const char *tail = pv_path_tail(path);
    cr_expect_eq(strlen(tail), 240);
    cr_expect_not_null(strstr(tail, "/model.safetensors"));
    cr_expect_str_eq(pv_path_tail("short"), "short");
}
