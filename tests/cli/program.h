/* program.h: runs the real command as a user does: command lines in a shell, real files, real signals. In these lines
 * `prevue` is the program just built, the current folder is the test's own, and the model is a tiny one with random
 * weights (tests/golden/plain.safetensors, 32x32, 24 frames a second, a window of 5). */
#ifndef PV_TESTS_PROGRAM_H
#define PV_TESTS_PROGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/scratch_folder.h"

struct outcome {
    int code;        /* exit code; 128 + number when a signal ended it */
    const char *out; /* what it wrote, NUL-terminated; in memory that lives until the process ends */
    const char *error;
    size_t out_size;
    long peak_kib; /* most memory it had, KiB */
};

/* command: as for printf; run by sh. */
struct outcome run(const struct folder *folder, const char *command, ...);
/* As run; fails the test unless the exit code is 0. */
struct outcome run_well(const struct folder *folder, const char *command, ...);

/* The same in two steps, for signals. The command begins with "exec", so that the process is the program itself. */
pid_t run_start(const struct folder *folder, const char *command, ...);
struct outcome run_wait(const struct folder *folder, pid_t pid);

/* Waits, 20 seconds at most, until the file has that many bytes; fails the test when it never has. */
void wait_for_bytes(const struct folder *folder, const char *name, long bytes);

bool folder_has(const struct folder *folder, const char *name);

/* What ffprobe says of the first video stream: every frame is decoded and counted. Text is "" where it says nothing. */
struct probe {
    int width, height, frames;
    char rate[32], codec[32], pixel_format[32], matrix[32], range[32], primaries[32], transfer[32], timecode[32];
    double seconds;
    bool audio;
};
struct probe probe(const struct folder *folder, const char *name);

/* The MD5 sum of every frame as RGB, a line each. */
const char *frame_sums(const struct folder *folder, const char *name);

#endif
