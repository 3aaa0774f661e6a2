/* first_frame.c: from the start of a process to its first predicted frame. Each sample is a process of its own: it
 * loads libraries, opens the model, reads the clip and predicts one frame, as `prevue predict` does. */
#include <errno.h>
#include <inttypes.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/clip_file.h"
#include "bench/row.h"
#include "pipeline.h"
#include "timing.h"

enum { ARGUMENTS = 24, PATH_BYTES = 4096 };

/* The command line of one sample; numbers lie in texts. */
struct command_line {
    char *arguments[ARGUMENTS];
    int count;
    char texts[8][32];
};

static void add(struct command_line *line, const char *name, const char *value)
{
    line->arguments[line->count++] = (char *)(uintptr_t)name; /* execv's char *const, which it does not write */
    line->arguments[line->count++] = (char *)(uintptr_t)value;
}

static void add_number(struct command_line *line, const char *name, int slot, int value)
{
    snprintf(line->texts[slot], sizeof line->texts[slot], "%d", value);
    add(line, name, line->texts[slot]);
}

static void make_line(const struct pv_bench *b, const struct pv_bench_case *c, const char *clip,
                      struct command_line *line)
{
    *line = (struct command_line){.count = 0};
    add(line, "prevue", "bench");
    add(line, "--test", "first-frame");
    add(line, c->arch ? "--arch" : "--model", c->arch ? c->arch : b->model.path);
    add(line, "--backend", c->backend);
    add(line, "--clip", clip);
    add(line, "--preset", "none");
    snprintf(line->texts[0], sizeof line->texts[0], "%dx%d", c->width, c->height);
    add(line, "--size", line->texts[0]);
    add_number(line, "--context", 1, c->context);
    add_number(line, "--steps", 2, c->steps);
    if (c->threads)
        add_number(line, "--threads", 3, c->threads);
}

/* All of the child's standard output that fits, NUL-terminated. */
static void read_all(int fd, char *text, size_t room)
{
    size_t used = 0;
    ssize_t got;
    while (used + 1 < room && (got = read(fd, text + used, room - used - 1)) != 0) {
        if (got > 0)
            used += (size_t)got;
        else if (errno != EINTR)
            break;
    }
    text[used] = '\0';
}

extern char **environ;

static pv_status run_child(const struct command_line *line, double *ms, struct pv_error *err)
{
    char started[32], program[PATH_BYTES], text[512];
    int ends[2];
    pid_t pid;
    posix_spawn_file_actions_t actions;
    const ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    if (length <= 0 || pipe(ends) != 0)
        return pv_fail(err, PV_ERR_IO, "cannot start a process to measure the first frame: %s", strerror(errno));
    program[length] = '\0';
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    posix_spawn_file_actions_addclose(&actions, ends[0]);
    snprintf(started, sizeof started, "%" PRIu64, pv_now_ns());
    setenv(PV_BENCH_STARTED, started, 1);
    const int failed = posix_spawn(&pid, program, &actions, NULL, line->arguments, environ);
    unsetenv(PV_BENCH_STARTED);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    if (failed) {
        close(ends[0]);
        return pv_fail(err, PV_ERR_IO, "cannot start a process to measure the first frame: %s", strerror(failed));
    }
    read_all(ends[0], text, sizeof text);
    close(ends[0]);
    int status;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    char *end;
    *ms = strtod(text, &end);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0 || end == text)
        return pv_fail(err, PV_ERR_INTERNAL, "the process that measures the first frame failed: %s", text);
    return PV_OK;
}

static pv_status take_samples(const struct pv_bench *b, const struct command_line *line,
                              struct pv_bench_samples *samples, struct pv_error *err)
{
    double warm;
    PV_TRY(run_child(line, &warm, err)); /* files come into the page cache */
    for (int i = 0; i < samples->repetitions; i++) {
        pv_terminal_progress(b->terminal, "first frame: measured", i, samples->repetitions, 0);
        PV_TRY(run_child(line, &samples->frame_ms[i], err));
    }
    return PV_OK;
}

pv_status pv_bench_run_first_frame(struct pv_bench *b, const struct pv_bench_case *c, struct pv_error *err)
{
    const char *clip;
    struct command_line line;
    struct pv_bench_samples samples;
    PV_TRY(pv_bench_open_model(b, c, false, err));
    PV_TRY(pv_bench_clip(b, c, &clip, err));
    const struct pv_bench_case full = pv_bench_resolve(b, c);
    make_line(b, &full, clip, &line);
    PV_TRY(pv_bench_samples_open(&samples, (int)b->v->repetitions, 1, err));
    const pv_status status = take_samples(b, &line, &samples, err);
    if (status == PV_OK) {
        json_t *row = pv_bench_row(b, c, PV_BENCH_FIRST_FRAME);
        json_object_set_new(row, "takes", json_null());
        pv_bench_set_times(row, &samples, 1);
        json_object_set_new(row, "frames_per_s", json_null());
        json_object_set_new(row, "realtime_x", json_null());
        json_object_set(row, "first_frame_ms", json_object_get(row, "ms_median"));
        json_array_append_new(b->rows, row);
    }
    pv_bench_samples_close(&samples);
    return status;
}

/* ---- the process that is measured ---- */

int pv_bench_first_frame_child(struct pv_bench *b, const struct pv_bench_case *c)
{
    struct pv_error err = {{0}};
    uint64_t first_ns = 0;
    const uint64_t started_ns = strtoull(getenv(PV_BENCH_STARTED), NULL, 10);
    pv_status status = pv_bench_open_model(b, c, false, &err);
    if (status == PV_OK) {
        const struct pv_bench_case full = pv_bench_resolve(b, c);
        status = pv_bench_predict_one(b, &full, &first_ns, &err);
    }
    if (status == PV_OK)
        printf("%.6f\n", (double)(first_ns - started_ns) * 1e-6);
    else
        printf("%s\n", err.text);
    return status == PV_OK ? PV_EXIT_DONE : PV_EXIT_FAILED;
}
