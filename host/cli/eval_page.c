/* eval_page.c: the page of `prevue eval --html`: curves as inline SVG, films as data, one file, no network. */
#include <math.h>

#include "eval.h"
#include "save.h"

enum { CHART_WIDTH = 400, CHART_HEIGHT = 220, LEFT = 46, RIGHT = 12, TOP = 10, BOTTOM = 30, TICKS = 4 };

static const char head[] =
    "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<style>\n"
    ":root{color-scheme:light dark;--page:#fff;--ink:#1a1a1a;--faint:#767676;--line:#ddd;"
    "--p0:#d1470a;--p1:#e08a00;--p2:#a06000;--p3:#767676;--p4:#1668c1;--p5:#0a9a9a;--p6:#7a3fc0;--p7:#2a8a2a;--p8:#333}"
    "\n"
    "@media(prefers-color-scheme:dark){:root{--page:#161616;--ink:#eaeaea;--faint:#9a9a9a;--line:#383838;"
    "--p0:#ff8748;--p1:#ffc14d;--p2:#d9a35b;--p3:#9a9a9a;--p4:#6db3ff;--p5:#4fd0d0;--p6:#bd95ff;--p7:#74cc74;--p8:#ccc}"
    "}\n"
    "body{background:var(--page);color:var(--ink);font:15px/1.5 system-ui,sans-serif;max-width:1280px;margin:2em auto;"
    "padding:0 1em}\nh1{font-size:1.5em}h2{margin-top:2.5em;border-top:1px solid var(--line);padding-top:1em}\n"
    "h3{font-size:1em;margin:0 0 .3em}p,figcaption{color:var(--faint)}\n"
    ".grid{display:flex;flex-wrap:wrap;gap:1.5em;align-items:flex-start}.films{margin-bottom:1.5em}\n"
    "video{display:block;max-width:100%;min-width:192px}figure{margin:0}\n"
    "svg text{font:11px system-ui,sans-serif;fill:var(--faint)}svg .axis{stroke:var(--line)}\n"
    "svg .curve{fill:none;stroke-width:1.8}\n"
    "table{border-collapse:collapse;font-variant-numeric:tabular-nums;font-size:13px;margin:.3em 0 1em}\n"
    "td,th{padding:.1em .7em;text-align:right;font-weight:normal}th:first-child,td:first-child{text-align:left}\n"
    "thead th{color:var(--faint);border-bottom:1px solid var(--line)}tr.model{font-weight:600}\n"
    "details summary{cursor:pointer;margin:1em 0}.key{display:inline-block;width:1.4em;height:.25em;margin:0 .4em .2em "
    "0}\n"
    "</style>\n";

static void write_text(FILE *out, const char *text)
{
    for (; *text; text++)
        switch (*text) {
        case '<': fputs("&lt;", out); break;
        case '>': fputs("&gt;", out); break;
        case '&': fputs("&amp;", out); break;
        case '"': fputs("&quot;", out); break;
        default: fputc(*text, out);
        }
}

/* RFC 4648, section 4. */
static void write_base64(FILE *out, const uint8_t *bytes, size_t count)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < count; i += 3) {
        const size_t left = count - i;
        const unsigned b = (unsigned)bytes[i] << 16 | (left > 1 ? (unsigned)bytes[i + 1] << 8 : 0u) |
                           (left > 2 ? (unsigned)bytes[i + 2] : 0u);
        fputc(digits[b >> 18], out);
        fputc(digits[b >> 12 & 63], out);
        fputc(left > 1 ? digits[b >> 6 & 63] : '=', out);
        fputc(left > 2 ? digits[b & 63] : '=', out);
    }
}

static const char *label_of(const struct pv_eval_report *r, enum pv_predictor p)
{
    return p == PV_PREDICTOR_MODEL ? r->model->name : pv_predictor_label(p);
}

/* ---- curves ---- */

/* Values of a chart lie between low and high. */
struct scale {
    double low, high;
};

static double x_of(int column)
{
    return LEFT + (double)column * (CHART_WIDTH - LEFT - RIGHT) / (PV_HORIZONS - 1);
}

static double y_of(const struct scale *s, double value)
{
    return TOP + (s->high - value) / (s->high - s->low) * (CHART_HEIGHT - TOP - BOTTOM);
}

/* Of all curves. Extrapolation goes off the chart when it is more than twice as bad as everything else. */
static struct scale find_scale(const struct pv_scores *s, enum pv_metric metric)
{
    struct scale scale = {INFINITY, -INFINITY};
    double limit = INFINITY;
    for (int pass = 0; pass < 2; pass++) {
        for (int p = 0; p < PV_PREDICTORS; p++)
            for (int c = 0; c < PV_HORIZONS; c++) {
                const double v = pv_score_mean(s, metric, (enum pv_predictor)p, c);
                const bool wild = p == PV_PREDICTOR_LINEAR || p == PV_PREDICTOR_QUADRATIC;
                if (isnan(v) || wild != (pass == 1))
                    continue;
                scale.low = fmin(scale.low, fmin(v, limit));
                scale.high = fmax(scale.high, fmin(v, limit));
            }
        limit = scale.high > 0 ? 2 * scale.high : INFINITY;
    }
    if (pv_metric_info(metric)->better < 0 && scale.low > 0)
        scale.low = 0;
    if (!(scale.high > scale.low))
        scale.high = scale.low + 1;
    return scale;
}

