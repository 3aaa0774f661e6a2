/* test_bench.c: `prevue bench`: every format can be read, failures are rows, bottlenecks are named, and a comparison
 * with an older run judges. Nothing here depends on how fast the machine is. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <math.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "cli/program.h"

static json_t *parse(const char *text)
{
    json_error_t error;
    json_t *value = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    cr_assert_not_null(value, "line %d: %s: %.2000s", error.line, error.text, text);
    return value;
}

static double number_at(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    cr_assert(json_is_number(value), "%s is no number", key);
    return json_number_value(value);
}

static const char *text_at(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "(none)";
}

static json_t *rows_of(json_t *document)
{
    json_t *rows = json_object_get(document, "rows");
    cr_assert(json_is_array(rows));
    return rows;
}

static const json_t *row_of(json_t *rows, const char *test)
{
    for (size_t i = 0; i < json_array_size(rows); i++)
        if (strcmp(text_at(json_array_get(rows, i), "test"), test) == 0)
            return json_array_get(rows, i);
    cr_assert_fail("no row of test %s", test);
    return NULL;
}

/* ---- figures ---- */

static void check_times(const json_t *row, size_t repetitions, size_t frames)
{
    const json_t *samples = json_object_get(row, "samples");
    const json_t *all = json_object_get(samples, "frames_ms"), *means = json_object_get(samples, "repetitions_ms");
    cr_assert_eq(json_array_size(all), repetitions * frames, "%s", text_at(row, "test"));
    cr_assert_eq(json_array_size(means), repetitions);
    double sum = 0, squares = 0;
    for (size_t i = 0; i < repetitions * frames; i++)
        sum += json_number_value(json_array_get(all, i));
    const double mean = sum / (double)(repetitions * frames);
    for (size_t i = 0; i < repetitions; i++)
        squares += pow(json_number_value(json_array_get(means, i)) - mean, 2);
    cr_expect_float_eq(number_at(row, "ms"), mean, 1e-5 * (1 + mean));
    cr_expect_float_eq(number_at(row, "ms_stdev"), sqrt(squares / (double)(repetitions - 1)), 1e-5 * (1 + mean));
    cr_expect(number_at(row, "ms_p10") <= number_at(row, "ms_median") &&
              number_at(row, "ms_median") <= number_at(row, "ms_p90") &&
              number_at(row, "ms_p90") <= number_at(row, "ms_p99"));
}

Test(bench, rows_say_what_was_measured, .timeout = 180)
{
    const struct folder f = folder_open();
    json_t *document = parse(run_well(&f, "prevue bench -r 2 -n 4 -o json").out);
    json_t *rows = rows_of(document), *machine = json_object_get(document, "machine");
    static const char *const tests[] = {"model", "codec", "reader", "writer", "end-to-end", "first-frame"};
    cr_assert_eq(json_array_size(rows), 6);
    int year, month, day, hour, minute, second;
    cr_expect_eq(
        sscanf(text_at(machine, "time"), "%4d-%2d-%2dT%2d:%2d:%2dZ", &year, &month, &day, &hour, &minute, &second), 6,
        "%s", text_at(machine, "time"));
    cr_expect(json_is_string(json_object_get(machine, "commit")));
    for (size_t i = 0; i < 6; i++) {
        const json_t *row = json_array_get(rows, i);
        cr_expect_str_eq(text_at(row, "test"), tests[i]);
        cr_expect_str_eq(text_at(row, "model"), "plain");
        cr_expect_eq(number_at(row, "params"), 74896);
        cr_expect_str_eq(text_at(row, "size"), "32x32");
        cr_expect(json_is_null(json_object_get(row, "error")));
        check_times(row, 2, i < 4 ? 4 : 1); /* whole runs are one sample each */
        json_t *other = json_array_get(rows, 0);
        const char *key;
        json_t *value;
        json_object_foreach(other, key, value)
            cr_expect_not_null(json_object_get(row, key), "the row of %s has no %s", tests[i], key);
    }
    const json_t *model = row_of(rows, "model");
    cr_expect_str_eq(text_at(model, "backend"), "cpu");
    cr_expect_str_eq(text_at(model, "type"), "f32");
    cr_expect_eq(number_at(model, "context"), 5, "the window");
    const double ms = number_at(model, "ms"), tflops = number_at(model, "tflops"), gbps = number_at(model, "gbps");
    cr_expect_float_eq(tflops, number_at(model, "gflop_per_frame") / ms, 1e-4 * tflops);
    cr_expect_float_eq(gbps, number_at(model, "mb_per_frame") / ms, 1e-4 * gbps);
    cr_expect_float_eq(number_at(model, "tflops_percent"), 100 * tflops / number_at(model, "tflops_peak"), 0.01);
    cr_expect_gt(number_at(model, "peak_memory_bytes"), 1e6);
    cr_expect_gt(number_at(row_of(rows, "first-frame"), "first_frame_ms"), 1);
    const json_t *all = row_of(rows, "end-to-end");
    cr_expect(number_at(all, "reader_ms") > 0 && number_at(all, "engine_ms") > 0 && number_at(all, "writer_ms") > 0);
    json_decref(document);
    folder_close(&f);
}

