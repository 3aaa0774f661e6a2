/* program.c: see program.h. wait4 is the one call beyond POSIX: it alone tells a child's own peak memory. */
#define _DEFAULT_SOURCE
#include "cli/program.h"

#include <criterion/criterion.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* What programs wrote lives until the test ends: this list keeps it within reach, so that it is no leak. */
static char *kept[4096];
static size_t kept_count;

static const char *read_all(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    cr_assert_not_null(file, "cannot read %s", path);
    size_t room = 1 << 12, used = 0, got;
    char *text = malloc(room);
    cr_assert_not_null(text);
    while ((got = fread(text + used, 1, room - used - 1, file)) > 0) {
        used += got;
        if (used + 1 == room) {
            room *= 2;
            text = realloc(text, room);
            cr_assert_not_null(text);
        }
    }
    text[used] = '\0';
    fclose(file);
    cr_assert_lt(kept_count, sizeof kept / sizeof kept[0]);
    kept[kept_count++] = text;
    if (size)
        *size = used;
    return text;
}

static void point_at(int fd, const char *path, int flags)
{
    const int file = open(path, flags, 0600);
    if (file < 0 || dup2(file, fd) < 0)
        _exit(127);
    close(file);
}

static pid_t start(const struct folder *folder, const char *command, va_list args)
{
    char line[4096], path[4096];
    const char *before = getenv("PATH");
    const int length = vsnprintf(line, sizeof line, command, args);
    cr_assert(length > 0 && (size_t)length < sizeof line, "the command is too long");
    snprintf(path, sizeof path, "%s:%s", PV_PROGRAM_DIR, before ? before : "/usr/bin:/bin");
    const char *out = folder_path(folder, "stdout.txt"), *error = folder_path(folder, "stderr.txt");
    const pid_t pid = fork();
    cr_assert(pid >= 0, "cannot fork");
    if (pid == 0) {
        if (chdir(folder->path) != 0)
            _exit(127);
        point_at(0, "/dev/null", O_RDONLY);
        point_at(1, out, O_WRONLY | O_CREAT | O_TRUNC);
        point_at(2, error, O_WRONLY | O_CREAT | O_TRUNC);
        setenv("PATH", path, 1);
        setenv("PREVUE_MODEL", PV_GOLDEN_DIR "/plain.safetensors", 1);
        setenv("OMP_THREAD_LIMIT", "1", 1); /* tiny frames: threads would only wait for each other */
        unsetenv("NO_COLOR");
        execl("/bin/sh", "sh", "-c", line, (char *)NULL);
        _exit(127);
    }
    return pid;
}

pid_t run_start(const struct folder *folder, const char *command, ...)
{
    va_list args;
    va_start(args, command);
    const pid_t pid = start(folder, command, args);
    va_end(args);
    return pid;
}

struct outcome run_wait(const struct folder *folder, pid_t pid)
{
    struct outcome outcome;
    struct rusage usage;
    int status;
    cr_assert_eq(wait4(pid, &status, 0, &usage), pid);
    outcome.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    outcome.peak_kib = usage.ru_maxrss;
    outcome.out = read_all(folder_path(folder, "stdout.txt"), &outcome.out_size);
    outcome.error = read_all(folder_path(folder, "stderr.txt"), NULL);
    return outcome;
}

struct outcome run(const struct folder *folder, const char *command, ...)
{
    va_list args;
    va_start(args, command);
    const pid_t pid = start(folder, command, args);
    va_end(args);
    return run_wait(folder, pid);
}

struct outcome run_well(const struct folder *folder, const char *command, ...)
{
    va_list args;
    va_start(args, command);
    const pid_t pid = start(folder, command, args);
    va_end(args);
    const struct outcome outcome = run_wait(folder, pid);
    cr_assert_eq(outcome.code, 0, "'%s' exits %d: %s", command, outcome.code, outcome.error);
    return outcome;
}

void wait_for_bytes(const struct folder *folder, const char *name, long bytes)
{
    const struct timespec moment = {.tv_nsec = 10 * 1000 * 1000};
    struct stat info;
    for (int i = 0; i < 2000; i++) {
        if (stat(folder_path(folder, name), &info) == 0 && info.st_size >= bytes)
            return;
        nanosleep(&moment, NULL);
    }
    cr_assert_fail("%s never has %ld bytes", name, bytes);
}

bool folder_has(const struct folder *folder, const char *name)
{
    return access(folder_path(folder, name), F_OK) == 0;
}

/* The value in a line "key=value" of ffprobe's answer; "" when there is none or it is not known. */
static void find_value(const char *text, const char *key, char out[32])
{
    char line[64];
    snprintf(line, sizeof line, "\n%s=", key);
    const char *found = strstr(text, line);
    out[0] = '\0';
    if (!found)
        return;
    found += strlen(line);
    snprintf(out, 32, "%.*s", (int)strcspn(found, "\n"), found);
    if (strcmp(out, "N/A") == 0 || strcmp(out, "unknown") == 0)
        out[0] = '\0';
}

struct probe probe(const struct folder *folder, const char *name)
{
    struct probe p;
    char number[32];
    const struct outcome answer =
        run_well(folder,
                 "echo; ffprobe -v error -count_frames -select_streams v:0 -of default=nw=1 -show_entries "
                 "stream=width,height,nb_read_frames,r_frame_rate,codec_name,pix_fmt,color_space,color_range,"
                 "color_primaries,color_transfer:stream_tags=timecode:format=duration:format_tags=timecode '%s'; "
                 "ffprobe -v error -select_streams a -of default=nw=1 -show_entries stream=codec_type '%s'",
                 name, name);
    find_value(answer.out, "width", number);
    p.width = atoi(number);
    find_value(answer.out, "height", number);
    p.height = atoi(number);
    find_value(answer.out, "nb_read_frames", number);
    p.frames = atoi(number);
    find_value(answer.out, "duration", number);
    p.seconds = atof(number);
    find_value(answer.out, "r_frame_rate", p.rate);
    find_value(answer.out, "codec_name", p.codec);
    find_value(answer.out, "pix_fmt", p.pixel_format);
    find_value(answer.out, "color_space", p.matrix);
    find_value(answer.out, "color_range", p.range);
    find_value(answer.out, "color_primaries", p.primaries);
    find_value(answer.out, "color_transfer", p.transfer);
    find_value(answer.out, "TAG:timecode", p.timecode);
    p.audio = strstr(answer.out, "codec_type=audio") != NULL;
    return p;
}

const char *frame_sums(const struct folder *folder, const char *name)
{
    return run_well(folder, "ffmpeg -v error -i '%s' -an -pix_fmt rgb24 -f framemd5 - | grep -v '^#' | sed 's/.*, //'",
                    name)
        .out;
}
