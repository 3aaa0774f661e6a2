/* test_running.c: while it runs: signals, pipes, terminals, memory. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cli/program.h"

static struct folder with_clip(void)
{
    const struct folder f = folder_open();
    run_well(&f, "prevue world drop -q -o clip.mkv --preset master --size 96x64 --frames 20");
    return f;
}

static void pause_ms(long ms)
{
    const struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    nanosleep(&t, NULL);
}

/* A named pipe that this process holds open at both ends, so that nobody sees its end, and nobody reads it. */
static int hold_pipe(const struct folder *f, const char *name)
{
    cr_assert_eq(mkfifo(folder_path(f, name), 0600), 0);
    const int fd = open(folder_path(f, name), O_RDWR | O_NONBLOCK);
    cr_assert(fd >= 0);
    return fd;
}

static void expect_finished(const struct folder *f, int number, const char *options)
{
    const pid_t pid = run_start(f, "exec prevue predict clip.mkv -o out.mp4 --steps 1 --frames 1000000 %s", options);
    wait_for_bytes(f, "out.partial.mp4", 20000);
    kill(pid, number);
    const struct outcome o = run_wait(f, pid);
    cr_expect_eq(o.code, 130, "exit %d: %s", o.code, o.error);
    cr_expect_not_null(strstr(o.error, "interrupted: "), "%s", o.error);
    cr_expect_not(folder_has(f, "out.partial.mp4"));
    const struct probe p = probe(f, "out.mp4");
    cr_expect(p.frames > 10, "%d frames", p.frames);
}

Test(running, ctrl_c_finishes_the_file, .timeout = 240)
{
    const struct folder f = with_clip();
    expect_finished(&f, SIGINT, "");
    folder_close(&f);
}

Test(running, sigterm_finishes_the_joined_file, .timeout = 240)
{
    const struct folder f = with_clip();
    expect_finished(&f, SIGTERM, "--join");
    folder_close(&f);
}

/* Large frames, so that the encoder still has work when the second signal comes. */
Test(running, the_second_ctrl_c_leaves_and_names_what_is_there, .timeout = 240)
{
    const struct folder f = with_clip();
    const pid_t pid = run_start(
        &f, "exec prevue predict clip.mkv -o out.mkv --steps 1 --frames 1000000 --preset master --size 3072x3072");
    wait_for_bytes(&f, "out.partial.mkv", 1000000);
    kill(pid, SIGINT);
    pause_ms(20);
    kill(pid, SIGINT);
    const struct outcome o = run_wait(&f, pid);
    cr_expect_eq(o.code, 130, "exit %d: %s", o.code, o.error);
    cr_expect_not_null(strstr(o.error, "out.partial.mkv"), "%s", o.error);
    cr_expect(folder_has(&f, "out.partial.mkv") && !folder_has(&f, "out.mkv"));
    folder_close(&f);
}

Test(running, a_reader_that_waits_for_ever_hears_sigterm, .timeout = 240)
{
    const struct folder f = with_clip();
    const int fd = hold_pipe(&f, "in");
    const pid_t pid = run_start(&f, "exec prevue predict - -o out.mp4 < in");
    pause_ms(1500);
    kill(pid, SIGTERM);
    const struct outcome o = run_wait(&f, pid);
    cr_expect_eq(o.code, 130, "exit %d: %s", o.code, o.error);
    cr_expect_not(folder_has(&f, "out.mp4") || folder_has(&f, "out.partial.mp4"));
    close(fd);
    folder_close(&f);
}

Test(running, a_pipe_in_mid_clip_hears_sigterm_and_the_joined_file_is_finished, .timeout = 240)
{
    const struct folder f = with_clip();
    const int fd = hold_pipe(&f, "in");
    const pid_t pid = run_start(&f, "exec prevue predict - -o out.nut --preset master --join < in");
    run_well(&f,
             "ffmpeg -v error -y -stream_loop 9 -i clip.mkv -pix_fmt yuv420p -f yuv4mpegpipe in"); /* ends, but the pipe
                                                                                                      does not */
    wait_for_bytes(&f, "out.partial.nut", 3000);
    kill(pid, SIGTERM);
    const struct outcome o = run_wait(&f, pid);
    cr_expect_eq(o.code, 130, "exit %d: %s", o.code, o.error);
    cr_expect_gt(probe(&f, "out.nut").frames, 0);
    close(fd);
    folder_close(&f);
}

/* The clip goes on for ever, the output cannot be made: nobody waits for the next frame of the clip. */
Test(running, a_writer_that_fails_stops_a_reader_that_waits, .timeout = 240)
{
    const struct folder f = with_clip();
    const int fd = hold_pipe(&f, "in");
    const pid_t pid = run_start(&f, "exec prevue predict - -o missing/out.mkv < in");
    run(&f, "timeout 20 ffmpeg -v error -y -stream_loop 5 -i clip.mkv -pix_fmt yuv420p -f yuv4mpegpipe in");
    const struct outcome o = run_wait(&f, pid);
    cr_expect_eq(o.code, 1, "exit %d: %s", o.code, o.error);
    close(fd);
    folder_close(&f);
}

Test(running, a_pipe_nobody_reads_is_left_by_the_second_signal, .timeout = 240)
{
    const struct folder f = with_clip();
    const int fd = hold_pipe(&f, "out");
    const pid_t pid = run_start(&f, "exec prevue predict clip.mkv -o - --steps 1 --frames 1000000 > out");
    pause_ms(1500);
    kill(pid, SIGTERM);
    pause_ms(500);
    cr_expect_eq(kill(pid, 0), 0, "the first signal waits for the frames under way");
    kill(pid, SIGTERM);
    const struct outcome o = run_wait(&f, pid);
    cr_expect_eq(o.code, 130, "exit %d: %s", o.code, o.error);
    close(fd);
    folder_close(&f);
}

