/* run.c: prevue bench: every test of every case, what comes of them, and the exit code. */
#include <stdlib.h>
#include <string.h>

#include "bench/bench.h"
#include "bench/clip_file.h"
#include "bench/row.h"
#include "signals.h"

/* ---- model and rollout of a case ---- */

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same_model(const struct pv_bench_case *a, const struct pv_bench_case *b)
{
    return same_text(a->model, b->model) && same_text(a->arch, b->arch) && same_text(a->backend, b->backend) &&
           a->threads == b->threads;
}

static void close_model(struct pv_bench_model *m)
{
    pv_model_close(m->model);
    *m = (struct pv_bench_model){.of = NULL};
}

static pv_status open_weights(struct pv_bench_model *m, const struct pv_bench_case *c, struct pv_error *err)
{
    pv_model_params params;
    pv_model_params_init(&params);
    params.backend = c->backend;
    params.threads = c->threads;
    params.callbacks.abort = pv_signals_abort;
    pv_status status;
    if (c->arch) {
        char *config = pv_bench_arch_config(c->arch, err);
        if (!config)
            return PV_ERR_MODEL;
        status = pv_model_open_random(config, 0, &params, &m->model);
        free(config);
    } else {
        PV_TRY(pv_model_path_find(c->model, m->path, err));
        status = pv_model_open(m->path, &params, &m->model);
    }
    return status == PV_OK ? PV_OK
                           : pv_fail(err, status, "%s", m->model ? pv_model_message(m->model) : pv_status_text(status));
}

pv_status pv_bench_open_model(struct pv_bench *b, const struct pv_bench_case *c, bool ceilings, struct pv_error *err)
{
    struct pv_bench_model *m = &b->model;
    if (!m->of || !same_model(m->of, c)) {
        close_model(m);
        const pv_status status = open_weights(m, c, err);
        if (status != PV_OK) {
            close_model(m);
            return status;
        }
        m->info.struct_size = sizeof m->info;
        pv_model_get_info(m->model, &m->info);
    }
    m->of = c;
    if (!ceilings || m->ceilings.struct_size)
        return PV_OK;
    m->ceilings.struct_size = sizeof m->ceilings;
    const pv_status status = pv_model_measure_ceilings(m->model, &m->ceilings);
    if (status == PV_OK)
        return PV_OK;
    m->ceilings = (pv_ceilings){.struct_size = 0};
    return pv_fail(err, status, "%s", pv_model_message(m->model));
}

struct pv_bench_case pv_bench_resolve(const struct pv_bench *b, const struct pv_bench_case *c)
{
    const pv_model_info *info = &b->model.info;
    struct pv_bench_case full = *c;
    if (!full.width) {
        full.width = info->width;
        full.height = info->height;
    }
    full.context = c->context ? c->context : info->window;
    full.steps = c->steps ? c->steps : info->steps;
    return full;
}

pv_status pv_bench_open_rollout(struct pv_bench *b, const struct pv_bench_case *c, pv_rollout **rollout,
                                struct pv_error *err)
{
    pv_rollout_params params;
    pv_rollout_params_init(&params);
    params.width = c->width;
    params.height = c->height;
    params.steps = c->steps;
    params.callbacks.abort = pv_signals_abort;
    const pv_status status = pv_rollout_open(b->model.model, &params, rollout);
    if (status == PV_OK)
        return PV_OK;
    pv_fail(err, status, "%s", *rollout ? pv_rollout_message(*rollout) : pv_status_text(status));
    pv_rollout_close(*rollout);
    *rollout = NULL;
    return status;
}

/* ---- the tests ---- */

static pv_status (*const tests[PV_BENCH_TEST_COUNT])(struct pv_bench *b, const struct pv_bench_case *c,
                                                     struct pv_error *err) = {
    [PV_BENCH_MODEL] = pv_bench_run_model,
    [PV_BENCH_CODEC] = pv_bench_run_codec,
    [PV_BENCH_READER] = pv_bench_run_reader,
    [PV_BENCH_WRITER] = pv_bench_run_writer,
    [PV_BENCH_END_TO_END] = pv_bench_run_end_to_end,
    [PV_BENCH_FIRST_FRAME] = pv_bench_run_first_frame,
    [PV_BENCH_OPS] = pv_bench_run_ops,
};

