/* What is left when a run is killed, the disk is full, the folder cannot be written, the reader of a pipe goes away. */
#include <criterion/criterion.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clip/clip_fixture.h"

TestSuite(survival, .init = enter_folder, .fini = leave_folder, .timeout = 120);

enum { WIDE = 128, TALL = 96 };

/* Sends 120 frames; returns the first status that is not PV_OK. */
static pv_status send_many(pv_clip_writer *writer, int count)
{
    pv_frame frame = new_frame(WIDE, TALL);
    pv_status status = PV_OK;
    for (int i = 0; i < count && status == PV_OK; i++) {
        paint(&frame, i);
        status = pv_clip_writer_send(writer, &frame);
    }
    free(frame.data);
    return status;
}

static void write_and_die(const char *path)
{
    const pid_t child = fork();
    cr_assert_geq(child, 0);
    if (child == 0) {
        const pv_clip_writer_params params = writer_params(WIDE, TALL, PV_CLIP_PRESET_REVIEW);
        pv_clip_writer *writer;
        if (pv_clip_writer_open(path, &params, &writer) == PV_OK && send_many(writer, 120) == PV_OK)
            raise(SIGKILL);
        _exit(1);
    }
    int how = 0;
    cr_assert_eq(waitpid(child, &how, 0), child);
    cr_assert(WIFSIGNALED(how) && WTERMSIG(how) == SIGKILL, "the child must have got as far as its death");
}

Test(survival, a_killed_run_leaves_most_frames)
{
    const struct {
        const char *path, *partial;
    } files[] = {
        {"a.mp4", "a.partial.mp4"}, {"a.mov", "a.partial.mov"}, {"a.mkv", "a.partial.mkv"}, {"a.nut", "a.partial.nut"}};
    for (int i = 0; i < 4; i++) {
        write_and_die(files[i].path);
        cr_expect_not(exists(files[i].path), "nothing stands under the final name");
        struct reading r = read_clip(files[i].partial, NULL);
        cr_assert_eq(r.ended, PV_END, "%s: %s", files[i].partial, r.message);
        printf("%s: %d of 120 frames survive\n", files[i].partial, r.count);
        cr_expect_geq(r.count, 80, "%s: %d frames of 120", files[i].partial, r.count);
        cr_expect_eq(r.info.fps_num, 24);
        free_reading(&r);
    }
    write_and_die("a.%04d.png");
    struct reading r = read_clip("a.%04d.png", NULL);
    cr_expect_geq(r.count, 100, "%d pictures of 120", r.count);
    cr_expect_eq(r.summary.corrupt + r.summary.bad_packets, 0, "every picture that stands is whole");
    free_reading(&r);
}

Test(survival, close_without_finish_removes_or_keeps)
{
    pv_clip_writer_params params = writer_params(WIDE, TALL, PV_CLIP_PRESET_REVIEW);
    pv_clip_writer *writer;
    cr_assert_eq(pv_clip_writer_open("a.mp4", &params, &writer), PV_OK);
    cr_assert_eq(send_many(writer, 40), PV_OK);
    pv_clip_writer_summary summary = {.struct_size = sizeof summary};
    cr_assert_eq(pv_clip_writer_get_summary(writer, &summary), PV_OK);
    cr_expect_str_eq(summary.partial_path, "a.partial.mp4");
    cr_expect_str_empty(summary.path);
    cr_expect(exists("a.partial.mp4"));
    pv_clip_writer_close(writer);
    cr_expect_not(exists("a.partial.mp4") || exists("a.mp4"));

    params.keep_partial = 1;
    cr_assert_eq(pv_clip_writer_open("a.mp4", &params, &writer), PV_OK);
    cr_assert_eq(send_many(writer, 40), PV_OK);
    pv_clip_writer_close(writer);
    cr_expect_not(exists("a.mp4"));
    struct reading r = read_clip("a.partial.mp4", NULL);
    cr_expect_eq(r.count, 40, "what is kept is complete: %d", r.count);
    free_reading(&r);
}

/* Files may not grow beyond this: what a full disk looks like to one process. */
static void limit_files(rlim_t bytes)
{
    signal(SIGXFSZ, SIG_IGN);
    cr_assert_eq(setrlimit(RLIMIT_FSIZE, &(struct rlimit){bytes, bytes}), 0);
}

Test(survival, a_full_disk_is_a_sentence_and_leaves_nothing_under_the_name)
{
    const char *const paths[] = {"a.mkv", "a.mp4", "a.nut"};
    limit_files(6000);
    for (int i = 0; i < 3; i++) {
        const pv_clip_writer_params params = writer_params(WIDE, TALL, PV_CLIP_PRESET_REVIEW);
        pv_clip_writer *writer;
        cr_assert_eq(pv_clip_writer_open(paths[i], &params, &writer), PV_OK, "%s", pv_clip_writer_message(writer));
        pv_status status = send_many(writer, 240);
        if (status == PV_OK)
            status = pv_clip_writer_finish(writer);
        cr_expect_eq(status, PV_ERR_IO, "%s: %d", paths[i], status);
        cr_expect(strstr(pv_clip_writer_message(writer), "room"), "%s", pv_clip_writer_message(writer));
        cr_expect_eq(pv_clip_writer_finish(writer), PV_ERR_IO, "the failure stays");
        pv_clip_writer_close(writer);
        cr_expect_not(exists(paths[i]));
    }
    const pv_clip_writer_params params = writer_params(WIDE, TALL, PV_CLIP_PRESET_MASTER);
    pv_clip_writer *writer;
    cr_assert_eq(pv_clip_writer_open("b.%04d.png", &params, &writer), PV_OK);
    const pv_status status = send_many(writer, 20);
    cr_expect_eq(status == PV_OK ? pv_clip_writer_finish(writer) : status, PV_ERR_IO);
    pv_clip_writer_close(writer);
    cr_expect_not(exists("b.1001.png") || exists("b.1001.partial.png"));
}

