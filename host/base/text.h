/* text.h: text that came out of a file, made safe to check and to show. Names in a file may hold anything: newlines,
 * terminal escapes, bytes that are not UTF-8. They reach a sentence only through pv_quote. */
#ifndef PV_BASE_TEXT_H
#define PV_BASE_TEXT_H

#include <stddef.h>

/* How many leading bytes are well-formed UTF-8 (RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF).
 * length when all of them are. */
size_t pv_utf8_valid_bytes(const char *text, size_t length);

enum { PV_QUOTED_BYTES = 160 };

struct pv_quoted {
    char text[PV_QUOTED_BYTES]; /* 'text': printable ASCII, other bytes as \xNN, cut with ... when longer */
};

/* By value, so that it can stand among the arguments of pv_fail: pv_quote(name, length).text */
struct pv_quoted pv_quote(const char *text, size_t length);

/* The end of a path, short enough to leave room for the rest of a sentence. */
const char *pv_path_tail(const char *path);

#endif
