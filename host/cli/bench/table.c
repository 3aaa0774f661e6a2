/* table.c: tables for people. A column in which no row says anything is left out. */
#include "bench/table.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COLUMNS_MAX = 48 };

static const struct pv_bench_cell cells[] = {
    {"test", "test", 't'},
    {"model", "model", 't'},
    {"params", "params", 'c'},
    {"type", "type", 't'},
    {"size", "size", 't'},
    {"ctx", "context", 'i'},
    {"takes", "takes", 'i'},
    {"steps", "steps", 'i'},
    {"backend", "backend", 't'},
    {"threads", "threads", 'i'},
    {"preset", "preset", 't'},
    {"ms a frame", "ms", 'm'},
    {"±", "ms_stdev", 'm'},
    {"median", "ms_median", 'm'},
    {"p10", "ms_p10", 'm'},
    {"p90", "ms_p90", 'm'},
    {"p99", "ms_p99", 'm'},
    {"frames/s", "frames_per_s", 'r'},
    {"real time x", "realtime_x", 'r'},
    {"first frame ms", "first_frame_ms", 'm'},
    {"peak memory", "peak_memory_bytes", 'b'},
    {"TFLOP/s", "tflops", 'r'},
    {"% peak", "tflops_percent", 'p'},
    {"GB/s", "gbps", 'r'},
    {"% peak", "gbps_percent", 'p'},
    {"floor ms", "floor_ms", 'm'},
    {"ops", "calls_per_frame", 'i'},
    {"W", "watts", 'r'},
    {"J a frame", "joules_per_frame", 'r'},
    {"reader ms", "reader_ms", 'm'},
    {"engine ms", "engine_ms", 'm'},
    {"writer ms", "writer_ms", 'm'},
    {"bound", "bound", 't'},
    {"throttled", "throttled", 't'},
    {"error", "error", 't'},
    {NULL, NULL, 0},
};

static const struct pv_bench_cell op_cells[] = {
    {"model", "model", 't'},
    {"size", "size", 't'},
    {"part", "part", 't'},
    {"op", "op", 't'},
    {"shape", "shape", 't'},
    {"calls a frame", "calls_per_frame", 'r'},
    {"ms a frame", "ms", 'm'},
    {"% of all", "share_percent", 'p'},
    {"TFLOP/s", "tflops", 'r'},
    {"% peak", "tflops_percent", 'p'},
    {"GB/s", "gbps", 'r'},
    {"% peak", "gbps_percent", 'p'},
    {NULL, NULL, 0},
};

const struct pv_bench_cell *pv_bench_cells(void)
{
    return cells;
}

static void print_scaled(char text[PV_BENCH_CELL], double value, double step, const char *const units[])
{
    int unit = 0;
    while (value >= step && units[unit + 1]) {
        value /= step;
        unit++;
    }
    snprintf(text, PV_BENCH_CELL, "%.*f%s", value < 10 && unit ? 1 : 0, value, units[unit]);
}

void pv_bench_cell_text(const struct pv_bench_cell *cell, const json_t *row, char text[PV_BENCH_CELL])
{
    static const char *const counts[] = {"", " k", " M", " G", NULL};
    static const char *const bytes[] = {" B", " KiB", " MiB", " GiB", NULL};
    const json_t *value = json_object_get(row, cell->key);
    const double number = json_number_value(value);
    text[0] = '\0';
    if (json_is_string(value)) {
        snprintf(text, PV_BENCH_CELL, "%s", json_string_value(value));
        for (char *c = text; *c; c++)
            *c = *c == '|' || iscntrl((unsigned char)*c) ? ' ' : *c; /* no escapes for a terminal */
    } else if (!json_is_number(value)) {
        return;
    } else if (cell->unit == 'c') {
        print_scaled(text, number, 1000, counts);
    } else if (cell->unit == 'b') {
        print_scaled(text, number, 1024, bytes);
    } else if (cell->unit == 'i') {
        snprintf(text, PV_BENCH_CELL, "%.0f", number);
    } else if (cell->unit == 'p') {
        snprintf(text, PV_BENCH_CELL, number < 9.95 ? "%.1f" : "%.0f", number);
    } else {
        snprintf(text, PV_BENCH_CELL,
                 number < 1      ? "%.4f"
                 : number < 10   ? "%.3f"
                 : number < 1000 ? "%.2f"
                                 : "%.0f",
                 number);
    }
}

/* ---- one table ---- */

/* Columns of a terminal that UTF-8 text takes here: all letters are narrow. */
static int width_of(const char *text)
{
    int width = 0;
    for (; *text; text++)
        width += ((unsigned char)*text & 0xC0) != 0x80;
    return width;
}

static bool is_number(const struct pv_bench_cell *cell)
{
    return cell->unit != 't';
}

static void print_cell(const char *text, int width, bool right)
{
    const int pad = width - width_of(text);
    printf("| %*s%s%*s ", right ? pad : 0, "", text, right ? 0 : pad, "");
}

