/* test_failures.c: every class of failure has its exit code and one sentence, and leaves nothing under the final name.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "cli/program.h"

#define SHORT "--frames 2 --steps 1 --context 4"

static struct folder with_clip(void)
{
    const struct folder f = folder_open();
    run_well(&f, "prevue world drop -q -o clip.mkv --preset master --size 96x64 --frames 8");
    return f;
}

/* Runs the command; expects that code and one line on stderr that begins with "prevue: " and holds the word. */
static void expect_failure(const struct folder *f, int code, const char *word, const char *command)
{
    const struct outcome o = run(f, "%s", command);
    cr_expect_eq(o.code, code, "'%s' exits %d, not %d: %s", command, o.code, code, o.error);
    cr_expect(strncmp(o.error, "prevue: ", 8) == 0 && strchr(o.error, '\n') == o.error + strlen(o.error) - 1,
              "'%s' does not say one sentence: '%s'", command, o.error);
    cr_expect_not_null(strstr(o.error, word), "'%s' does not speak of %s: %s", command, word, o.error);
    cr_expect_not(folder_has(f, "out.mp4") || folder_has(f, "out.partial.mp4"), "'%s' leaves a file", command);
}

Test(failures, usage_is_2, .timeout = 120)
{
    const struct folder f = with_clip();
    expect_failure(&f, 2, "did you mean predict", "prevue predct");
    expect_failure(&f, 2, "--help", "prevue --colour");
    expect_failure(&f, 2, "did you mean --model", "prevue predict clip.mkv --modle x -o out.mp4");
    expect_failure(&f, 2, "did you mean review", "prevue predict clip.mkv --preset=reveiw -o out.mp4");
    expect_failure(&f, 2, "-Z", "prevue predict clip.mkv -Z -o out.mp4");
    expect_failure(&f, 2, "no argument", "prevue predict clip.mkv --join=yes -o out.mp4");
    expect_failure(&f, 2, "needs an argument", "prevue predict clip.mkv -o");
    expect_failure(&f, 2, "needs a CLIP", "prevue predict -o out.mp4");
    expect_failure(&f, 2, "only one CLIP", "prevue predict clip.mkv clip.mkv -o out.mp4");
    expect_failure(&f, 2, "-o FILE", "prevue predict clip.mkv");
    expect_failure(&f, 2, "1 to 10000000", "prevue predict clip.mkv -o out.mp4 --frames 0");
    expect_failure(&f, 2, "not '5x'", "prevue predict clip.mkv -o out.mp4 --frames 5x");
    expect_failure(&f, 2, "0.001 to 86400", "prevue predict clip.mkv -o out.mp4 --seconds nan");
    expect_failure(&f, 2, "--frames", "prevue predict clip.mkv -o out.mp4 --frames 5 --seconds 1");
    expect_failure(&f, 2, "--seed", "prevue predict clip.mkv -o out.mp4 --seed -1");
    expect_failure(&f, 2, "X,Y", "prevue predict clip.mkv -o out.mp4 --gravity -9.8");
    expect_failure(&f, 2, "WIDTHxHEIGHT", "prevue predict clip.mkv -o out.mp4 --size 0x10");
    expect_failure(&f, 2, "24000/1001", "prevue predict clip.mkv -o out.mp4 --in-rate 24/0");
    expect_failure(&f, 2, "at most 20", "prevue predict clip.mkv -o out.mp4 --context 21");
    expect_failure(&f, 2, "standard output", "prevue predict clip.mkv -o - --json");
    expect_failure(&f, 2, "did you mean drop", "prevue world dorp -o out.mp4");
    expect_failure(&f, 2, "--list", "prevue world -o out.mp4");
    expect_failure(&f, 2, "--devices", "prevue info");
    expect_failure(&f, 2, "bash, zsh and fish", "prevue completions tcsh");
    expect_failure(&f, 2, "no command", "prevue help nothing");
    cr_expect_eq(run(&f, "prevue").code, 2);
    folder_close(&f);
}