/* Off the chart counts as its edge: clipped, so that a curve visibly leaves. */
static void write_curve(FILE *out, const struct pv_scores *s, enum pv_metric metric, enum pv_predictor p,
                        const struct scale *scale, const char *label)
{
    const char *style = p == PV_PREDICTOR_MODEL   ? ";stroke-width:3"
                        : p >= PV_PREDICTOR_CODEC ? ";stroke-dasharray:5 4"
                                                  : "";
    fprintf(out, "<polyline class=\"curve\" style=\"stroke:var(--p%d)%s\" points=\"", (int)p, style);
    for (int c = 0; c < PV_HORIZONS; c++) {
        const double v = pv_score_mean(s, metric, p, c);
        if (!isnan(v))
            fprintf(out, "%.1f,%.1f ", x_of(c), fmax(y_of(scale, v), -CHART_HEIGHT));
    }
    fputs("\"><title>", out);
    write_text(out, label);
    fputs("</title></polyline>\n", out);
}

static void write_axes(FILE *out, const struct scale *scale)
{
    const double span = scale->high - scale->low;
    const int decimals = span >= 20 ? 0 : span >= 2 ? 1 : span >= 0.2 ? 2 : 3;
    for (int i = 0; i <= TICKS; i++) {
        const double value = scale->low + span * i / TICKS, y = y_of(scale, value);
        fprintf(out,
                "<line class=\"axis\" x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\"/><text x=\"%d\" y=\"%.1f\" "
                "text-anchor=\"end\">%.*f</text>\n",
                LEFT, CHART_WIDTH - RIGHT, y, y, LEFT - 6, y + 4, decimals, value);
    }
    for (int c = 0; c < PV_HORIZONS; c++)
        fprintf(out, "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%s</text>\n", x_of(c), CHART_HEIGHT - 12,
                pv_column_name(c));
}

static bool has_curves(const struct pv_scores *s, enum pv_metric metric)
{
    int columns = 0;
    for (int c = 0; c < PV_HORIZONS; c++)
        columns += pv_score_has_column(s, metric, c);
    return columns > 1;
}

static void write_chart(FILE *out, const struct pv_eval_report *r, const struct pv_scores *s, enum pv_metric metric,
                        int number)
{
    const struct scale scale = find_scale(s, metric);
    fputs("<figure><h3>", out);
    write_text(out, pv_metric_info(metric)->label);
    fprintf(out,
            "</h3><svg width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" role=\"img\"><clipPath id=\"c%d\"><rect "
            "x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\"/></clipPath>\n",
            CHART_WIDTH, CHART_HEIGHT, CHART_WIDTH, CHART_HEIGHT, number, LEFT, TOP - 2, CHART_WIDTH - LEFT,
            CHART_HEIGHT - TOP - BOTTOM + 4);
    write_axes(out, &scale);
    fprintf(out, "<g clip-path=\"url(#c%d)\">\n", number);
    for (int p = PV_PREDICTORS - 1; p >= 0; p--)
        if (pv_score_has_row(s, metric, (enum pv_predictor)p))
            write_curve(out, s, metric, (enum pv_predictor)p, &scale, label_of(r, (enum pv_predictor)p));
    fputs("</g></svg></figure>\n", out);
}

static void write_legend(FILE *out, const struct pv_eval_report *r, const struct pv_scores *s)
{
    fputs("<p>", out);
    for (int p = 0; p < PV_PREDICTORS; p++) {
        bool used = false;
        for (int m = 0; m < PV_METRICS; m++)
            used = used ||
                   (has_curves(s, (enum pv_metric)m) && pv_score_has_row(s, (enum pv_metric)m, (enum pv_predictor)p));
        if (!used)
            continue;
        fprintf(out,
                "<span style=\"white-space:nowrap;margin-right:1.2em\"><span class=\"key\" "
                "style=\"background:var(--p%d)\"></span>",
                p);
        write_text(out, label_of(r, (enum pv_predictor)p));
        fputs("</span> ", out);
    }
    fputs("</p>\n", out);
}

/* ---- films and tables ---- */

static void write_films(FILE *out, const struct pv_gallery *gallery, int group)
{
    size_t bytes;
    const uint8_t *film;
    fputs("<div class=\"grid films\">\n", out);
    for (size_t i = 0; (film = pv_gallery_film(gallery, group, i, &bytes)); i++) {
        fputs("<video autoplay loop muted playsinline src=\"data:video/mp4;base64,", out);
        write_base64(out, film, bytes);
        fputs("\"></video>\n", out);
    }
    fputs("</div>\n", out);
}

