/* page.c: one HTML file with the plots that people look at and the table behind them: time against takes and context,
 * over a rollout, and the roofline (Williams, Waterman, Patterson 2009). It loads nothing from anywhere. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/bench.h"
#include "bench/plot.h"
#include "bench/row.h"
#include "bench/table.h"

enum { SERIES_MAX = 6, POINTS_MAX = 256, NAME_BYTES = 160 };

static const char style[] =
    ":root{color-scheme:light dark;--ink:#1b1f24;--soft:#6a737d;--grid:#e3e6ea;--back:#fff}"
    "@media(prefers-color-scheme:dark){:root{--ink:#e6e8eb;--soft:#9aa4af;--grid:#2d333b;--back:#15181c}}"
    "body{font:14px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--back);margin:2em auto;max-width:1340px;"
    "padding:0 1em}h1{font-size:1.4em}p{color:var(--soft)}"
    ".plots{display:grid;grid-template-columns:repeat(auto-fit,minmax(480px,1fr));gap:1em}figure{margin:0}svg{width:"
    "100%}"
    ".title{font-weight:600;fill:var(--ink);font-size:14px}.label{fill:var(--soft);font-size:12px}"
    ".tick{fill:var(--soft);font-size:11px}.legend{fill:var(--ink);font-size:11px}.grid{stroke:var(--grid);fill:none}"
    ".line{fill:none;stroke-width:2}.limit{stroke:var(--soft);stroke-dasharray:5 4}"
    ".point{stroke:var(--back);stroke-width:1}"
    ".line.c0{stroke:#2f6fde}.line.c1{stroke:#d9622b}.line.c2{stroke:#2e9e5b}.line.c3{stroke:#9a4fd0}"
    ".line.c4{stroke:#c2a200}.line.c5{stroke:#c93f6b}"
    ".point.c0{fill:#2f6fde}.point.c1{fill:#d9622b}.point.c2{fill:#2e9e5b}.point.c3{fill:#9a4fd0}"
    ".point.c4{fill:#c2a200}.point.c5{fill:#c93f6b}"
    ".scroll{overflow-x:auto}table{border-collapse:collapse;font-size:13px;white-space:nowrap}"
    "td,th{padding:.25em .7em;border-bottom:1px solid var(--grid);text-align:right}"
    "td.t,th.t{text-align:left}";

static double number_at(const json_t *row, const char *key)
{
    return json_number_value(json_object_get(row, key));
}

static const char *text_at(const json_t *row, const char *key)
{
    const char *text = json_string_value(json_object_get(row, key));
    return text ? text : "";
}

static bool is_test(const json_t *row, const char *test)
{
    return strcmp(text_at(row, "test"), test) == 0;
}

/* ---- time against one number of the cases ---- */

struct series {
    const json_t *first;
    double x[POINTS_MAX], y[POINTS_MAX];
    int count;
};

static const char *const case_keys[] = {"model", "size", "context", "takes", "steps", "backend", "threads"};
enum { CASE_KEYS = sizeof case_keys / sizeof case_keys[0] };

/* Rows of one series differ in `key` alone. */
static bool same_series(const json_t *a, const json_t *b, const char *key)
{
    for (int i = 0; i < CASE_KEYS; i++)
        if (strcmp(case_keys[i], key) != 0 &&
            !json_equal(json_object_get(a, case_keys[i]), json_object_get(b, case_keys[i])))
            return false;
    return true;
}

/* All of a case but the key that a plot runs along, which may be NULL. */
static void name_of(const json_t *row, const char *key, char name[NAME_BYTES])
{
    static const char *const numbers[] = {"context", "takes", "steps", "threads"};
    int used =
        snprintf(name, NAME_BYTES, "%s %s %s", text_at(row, "model"), text_at(row, "size"), text_at(row, "backend"));
    for (int i = 0; i < 4 && used < NAME_BYTES; i++)
        if (!key || strcmp(numbers[i], key) != 0)
            used +=
                snprintf(name + used, NAME_BYTES - (size_t)used, ", %s %.0f", numbers[i], number_at(row, numbers[i]));
}

/* Room above the lines for their names. */
static void make_room(struct pv_plot_axis *axis, int names)
{
    pv_plot_include(axis, axis->to * (1 + 0.07 * names));
}

static void add_to_series(struct series *all, int *count, const json_t *row, const char *key)
{
    int i = 0;
    while (i < *count && !same_series(all[i].first, row, key))
        i++;
    if (i == SERIES_MAX)
        return;
    if (i == *count)
        all[(*count)++] = (struct series){.first = row};
    struct series *s = &all[i];
    if (s->count == POINTS_MAX)
        return;
    int at = s->count++; /* kept in order of x */
    for (; at > 0 && s->x[at - 1] > number_at(row, key); at--) {
        s->x[at] = s->x[at - 1];
        s->y[at] = s->y[at - 1];
    }
    s->x[at] = number_at(row, key);
    s->y[at] = number_at(row, "ms_median");
}

