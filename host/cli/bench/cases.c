/* cases.c: the lists of the command line, multiplied. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/bench.h"

enum { ITEMS = 64, CASES_MAX = 4096 };

/* One list. Its option says what an item must be, as a table row would. */
struct list {
    struct pv_option option;
    const char *text;
    const char *items[ITEMS];
    union {
        int64_t count;
        struct pv_size_value size;
        int choice;
        const char *words;
    } values[ITEMS];
    int count;
};

enum axis { MODEL, SIZE, BACKEND, THREADS, CONTEXT, TAKES, STEPS, TESTS, AXES };

/* Cuts texts (a copy that stays) at commas. */
static pv_status split(struct list *list, char *copy, struct pv_error *err)
{
    char *rest = copy;
    for (bool more = true; more;) {
        char *comma = strchr(rest, ',');
        more = comma != NULL;
        if (comma)
            *comma = '\0';
        if (list->count == ITEMS)
            return pv_fail(err, PV_ERR_ARGUMENT, "--%s has more than %d items", list->option.name, ITEMS);
        list->items[list->count] = rest;
        PV_TRY(pv_option_store(&list->option, rest, &list->values[list->count], err));
        list->count++;
        if (comma)
            rest = comma + 1;
    }
    return PV_OK;
}

static pv_status split_all(struct list lists[], int count, char **texts, struct pv_error *err)
{
    size_t room = 1;
    for (int i = 0; i < count; i++)
        room += lists[i].text ? strlen(lists[i].text) + 1 : 0;
    char *at = *texts = malloc(room);
    if (!at)
        return pv_fail(err, PV_ERR_MEMORY, "no memory for the list of cases");
    for (int i = 0; i < count; i++) {
        if (!lists[i].text) {
            lists[i].count = 1; /* one item: zero, the default */
            continue;
        }
        const size_t size = strlen(lists[i].text) + 1;
        memcpy(at, lists[i].text, size);
        PV_TRY(split(&lists[i], at, err));
        at += size;
    }
    return PV_OK;
}

static struct pv_option option(const char *name, enum pv_option_kind kind, double min, double max, const char *choices)
{
    return (struct pv_option){
        .name = name, .kind = kind, .argument = "list of names", .min = min, .max = max, .choices = choices};
}

/* "5%", "5 %" and "5" all mean 0.05. */
static pv_status read_percent(const char *text, double *part, struct pv_error *err)
{
    char *end;
    const double percent = strtod(text, &end);
    while (*end == ' ')
        end++;
    if (end == text || (*end && strcmp(end, "%") != 0) || !(percent >= 0 && percent <= 1000))
        return pv_fail(err, PV_ERR_ARGUMENT, "--max-regression takes a percentage from 0 to 1000, not '%s'", text);
    *part = percent / 100;
    return PV_OK;
}

static void multiply(const struct list *lists, bool arch, struct pv_bench_plan *plan)
{
    int at[AXES] = {0};
    for (size_t i = 0; i < plan->count; i++) {
        struct pv_bench_case *c = &plan->cases[i];
        const char *model = lists[MODEL].values[at[MODEL]].words;
        *c = (struct pv_bench_case){.model = arch ? NULL : model,
                                    .arch = arch ? model : NULL,
                                    .width = lists[SIZE].values[at[SIZE]].size.width,
                                    .height = lists[SIZE].values[at[SIZE]].size.height,
                                    .context = (int)lists[CONTEXT].values[at[CONTEXT]].count,
                                    .takes = (int)lists[TAKES].values[at[TAKES]].count,
                                    .steps = (int)lists[STEPS].values[at[STEPS]].count,
                                    .backend = lists[BACKEND].values[at[BACKEND]].words,
                                    .threads = (int)lists[THREADS].values[at[THREADS]].count};
        for (int axis = STEPS; axis >= 0 && ++at[axis] == lists[axis].count; axis--)
            at[axis] = 0;
    }
}

/* Cases of --model, then those of --arch. */
static pv_status fill(const struct pv_bench_values *v, struct list *lists, struct list *arch,
                      struct pv_bench_plan *plan, struct pv_error *err)
{
    size_t each = 1;
    for (int axis = SIZE; axis <= STEPS; axis++)
        each *= (size_t)lists[axis].count;
    const size_t models = v->model || !v->arch ? (size_t)lists[MODEL].count : 0;
    const size_t archs = v->arch ? (size_t)arch->count : 0;
    if (each > CASES_MAX / (models + archs))
        return pv_fail(err, PV_ERR_ARGUMENT, "the lists multiply to more than %d cases", CASES_MAX);
    plan->cases = calloc(each * (models + archs), sizeof *plan->cases);
    if (!plan->cases)
        return pv_fail(err, PV_ERR_MEMORY, "no memory for the list of cases");
    plan->count = each * models;
    if (models)
        multiply(lists, false, plan);
    struct pv_bench_plan rest = {.cases = plan->cases + plan->count, .count = each * archs};
    lists[MODEL] = *arch;
    if (archs)
        multiply(lists, true, &rest);
    plan->count += rest.count;
    return PV_OK;
}

static void choose_tests(const struct list *tests, const char *given, struct pv_bench_plan *plan)
{
    for (int i = 0; i < PV_BENCH_OPS; i++)
        plan->tests[i] = !given; /* ops is long: only when it is asked for */
    for (int i = 0; given && i < tests->count; i++)
        plan->tests[tests->values[i].choice] = true;
}

pv_status pv_bench_plan_open(const struct pv_bench_values *v, struct pv_bench_plan *plan, struct pv_error *err)
{
    struct list lists[AXES + 1] = {
        [MODEL] = {.option = option("model", PV_OPTION_FILE, 0, 0, NULL), .text = v->model},
        [SIZE] = {.option = option("size", PV_OPTION_SIZE, 8, 16384, NULL), .text = v->size},
        [BACKEND] = {.option = option("backend", PV_OPTION_TEXT, 0, 0, NULL), .text = v->backend ? v->backend : "auto"},
        [THREADS] = {.option = option("threads", PV_OPTION_COUNT, 1, 1024, NULL), .text = v->threads},
        [CONTEXT] = {.option = option("context", PV_OPTION_COUNT, 1, 4096, NULL), .text = v->context},
        [TAKES] = {.option = option("takes", PV_OPTION_COUNT, 1, 256, NULL), .text = v->takes ? v->takes : "1"},
        [STEPS] = {.option = option("steps", PV_OPTION_COUNT, 1, 64, NULL), .text = v->steps},
        [TESTS] = {.option = option("test", PV_OPTION_CHOICE, 0, 0, PV_BENCH_TESTS), .text = v->tests},
        [AXES] = {.option = option("arch", PV_OPTION_FILE, 0, 0, NULL), .text = v->arch},
    };
    *plan = (struct pv_bench_plan){.count = 0};
    if (v->max_regression)
        PV_TRY(read_percent(v->max_regression, &plan->max_regression, err));
    else
        plan->max_regression = 0.05;
    PV_TRY(split_all(lists, AXES + 1, &plan->texts, err));
    choose_tests(&lists[TESTS], v->tests, plan);
    return fill(v, lists, &lists[AXES], plan, err);
}

void pv_bench_plan_close(struct pv_bench_plan *plan)
{
    free(plan->cases);
    free(plan->texts);
}
