/* prevue eval as it is used: tables, JSON, page and sheet of a suite and of real files, and what is refused. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/program.h"

#define QUICK "prevue eval --suite physics --world drop --range in -n 1 --long-clips 0 -q "

static json_t *parse(const char *text)
{
    json_error_t error;
    json_t *value = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    cr_assert_not_null(value, "line %d: %s: %s", error.line, error.text, text);
    return value;
}

static json_t *at(json_t *value, const char *key)
{
    json_t *found = json_is_array(value) ? json_array_get(value, (size_t)atoi(key)) : json_object_get(value, key);
    cr_assert_not_null(found, "no %s", key);
    return found;
}

static double mean_of(json_t *group, const char *metric, const char *row, const char *column)
{
    return json_number_value(at(at(at(at(at(group, "metrics"), metric), row), column), "mean"));
}

static char *read_text(const struct folder *f, const char *name)
{
    FILE *file = fopen(folder_path(f, name), "rb");
    cr_assert_not_null(file, "no %s", name);
    char *text = calloc(1, 8 << 20);
    cr_assert_gt(fread(text, 1, (8 << 20) - 1, file), 0);
    fclose(file);
    return text;
}

Test(eval, a_suite_as_json, .timeout = 120)
{
    const struct folder f = folder_open();
    json_t *all = parse(run_well(&f, QUICK "--json --takes 2").out);
    cr_expect_str_eq(json_string_value(at(all, "what")), "suite physics");
    cr_expect_eq(json_integer_value(at(all, "width")), 32, "the model's size");
    cr_expect_str_eq(json_string_value(at(all, "detail")), "keep");
    cr_expect(json_is_false(at(all, "gravity_told")));
    cr_expect_eq(json_array_size(at(all, "groups")), 1);
    json_t *drop = at(at(all, "groups"), "0");
    cr_expect_str_eq(json_string_value(at(drop, "world")), "drop");
    cr_expect_eq(json_integer_value(at(drop, "clips")), 1);
    static const char *const columns[] = {"1", "4", "8", "16", "28", "48"};
    for (size_t i = 0; i < 6; i++) {
        cr_expect_gt(mean_of(drop, "psnr", "copy_last_frame", columns[i]), mean_of(drop, "psnr", "model", columns[i]),
                     "a model of random weights is worse than any baseline");
        cr_expect_lt(mean_of(drop, "centre_error", "truth_parsed", columns[i]), 0.6);
        cr_expect_geq(mean_of(drop, "crps", "linear", columns[i]), 0);
    }
    json_t *cell = at(at(at(at(at(drop, "metrics"), "ssim"), "codec"), "8"), "median");
    cr_expect(fabs(json_number_value(cell)) <= 1);
    json_decref(all);
    folder_close(&f);
}

Test(eval, table_page_and_sheet, .timeout = 120)
{
    const struct folder f = folder_open();
    const struct outcome o = run_well(&f, QUICK "--html page.html --sheet sheet.png");
    cr_expect_not_null(strstr(o.out, "drop, in range, 1 clip\n"), "%s", o.out);
    cr_expect_not_null(strstr(o.out, "constant flow"), "%s", o.out);
    cr_expect_not_null(strstr(o.out, "truth, parsed (floor)"), "%s", o.out);
    cr_expect_not_null(strstr(o.out, "first contact not seen, %       clip\n"), "a column of its own is named: %s",
                       o.out);
    const struct probe sheet = probe(&f, "sheet.png");
    cr_expect_eq(sheet.width, 9 * 128 + 8 * 2);
    cr_expect_eq(sheet.height, 26 + 2 * (128 + 2), "a heading, and truth above prediction");

    char *page = read_text(&f, "page.html");
    cr_expect_not_null(strstr(page, "<polyline"));
    cr_expect_not_null(strstr(page, "</html>"));
    cr_expect_null(strstr(page, "http"), "the page needs no network");
    char *film = strstr(page, "data:video/mp4;base64,");
    cr_assert_not_null(film);
    *strchr(film, '"') = '\0';
    folder_write_text(&f, "film.b64", strchr(film, ',') + 1);
    run_well(&f, "base64 -d film.b64 > film.mp4");
    const struct probe clip = probe(&f, "film.mp4");
    cr_expect_eq(clip.frames, 12 + 48);
    cr_expect_eq(clip.height, 2 * 32 + 6);
    free(page);

    run_well(&f, QUICK "--sheet near.png --sheet-step 2");
    cr_expect_eq(probe(&f, "near.png").height, sheet.height);
    cr_expect_neq(run(&f, "cmp sheet.png near.png").code, 0, "other frames");
    cr_expect_eq(run(&f, QUICK "--html page.html").code, 1, "files are not replaced unasked");
    cr_expect_not_null(strstr(run(&f, QUICK "--sheet sheet.png").error, "exists"));
    run_well(&f, QUICK "--html page.html --sheet sheet.png -y");
    cr_expect(!folder_has(&f, "page.html.partial"));
    folder_close(&f);
}

/* Two shots: the cut after 30 frames is found, and the second shot, which is longer, is the one that is predicted. */
Test(eval, clips_of_anything, .timeout = 120)
{
    const struct folder f = folder_open();
    run_well(&f,
             "mkdir clips && ffmpeg -v error -f lavfi -i testsrc2=size=96x64:rate=24:duration=1.25 -f lavfi -i "
             "mandelbrot=size=96x64:rate=24 -filter_complex '[1]trim=duration=2,setpts=PTS-STARTPTS[b];[0][b]concat' "
             "-c:v ffv1 clips/cut.mkv && ffmpeg -v error -f lavfi -i color=gray:size=64x64:rate=24 -frames:v 20 "
             "-c:v ffv1 clips/short.mkv && echo words > clips/README.md");
    const struct outcome o = run_well(&f, "prevue eval --clips clips --json");
    json_t *all = parse(o.out);
    cr_expect_not_null(strstr(o.error, "cut.mkv: 1 cut skipped"), "%s", o.error);
    cr_expect_eq(json_array_size(at(all, "groups")), 3, "two clips and all of them");
    json_t *cut = at(at(all, "groups"), "0"), *still = at(at(all, "groups"), "1");
    cr_expect_not_null(strstr(json_string_value(at(cut, "name")), "cut.mkv"));
    cr_expect_not_null(json_object_get(at(at(at(cut, "metrics"), "psnr"), "model"), "28"), "36 of 48 frames came");
    cr_expect_null(json_object_get(at(at(at(cut, "metrics"), "psnr"), "model"), "48"));
    cr_expect_null(json_object_get(at(at(at(still, "metrics"), "psnr"), "model"), "16"), "8 of 20 frames are left");
    cr_expect_gt(mean_of(still, "psnr", "copy_last_frame", "8"), 70, "nothing moves");
    json_decref(all);

    folder_write_text(&f, "clips/broken.mp4", "this is no film");
    cr_expect_eq(run(&f, "prevue eval --clips clips").code, 6, "the others were measured");
    cr_expect_eq(run(&f, "prevue eval --clips clips/broken.mp4").code, 3);
    cr_expect_eq(run(&f, "prevue eval --clips nowhere").code, 3);
    cr_expect_eq(run(&f, "prevue eval --clips clips/short.mkv --context 20").code, 3, "nothing is left to predict");
    folder_close(&f);
}