Test(running, what_sigkill_leaves_can_be_played, .timeout = 240)
{
    const struct folder f = with_clip();
    const pid_t pid = run_start(&f, "exec prevue predict clip.mkv -o out.mp4 --steps 1 --frames 1000000");
    wait_for_bytes(&f, "out.partial.mp4", 20000);
    kill(pid, SIGKILL);
    const struct outcome o = run_wait(&f, pid);
    cr_expect_eq(o.code, 128 + SIGKILL);
    cr_expect_not(folder_has(&f, "out.mp4"));
    const struct probe p = probe(&f, "out.partial.mp4");
    cr_expect(p.frames > 5 && p.width == 96, "%d frames", p.frames);
    folder_close(&f);
}

Test(running, standard_output_is_a_clip, .timeout = 240)
{
    const struct folder f = with_clip();
    run_well(&f, "prevue predict clip.mkv -o - --steps 1 --frames 7 > out.y4m");
    run_well(&f, "prevue predict clip.mkv -o - --format nut --preset master --steps 1 --frames 7 > out.nut");
    struct probe p = probe(&f, "out.y4m");
    cr_expect(p.frames == 7 && strcmp(p.rate, "24/1") == 0 && p.width == 96, "%d frames, %s", p.frames, p.rate);
    p = probe(&f, "out.nut");
    cr_expect(p.frames == 7 && strcmp(p.codec, "ffv1") == 0, "%d frames, %s", p.frames, p.codec);
    folder_close(&f);
}

Test(running, a_pipe_that_closes_is_a_clean_stop, .timeout = 240)
{
    const struct folder f = with_clip();
    const struct outcome o =
        run(&f, "{ prevue predict clip.mkv -o - --steps 1 --frames 1000000; echo $? > code.txt; } | "
                "head -c 1000 > head.y4m");
    cr_expect_str_empty(o.error);
    cr_expect_eq(run(&f, "grep -qx 0 code.txt").code, 0, "the exit code is not 0");
    run_well(&f, "{ prevue world drop -o - --frames 100000; echo $? > code.txt; } | head -c 1000 > head.y4m");
    cr_expect_eq(run(&f, "grep -qx 0 code.txt").code, 0, "the exit code of world is not 0");
    folder_close(&f);
}

/* script(1) runs a command on a terminal of its own and copies what it shows. */
Test(running, progress_and_colour_are_for_terminals, .timeout = 240)
{
    const struct folder f = with_clip();
    const char *command = "%s TERM=xterm script -qec 'prevue predict clip.mkv -y -o out.mp4 --steps 4 --frames 60 %s' "
                          "/dev/null; rm -f typescript";
    const char *shown = run_well(&f, command, "", "").out;
    cr_expect_not_null(strstr(shown, "of 60 frames"), "no progress: %s", shown);
    cr_expect_not_null(strstr(shown, "fps"), "no rate: %s", shown);
    shown = run_well(&f, command, "", "--quiet").out;
    cr_expect_str_empty(shown, "not quiet: %s", shown);
    const char *wrong = "script -qec 'prevue predct' /dev/null";
    cr_expect_not_null(strstr(run(&f, "TERM=xterm %s", wrong).out, "\033[1;31m"), "an error is red");
    cr_expect_null(strstr(run(&f, "TERM=xterm NO_COLOR=1 %s", wrong).out, "\033["), "NO_COLOR");
    cr_expect_null(strstr(run(&f, "TERM=dumb %s", wrong).out, "\033["), "a dumb terminal");
    cr_expect_null(strpbrk(run(&f, "prevue predict clip.mkv -o out.mp4 -y --steps 1 --frames 20").error, "\033\r"),
                   "no terminal");
    folder_close(&f);
}

/* A name is shown, but cannot drive the terminal. */
Test(running, names_cannot_send_escapes, .timeout = 240)
{
    const struct folder f = folder_open();
    const char *error = run(&f, "prevue predict \"$(printf 'a\\033]0;owned\\007b')\" -o out.mp4").error;
    cr_expect_null(strpbrk(error, "\033\007"), "%s", error);
    cr_expect_not_null(strstr(error, "\\x1b]0;owned\\x07b"), "%s", error);
    folder_close(&f);
}

#if !defined(__SANITIZE_ADDRESS__) /* freed memory is kept aside there */
static long peak_of(const struct folder *f, int frames)
{
    const struct outcome o = run_wait(f, run_start(f,
                                                   "exec prevue predict clip.mkv -o out.mkv -y --mode mean --join "
                                                   "--preset master --threads 1 --frames %d",
                                                   frames));
    cr_assert_eq(o.code, 0, "%s", o.error);
    return o.peak_kib;
}

Test(running, memory_does_not_grow_with_the_rollout, .timeout = 240)
{
    const struct folder f = with_clip();
    const long few = peak_of(&f, 100), many = peak_of(&f, 2000);
    cr_expect(many < few + few / 20, "100 frames take %ld KiB, 2000 take %ld", few, many);
    folder_close(&f);
}
Test(running, memory_does_not_grow_with_the_clip, .timeout = 240)
{
    const struct folder f = folder_open();
    run_well(&f, "prevue world drop -q -o clip.mkv --size 256x256 --frames 60");
    const long few = peak_of(&f, 1);
    run_well(&f, "prevue world drop -q -y -o clip.mkv --size 256x256 --frames 1000");
    const long many = peak_of(&f, 1);
    cr_expect(many < few + few / 10, "a clip of 60 frames takes %ld KiB, one of 1000 %ld", few, many);
    folder_close(&f);
}
#endif
