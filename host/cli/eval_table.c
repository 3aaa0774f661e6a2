/* eval_table.c: the tables of `prevue eval`: a block a world, a row a predictor, a column a horizon. */
#include <math.h>

#include "eval.h"

enum { LABEL_WIDTH = 28, CELL_WIDTH = 8 };

static void print_cell(FILE *out, double value, int decimals)
{
    if (isnan(value))
        fprintf(out, "%*s", CELL_WIDTH, "");
    else
        fprintf(out, "%*.*f", CELL_WIDTH, decimals, value);
}

static void print_row(FILE *out, const struct pv_scores *s, enum pv_metric metric, enum pv_predictor predictor,
                      const char *label)
{
    fprintf(out, "  %-*s", LABEL_WIDTH - 2, label);
    for (int column = 0; column < PV_COLUMNS; column++)
        if (pv_score_has_column(s, metric, column))
            print_cell(out, pv_score_mean(s, metric, predictor, column), pv_metric_info(metric)->decimals);
    fputc('\n', out);
}

/* A mean hides what goes wrong now and then. */
static void print_quantiles(FILE *out, const struct pv_scores *s, enum pv_metric metric)
{
    static const struct {
        double part;
        const char *label;
    } rows[] = {{0.1, "  10th percentile"}, {0.5, "  median"}, {0.9, "  90th percentile"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        fprintf(out, "  %-*s", LABEL_WIDTH - 2, rows[i].label);
        for (int column = 0; column < PV_COLUMNS; column++)
            if (pv_score_has_column(s, metric, column))
                print_cell(out, pv_values_quantile(&s->cell[metric][PV_PREDICTOR_MODEL][column], rows[i].part),
                           pv_metric_info(metric)->decimals);
        fputc('\n', out);
    }
}

/* Are the values only 0 and 100? Then the mean says all. */
static bool is_rate(enum pv_metric metric)
{
    return metric == PV_METRIC_LOST || metric == PV_METRIC_FELL || metric == PV_METRIC_STOOD ||
           metric == PV_METRIC_BALANCED || metric == PV_METRIC_DIRECTION || metric == PV_METRIC_MISSED;
}

static void print_published(FILE *out, const struct pv_eval_group *group)
{
    const struct pv_published *p;
    for (size_t i = 0; group->world && (p = pv_published_get(group->world, group->out, i)); i++) {
        char label[LABEL_WIDTH + 8], value[32];
        snprintf(label, sizeof label, "[1] %s", p->who);
        if (p->high > p->low)
            snprintf(value, sizeof value, "%.3g to %.3g", p->low, p->high);
        else
            snprintf(value, sizeof value, "%.4f", p->low);
        fprintf(out, "  %-*s%*s\n", LABEL_WIDTH - 2, label, CELL_WIDTH, value);
    }
}

/* The name of the metric and, where its columns are not the horizons that stand above all, theirs. */
static void print_metric_head(FILE *out, const struct pv_scores *s, enum pv_metric metric)
{
    bool usual = true;
    for (int column = 0; column < PV_COLUMNS; column++)
        usual = usual && (column < PV_HORIZONS || !pv_score_has_column(s, metric, column));
    fprintf(out, "\n%-*s", usual ? 0 : LABEL_WIDTH, pv_metric_info(metric)->label);
    for (int column = 0; column < PV_COLUMNS && !usual; column++)
        if (pv_score_has_column(s, metric, column))
            fprintf(out, "%*s", CELL_WIDTH, pv_column_name(column));
    fputc('\n', out);
}

static void print_metric(FILE *out, const struct pv_eval_report *r, const struct pv_eval_group *group,
                         enum pv_metric metric)
{
    const struct pv_scores *s = &group->scores;
    bool any = false;
    for (int p = 0; p < PV_PREDICTORS; p++)
        any = any || pv_score_has_row(s, metric, (enum pv_predictor)p);
    if (!any)
        return;
    print_metric_head(out, s, metric);
    for (int p = 0; p < PV_PREDICTORS; p++) {
        const enum pv_predictor predictor = (enum pv_predictor)p;
        if (!pv_score_has_row(s, metric, predictor))
            continue;
        print_row(out, s, metric, predictor,
                  predictor == PV_PREDICTOR_MODEL ? r->model->name : pv_predictor_label(predictor));
        if (predictor == PV_PREDICTOR_MODEL && !is_rate(metric) && group->clips > 1)
            print_quantiles(out, s, metric);
    }
    if (metric == PV_METRIC_VELOCITY)
        print_published(out, group);
}

static void print_head(FILE *out, const struct pv_eval_group *group)
{
    fprintf(out, "\n%s, %d %s\n%-*s", group->name, group->clips, group->clips == 1 ? "clip" : "clips", LABEL_WIDTH,
            "frames ahead");
    for (int column = 0; column < PV_COLUMN_LONG; column++)
        fprintf(out, "%*s", CELL_WIDTH, pv_column_name(column));
    fputc('\n', out);
}

void pv_eval_print(FILE *out, const struct pv_eval_report *r)
{
    bool law = false;
    fprintf(out, "%s: model %s, mode %s, %d %s, detail %s, %d frames observed", r->what, r->model->name,
            r->mean ? "mean" : "sample", r->steps, r->steps == 1 ? "step" : "steps", r->keep_detail ? "kept" : "not kept",
            r->context);
    if (r->tell_gravity)
        fputs(", gravity told", out);
    if (r->width)
        fprintf(out, ", %dx%d", r->width, r->height);
    fputc('\n', out);
    for (int i = 0; i < r->group_count; i++) {
        if (r->groups[i].clips == 0)
            continue;
        print_head(out, &r->groups[i]);
        for (int metric = 0; metric < PV_METRICS; metric++)
            print_metric(out, r, &r->groups[i], (enum pv_metric)metric);
        law = law || (r->groups[i].world && pv_published_get(r->groups[i].world, r->groups[i].out, 0));
    }
    if (law)
        fputs("\n[1] Kang et al., How Far is Video Generation from World Model, ICML 2025, arXiv 2411.02385\n", out);
}
