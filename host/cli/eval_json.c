/* eval_json.c: the JSON object of `prevue eval --json`. */
#include <math.h>

#include "eval.h"
#include "json.h"

/* Six decimals; null for what was not measured. */
static json_t *value_to_json(double value)
{
    return isnan(value) ? json_null() : json_real(round(value * 1e6) / 1e6);
}

static json_t *cell_to_json(const struct pv_scores *s, enum pv_metric metric, enum pv_predictor predictor, int column)
{
    const struct pv_values *cell = &s->cell[metric][predictor][column];
    return json_pack("{s:o, s:o, s:o, s:o, s:I}", "mean", value_to_json(pv_score_mean(s, metric, predictor, column)),
                     "p10", value_to_json(pv_values_quantile(cell, 0.1)), "median",
                     value_to_json(pv_values_quantile(cell, 0.5)), "p90", value_to_json(pv_values_quantile(cell, 0.9)),
                     "count", (json_int_t)cell->count);
}

static json_t *row_to_json(const struct pv_scores *s, enum pv_metric metric, enum pv_predictor predictor)
{
    json_t *row = json_object();
    for (int column = 0; column < PV_COLUMNS; column++)
        if (!isnan(pv_score_mean(s, metric, predictor, column)))
            json_object_set_new(row, pv_column_name(column), cell_to_json(s, metric, predictor, column));
    return row;
}

static json_t *metric_to_json(const struct pv_scores *s, enum pv_metric metric)
{
    json_t *rows = json_object();
    for (int p = 0; p < PV_PREDICTORS; p++)
        if (pv_score_has_row(s, metric, (enum pv_predictor)p))
            json_object_set_new(rows, pv_predictor_key((enum pv_predictor)p),
                                row_to_json(s, metric, (enum pv_predictor)p));
    return rows;
}

static json_t *published_to_json(const struct pv_eval_group *group)
{
    json_t *list = json_array();
    const struct pv_published *p;
    for (size_t i = 0; group->world && (p = pv_published_get(group->world, group->out, i)); i++)
        json_array_append_new(list, json_pack("{s:s, s:[f, f], s:s}", "who", p->who, "velocity_error", p->low, p->high,
                                              "source", "arXiv 2411.02385"));
    return list;
}

static json_t *group_to_json(const struct pv_eval_group *group)
{
    json_t *metrics = json_object();
    for (int m = 0; m < PV_METRICS; m++) {
        json_t *rows = metric_to_json(&group->scores, (enum pv_metric)m);
        if (json_object_size(rows) > 0)
            json_object_set(metrics, pv_metric_info((enum pv_metric)m)->name, rows);
        json_decref(rows);
    }
    json_t *object =
        json_pack("{s:o, s:i, s:o}", "name", pv_json_text(group->name), "clips", group->clips, "metrics", metrics);
    if (group->world) {
        json_object_set_new(object, "world", json_string(group->world));
        json_object_set_new(object, "range", json_string(group->out ? "out" : "in"));
        if (pv_published_get(group->world, group->out, 0))
            json_object_set_new(object, "published", published_to_json(group));
    }
    return object;
}

json_t *pv_eval_to_json(const struct pv_eval_report *r, json_t *notices)
{
    char fingerprint[20];
    snprintf(fingerprint, sizeof fingerprint, "%016llx", (unsigned long long)r->model->fingerprint);
    json_t *groups = json_array();
    for (int i = 0; i < r->group_count; i++)
        if (r->groups[i].clips > 0)
            json_array_append_new(groups, group_to_json(&r->groups[i]));
    return json_pack("{s:s, s:s, s:{s:o, s:o, s:s, s:s, s:i}, s:i, s:i, s:i, s:s, s:i, s:s, s:b, s:i, s:I, s:o, s:b, s:O}",
                     "prevue", pv_version(), "what", r->what, "model", "path", pv_json_text(r->model_path), "name",
                     pv_json_text(r->model->name), "fingerprint", fingerprint, "backend", r->model->backend, "threads",
                     r->model->threads, "width", r->width, "height", r->height, "context", r->context, "mode",
                     r->mean ? "mean" : "sample", "steps", r->steps, "detail", r->keep_detail ? "keep" : "none", "gravity_told",
                     r->tell_gravity, "takes", r->takes, "seed", (json_int_t)r->seed,
                     "groups", groups, "interrupted", r->interrupted, "notices", notices);
}