Test(bench, lists_multiply_and_work_grows_with_them, .timeout = 180)
{
    const struct folder f = folder_open();
    json_t *document = parse(run_well(&f, "prevue bench --test model -r 1 -n 1 --context 1,5 --takes 1,3 --steps 1,4 "
                                          "--size 32x32,64x32 --peak-tflops 2 --peak-gbps 1000 -o json")
                                 .out);
    json_t *rows = rows_of(document);
    cr_assert_eq(json_array_size(rows), 16);
    /* The last list runs fastest: size, context, takes, steps. */
    const json_t *one = json_array_get(rows, 0), *steps = json_array_get(rows, 1), *takes = json_array_get(rows, 2);
    const json_t *context = json_array_get(rows, 4), *wide = json_array_get(rows, 8);
    cr_expect_eq(number_at(steps, "steps"), 4);
    cr_expect_eq(number_at(takes, "takes"), 3);
    cr_expect_eq(number_at(context, "context"), 5);
    cr_expect_str_eq(text_at(wide, "size"), "64x32");
    cr_expect_float_eq(number_at(takes, "gflop_per_frame"), 3 * number_at(one, "gflop_per_frame"), 1e-9);
    cr_expect_gt(number_at(steps, "gflop_per_frame"), number_at(one, "gflop_per_frame"));
    cr_expect_gt(number_at(wide, "gflop_per_frame"), 1.9 * number_at(one, "gflop_per_frame"));
    cr_expect_eq(number_at(one, "tflops_peak"), 2);
    cr_expect_float_eq(number_at(one, "floor_ms"),
                       fmax(number_at(one, "gflop_per_frame") / 2, number_at(one, "mb_per_frame") / 1000), 1e-9);
    json_decref(document);
    folder_close(&f);
}

Test(bench, ops_are_those_of_a_frame, .timeout = 180)
{
    const struct folder f = folder_open();
    json_t *document = parse(run_well(&f, "prevue bench --test model,ops -r 1 -n 3 -o json").out);
    json_t *rows = rows_of(document);
    double gflop = 0, calls = 0;
    bool encode = false;
    for (size_t i = 1; i < json_array_size(rows); i++) {
        const json_t *row = json_array_get(rows, i);
        cr_expect_str_eq(text_at(row, "test"), "ops");
        cr_expect_gt(number_at(row, "ms"), 0, "%s %s", text_at(row, "op"), text_at(row, "shape"));
        if (strcmp(text_at(row, "part"), "encode") == 0) {
            encode = true;
            continue;
        }
        gflop += number_at(row, "gflop_per_frame");
        calls += number_at(row, "calls_per_frame");
    }
    cr_expect(encode, "frames that are sent have ops too");
    const json_t *model = json_array_get(rows, 0);
    cr_expect_float_eq(gflop, number_at(model, "gflop_per_frame"), 1e-6);
    cr_expect_float_eq(calls, number_at(model, "calls_per_frame"), 1e-6);
    const char *table = run_well(&f, "prevue bench --test ops -r 1 -n 2").out;
    cr_expect_not_null(strstr(table, "gelu"), "%s", table);
    json_decref(document);
    folder_close(&f);
}

