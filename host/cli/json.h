/* json.h: small help for --json. Data goes to stdout, in UTF-8 whatever the bytes of names are. */
#ifndef PV_CLI_JSON_H
#define PV_CLI_JSON_H

#include <stdbool.h>

#include <jansson.h>

/* A string; bytes that are not UTF-8 become U+FFFD. NULL text becomes null. */
json_t *pv_json_text(const char *text);

/* A fraction as a string: "24000/1001". */
json_t *pv_json_rate(int num, int den);

/* A number rounded to 1/1000: timings need no more, and seventeen digits are not read by anybody. */
json_t *pv_json_rounded(double value);

/* Indented, with a newline at the end, on stdout. false when value is NULL (no memory) or could not be written. */
bool pv_json_print(const json_t *value);

#endif