/* Five seconds of one shot: a box that lies still for half of them, then moves. */
Test(eval, of_a_clip_the_part_that_moves_is_used, .timeout = 120)
{
    const struct folder f = folder_open();
    run_well(&f, "ffmpeg -v error -f lavfi -i color=gray:size=96x64:rate=24:duration=5 -f lavfi -i "
                 "color=red:size=16x16:rate=24:duration=5 -filter_complex "
                 "\"overlay=x='10+30*max(0,t-2.5)'\" -c:v ffv1 clip.mkv");
    json_t *all = parse(run_well(&f, "prevue eval --clips clip.mkv --json -q").out);
    json_t *clip = at(at(all, "groups"), "0");
    cr_expect_str_eq(json_string_value(at(clip, "name")), "clip.mkv from 2.5 s, 48x32");
    cr_expect_lt(mean_of(clip, "psnr", "copy_last_frame", "16"), 30);
    json_decref(all);
    folder_close(&f);
}

Test(eval, what_cannot_be_done_is_said, .timeout = 120)
{
    static const struct {
        const char *arguments;
        int code;
        const char *says;
    } cases[] = {
        {"", 2, "--suite physics"},
        {"--suite law --clips x", 2, "give one of them"},
        {"--clips x --world drop", 2, "leave it out"},
        {"--clips x --tell-gravity", 2, "simulated clips"},
        {"--suite physics --detail some", 2, "keep"},
        {"--suite physics --world drap", 2, "did you mean drop"},
        {"--suite physics --context 17", 2, "16"},
        {"--suite fysics", 2, "physics or law"},
        {"--suite law --takes 1", 2, "--takes"},
        {"--suite law --model missing.safetensors", 4, "missing.safetensors"},
    };
    const struct folder f = folder_open();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct outcome o = run(&f, "prevue eval %s", cases[i].arguments);
        cr_expect_eq(o.code, cases[i].code, "eval %s: %d: %s", cases[i].arguments, o.code, o.error);
        cr_expect_not_null(strstr(o.error, cases[i].says), "eval %s: %s", cases[i].arguments, o.error);
    }
    folder_close(&f);
}

/* The first Ctrl-C ends the measuring; what was measured is told, if a clip was. */
Test(eval, an_interrupted_run_tells_what_it_measured, .timeout = 120)
{
    const struct folder f = folder_open();
    const pid_t pid =
        run_start(&f, "exec prevue eval --suite physics --world drop --long-clips 0 -v --json > out.json");
    wait_for_bytes(&f, "stderr.txt", 20); /* it has begun: the model is open */
    nanosleep(&(struct timespec){.tv_nsec = 700000000}, NULL);
    cr_assert_eq(kill(pid, SIGINT), 0);
    const struct outcome o = run_wait(&f, pid);
    cr_expect_eq(o.code, 130, "%d: %s", o.code, o.error);
    cr_expect_not_null(strstr(o.error, "interrupted"), "%s", o.error);
    if (!strstr(o.error, "nothing was written")) {
        char *text = read_text(&f, "out.json");
        json_t *all = parse(text);
        cr_expect(json_is_true(at(all, "interrupted")));
        cr_expect_gt(json_integer_value(at(at(at(all, "groups"), "0"), "clips")), 0);
        json_decref(all);
        free(text);
    }
    folder_close(&f);
}