Test(survival, a_disk_that_fills_while_completing_keeps_the_frames)
{
    const pv_clip_writer_params params = writer_params(WIDE, TALL, PV_CLIP_PRESET_REVIEW);
    pv_clip_writer *writer;
    cr_assert_eq(pv_clip_writer_open("a.mp4", &params, &writer), PV_OK);
    cr_assert_eq(send_many(writer, 48), PV_OK);
    run("mkdir a.partial.faststart.mp4"); /* the second file cannot be made */
    cr_expect_eq(pv_clip_writer_finish(writer), PV_ERR_IO);
    pv_clip_writer_close(writer);
    struct reading r = read_clip("a.partial.mp4", NULL);
    cr_expect_eq(r.count, 48, "%d", r.count);
    free_reading(&r);
}

Test(survival, a_folder_that_cannot_be_written_is_told_at_once)
{
    run("touch file");
    const char *const paths[] = {"file/a.mp4", "missing/a.mkv", "/proc/a.mp4", "file/shot.%04d.png"};
    for (int i = 0; i < 4; i++) {
        const pv_clip_writer_params params = writer_params(WIDE, TALL, PV_CLIP_PRESET_REVIEW);
        pv_clip_writer *writer;
        cr_expect_eq(pv_clip_writer_open(paths[i], &params, &writer), PV_ERR_IO, "%s", paths[i]);
        cr_expect(strstr(pv_clip_writer_message(writer), i == 3 ? "file" : "a.partial"), "%s",
                  pv_clip_writer_message(writer));
        cr_expect_eq(pv_clip_writer_finish(writer), PV_ERR_IO);
        pv_clip_writer_close(writer);
    }
}

static int redirect_stdout(int fd)
{
    fflush(stdout);
    const int before = dup(STDOUT_FILENO);
    cr_assert_eq(dup2(fd, STDOUT_FILENO), STDOUT_FILENO);
    return before;
}

Test(survival, standard_output_carries_y4m_and_nut)
{
    const char *const names[] = {"out.y4m", "out.nut"};
    for (int i = 0; i < 2; i++) {
        const int file = open(names[i], O_WRONLY | O_CREAT | O_TRUNC, 0666);
        const int before = redirect_stdout(file);
        pv_clip_writer_params params = writer_params(WIDE, TALL, i ? PV_CLIP_PRESET_MASTER : PV_CLIP_PRESET_REVIEW);
        params.pipe = i ? PV_CLIP_PIPE_NUT : PV_CLIP_PIPE_Y4M;
        pv_clip_writer *writer;
        pv_status status = pv_clip_writer_open("-", &params, &writer);
        if (status == PV_OK)
            status = send_many(writer, 10);
        if (status == PV_OK)
            status = pv_clip_writer_finish(writer);
        pv_clip_writer_close(writer);
        dup2(before, STDOUT_FILENO);
        cr_assert_eq(status, PV_OK);
        struct reading r = read_clip(names[i], NULL);
        cr_expect_eq(r.count, 10, "%s: %d %s", names[i], r.count, r.message);
        cr_expect_str_eq(r.codec, i ? "ffv1" : "rawvideo");
        free_reading(&r);
    }
}

Test(survival, a_reader_that_goes_away_is_a_clean_stop)
{
    int ends[2];
    cr_assert_eq(pipe(ends), 0);
    signal(SIGPIPE, SIG_DFL); /* would kill this test, did it arrive */
    const int before = redirect_stdout(ends[1]);
    close(ends[1]);
    close(ends[0]);
    const pv_clip_writer_params params = writer_params(WIDE, TALL, PV_CLIP_PRESET_REVIEW);
    pv_clip_writer *writer;
    pv_status status = pv_clip_writer_open("-", &params, &writer);
    if (status == PV_OK)
        status = send_many(writer, 60);
    char message[256];
    snprintf(message, sizeof message, "%s", pv_clip_writer_message(writer));
    pv_clip_writer_close(writer);
    sigset_t pending;
    sigpending(&pending);
    dup2(before, STDOUT_FILENO);
    cr_expect_eq(status, PV_END, "%d %s", status, message);
    cr_expect_not(sigismember(&pending, SIGPIPE));
}

Test(survival, a_full_device_on_standard_output_is_an_error)
{
    const int full = open("/dev/full", O_WRONLY);
    cr_assert_geq(full, 0);
    const int before = redirect_stdout(full);
    const pv_clip_writer_params params = writer_params(WIDE, TALL, PV_CLIP_PRESET_REVIEW);
    pv_clip_writer *writer;
    pv_status status = pv_clip_writer_open("-", &params, &writer);
    if (status == PV_OK)
        status = send_many(writer, 60);
    char message[256];
    snprintf(message, sizeof message, "%s", pv_clip_writer_message(writer));
    pv_clip_writer_close(writer);
    dup2(before, STDOUT_FILENO);
    cr_expect_eq(status, PV_ERR_IO, "%d", status);
    cr_expect(strstr(message, "No space left"), "%s", message);
}
