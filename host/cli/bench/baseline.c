/* baseline.c: rows of an older run, and whether those of this one are slower. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "bench/bench.h"
#include "bench/row.h"

/* What a row says is of the type that its column has; what a plot could not hold is no measurement. */
static pv_status check_row(const char *path, size_t place, const json_t *row, struct pv_error *err)
{
    static const double most = 1e18;
    if (!json_is_object(row))
        return pv_fail(err, PV_ERR_FORMAT, "%s: row %zu is no object; write it anew with 'prevue bench -o json'", path,
                       place);
    for (const struct pv_bench_column *c = pv_bench_columns(); c->key; c++) {
        const json_t *value = json_object_get(row, c->key);
        const bool fits =
            c->type == 't' ? json_is_string(value) : json_is_number(value) && fabs(json_number_value(value)) <= most;
        if (value && !json_is_null(value) && !fits)
            return pv_fail(err, PV_ERR_FORMAT, "%s: %s of row %zu is not %s; write it anew with 'prevue bench -o json'",
                           path, c->key, place, c->type == 't' ? "a text" : "a number up to 1e18");
    }
    return PV_OK;
}

static pv_status check_rows(const char *path, const json_t *rows, struct pv_error *err)
{
    for (size_t i = 0; i < json_array_size(rows); i++)
        PV_TRY(check_row(path, i, json_array_get(rows, i), err));
    return PV_OK;
}

json_t *pv_bench_read(const char *path, json_t **machine, struct pv_error *err)
{
    json_error_t why;
    json_t *document = json_load_file(path, JSON_REJECT_DUPLICATES, &why);
    if (!document) {
        pv_fail(err, PV_ERR_FORMAT, "%s cannot be read: %s", path, why.text);
        return NULL;
    }
    json_t *rows = json_object_get(document, "rows"), *of = json_object_get(document, "machine");
    if (json_integer_value(json_object_get(document, "schema")) != 1 || !json_is_array(rows) || !json_is_object(of) ||
        !json_is_string(json_object_get(of, "version"))) {
        pv_fail(err, PV_ERR_FORMAT, "%s is not what 'prevue bench -o json' writes", path);
        rows = NULL;
    } else if (check_rows(path, rows, err) != PV_OK) {
        rows = NULL;
    } else {
        json_incref(rows);
        *machine = json_incref(of);
    }
    json_decref(document);
    return rows;
}

static bool same_row(const json_t *a, const json_t *b)
{
    static const char *const keys[] = {"test",  "model",   "size",    "context", "takes",
                                       "steps", "backend", "threads", "preset",  "output_size"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        if (!json_equal(json_object_get(a, keys[i]), json_object_get(b, keys[i])))
            return false;
    return true;
}

static const json_t *find(const json_t *rows, const json_t *row)
{
    for (size_t i = 0; i < json_array_size(rows); i++)
        if (same_row(json_array_get(rows, i), row) &&
            json_is_number(json_object_get(json_array_get(rows, i), "ms_median")))
            return json_array_get(rows, i);
    return NULL;
}

static const char *text_of(const json_t *row, const char *key)
{
    const char *text = json_string_value(json_object_get(row, key));
    return text ? text : "";
}

int pv_bench_compare(const json_t *old_rows, const json_t *rows, double max_regression, struct pv_terminal *terminal)
{
    int slower = 0, compared = 0;
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i), *old = find(old_rows, row);
        const double now = json_number_value(json_object_get(row, "ms_median"));
        if (!old || now <= 0) /* a row of its own, an error, or an op */
            continue;
        const double before = json_number_value(json_object_get(old, "ms_median")), ratio = now / before;
        const bool worse = ratio > 1 + max_regression;
        compared++;
        slower += worse;
        pv_terminal_say(terminal, worse ? PV_LOG_ERROR : PV_LOG_DEBUG,
                        "%s of %s at %s: %.3f ms, before %.3f ms: %+.1f %%", text_of(row, "test"),
                        text_of(row, "model"), text_of(row, "size"), now, before, 100 * (ratio - 1));
    }
    if (compared == 0) { /* a check that checks nothing must not pass */
        pv_terminal_say(terminal, PV_LOG_ERROR, "the baseline has none of these rows: nothing was compared");
        return 1;
    }
    pv_terminal_result(terminal, "%d of %d rows are slower than the baseline by more than %g %%", slower, compared,
                       100 * max_regression);
    return slower;
}