static void print_table(const struct pv_bench_cell *columns, const json_t *const *rows, size_t count)
{
    int widths[COLUMNS_MAX] = {0};
    char text[PV_BENCH_CELL];
    for (int i = 0; columns[i].head; i++) {
        for (size_t j = 0; j < count; j++) {
            pv_bench_cell_text(&columns[i], rows[j], text);
            widths[i] = width_of(text) > widths[i] ? width_of(text) : widths[i];
        }
        if (widths[i] && widths[i] < width_of(columns[i].head))
            widths[i] = width_of(columns[i].head);
    }
    for (int i = 0; columns[i].head; i++)
        if (widths[i])
            print_cell(columns[i].head, widths[i], is_number(&columns[i]));
    fputs("|\n", stdout);
    for (int i = 0; columns[i].head; i++) {
        if (!widths[i])
            continue;
        fputs("|", stdout);
        for (int j = 0; j < widths[i] + 1; j++)
            putchar('-');
        putchar(is_number(&columns[i]) ? ':' : '-');
    }
    fputs("|\n", stdout);
    for (size_t j = 0; j < count; j++) {
        for (int i = 0; columns[i].head; i++) {
            if (!widths[i])
                continue;
            pv_bench_cell_text(&columns[i], rows[j], text);
            print_cell(text, widths[i], is_number(&columns[i]));
        }
        fputs("|\n", stdout);
    }
}

/* ---- both tables ---- */

static bool is_op(const json_t *row)
{
    return json_is_string(json_object_get(row, "op"));
}

static double ms_of(const json_t *row)
{
    return json_number_value(json_object_get(row, "ms"));
}

/* Longest first. */
static int by_ms(const void *a, const void *b)
{
    const double x = ms_of(*(const json_t *const *)a), y = ms_of(*(const json_t *const *)b);
    return (x < y) - (x > y);
}

static bool same(const json_t *a, const json_t *b, const char *key)
{
    return json_equal(json_object_get(a, key), json_object_get(b, key));
}

/* Ops of one case; its parts are those of a predicted frame, but for encode, which a sent one has. */
static bool same_case(const json_t *a, const json_t *b)
{
    static const char *const keys[] = {"model", "size", "context", "steps", "backend", "threads"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        if (!same(a, b, keys[i]))
            return false;
    return true;
}

/* A copy of each row with its share; the copies stand in `copies`. */
static void print_ops(json_t *const *rows, size_t count, json_t *copies)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += ms_of(rows[i]);
    const json_t **sorted = calloc(count, sizeof *sorted);
    for (size_t i = 0; sorted && i < count; i++) {
        json_t *copy = json_copy(rows[i]);
        json_object_set_new(copy, "share_percent", json_real(100 * ms_of(copy) / sum));
        json_array_append_new(copies, copy);
        sorted[i] = copy;
    }
    if (sorted) {
        qsort(sorted, count, sizeof *sorted, by_ms);
        putchar('\n');
        print_table(op_cells, sorted, count);
        printf("\nAll ops together: %.3f ms\n", sum);
    }
    free(sorted);
}

static void print_machine(const json_t *machine, const json_t *first)
{
    static const struct pv_bench_cell facts[] = {
        {"prevue ", "version", 't'}, {", ", "cpu", 't'},           {", ", "gpu", 't'},   {", ", "driver", 't'},
        {", ", "time", 't'},         {", commit ", "commit", 't'}, {", ", "build", 't'},
    };
    for (size_t i = 0; i < sizeof facts / sizeof facts[0]; i++) {
        char text[PV_BENCH_CELL];
        pv_bench_cell_text(&facts[i], machine, text);
        if (*text)
            printf("%s%s", facts[i].head, text);
    }
    printf("\n");
    if (first)
        printf("Peaks: %.3g TFLOP/s, %.3g GB/s; a large product here reaches %.3g TFLOP/s, a large copy %.3g GB/s\n",
               json_number_value(json_object_get(first, "tflops_peak")),
               json_number_value(json_object_get(first, "gbps_peak")),
               json_number_value(json_object_get(first, "tflops_ceiling")),
               json_number_value(json_object_get(first, "gbps_ceiling")));
    printf("\n");
}

void pv_bench_print_tables(const json_t *machine, json_t *rows)
{
    const size_t count = json_array_size(rows);
    const json_t **plain = calloc(count + 1, sizeof *plain);
    json_t **ops = calloc(count + 1, sizeof *ops);
    const json_t *with_peaks = NULL;
    json_t *copies = json_array();
    size_t plain_count = 0;
    for (size_t i = 0; plain && ops && copies && i < count; i++) {
        const json_t *row = json_array_get(rows, i);
        if (!with_peaks && json_is_number(json_object_get(row, "tflops_peak")))
            with_peaks = row;
        if (!is_op(row))
            plain[plain_count++] = row;
    }
    if (plain && ops && copies) {
        print_machine(machine, with_peaks);
        if (plain_count > 0)
            print_table(cells, plain, plain_count);
        for (size_t i = 0; i < count; i++) {
            const json_t *first = json_array_get(rows, i);
            if (!is_op(first) ||
                (i > 0 && is_op(json_array_get(rows, i - 1)) && same_case(first, json_array_get(rows, i - 1))))
                continue;
            size_t n = 0;
            for (size_t j = i; j < count && is_op(json_array_get(rows, j)) && same_case(first, json_array_get(rows, j));
                 j++)
                ops[n++] = json_array_get(rows, j);
            print_ops(ops, n, copies);
        }
    }
    json_decref(copies);
    free(plain);
    free(ops);
}
