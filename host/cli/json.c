/* json.c: see json.h. */
#include "json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

json_t *pv_json_text(const char *text)
{
    if (!text)
        return json_null();
    size_t left = strlen(text);
    if (pv_utf8_valid_bytes(text, left) == left)
        return json_string(text);
    char *copy = malloc(3 * left + 1), *out = copy; /* U+FFFD takes three bytes */
    if (!copy)
        return NULL;
    while (left > 0) {
        const size_t valid = pv_utf8_valid_bytes(text, left);
        memcpy(out, text, valid);
        out += valid;
        text += valid;
        left -= valid;
        if (left > 0) {
            memcpy(out, "\xef\xbf\xbd", 3);
            out += 3;
            text++;
            left--;
        }
    }
    *out = '\0';
    json_t *string = json_string(copy);
    free(copy);
    return string;
}

json_t *pv_json_rate(int num, int den)
{
    char text[32];
    snprintf(text, sizeof text, "%d/%d", num, den);
    return json_string(text);
}

json_t *pv_json_rounded(double value)
{
    return json_real(round(value * 1000) / 1000);
}

bool pv_json_print(const json_t *value)
{
    return value && json_dumpf(value, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(12)) == 0 && putchar('\n') != EOF;
}
