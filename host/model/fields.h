/* fields.h: a JSON object -> a struct, by a table that has one line a key. Strict: every key of the table must be
 * there unless it is optional, no other may, and each value has its type and range. */
#ifndef PV_MODEL_FIELDS_H
#define PV_MODEL_FIELDS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

enum pv_field_kind {
    PV_FIELD_END,    /* the table's last line */
    PV_FIELD_INT,    /* int, low to high */
    PV_FIELD_INT64,  /* int64_t, low to high */
    PV_FIELD_HEX64,  /* uint64_t: a string of 16 hexadecimal digits */
    PV_FIELD_REAL,   /* double, low to high */
    PV_FIELD_BOOL,   /* bool */
    PV_FIELD_TEXT,   /* char[high + 1]: low to high bytes of UTF-8 */
    PV_FIELD_CHOICE, /* int: the place in choices */
    PV_FIELD_OBJECT  /* members of the same struct, by a table of their own */
};

struct pv_field {
    enum pv_field_kind kind;
    const char *key;
    size_t offset; /* of the struct's member */
    bool optional; /* where it is missing, the member stays as it was */
    double low, high;
    const char *const *choices;    /* ends with NULL; the choice "null" is JSON's null */
    const struct pv_field *fields; /* of an object */
    /* A list when max_count > 0: min_count to max_count values, their number written to the int at count_offset. */
    int min_count, max_count;
    size_t count_offset;
};

/* Where a document comes from and what to return when it is not valid. */
struct pv_document {
    const char *file; /* for sentences */
    pv_status invalid;
    struct pv_error *error;
};

/* Parses text, which must be one object, and fills target. Duplicate keys are refused. */
pv_status pv_fields_parse(const struct pv_document *document, const char *text, size_t length,
                          const struct pv_field *fields, void *target);

#endif