/* A test that takes have no part in is run for the first of the cases that differ in nothing else. */
static bool already_measured(const struct pv_bench *b, size_t i, enum pv_bench_test test)
{
    const struct pv_bench_case *c = &b->plan.cases[i];
    if (test == PV_BENCH_MODEL || test == PV_BENCH_END_TO_END || test == PV_BENCH_OPS)
        return false;
    for (size_t j = 0; j < i; j++) {
        const struct pv_bench_case *other = &b->plan.cases[j];
        if (same_model(c, other) && c->width == other->width && c->height == other->height &&
            c->context == other->context && c->steps == other->steps)
            return true;
    }
    return false;
}

/* Appends a row with the sentence, and says it. */
static void add_failure(struct pv_bench *b, const struct pv_bench_case *c, enum pv_bench_test test,
                        const char *sentence)
{
    b->failed = true;
    json_array_append_new(b->rows, pv_bench_row_error(b, c, test, sentence));
    pv_terminal_say(b->terminal, PV_LOG_ERROR, "%s", sentence);
}

/* Prints the rows that have come since `done`. */
static bool print_new(const struct pv_bench *b, size_t *done)
{
    bool printed = true;
    for (; *done < json_array_size(b->rows); ++*done)
        printed &= pv_bench_print_row(b, json_array_get(b->rows, *done));
    return printed;
}

/* false: the rest is not wanted. */
static bool run_case(struct pv_bench *b, size_t i, size_t *done)
{
    const struct pv_bench_case *c = &b->plan.cases[i];
    struct pv_error err = {{0}};
    pv_status status = pv_bench_open_model(b, c, false, &err);
    if (status != PV_OK && status != PV_ERR_ABORTED) { /* one row for all tests */
        int first = 0;
        while (!b->plan.tests[first])
            first++;
        add_failure(b, c, (enum pv_bench_test)first, *err.text ? err.text : pv_status_text(status));
    }
    for (int test = 0; test < PV_BENCH_TEST_COUNT && b->model.of == c; test++) {
        if (!b->plan.tests[test] || already_measured(b, i, (enum pv_bench_test)test))
            continue;
        err.text[0] = '\0';
        status = tests[test](b, c, &err);
        pv_terminal_progress_end(b->terminal);
        if (status == PV_ERR_ABORTED || pv_signals_count() > 0)
            return false;
        if (status != PV_OK)
            add_failure(b, c, (enum pv_bench_test)test, *err.text ? err.text : pv_status_text(status));
        if (!print_new(b, done))
            return false;
    }
    return print_new(b, done) && pv_signals_count() == 0;
}

static void warn_of_build(struct pv_terminal *terminal)
{
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    pv_terminal_say(terminal, PV_LOG_WARNING, "this build has sanitizers: its times mean nothing");
#else
    if (strcmp(PV_BUILD_TYPE, "Release") != 0)
        pv_terminal_say(terminal, PV_LOG_WARNING,
                        "this is a %s build; times to keep come from a Release build (cmake --preset release)",
                        *PV_BUILD_TYPE ? PV_BUILD_TYPE : "nameless");
#endif
}

/* ---- the run ---- */

/* The device that the backend takes; "" where it takes none. */
static void device_in_use(char bus_id[32])
{
    pv_device_info info = {.struct_size = sizeof info};
    int i = 0;
    while (pv_device_get_info("cuda", i, &info) == PV_OK && *info.reason)
        i++;
    snprintf(bus_id, 32, "%s", info.bus_id);
}

