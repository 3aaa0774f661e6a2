/* text.c: well-formed UTF-8, and quoting of text nobody has checked. */
#include "base/text.h"

#include <string.h>

/* Bytes of the sequence at s when it is well-formed, else 0. RFC 3629, section 4: only the second byte's range depends
 * on the first. */
static size_t utf8_sequence(const unsigned char *s, size_t left)
{
    static const struct {
        unsigned char first, last, low, high; /* leading bytes; range of the second byte */
        size_t bytes;
    } rows[] = {
        {0x00, 0x7f, 0x00, 0x00, 1}, {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
        {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3},
        {0xf0, 0xf0, 0x90, 0xbf, 4}, {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (s[0] < rows[i].first || s[0] > rows[i].last)
            continue;
        if (rows[i].bytes > left)
            return 0;
        if (rows[i].bytes > 1 && (s[1] < rows[i].low || s[1] > rows[i].high))
            return 0;
        for (size_t k = 2; k < rows[i].bytes; k++)
            if (s[k] < 0x80 || s[k] > 0xbf)
                return 0;
        return rows[i].bytes;
    }
    return 0;
}

size_t pv_utf8_valid_bytes(const char *text, size_t length)
{
    size_t at = 0;
    while (at < length) {
        const size_t bytes = utf8_sequence((const unsigned char *)text + at, length - at);
        if (!bytes)
            break;
        at += bytes;
    }
    return at;
}

struct pv_quoted pv_quote(const char *text, size_t length)
{
    static const char hex[] = "0123456789abcdef";
    const size_t room = PV_QUOTED_BYTES - sizeof "\\x00...'"; /* start of the last unit that may still be cut after */
    struct pv_quoted quoted;
    char *out = quoted.text;
    *out++ = '\'';
    for (size_t i = 0; i < length; i++) {
        if ((size_t)(out - quoted.text) > room) {
            memcpy(out, "...", 3);
            out += 3;
            break;
        }
        const unsigned char c = (unsigned char)text[i];
        if (c >= 0x20 && c < 0x7f) {
            *out++ = (char)c;
        } else {
            *out++ = '\\';
            *out++ = 'x';
            *out++ = hex[c >> 4];
            *out++ = hex[c & 15];
        }
    }
    *out++ = '\'';
    *out = '\0';
    return quoted;
}

const char *pv_path_tail(const char *path)
{
    enum { SHOWN = 240 };
    const size_t length = strlen(path);
    return length > SHOWN ? path + (length - SHOWN) : path;
}