Test(bench, models_need_no_file, .timeout = 180)
{
    const struct folder f = folder_open();
    json_t *document = parse(run_well(&f, "prevue bench --arch nano,law,physics --size 32x32 --context 1 --steps 1 "
                                          "--test model -r 1 -n 1 -o json")
                                 .out);
    static const char *const names[] = {"nano", "law", "physics"};
    for (size_t i = 0; i < 3; i++) {
        const json_t *row = json_array_get(rows_of(document), i);
        cr_expect_str_eq(text_at(row, "model"), names[i]);
        cr_expect_gt(number_at(row, "params"), 4e6);
    }
    json_decref(document);
    const struct outcome o = run(&f, "prevue bench --arch nonsense --test model");
    cr_expect_eq(o.code, 1);
    cr_expect_not_null(strstr(o.error, "nano, law, physics"), "%s", o.error);
    folder_close(&f);
}

/* ---- formats ---- */

Test(bench, every_format_can_be_read, .timeout = 180)
{
    const struct folder f = folder_open();
    run_well(&f, "prevue bench --test model,reader -r 2 -n 2 --context 1,2 -o json > all.json");
    const char *lines = run_well(&f, "prevue bench --from all.json -o jsonl > one && cat one one").out;
    int count = 0;
    for (const char *line = lines; *line; count++) {
        const char *end = strchr(line, '\n');
        cr_assert_not_null(end);
        json_error_t error;
        json_t *row = json_loadb(line, (size_t)(end - line), 0, &error);
        cr_assert_not_null(row, "%s", error.text);
        cr_expect_str_eq(text_at(row, "model"), "plain");
        cr_expect(json_is_string(json_object_get(row, "cpu")) || json_is_null(json_object_get(row, "cpu")));
        json_decref(row);
        line = end + 1;
    }
    cr_expect_eq(count, 8);
    const char *csv = run_well(&f, "prevue bench --from all.json -o csv > all.csv && python3 -c \""
                                   "import csv; rows = list(csv.DictReader(open('all.csv'), strict=True)); "
                                   "print(len(rows), {len(r) for r in rows} == {len(rows[0])}, None in rows[0], "
                                   "rows[0]['model'], rows[2]['context'])\"")
                          .out;
    cr_expect_str_eq(csv, "4 True False plain 2\n");
    const char *sql =
        run_well(&f, "prevue bench --from all.json -o sql > all.sql && python3 -c \""
                     "import sqlite3; d = sqlite3.connect(':memory:'); "
                     "[d.executescript(open('all.sql').read()) for i in range(2)]; "
                     "print(d.execute('select count(*), min(model), max(context) from bench').fetchone())\"")
            .out;
    cr_expect_str_eq(sql, "(8, 'plain', 2)\n");
    const char *table = run_well(&f, "prevue bench --from all.json | grep '^|' | tr -cd '|\\n' | sort -u | wc -l").out;
    cr_expect_eq(atoi(table), 1, "all lines of the table have as many cells");
    json_t *first = parse(run_well(&f, "cat all.json").out);
    json_t *again = parse(run_well(&f, "prevue bench --from all.json -o json").out);
    cr_expect(json_equal(first, again), "json goes through unchanged");
    json_decref(first);
    json_decref(again);
    folder_close(&f);
}