static int collect(const json_t *rows, const char *key, struct series *all)
{
    int count = 0, kept = 0;
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        if (is_test(row, "model") && number_at(row, "ms_median") > 0)
            add_to_series(all, &count, row, key);
    }
    for (int i = 0; i < count; i++)
        if (all[i].count > 1)
            all[kept++] = all[i];
    return kept;
}

static void plot_against(FILE *out, const json_t *rows, const char *key, const char *title, const char *label)
{
    struct series *all = calloc(SERIES_MAX, sizeof *all);
    const int count = all ? collect(rows, key, all) : 0;
    struct pv_plot plot = {.out = out, .x = {label, false, 0, 0}, .y = {"ms a frame, median", false, 0, 0}};
    for (int i = 0; i < count; i++)
        for (int j = 0; j < all[i].count; j++) {
            pv_plot_include(&plot.x, all[i].x[j]);
            pv_plot_include(&plot.y, all[i].y[j]);
        }
    make_room(&plot.y, count);
    if (count > 0)
        pv_plot_begin(&plot, title);
    for (int i = 0; i < count; i++) {
        char words[NAME_BYTES + 64], name[NAME_BYTES];
        name_of(all[i].first, key, name);
        pv_plot_line(&plot, i, all[i].x, all[i].y, all[i].count);
        for (int j = 0; j < all[i].count; j++) {
            snprintf(words, sizeof words, "%s: %s %g, %.3f ms", name, key, all[i].x[j], all[i].y[j]);
            pv_plot_point(&plot, i, all[i].x[j], all[i].y[j], 4, words);
        }
        pv_plot_legend(&plot, i, i, name);
    }
    if (count > 0)
        pv_plot_end(&plot);
    free(all);
}

/* ---- over a rollout ---- */

/* Medians of as many neighbours as it takes to have no more than POINTS_MAX points. */
static int thin_out(const json_t *samples, double *x, double *y)
{
    const int count = (int)json_array_size(samples), step = (count + POINTS_MAX - 1) / POINTS_MAX;
    double *group = malloc((size_t)(step ? step : 1) * sizeof *group);
    int points = 0;
    for (int i = 0; group && i < count; i += step) {
        int n = 0;
        for (int j = i; j < i + step && j < count; j++)
            group[n++] = json_number_value(json_array_get(samples, (size_t)j));
        x[points] = i + n / 2.0;
        y[points++] = pv_bench_quantile(group, n, 0.5);
    }
    free(group);
    return points;
}

static const json_t *frames_of(const json_t *row)
{
    return json_object_get(json_object_get(row, "samples"), "frames_ms");
}

/* The longest rollouts, longest first; SERIES_MAX at most. */
static int choose_rollouts(const json_t *rows, const json_t **chosen)
{
    int count = 0;
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        if (!is_test(row, "model") || json_array_size(frames_of(row)) < 2)
            continue;
        int at = count < SERIES_MAX ? count++ : SERIES_MAX;
        for (; at > 0 && json_array_size(frames_of(chosen[at - 1])) < json_array_size(frames_of(row)); at--)
            if (at < SERIES_MAX)
                chosen[at] = chosen[at - 1];
        if (at < SERIES_MAX)
            chosen[at] = row;
    }
    return count;
}

static void plot_rollout(FILE *out, const json_t *rows)
{
    double x[POINTS_MAX], y[POINTS_MAX];
    struct pv_plot plot = {.out = out, .x = {"frame of the rollout", false, 0, 0}, .y = {"ms a frame", false, 0, 0}};
    const json_t *chosen[SERIES_MAX];
    const int count = choose_rollouts(rows, chosen);
    for (int i = 0; i < count; i++) {
        const int points = thin_out(frames_of(chosen[i]), x, y);
        for (int j = 0; j < points; j++)
            pv_plot_include(&plot.y, y[j]);
        pv_plot_include(&plot.x, (double)json_array_size(frames_of(chosen[i])));
    }
    if (count == 0)
        return;
    make_room(&plot.y, count);
    pv_plot_begin(&plot, "Cost over the rollout");
    for (int i = 0; i < count; i++) {
        char name[NAME_BYTES];
        name_of(chosen[i], NULL, name);
        const int points = thin_out(frames_of(chosen[i]), x, y);
        pv_plot_line(&plot, i, x, y, points);
        pv_plot_legend(&plot, i, i, name);
    }
    pv_plot_end(&plot);
}

/* ---- roofline ---- */

static double intensity_of(const json_t *row)
{
    return 1000 * number_at(row, "gflop_per_frame") / number_at(row, "mb_per_frame");
}

static bool on_roofline(const json_t *row)
{
    return number_at(row, "tflops") > 0 && number_at(row, "mb_per_frame") > 0;
}

static void draw_roof(const struct pv_plot *plot, int place, double tflops, double gbps, const char *words)
{
    const double ridge = fmin(fmax(1000 * tflops / gbps, plot->x.from), plot->x.to);
    const double x[] = {plot->x.from, ridge, plot->x.to};
    const double y[] = {fmax(plot->y.from, fmin(tflops, x[0] * gbps / 1000)), tflops, tflops};
    pv_plot_line(plot, -1, x, y, 3);
    pv_plot_legend(plot, place, -1, words);
}