Test(failures, unreadable_input_is_3, .timeout = 120)
{
    const struct folder f = with_clip();
    folder_write_text(&f, "text.mp4", "this is no film\n");
    folder_write_text(&f, "empty.mp4", "");
    folder_write_text(&f, "no.state", "this is no state\n");
    expect_failure(&f, 3, "missing.mp4", "prevue predict missing.mp4 -o out.mp4");
    expect_failure(&f, 3, "text.mp4", "prevue predict text.mp4 -o out.mp4");
    expect_failure(&f, 3, "empty.mp4", "prevue predict empty.mp4 -o out.mp4");
    expect_failure(&f, 3, "'-'", "prevue predict - -o out.mp4 </dev/null");
    expect_failure(&f, 3, "no.state", "prevue predict clip.mkv -o out.mp4 --resume-state no.state");
    expect_failure(&f, 3, "text.mp4", "prevue info text.mp4");
    folder_close(&f);
}

Test(failures, invalid_model_is_4, .timeout = 120)
{
    const struct folder f = with_clip();
    folder_write_text(&f, "text.safetensors", "this is no model\n");
    run_well(&f, "head -c 100000 $PREVUE_MODEL > cut.safetensors");
    expect_failure(&f, 4, "text.safetensors", "prevue predict clip.mkv -o out.mp4 --model text.safetensors");
    expect_failure(&f, 4, "cut.safetensors", "prevue predict clip.mkv -o out.mp4 --model cut.safetensors");
    expect_failure(&f, 4, "missing.safetensors", "prevue predict clip.mkv -o out.mp4 --model missing.safetensors");
    expect_failure(&f, 4, "nosuch.safetensors", "prevue predict clip.mkv -o out.mp4 --model nosuch");
    expect_failure(&f, 4, "nowhere", "PREVUE_MODEL=nowhere prevue predict clip.mkv -o out.mp4");
    expect_failure(&f, 4, "cut.safetensors", "prevue info cut.safetensors");
    folder_close(&f);
}

Test(failures, unwritable_output_is_1, .timeout = 120)
{
    const struct folder f = with_clip();
    folder_write_text(&f, "here.mp4", "precious\n");
    expect_failure(&f, 1, "missing/out", "prevue predict clip.mkv " SHORT " -o missing/out.mp4");
    expect_failure(&f, 1, "here.mp4", "prevue predict clip.mkv " SHORT " -o here.mp4");
    expect_failure(&f, 1, "here.mp4", "prevue world drop --frames 2 -o here.mp4");
    expect_failure(&f, 1, "webm", "prevue predict clip.mkv " SHORT " --preset master -o out.webm");
    expect_failure(&f, 1, "standard output", "prevue predict clip.mkv -q " SHORT " -o - >/dev/full");
    expect_failure(&f, 1, "standard output", "prevue help predict >/dev/full");
    cr_expect_eq(run(&f, "grep -q precious here.mp4").code, 0, "a file was overwritten without -y");
    folder_close(&f);
}