Test(bench, what_no_run_wrote_is_refused_and_no_escape_reaches_a_terminal, .timeout = 180)
{
    const struct folder f = folder_open();
    run_well(&f, "prevue bench --test model -r 1 -n 2 -o json > all.json");
    static const char edit[] = "python3 -c \"import json; d = json.load(open('all.json')); %s; "
                               "json.dump(d, open('other.json', 'w'))\"";
    static const struct {
        const char *change, *words;
    } refused[] = {
        {"d['rows'][0]['ms_median'] = 1e308", "ms_median of row 0 is not a number up to 1e18"},
        {"d['rows'][0]['gflop_per_frame'] = 'many'", "gflop_per_frame of row 0 is not a number"},
        {"d['rows'][0]['model'] = []", "model of row 0 is not a text"},
        {"d['rows'].append(7)", "row 1 is no object"},
        {"d['machine']['version'] = None", "is not what 'prevue bench -o json' writes"},
    };
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++) {
        run_well(&f, edit, refused[i].change);
        const struct outcome o = run(&f, "prevue bench --from other.json --html page.html");
        cr_expect_eq(o.code, 3, "%s", refused[i].change);
        cr_expect_not_null(strstr(o.error, refused[i].words), "%s", o.error);
        cr_expect_neq(run(&f, "test -e page.html").code, 0);
    }
    run_well(&f, edit,
             "d['rows'][0]['model'] = d['machine']['cpu'] = chr(27) + '[2Jx'; d['rows'][0]['ms_median'] = 1e17");
    const char *table = run_well(&f, "prevue bench --from other.json --html page.html").out;
    cr_expect_null(strchr(table, 27));
    cr_expect_not_null(strstr(table, " [2Jx"), "%s", table);
    folder_close(&f);
}

Test(bench, the_page_has_its_plots_and_loads_nothing, .timeout = 180)
{
    const struct folder f = folder_open();
    run_well(&f, "prevue bench --test model,ops -r 2 -n 3 --context 1,3 --takes 1,2 --html page.html");
    const char *page = run_well(&f, "cat page.html").out;
    static const char *const titles[] = {"Time against takes", "Time against context", "Cost over the rollout",
                                         "Roofline"};
    for (int i = 0; i < 4; i++)
        cr_expect_not_null(strstr(page, titles[i]), "no plot: %s", titles[i]);
    cr_expect_null(strstr(page, "http"));
    cr_expect_null(strstr(page, "nan"));
    cr_expect_null(strstr(page, "inf"));
    cr_expect_eq(run(&f, "prevue bench --from page.html").code, 3);
    const struct outcome o = run(&f, "prevue bench --test model -r 1 -n 1 --html nowhere/page.html");
    cr_expect_eq(o.code, 1);
    cr_expect_not_null(strstr(o.error, "nowhere/page.html"));
    folder_close(&f);
}

/* ---- failures ---- */

Test(bench, a_failing_case_is_a_row, .timeout = 180)
{
    const struct folder f = folder_open();
    const struct outcome o = run(&f, "cp $PREVUE_MODEL plain.safetensors && prevue bench --model "
                                     "./plain.safetensors,missing -r 1 -n 1 --test model --size 32x32,30x30 "
                                     "--backend cpu,abacus -o json");
    cr_expect_eq(o.code, 1);
    json_t *document = parse(o.out);
    json_t *rows = rows_of(document);
    cr_assert_eq(json_array_size(rows), 8);
    int measured = 0;
    static const char *const words[] = {"missing", "30 x 30", "abacus"};
    int named[3] = {0};
    for (size_t i = 0; i < 8; i++) {
        const json_t *row = json_array_get(rows, i);
        measured += json_is_number(json_object_get(row, "ms"));
        for (int j = 0; j < 3; j++)
            named[j] += strstr(text_at(row, "error"), words[j]) != NULL;
    }
    cr_expect_eq(measured, 1, "only the first model at 32x32 on cpu");
    cr_expect(named[0] == 4 && named[1] == 1 && named[2] == 2, "%d %d %d", named[0], named[1], named[2]);
    json_decref(document);
    folder_close(&f);
}

