/* fields.c: reading and refusing, one value at a time. */
#include "model/fields.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

enum { PATH_BYTES = 128 }; /* tables are two deep and their keys short */

struct place {
    const struct pv_document *document;
    char path[PATH_BYTES]; /* "codec.encoder_widths[2]" */
};

static struct place inside(const struct place *outer, const char *key)
{
    struct place p = {.document = outer->document};
    snprintf(p.path, sizeof p.path, "%.80s%s%.40s", outer->path, outer->path[0] ? "." : "", key);
    return p;
}

static struct place entry(const struct place *list, size_t i)
{
    struct place p = {.document = list->document};
    snprintf(p.path, sizeof p.path, "%.100s[%zu]", list->path, i);
    return p;
}

/* What a value must be, in words: "a whole number from 1 to 16". */
static void expectation(const struct pv_field *field, char *text, size_t size)
{
    switch (field->kind) {
    case PV_FIELD_INT:
    case PV_FIELD_INT64: snprintf(text, size, "a whole number from %.0f to %.0f", field->low, field->high); break;
    case PV_FIELD_HEX64: snprintf(text, size, "a string of 16 hexadecimal digits"); break;
    case PV_FIELD_REAL: snprintf(text, size, "a number from %g to %g", field->low, field->high); break;
    case PV_FIELD_BOOL: snprintf(text, size, "true or false"); break;
    case PV_FIELD_TEXT: snprintf(text, size, "a string of %.0f to %.0f bytes", field->low, field->high); break;
    case PV_FIELD_CHOICE: {
        size_t used = 0;
        text[0] = '\0';
        for (int i = 0; field->choices[i] && used < size; i++) {
            const char *quote = strcmp(field->choices[i], "null") == 0 ? "" : "\"";
            used += (size_t)snprintf(text + used, size - used, "%s%s%s%s", i ? " or " : "", quote, field->choices[i],
                                     quote);
        }
        break;
    }
    case PV_FIELD_OBJECT: snprintf(text, size, "an object"); break;
    case PV_FIELD_END: text[0] = '\0'; break;
    }
}

static pv_status refuse(const struct place *place, const struct pv_field *field, const json_t *value)
{
    char expected[160];
    expectation(field, expected, sizeof expected);
    char *shown = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(12));
    const pv_status status = pv_fail(place->document->error, place->document->invalid, "%s: %s is %s; it must be %s",
                                     pv_path_tail(place->document->file), place->path,
                                     shown ? pv_quote(shown, strlen(shown)).text : "unreadable", expected);
    free(shown);
    return status;
}

static bool read_hex(const json_t *value, uint64_t *out)
{
    const char *text = json_string_value(value);
    if (!text || json_string_length(value) != 16 || strspn(text, "0123456789abcdef") != 16)
        return false;
    *out = strtoull(text, NULL, 16);
    return true;
}

static bool read_choice(const struct pv_field *field, const json_t *value, int *out)
{
    const char *text = json_is_null(value) ? "null" : json_string_value(value);
    for (int i = 0; text && field->choices[i]; i++) {
        const bool wants_null = strcmp(field->choices[i], "null") == 0;
        if (wants_null == (bool)json_is_null(value) && strcmp(field->choices[i], text) == 0) {
            *out = i;
            return true;
        }
    }
    return false;
}

static bool read_integer(const struct pv_field *field, const json_t *value, int64_t *out)
{
    *out = json_integer_value(value);
    return json_is_integer(value) && (double)*out >= field->low && (double)*out <= field->high;
}

/* One value, not a list or an object. at is where it goes. */
static bool read_value(const struct pv_field *field, const json_t *value, void *at)
{
    switch (field->kind) {
    case PV_FIELD_INT: {
        int64_t wide;
        if (!read_integer(field, value, &wide))
            return false;
        *(int *)at = (int)wide;
        return true;
    }
    case PV_FIELD_INT64: return read_integer(field, value, at);
    case PV_FIELD_HEX64: return read_hex(value, at);
    case PV_FIELD_REAL: {
        const double real = json_number_value(value);
        *(double *)at = real;
        return json_is_number(value) && real >= field->low && real <= field->high;
    }
    case PV_FIELD_BOOL: *(bool *)at = json_is_true(value); return json_is_boolean(value);
    case PV_FIELD_TEXT: {
        const size_t length = json_string_length(value);
        if (!json_is_string(value) || (double)length < field->low || (double)length > field->high)
            return false;
        memcpy(at, json_string_value(value), length + 1);
        return true;
    }
    case PV_FIELD_CHOICE: return read_choice(field, value, at);
    case PV_FIELD_OBJECT:
    case PV_FIELD_END: break;
    }
    return false;
}

