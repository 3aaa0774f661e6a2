/* test_preview_stops.c: a preview that is killed, resumed, interrupted; and its memory. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "cli/program.h"

TestSuite(preview_stops, .timeout = 120);

static struct folder with_clip(void)
{
    const struct folder f = folder_open();
    run_well(&f, "prevue world drop -q -o clip.mkv --preset master --size 96x64 --frames 20");
    return f;
}

/* Waits until a number in a JSON file of the work folder is at least that. */
static void wait_for_progress(const struct folder *f, int64_t steps)
{
    const struct timespec moment = {.tv_nsec = 2 * 1000 * 1000};
    for (int i = 0; i < 10000; i++) {
        json_t *progress = json_load_file(folder_path(f, "out/.clip_v001.partial/progress.json"), 0, NULL);
        const json_int_t now = json_integer_value(json_object_get(progress, "steps"));
        json_decref(progress);
        if (now >= steps)
            return;
        nanosleep(&moment, NULL);
    }
    cr_assert_fail("the progress never reaches %lld", (long long)steps);
}

/* One thread: tests run under a limit of one, and what a limit below --threads does depends on what ran before. */
#define LONG "--takes 2 --frames 160 --steps 8 --context 4 --burn-in off --threads 1"

Test(preview_stops, resumed_after_a_kill_it_is_the_same_to_the_bit)
{
    const struct folder f = with_clip();
    run_well(&f, "prevue preview clip.mkv -o whole " LONG);
    const pid_t pid = run_start(&f, "exec prevue preview clip.mkv -o out " LONG);
    wait_for_progress(&f, 8);
    kill(pid, SIGKILL);
    const struct outcome killed = run_wait(&f, pid);
    cr_assert_eq(killed.code, 128 + SIGKILL, "it was faster than the kill: exit %d", killed.code);
    cr_expect_not(folder_has(&f, "out/takes.json"));

    const struct outcome other = run(&f, "prevue preview clip.mkv -o out --resume --seed 3 " LONG);
    cr_expect_eq(other.code, 2, "exit %d", other.code);
    cr_expect_not_null(strstr(other.error, "first_seed"), "%s", other.error);

    const struct outcome resumed = run_well(&f, "prevue preview clip.mkv -o out --resume " LONG);
    cr_expect_not_null(strstr(resumed.error, "going on with version 1 after"), "%s", resumed.error);
    cr_expect_null(strstr(resumed.error, "after 0 of"), "it began anew: %s", resumed.error);
    const struct outcome same = run(&f, "diff -r whole out");
    cr_expect_eq(same.code, 0, "%s", same.out);
    const struct outcome again = run_well(&f, "prevue preview clip.mkv -o out --resume " LONG);
    cr_expect_not_null(strstr(again.error, "nothing to resume"), "%s", again.error);
    folder_close(&f);
}

/* Killed when the first files are finished: those are not made again. */
Test(preview_stops, finished_files_stay_as_they_are)
{
    const struct folder f = with_clip();
    struct stat before, after;
    const pid_t pid = run_start(&f, "exec prevue preview clip.mkv -o out " LONG);
    wait_for_bytes(&f, "out/.clip_v001.partial/done.json", 4);
    kill(pid, SIGKILL);
    cr_assert_eq(run_wait(&f, pid).code, 128 + SIGKILL);
    json_t *done = json_load_file(folder_path(&f, "out/.clip_v001.partial/done.json"), 0, NULL);
    cr_assert_geq(json_array_size(done), 1);
    char name[128];
    snprintf(name, sizeof name, "out/%s", json_string_value(json_array_get(done, 0)));
    json_decref(done);
    cr_assert_eq(stat(folder_path(&f, name), &before), 0);
    run_well(&f, "prevue preview clip.mkv -o out --resume " LONG);
    cr_assert_eq(stat(folder_path(&f, name), &after), 0);
    cr_expect_eq(before.st_ino, after.st_ino, "%s was made again", name);
    cr_expect(folder_has(&f, "out/takes.json") && !folder_has(&f, "out/.clip_v001.partial"));
    folder_close(&f);
}

Test(preview_stops, ctrl_c_finishes_all_files_alike)
{
    const struct folder f = with_clip();
    const pid_t pid =
        run_start(&f, "exec prevue preview clip.mkv -o out --takes 2 --frames 100000 --steps 1 --context 4");
    wait_for_progress(&f, 8);
    kill(pid, SIGINT);
    const struct outcome o = run_wait(&f, pid);
    cr_expect_eq(o.code, 130, "exit %d: %s", o.code, o.error);
    cr_expect_not_null(strstr(o.error, "interrupted: 2 takes"), "%s", o.error);
    const int frames = probe(&f, "out/clip_new_v001_s0.mp4").frames;
    cr_expect(frames >= 16 && frames < 100000, "%d frames", frames);
    cr_expect_eq(probe(&f, "out/clip_new_v001_s1.mp4").frames, frames);
    cr_expect_eq(probe(&f, "out/clip_joined_v001_s1.mp4").frames, frames + 12);
    cr_expect_eq(probe(&f, "out/clip_grid_v001.mp4").frames, frames);
    cr_expect_not(folder_has(&f, "out/.clip_v001.partial"));
    json_t *root = json_load_file(folder_path(&f, "out/takes.json"), 0, NULL);
    const json_t *entry = json_array_get(json_object_get(root, "versions"), 0);
    cr_expect(json_is_false(json_object_get(entry, "complete")));
    cr_expect_eq(json_integer_value(json_object_get(entry, "predicted_frames")), frames - 8);
    json_decref(root);
    folder_close(&f);
}

#if !defined(__SANITIZE_ADDRESS__)
static long peak_of(const struct folder *f, int frames)
{
    return run_well(f, "exec prevue preview clip.mkv -o out --takes 2 --frames %d --steps 1 --burn-in off", frames)
        .peak_kib;
}

Test(preview_stops, memory_does_not_grow_with_the_prediction)
{
    const struct folder f = with_clip();
    const long few = peak_of(&f, 40), many = peak_of(&f, 300);
    cr_expect(many < few + few / 10, "40 frames take %ld KiB, 300 take %ld", few, many);
    folder_close(&f);
}
#endif