static void plot_roofline(FILE *out, const json_t *rows)
{
    struct pv_plot plot = {.out = out, .x = {"operations a byte", true, 1, 0}, .y = {"TFLOP/s", true, 1, 0}};
    const json_t *last = NULL;
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        if (!on_roofline(row))
            continue;
        last = row;
        pv_plot_include(&plot.x, intensity_of(row));
        pv_plot_include(&plot.y, number_at(row, "tflops"));
        pv_plot_include(&plot.y, number_at(row, "tflops_peak"));
        pv_plot_include(&plot.y, number_at(row, "tflops_ceiling"));
    }
    if (!last)
        return;
    const double ridge = 1000 * number_at(last, "tflops_ceiling") / number_at(last, "gbps_ceiling");
    pv_plot_include(&plot.x, ridge / 4);
    pv_plot_include(&plot.x, ridge * 2);
    pv_plot_begin(&plot, "Roofline");
    draw_roof(&plot, 0, number_at(last, "tflops_ceiling"), number_at(last, "gbps_ceiling"),
              "measured: large product, large copy");
    const bool sheet = fabs(number_at(last, "tflops_peak") / number_at(last, "tflops_ceiling") - 1) > 1e-6;
    if (sheet)
        draw_roof(&plot, 1, number_at(last, "tflops_peak"), number_at(last, "gbps_peak"), "peak");
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        char words[PV_BENCH_CELL + NAME_BYTES];
        if (!on_roofline(row))
            continue;
        const bool op = is_test(row, "ops");
        snprintf(words, sizeof words, "%s %s: %s %s, %.3f ms a frame", text_at(row, "test"), text_at(row, "model"),
                 text_at(row, "op"), text_at(row, "shape"), number_at(row, "ms"));
        pv_plot_point(&plot,
                      op                      ? 1
                      : is_test(row, "codec") ? 2
                                              : 0,
                      intensity_of(row), number_at(row, "tflops"), op ? 3.5 : 6, words);
    }
    pv_plot_legend(&plot, 1 + sheet, 0, "model");
    pv_plot_legend(&plot, 2 + sheet, 2, "codec");
    pv_plot_legend(&plot, 3 + sheet, 1, "ops");
    pv_plot_end(&plot);
}

/* ---- the page ---- */

/* Does any row say anything in this column? */
static bool is_used(const struct pv_bench_cell *cell, const json_t *rows)
{
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        if (!is_test(row, "ops") && !json_is_null(json_object_get(row, cell->key)))
            return true;
    }
    return false;
}

static void write_table(FILE *out, const json_t *rows)
{
    const struct pv_bench_cell *cells = pv_bench_cells();
    char text[PV_BENCH_CELL];
    fputs("<div class=\"scroll\"><table><tr>", out);
    for (const struct pv_bench_cell *c = cells; c->head; c++)
        if (is_used(c, rows))
            fprintf(out, "<th%s>%s</th>", c->unit == 't' ? " class=\"t\"" : "", c->head);
    fputs("</tr>\n", out);
    for (size_t i = 0; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        if (is_test(row, "ops"))
            continue;
        fputs("<tr>", out);
        for (const struct pv_bench_cell *c = cells; c->head; c++) {
            if (!is_used(c, rows))
                continue;
            pv_bench_cell_text(c, row, text);
            fprintf(out, "<td%s>", c->unit == 't' ? " class=\"t\"" : "");
            pv_html_text(out, text);
            fputs("</td>", out);
        }
        fputs("</tr>\n", out);
    }
    fputs("</table></div>\n", out);
}

static void write_machine(FILE *out, json_t *machine)
{
    const char *key;
    json_t *value;
    fputs("<p>", out);
    json_object_foreach(machine, key, value)
    {
        if (!json_is_string(value))
            continue;
        fprintf(out, "%s ", key);
        pv_html_text(out, json_string_value(value));
        fputs(" &nbsp; ", out);
    }
    fputs("</p>\n", out);
}

pv_status pv_bench_write_page(const char *path, json_t *machine, const json_t *rows, struct pv_error *err)
{
    FILE *out = fopen(path, "w");
    if (!out)
        return pv_fail(err, PV_ERR_IO, "%s cannot be written: %s", path, strerror(errno));
    fprintf(out,
            "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>prevue bench</title>\n"
            "<meta name=\"viewport\" content=\"width=device-width\"><style>%s</style></head><body>\n<h1>prevue "
            "bench</h1>\n",
            style);
    write_machine(out, machine);
    fputs("<div class=\"plots\">\n", out);
    plot_against(out, rows, "takes", "Time against takes", "takes");
    plot_against(out, rows, "context", "Time against context", "frames of context");
    plot_rollout(out, rows);
    plot_roofline(out, rows);
    fputs("</div>\n", out);
    write_table(out, rows);
    fputs("</body></html>\n", out);
    const bool failed = ferror(out);
    if (fclose(out) != 0 || failed)
        return pv_fail(err, PV_ERR_IO, "%s cannot be written: %s", path, strerror(errno));
    return PV_OK;
}