static void write_row(FILE *out, const struct pv_scores *s, enum pv_metric metric, enum pv_predictor p,
                      const char *label)
{
    fputs(p == PV_PREDICTOR_MODEL ? "<tr class=\"model\"><td>" : "<tr><td>", out);
    write_text(out, label);
    fputs("</td>", out);
    for (int c = 0; c < PV_COLUMNS; c++) {
        if (!pv_score_has_column(s, metric, c))
            continue;
        const double v = pv_score_mean(s, metric, p, c);
        if (isnan(v))
            fputs("<td></td>", out);
        else
            fprintf(out, "<td title=\"median %.*f\">%.*f</td>", pv_metric_info(metric)->decimals,
                    pv_values_quantile(&s->cell[metric][p][c], 0.5), pv_metric_info(metric)->decimals, v);
    }
    fputs("</tr>\n", out);
}

static void write_published(FILE *out, const struct pv_eval_group *group)
{
    const struct pv_published *p;
    for (size_t i = 0; group->world && (p = pv_published_get(group->world, group->out, i)); i++) {
        fputs("<tr><td>published: ", out);
        write_text(out, p->who);
        if (p->high > p->low)
            fprintf(out, "</td><td>%.3g to %.3g</td></tr>\n", p->low, p->high);
        else
            fprintf(out, "</td><td>%.4f</td></tr>\n", p->low);
    }
}

static void write_table(FILE *out, const struct pv_eval_report *r, const struct pv_eval_group *group,
                        enum pv_metric metric)
{
    const struct pv_scores *s = &group->scores;
    fputs("<table><thead><tr><th>", out);
    write_text(out, pv_metric_info(metric)->label);
    fputs("</th>", out);
    for (int c = 0; c < PV_COLUMNS; c++)
        if (pv_score_has_column(s, metric, c))
            fprintf(out, "<th>%s</th>", pv_column_name(c));
    fputs("</tr></thead>\n", out);
    for (int p = 0; p < PV_PREDICTORS; p++)
        if (pv_score_has_row(s, metric, (enum pv_predictor)p))
            write_row(out, s, metric, (enum pv_predictor)p, label_of(r, (enum pv_predictor)p));
    if (metric == PV_METRIC_VELOCITY)
        write_published(out, group);
    fputs("</table>\n", out);
}

static bool has_metric(const struct pv_scores *s, enum pv_metric metric)
{
    for (int c = 0; c < PV_COLUMNS; c++)
        if (pv_score_has_column(s, metric, c))
            return true;
    return false;
}

static void write_group(FILE *out, const struct pv_eval_report *r, const struct pv_gallery *gallery, int index)
{
    const struct pv_eval_group *group = &r->groups[index];
    fputs("<h2>", out);
    write_text(out, group->name);
    fprintf(out, ", %d %s</h2>\n", group->clips, group->clips == 1 ? "clip" : "clips");
    write_films(out, gallery, index);
    write_legend(out, r, &group->scores);
    fputs("<div class=\"grid\">\n", out);
    for (int m = 0; m < PV_METRICS; m++)
        if (has_curves(&group->scores, (enum pv_metric)m))
            write_chart(out, r, &group->scores, (enum pv_metric)m, index * PV_METRICS + m);
    fputs("</div>\n<details><summary>All figures (means; medians when pointed at)</summary>\n"
          "<div class=\"grid\">\n",
          out);
    for (int m = 0; m < PV_METRICS; m++)
        if (has_metric(&group->scores, (enum pv_metric)m))
            write_table(out, r, group, (enum pv_metric)m);
    fputs("</div></details>\n", out);
}

static void write_page(FILE *out, const struct pv_eval_report *r, const struct pv_gallery *gallery)
{
    fputs(head, out);
    fputs("<title>", out);
    write_text(out, r->model->name);
    fputs(", evaluated</title></head><body>\n<h1>", out);
    write_text(out, r->model->name);
    fputs(": ", out);
    write_text(out, r->what);
    fprintf(out, "</h1>\n<p>prevue %s, mode %s, %d %s, detail %s, %d frames observed", pv_version(),
            r->mean ? "mean" : "sample", r->steps, r->steps == 1 ? "step" : "steps",
            r->keep_detail ? "kept" : "not kept", r->context);
    if (r->tell_gravity)
        fputs(", gravity told", out);
    if (r->width)
        fprintf(out, ", %dx%d", r->width, r->height);
    fputs(". Films: truth above, prediction below; the line between turns orange where the prediction begins. Curves: "
          "means at 1 to 48 frames ahead.</p>\n",
          out);
    for (int i = 0; i < r->group_count; i++)
        if (r->groups[i].clips > 0)
            write_group(out, r, gallery, i);
    fputs("</body></html>\n", out);
}

pv_status pv_eval_save_page(const struct pv_eval_report *report, const struct pv_gallery *gallery, const char *path,
                            bool overwrite, struct pv_error *err)
{
    struct pv_save save;
    PV_TRY(pv_save_begin(&save, path, overwrite, err));
    write_page(save.file, report, gallery);
    return pv_save_end(&save, true, err);
}