static size_t value_bytes(enum pv_field_kind kind)
{
    return kind == PV_FIELD_REAL ? sizeof(double) : sizeof(int); /* what lists are made of */
}

static pv_status read_list(const struct place *place, const struct pv_field *field, const json_t *list, char *target)
{
    const size_t count = json_array_size(list);
    if (!json_is_array(list) || count < (size_t)field->min_count || count > (size_t)field->max_count) {
        char expected[160];
        expectation(field, expected, sizeof expected);
        return pv_fail(place->document->error, place->document->invalid,
                       "%s: %s has %zu values; it must be a list of %d to %d, each %s",
                       pv_path_tail(place->document->file), place->path, count, field->min_count, field->max_count,
                       expected);
    }
    for (size_t i = 0; i < count; i++) {
        const json_t *value = json_array_get(list, i);
        const struct place here = entry(place, i);
        if (!read_value(field, value, target + field->offset + i * value_bytes(field->kind)))
            return refuse(&here, field, value);
    }
    *(int *)(void *)(target + field->count_offset) = (int)count;
    return PV_OK;
}

static bool has_key(const struct pv_field *fields, const char *key)
{
    for (; fields->kind != PV_FIELD_END; fields++)
        if (strcmp(fields->key, key) == 0)
            return true;
    return false;
}

static pv_status read_object(const struct place *place, const struct pv_field *fields, json_t *object, char *target)
{
    const struct pv_document *document = place->document;
    for (const struct pv_field *field = fields; field->kind != PV_FIELD_END; field++) {
        const struct place here = inside(place, field->key);
        json_t *value = json_object_get(object, field->key);
        if (!value && field->optional)
            continue;
        if (!value) {
            char expected[160];
            expectation(field, expected, sizeof expected);
            return pv_fail(document->error, document->invalid, "%s: %s is missing; it must be %s%s",
                           pv_path_tail(document->file), here.path, field->max_count > 0 ? "a list, each " : "",
                           expected);
        }
        if (field->kind == PV_FIELD_OBJECT && json_is_object(value))
            PV_TRY(read_object(&here, field->fields, value, target));
        else if (field->max_count > 0)
            PV_TRY(read_list(&here, field, value, target));
        else if (!read_value(field, value, target + field->offset))
            return refuse(&here, field, value);
    }
    for (void *i = json_object_iter(object); i; i = json_object_iter_next(object, i)) {
        const char *key = json_object_iter_key(i);
        if (!has_key(fields, key))
            return pv_fail(document->error, document->invalid,
                           "%s: %s%s%s is not a key this version knows; remove it or use a newer prevue",
                           pv_path_tail(document->file), place->path, place->path[0] ? "." : "",
                           pv_quote(key, strlen(key)).text);
    }
    return PV_OK;
}

pv_status pv_fields_parse(const struct pv_document *document, const char *text, size_t length,
                          const struct pv_field *fields, void *target)
{
    json_error_t why;
    json_t *object = json_loadb(text, length, JSON_REJECT_DUPLICATES, &why);
    if (!object) {
        if (json_error_code(&why) == json_error_out_of_memory)
            return pv_fail(document->error, PV_ERR_MEMORY, "no memory to read the settings of %s",
                           pv_path_tail(document->file));
        return pv_fail(document->error, document->invalid, "%s: its settings are not valid JSON at byte %d: %s",
                       pv_path_tail(document->file), why.position, pv_quote(why.text, strlen(why.text)).text);
    }
    const struct place root = {.document = document};
    const pv_status status = read_object(&root, fields, object, target);
    json_decref(object);
    return status;
}