/* Also where -y says that what is there may go: its name, another one, and that of the file while it is written. */
Test(failures, the_clip_itself_is_never_written_over, .timeout = 120)
{
    const struct folder f = with_clip();
    run_well(&f, "ln -s clip.mkv other.mkv; cp clip.mkv b.partial.mkv; cp $PREVUE_MODEL m.safetensors; md5sum clip.mkv "
                 "b.partial.mkv m.safetensors > before");
    run_well(
        &f,
        "mkdir shots; ffmpeg -v error -i clip.mkv -start_number 1001 shots/a.%%04d.png; md5sum shots/* > shots.md5");
    const char *const end = " -y --preset master " SHORT;
    static const struct {
        const char *clip, *output, *word;
    } cases[] = {
        {"clip.mkv", "clip.mkv", "'clip.mkv' is the clip"},
        {"clip.mkv", "other.mkv", "'other.mkv' is the clip"},
        {"b.partial.mkv", "b.mkv", "'b.partial.mkv' is the clip"},
        {"shots/a.%04d.png", "shots/a.####.png", "is the clip"},
        {"shots", "./shots/a.%04d.png", "is the clip"},
        {"clip.mkv", "out.mkv --save-state clip.mkv", "it is the clip"},
        {"clip.mkv", "out.mkv -m ./m.safetensors --save-state m.safetensors", "it is the model"},
        {"clip.mkv", "out.mkv --save-state shots", "directory"},
        {"clip.mkv", "out.mkv --save-state missing/state", "missing/state"},
        {"clip.mkv", "out.mkv --save-state ./out.mkv", "it is the output"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char command[256];
        snprintf(command, sizeof command, "prevue predict %s -o %s%s", cases[i].clip, cases[i].output, end);
        expect_failure(&f, 1, cases[i].word, command);
    }
    run_well(&f, "md5sum --quiet -c before shots.md5");
    cr_expect_not(folder_has(&f, "out.mkv") || folder_has(&f, "b.mkv"));
    run_well(&f, "prevue predict shots -o shots/b.%%04d.png %s && prevue predict clip.mkv -o new.mkv%s", end, end);
    run_well(&f, "md5sum --quiet -c before shots.md5");
    folder_close(&f);
}

/* Said before anything is computed, though these files are written at the very end. */
Test(failures, a_page_a_sheet_or_a_truth_takes_no_other_files_name, .timeout = 120)
{
    const struct folder f = with_clip();
    run_well(
        &f,
        "cp $PREVUE_MODEL m.safetensors; echo precious > here.html; md5sum clip.mkv m.safetensors here.html > before");
    static const struct {
        const char *command, *word;
    } cases[] = {
        {"prevue eval --clips . --html clip.mkv -y", "it is a clip"},
        {"prevue eval --clips clip.mkv --sheet ./clip.mkv -y", "it is a clip"},
        {"prevue eval --clips clip.mkv -m ./m.safetensors --html m.safetensors -y", "it is the model"},
        {"prevue eval --clips clip.mkv --html new.html --sheet ./new.html", "it is the page"},
        {"prevue eval --clips clip.mkv --html here.html", "-y replaces it"},
        {"prevue eval --suite law --html missing/new.html", "missing/new.html"},
        {"prevue world drop -o new.mkv --truth ./new.mkv", "it is the clip"},
        {"prevue world drop -o new.mkv --truth missing/new.json", "missing/new.json"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        expect_failure(&f, 1, cases[i].word, cases[i].command);
    run_well(&f, "md5sum --quiet -c before");
    cr_expect_not(folder_has(&f, "new.html") || folder_has(&f, "new.mkv"));
    folder_close(&f);
}

/* Noise, which does not compress, into a file that may not grow beyond 200 KiB. */
Test(failures, a_full_disk_is_1_and_keeps_the_frames_so_far, .timeout = 120)
{
    const struct folder f = with_clip();
    const struct outcome o =
        run(&f, "ulimit -f 400; exec prevue predict clip.mkv --steps 1 --frames 500 --preset master "
                "--size 256x256 -o out.mkv");
    cr_expect_eq(o.code, 1, "exit %d: %s", o.code, o.error);
    cr_expect_not(folder_has(&f, "out.mkv"));
    cr_expect_not_null(strstr(o.error, "out.partial.mkv"), "the rest is not named: %s", o.error);
    cr_expect_gt(probe(&f, "out.partial.mkv").frames, 0);
    folder_close(&f);
}

#if !defined(__SANITIZE_ADDRESS__) /* its shadow memory does not fit any limit */
/* Frames of 192 MB each, on their way from reader to writer. */
Test(failures, no_memory_is_5, .timeout = 120)
{
    const struct folder f = folder_open();
    run_well(&f, "ffmpeg -v error -f lavfi -i color=size=8000x8000:rate=24 -frames:v 1 -c:v libx264 -preset ultrafast "
                 "-pix_fmt yuv420p large.mp4");
    expect_failure(&f, 5, "no memory", "ulimit -v 900000; exec prevue predict large.mp4 -q -o out.mp4 --join " SHORT);
    folder_close(&f);
}
#endif

/* The index stands in front, so that the cut costs pictures, not the whole clip. */
Test(failures, no_device_is_5_and_auto_does_without, .timeout = 120)
{
    const struct folder f = with_clip();
    expect_failure(&f, 5, "the CUDA backend is not installed: there is no ./libprevue-cuda.so",
                   "PREVUE_MODULE_PATH=. prevue predict clip.mkv -o out.mp4 --backend cuda");
    expect_failure(&f, 5, "not installed", "PREVUE_MODULE_PATH=. prevue preview clip.mkv -o out --backend cuda-f32");
    const struct outcome o =
        run_well(&f, "PREVUE_MODULE_PATH=. prevue predict clip.mkv -o out.mp4 --frames 1 --verbose");
    cr_expect_not_null(strstr(o.error, "the model runs on the CPU: the CUDA backend is not installed"), "%s", o.error);
    folder_close(&f);
}

Test(failures, a_truncated_clip_is_6_and_finished, .timeout = 120)
{
    const struct folder f = folder_open();
    run_well(&f, "ffmpeg -v error -f lavfi -i testsrc2=size=96x64:rate=24 -frames:v 60 -c:v libx264 -preset ultrafast "
                 "-pix_fmt yuv420p -movflags +faststart whole.mp4 && "
                 "head -c $(($(wc -c < whole.mp4) * 6 / 10)) whole.mp4 > cut.mp4");
    const struct outcome o = run(&f, "prevue predict cut.mp4 -o out.mp4 --join --frames 4 --steps 1");
    cr_expect_eq(o.code, 6, "exit %d: %s", o.code, o.error);
    cr_expect_not_null(strstr(o.error, "cut off"), "%s", o.error);
    const int frames = probe(&f, "out.mp4").frames;
    cr_expect(frames > 4 && frames < 60, "%d frames", frames);
    folder_close(&f);
}

/* Eight bytes overwritten among the last twelve frames. */
Test(failures, a_damaged_clip_is_6_and_its_damage_is_not_conditioned_on, .timeout = 120)
{
    const struct folder f = folder_open();
    run_well(&f,
             "ffmpeg -v error -f lavfi -i testsrc2=size=192x128:rate=24 -frames:v 60 -c:v libx264 -preset ultrafast "
             "-g 250 -pix_fmt yuv420p clip.mkv && cp clip.mkv bad.mkv && "
             "head -c 8 /dev/zero | tr '\\0' '\\252' | "
             "dd of=bad.mkv bs=1 seek=$(($(wc -c < clip.mkv) * 17 / 20)) conv=notrunc 2>/dev/null");
    struct outcome o = run(&f, "prevue predict bad.mkv -o out.mp4 --frames 4 --steps 1 --json --context 12");
    cr_expect_eq(o.code, 6, "exit %d: %s", o.code, o.error);
    cr_expect_eq(probe(&f, "out.mp4").frames, 4);
    cr_expect_null(strstr(o.out, "\"corrupt_skipped\": 0"), "%s", o.out);
    o = run(&f, "prevue predict bad.mkv -o out.mp4 -y --frames 4 --steps 1 --json --context 12 --allow-corrupt");
    cr_expect_eq(o.code, 6, "exit %d: %s", o.code, o.error);
    cr_expect_not_null(strstr(o.out, "\"corrupt_skipped\": 0"), "%s", o.out);
    folder_close(&f);
}
