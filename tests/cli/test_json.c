/* test_json.c: what scripts read: info and predict --json, the truth of worlds, and info's table. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <string.h>

#include "cli/program.h"

static json_t *parse(const char *text)
{
    json_error_t error;
    json_t *value = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    cr_assert_not_null(value, "line %d: %s: %s", error.line, error.text, text);
    return value;
}

static const char *text_at(json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text ? text : "(none)";
}

static json_int_t int_at(json_t *object, const char *key)
{
    cr_assert(json_is_integer(json_object_get(object, key)), "%s is no integer", key);
    return json_integer_value(json_object_get(object, key));
}

Test(json, predict_tells_what_it_did, .timeout = 120)
{
    const struct folder f = folder_open();
    run_well(&f, "prevue world drop -q -o clip.mkv --size 96x64 --frames 30 --fps 30");
    json_t *all = parse(run_well(&f, "prevue predict clip.mkv -o out.mp4 --join --frames 6 --seed 9 --json").out);
    json_t *input = json_object_get(all, "input"), *output = json_object_get(all, "output");
    json_t *model = json_object_get(all, "model"), *timings = json_object_get(all, "timings");
    cr_expect_str_eq(text_at(input, "path"), "clip.mkv");
    cr_expect_str_eq(text_at(input, "fps"), "30/1");
    cr_expect_eq(int_at(input, "frames"), 30);
    cr_expect_eq(int_at(input, "dropped"), 6, "30 frames at 24 a second");
    cr_expect_eq(int_at(input, "context"), 12);
    cr_expect_str_eq(text_at(output, "path"), "out.mp4");
    cr_expect_str_eq(text_at(output, "fps"), "24/1");
    cr_expect_eq(int_at(output, "frames"), 30);
    cr_expect_eq(int_at(output, "predicted"), 6);
    cr_expect_eq(int_at(output, "width"), 96);
    cr_expect_eq(int_at(all, "seed"), 9);
    cr_expect_str_eq(text_at(model, "name"), "plain");
    cr_expect_eq(strlen(text_at(model, "fingerprint")), 16);
    cr_expect_gt(json_number_value(json_object_get(timings, "first_frame_ms")), 0);
    json_t *frame = json_object_get(timings, "frame_ms");
    const double p10 = json_number_value(json_object_get(frame, "p10")),
                 median = json_number_value(json_object_get(frame, "median")),
                 p90 = json_number_value(json_object_get(frame, "p90"));
    cr_expect(p10 > 0 && p10 <= median && median <= p90, "%g %g %g", p10, median, p90);
    for (int i = 0; i < 3; i++) {
        static const char *const stages[] = {"reader", "engine", "writer"};
        cr_expect_gt(json_number_value(json_object_get(json_object_get(timings, stages[i]), "busy_ms")), 0);
    }
    cr_expect_gt(int_at(all, "peak_memory_bytes"), 1000000);
    cr_expect_gt(json_array_size(json_object_get(all, "notices")), 0, "the resampling is a notice");
    cr_expect_eq(int_at(all, "exit"), 0);
    json_decref(all);
    folder_close(&f);
}

Test(json, nothing_but_json_is_on_stdout, .timeout = 120)
{
    const struct folder f = folder_open();
    run_well(&f, "prevue world drop -o clip.mkv --size 96x64 --frames 9 --verbose");
    const struct outcome quiet = run_well(&f, "prevue predict clip.mkv -o out.mp4 --frames 2 --quiet");
    cr_expect(*quiet.out == '\0' && *quiet.error == '\0', "'%s' '%s'", quiet.out, quiet.error);
    const struct outcome o = run_well(&f, "prevue predict clip.mkv --preset none --frames 2 --json --verbose");
    json_decref(parse(o.out));
    cr_expect_str_not_empty(o.error);
    folder_close(&f);
}

Test(json, info_recognises_by_content, .timeout = 120)
{
    const struct folder f = folder_open();
    run_well(&f,
             "ffmpeg -v error -f lavfi -i testsrc2=size=72x64:rate=30000/1001 -f lavfi -i sine -t 0.5 -vf setsar=4/3 "
             "-c:v libx264 -preset ultrafast -pix_fmt yuv420p -color_range tv -colorspace bt709 -c:a aac "
             "-timecode '00:00:10;00' clip.mov && mv clip.mov clip && cp $PREVUE_MODEL weights");
    const struct outcome o = run(&f, "prevue info --json --count clip missing weights");
    cr_expect_eq(o.code, 3, "one is missing");
    cr_expect_not_null(strstr(o.error, "missing"));
    json_t *all = parse(o.out);
    cr_assert_eq(json_array_size(all), 2, "%s", o.out);
    json_t *clip = json_array_get(all, 0), *model = json_array_get(all, 1);
    cr_expect_str_eq(text_at(clip, "kind"), "clip");
    cr_expect_eq(int_at(clip, "width"), 96);
    cr_expect_eq(int_at(clip, "coded_width"), 72);
    cr_expect_eq(int_at(clip, "height"), 64);
    cr_expect_str_eq(text_at(clip, "pixel_shape"), "4:3");
    cr_expect_str_eq(text_at(clip, "fps"), "30000/1001");
    cr_expect_str_eq(text_at(clip, "codec"), "h264");
    cr_expect_str_eq(text_at(clip, "matrix"), "bt709");
    cr_expect_str_eq(text_at(clip, "timecode"), "00:00:10;00");
    cr_expect(json_is_false(json_object_get(clip, "matrix_guessed")));
    cr_expect(json_is_true(json_object_get(clip, "audio")));
    cr_expect_eq(int_at(clip, "frames_counted"), 15);
    cr_expect_str_eq(text_at(model, "kind"), "model");
    cr_expect_eq(int_at(model, "width"), 32);
    cr_expect_eq(int_at(model, "parameters"), 74896);
    json_decref(all);
    const char *table = run(&f, "prevue info clip weights").out;
    cr_expect_not_null(strstr(table, "\n  timecode         00:00:10;00\n"), "%s", table);
    cr_expect_not_null(strstr(table, "\n\nweights\n  kind             model\n"), "%s", table);
    folder_close(&f);
}

Test(json, info_counts_what_a_truncated_clip_has, .timeout = 120)
{
    const struct folder f = folder_open();
    run_well(&f, "prevue world drop -q -o whole.mp4 --frames 48 && "
                 "head -c $(($(wc -c < whole.mp4) / 2)) whole.mp4 > cut.mp4");
    const struct outcome o = run(&f, "prevue info --json --count cut.mp4");
    cr_expect_eq(o.code, 6);
    json_t *all = parse(o.out), *clip = json_array_get(all, 0);
    cr_expect_eq(int_at(clip, "frames_claimed"), 48);
    cr_expect(int_at(clip, "frames_counted") < 48);
    cr_expect(json_is_true(json_object_get(clip, "truncated")));
    json_decref(all);
    folder_close(&f);
}

Test(json, info_lists_devices, .timeout = 120)
{
    const struct folder f = folder_open();
    json_t *all = parse(run_well(&f, "prevue info --devices --json").out);
    json_t *cpu = json_object_get(all, "cpu");
    cr_expect(int_at(cpu, "threads") >= 1);
    cr_expect(json_is_array(json_object_get(cpu, "instructions")));
    cr_expect(json_is_boolean(json_object_get(json_object_get(all, "cuda"), "built")));
    json_decref(all);
    const char *table = run_well(&f, "PREVUE_MODULE_PATH=. prevue info --devices").out;
    cr_expect_not_null(strstr(table, "cpu\n"), "%s", table);
    cr_expect_not_null(strstr(table, "\ncuda\n  built            no\n  usable           no\n  reason  "), "%s", table);
    json_t *cuda = parse(run_well(&f, "PREVUE_MODULE_PATH=. prevue info --devices --json").out);
    cr_expect_not_null(strstr(text_at(json_object_get(cuda, "cuda"), "reason"), "there is no ./libprevue-cuda.so"));
    json_decref(cuda);
    folder_close(&f);
}

Test(json, a_world_is_a_function_of_its_options, .timeout = 120)
{
    const struct folder f = folder_open();
    run_well(&f, "prevue world drop -q -o a.mkv --preset master --frames 9 --seed 4 --size 96x64 --truth a.json");
    run_well(&f, "prevue world drop -q -o b.mkv --preset master --frames 9 --seed 4 --size 96x64 --truth - > b.json");
    run_well(&f, "prevue world drop -q -o c.mkv --preset master --frames 9 --seed 5 --size 96x64 --truth c.json");
    run_well(&f, "prevue world drop -q -o d.mkv --preset master --frames 9 --seed 4 --size 96x64 --gravity-scale 0 "
                 "--truth d.json");
    cr_expect_eq(run(&f, "cmp a.mkv b.mkv").code, 0);
    cr_expect_eq(run(&f, "tr -d '\\n' < a.json > a.txt; tr -d '\\n' < b.json | cmp - a.txt").code, 0);
    cr_expect_neq(run(&f, "cmp a.mkv c.mkv").code, 0);
    const struct probe p = probe(&f, "a.mkv");
    cr_expect(p.frames == 9 && p.width == 96 && p.height == 64 && strcmp(p.rate, "24/1") == 0);
    json_t *truth = parse(run_well(&f, "cat a.json").out), *weightless = parse(run_well(&f, "cat d.json").out);
    cr_expect(json_array_size(json_object_get(truth, "objects")) >= 1);
    cr_expect_lt(json_number_value(json_array_get(json_object_get(truth, "gravity"), 1)), -0.1);
    cr_expect_float_eq(json_number_value(json_array_get(json_object_get(weightless, "gravity"), 1)), 0, 1e-9);
    json_decref(truth);
    json_decref(weightless);
    cr_expect_eq(run(&f, "prevue world drop -q -o e.mkv --frames 2 --truth a.json").code, 1, "a.json exists");
    cr_expect_not_null(strstr(run_well(&f, "prevue world --list").out, "drop"));
    folder_close(&f);
}