Test(bench, usage_errors_name_the_item, .timeout = 180)
{
    const struct folder f = folder_open();
    static const char *const lines[][2] = {
        {"--takes 1,0", "--takes"}, {"--context 1,,2", "--context"}, {"--test modle", "did you mean model"},
        {"--size 32", "--size"},    {"--steps 65", "--steps"},       {"--max-regression 5x", "--max-regression"},
        {"-o xml", "--output"},     {"clip.mp4", "takes no"},
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        const struct outcome o = run(&f, "prevue bench %s", lines[i][0]);
        cr_expect_eq(o.code, 2, "%s", lines[i][0]);
        cr_expect_not_null(strstr(o.error, lines[i][1]), "%s: %s", lines[i][0], o.error);
        cr_expect_str_empty(o.out);
    }
    folder_close(&f);
}

Test(bench, an_interrupted_run_keeps_its_rows, .timeout = 180)
{
    const struct folder f = folder_open();
    const pid_t pid = run_start(&f, "exec prevue bench --test model,codec -r 1000 -n 1000000 -o json --takes 1,2");
    nanosleep(&(struct timespec){.tv_sec = 1}, NULL);
    kill(pid, SIGINT);
    const struct outcome o = run_wait(&f, pid);
    cr_expect_eq(o.code, 130, "%s", o.error);
    json_decref(parse(o.out));
    run_well(&f, "mkdir clips");
    const pid_t reading = run_start(&f, "exec env TMPDIR=$PWD/clips prevue bench --test reader -r 1000 -o json");
    nanosleep(&(struct timespec){.tv_sec = 1}, NULL);
    kill(reading, SIGINT);
    const struct outcome last = run_wait(&f, reading);
    cr_expect_eq(last.code, 130, "%s", last.error);
    run_well(&f, "rmdir clips"); /* nothing is left in it */
    folder_close(&f);
}

Test(bench, builds_that_are_not_for_measuring_say_so, .timeout = 180)
{
    const struct folder f = folder_open();
    const struct outcome o = run_well(&f, "prevue bench --test model -r 1 -n 1 -o json");
    json_t *document = parse(o.out);
    const char *build = text_at(json_object_get(document, "machine"), "build");
#if defined(__SANITIZE_ADDRESS__)
    cr_expect(*build && strstr(o.error, "sanitizers"), "%s: %s", build, o.error);
#else
    const bool said = strstr(o.error, "to keep come from a Release build") != NULL;
    cr_expect_eq(said, strcmp(build, "Release") != 0, "%s: %s", build, o.error);
#endif
    json_decref(document);
    folder_close(&f);
}

/* ---- comparison ---- */

/* Rewrites all.json as NAME with its times multiplied by factor. */
static void write_scaled(const struct folder *f, const char *name, double factor)
{
    json_t *document = parse(run_well(f, "cat all.json").out);
    for (size_t i = 0; i < json_array_size(rows_of(document)); i++) {
        json_t *row = json_array_get(rows_of(document), i);
        json_object_set_new(row, "ms_median", json_real(factor * number_at(row, "ms_median")));
    }
    cr_assert_eq(json_dump_file(document, folder_path(f, name), 0), 0);
    json_decref(document);
}

Test(bench, a_slower_run_fails_against_its_baseline, .timeout = 180)
{
    const struct folder f = folder_open();
    run_well(&f, "prevue bench --test model,reader -r 2 -n 2 -o json > all.json");
    write_scaled(&f, "faster.json", 1 / 1.04);
    write_scaled(&f, "fast.json", 1 / 1.06);
    run_well(&f, "prevue bench --from all.json --baseline all.json --max-regression 0%%");
    run_well(&f, "prevue bench --from all.json --baseline faster.json");
    const struct outcome slow = run(&f, "prevue bench --from all.json --baseline fast.json");
    cr_expect_eq(slow.code, 1);
    cr_expect_not_null(strstr(slow.error, "+6.0 %"), "%s", slow.error);
    cr_expect_not_null(strstr(slow.error, "2 of 2 rows"), "%s", slow.error);
    run_well(&f, "prevue bench --from all.json --baseline fast.json --max-regression 7%%");
    run_well(&f, "prevue bench --test model -r 1 -n 1 --steps 1 -o json > other.json");
    const struct outcome none = run(&f, "prevue bench --from all.json --baseline other.json");
    cr_expect_eq(none.code, 1, "a comparison of nothing must not pass");
    cr_expect_eq(run(&f, "prevue bench --from all.json --baseline missing.json").code, 3);
    folder_close(&f);
}

