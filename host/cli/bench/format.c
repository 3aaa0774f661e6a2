/* format.c: rows as csv, json, JSON lines and SQL. The tables for people are in table.c. */
#include <stdio.h>
#include <string.h>

#include "bench/bench.h"
#include "bench/row.h"
#include "bench/table.h"
#include "json.h"

enum { JSON_FLAGS = JSON_REAL_PRECISION(9) };

/* What machine.c gives, as columns before those of a row. */
static const struct pv_bench_column machine_columns[] = {
    {"time", 't'},  {"commit", 't'}, {"version", 't'}, {"build", 't'}, {"cpu", 't'},
    {"cores", 'i'}, {"gpu", 't'},    {"driver", 't'},  {NULL, 0},
};

/* Calls print for every column of a row, machine's first; row NULL: for the columns themselves. */
static void for_each_column(const struct pv_bench *b, const json_t *row,
                            void (*print)(const struct pv_bench_column *column, const json_t *value, bool first))
{
    const struct pv_bench_column *c;
    for (c = machine_columns; c->key; c++)
        print(c, row ? json_object_get(b->machine, c->key) : NULL, c == machine_columns);
    for (c = pv_bench_columns(); c->key; c++)
        print(c, row ? json_object_get(row, c->key) : NULL, false);
}

static void print_number(const json_t *value)
{
    if (json_is_integer(value))
        printf("%" JSON_INTEGER_FORMAT, json_integer_value(value));
    else
        printf("%.9g", json_real_value(value));
}

/* Text with every quote doubled, as csv and SQL both want it. */
static void print_quoted(const char *text, char quote)
{
    putchar(quote);
    for (; *text; text++) {
        if (*text == quote)
            putchar(quote);
        putchar(*text);
    }
    putchar(quote);
}

static void print_csv_name(const struct pv_bench_column *column, const json_t *value, bool first)
{
    (void)value;
    printf("%s%s", first ? "" : ",", column->key);
}

static void print_csv_value(const struct pv_bench_column *column, const json_t *value, bool first)
{
    (void)column;
    if (!first)
        putchar(',');
    if (json_is_string(value))
        print_quoted(json_string_value(value), '"');
    else if (json_is_number(value))
        print_number(value);
}

static void print_sql_name(const struct pv_bench_column *column, const json_t *value, bool first)
{
    (void)value;
    printf("%s\"%s\" %s", first ? "" : ", ", column->key,
           column->type == 't'   ? "TEXT"
           : column->type == 'i' ? "INTEGER"
                                 : "REAL");
}

static void print_sql_value(const struct pv_bench_column *column, const json_t *value, bool first)
{
    (void)column;
    if (!first)
        fputs(", ", stdout);
    if (json_is_string(value))
        print_quoted(json_string_value(value), '\'');
    else if (json_is_number(value))
        print_number(value);
    else
        fputs("NULL", stdout);
}

/* Machine and row in one object. */
static bool print_line(const struct pv_bench *b, json_t *row)
{
    json_t *all = json_copy(b->machine);
    const bool printed = all && json_object_update(all, row) == 0 &&
                         json_dumpf(all, stdout, JSON_FLAGS | JSON_COMPACT) == 0 && putchar('\n') != EOF;
    json_decref(all);
    return printed;
}

bool pv_bench_print_begin(const struct pv_bench *b)
{
    if (b->v->format == PV_BENCH_CSV) {
        for_each_column(b, NULL, print_csv_name);
        putchar('\n');
    } else if (b->v->format == PV_BENCH_SQL) {
        fputs("CREATE TABLE IF NOT EXISTS bench (", stdout);
        for_each_column(b, NULL, print_sql_name);
        fputs(");\n", stdout);
    }
    return fflush(stdout) == 0;
}

bool pv_bench_print_row(const struct pv_bench *b, json_t *row)
{
    if (b->v->format == PV_BENCH_CSV) {
        for_each_column(b, row, print_csv_value);
        putchar('\n');
    } else if (b->v->format == PV_BENCH_SQL) {
        fputs("INSERT INTO bench VALUES (", stdout);
        for_each_column(b, row, print_sql_value);
        fputs(");\n", stdout);
    } else if (b->v->format == PV_BENCH_JSONL && !print_line(b, row)) {
        return false;
    }
    return fflush(stdout) == 0;
}

json_t *pv_bench_document(const struct pv_bench *b)
{
    return json_pack("{s:i, s:O, s:O}", "schema", 1, "machine", b->machine, "rows", b->rows);
}

bool pv_bench_print_end(const struct pv_bench *b)
{
    if (b->v->format == PV_BENCH_MD)
        pv_bench_print_tables(b->machine, b->rows);
    if (b->v->format != PV_BENCH_JSON)
        return fflush(stdout) == 0;
    json_t *document = pv_bench_document(b);
    const bool printed =
        document && json_dumpf(document, stdout, JSON_FLAGS | JSON_INDENT(1)) == 0 && putchar('\n') != EOF;
    json_decref(document);
    return printed && fflush(stdout) == 0;
}