static pv_status measure(struct pv_bench *b, struct pv_error *err)
{
    char bus_id[32];
    device_in_use(bus_id);
    b->power = pv_power_open("/sys/class/powercap", bus_id);
    b->machine = b->power ? pv_bench_machine(b->power) : NULL;
    b->rows = json_array();
    if (!b->machine || !b->rows)
        return pv_fail(err, PV_ERR_MEMORY, "out of memory");
    warn_of_build(b->terminal);
    size_t done = 0;
    bool more = pv_bench_print_begin(b);
    for (size_t i = 0; more && i < b->plan.count; i++)
        more = run_case(b, i, &done);
    return pv_signals_count() > 0 ? PV_ERR_ABORTED : PV_OK;
}

static pv_status reprint(struct pv_bench *b, struct pv_error *err)
{
    b->rows = pv_bench_read(b->v->from, &b->machine, err);
    if (!b->rows)
        return PV_ERR_FORMAT;
    pv_bench_print_begin(b);
    for (size_t i = 0; i < json_array_size(b->rows); i++) {
        json_t *row = json_array_get(b->rows, i);
        b->failed |= json_is_string(json_object_get(row, "error"));
        pv_bench_print_row(b, row);
    }
    return PV_OK;
}

/* What comes after the rows; the exit code. */
static int conclude(struct pv_bench *b)
{
    const struct pv_bench_values *v = b->v;
    struct pv_error err = {{0}};
    int code = b->failed ? PV_EXIT_FAILED : PV_EXIT_DONE;
    if (!pv_bench_print_end(b))
        code = PV_EXIT_FAILED;
    if (v->html && pv_bench_write_page(v->html, b->machine, b->rows, &err) != PV_OK) {
        pv_terminal_say(b->terminal, PV_LOG_ERROR, "%s", err.text);
        code = PV_EXIT_FAILED;
    }
    if (!v->baseline)
        return code;
    json_t *machine = NULL, *old = pv_bench_read(v->baseline, &machine, &err);
    if (!old) {
        pv_terminal_say(b->terminal, PV_LOG_ERROR, "%s", err.text);
        return PV_EXIT_INPUT;
    }
    if (!json_equal(json_object_get(machine, "cpu"), json_object_get(b->machine, "cpu")) ||
        !json_equal(json_object_get(machine, "gpu"), json_object_get(b->machine, "gpu")))
        pv_terminal_say(b->terminal, PV_LOG_WARNING, "the baseline was measured on another machine");
    if (pv_bench_compare(old, b->rows, b->plan.max_regression, b->terminal) > 0)
        code = PV_EXIT_FAILED;
    json_decref(old);
    json_decref(machine);
    return code;
}

static int run(struct pv_bench *b)
{
    struct pv_error err = {{0}};
    if (pv_bench_plan_open(b->v, &b->plan, &err) != PV_OK) {
        pv_terminal_say(b->terminal, PV_LOG_ERROR, "%s", err.text);
        return PV_EXIT_USAGE;
    }
    if (getenv(PV_BENCH_STARTED))
        return pv_bench_first_frame_child(b, &b->plan.cases[0]);
    const pv_status status = b->v->from ? reprint(b, &err) : measure(b, &err);
    if (status != PV_OK && status != PV_ERR_ABORTED) {
        pv_terminal_say(b->terminal, PV_LOG_ERROR, "%s", err.text);
        return pv_exit_from_status(status, PV_EXIT_INPUT);
    }
    const int code = conclude(b);
    if (status == PV_ERR_ABORTED)
        pv_terminal_say(b->terminal, PV_LOG_ERROR, "interrupted");
    return status == PV_ERR_ABORTED ? PV_EXIT_INTERRUPTED : code;
}

int pv_bench_run(const void *values, char **operands, struct pv_terminal *terminal)
{
    struct pv_bench b = {.v = values, .terminal = terminal};
    (void)operands;
    if (!pv_terminal_open(&b.hush)) {
        pv_terminal_say(terminal, PV_LOG_ERROR, "out of memory");
        return PV_EXIT_DEVICE;
    }
    b.hush.quiet = true;
    const int code = run(&b);
    close_model(&b.model);
    pv_bench_folder_remove(&b);
    pv_power_close(b.power);
    json_decref(b.machine);
    json_decref(b.rows);
    pv_bench_plan_close(&b.plan);
    pv_terminal_close(&b.hush);
    return code;
}