/* ---- diagnosis: situations far from any border ---- */

static const char *bound_of(const struct folder *f, const char *options, char bound[32])
{
    json_t *document = parse(run_well(f, "prevue bench -r 1 -n 6 -o json %s", options).out);
    snprintf(bound, 32, "%s", text_at(json_array_get(rows_of(document), 0), "bound"));
    json_decref(document);
    return bound;
}

/* A config: few channels and many layers, or the other way round. */
static void write_config(const struct folder *f, const char *name, int width, int layers, int side)
{
    FILE *file = fopen(folder_path(f, name), "w");
    cr_assert_not_null(file);
    fprintf(
        file,
        "{\"schema\": 1, \"family\": \"native\", \"name\": \"made\", \"width\": %d, \"height\": %d, \"fps\": [24, 1],"
        "\"codec\": {\"type\": \"tae\", \"shuffle\": 8, \"latent_channels\": 2, \"encoder_widths\": [%d],"
        "\"encoder_blocks\": [1], \"decoder_widths\": [%d], \"decoder_blocks\": [1]},"
        "\"dynamics\": {\"type\": \"dit\", \"hidden\": 4, \"layers\": %d, \"pattern\": [\"space\", \"time\"],"
        "\"heads\": 1, \"kv_heads\": 1, \"head_dim\": 4, \"mlp\": 4, \"patch\": 1, \"window\": 2, \"norm\": \"rms\","
        "\"qk_norm\": null, \"eps\": 1e-6, \"modulation\": \"shared\", \"level_embedding\": 2,"
        "\"rope_space_max_freq\": 8.0, \"rope_time_theta\": 100.0, \"action_size\": 0, \"action_scale\": [],"
        "\"motion_input\": true, \"predict\": \"change\"},"
        "\"sampler\": {\"type\": \"rectified_flow\", \"steps\": 4, \"context_level\": 0.97},"
        "\"licence\": \"\", \"trained_on\": \"\"}",
        side, side, width, width, layers);
    fclose(file);
}

Test(bench, bottlenecks_are_named, .timeout = 180)
{
    const struct folder f = folder_open();
    char bound[32];
    /* ProRes of a picture 900 times as large as the model's. */
    cr_expect_str_eq(bound_of(&f, "--test end-to-end --preset edit --output-size 1280x720", bound), "writer-bound");
    run_well(&f, "ffmpeg -v error -f lavfi -i testsrc2=size=1920x1080:rate=24 -frames:v 48 -c:v libx264 -preset "
                 "ultrafast -threads 1 big.mp4");
    cr_expect_str_eq(bound_of(&f, "--test end-to-end --preset none --clip big.mp4", bound), "reader-bound");
    /* One token through 128 layers of 4 channels: calls that do nothing. */
    write_config(&f, "tiny.json", 1, 128, 8);
    cr_expect_str_eq(bound_of(&f, "--test model --arch ./tiny.json", bound), "overhead-bound");
    cr_expect_str_eq(bound_of(&f, "--test end-to-end --preset none --arch ./tiny.json", bound), "overhead-bound");
    /* 3 x 3 filters of 128 channels: some 500 operations a byte. */
    write_config(&f, "wide.json", 128, 2, 256);
    cr_expect_str_eq(bound_of(&f, "--test end-to-end --preset none --arch ./wide.json --steps 1 -n 16", bound),
                     "compute-bound");
    folder_close(&f);
}
