/* clip_fixture.h: what the tests of clips share: a folder of their own, real files from the ffmpeg command, a reader
 * that keeps everything it saw, and pictures whose content tells their number. */
#ifndef PV_TESTS_CLIP_FIXTURE_H
#define PV_TESTS_CLIP_FIXTURE_H

#include <prevue/clip.h>
#include <stdbool.h>

#include "base/compiler.h"

/* For TestSuite(.init, .fini): the test runs inside a new, empty folder that goes away with it. */
void enter_folder(void);
void leave_folder(void);

/* Runs a command line through the shell; the test fails, with what it printed, when that fails. */
void run(const char *format, ...) PV_PRINTF(1, 2);
/* ffmpeg, quiet, with these arguments. */
void ffmpeg(const char *format, ...) PV_PRINTF(1, 2);
/* The clip with its pictures as they are and a display matrix that turns them. */
void turn(const char *from, int degrees, const char *to);
/* The first line a command prints; static, overwritten by the next call. */
const char *output_of(const char *format, ...) PV_PRINTF(1, 2);
bool exists(const char *path);

/* What the log callback heard. */
struct hearing {
    char text[8192];
};
pv_callbacks hear(struct hearing *hearing);

/* A clip read to its end. */
struct reading {
    pv_status opened, ended;
    char message[1024];
    struct hearing heard;
    pv_clip_info info; /* its strings are gone, except those copied here */
    char codec[32], pixel_format[32], timecode[32];
    pv_clip_reader_summary summary;
    int count;
    uint8_t *pixels; /* count frames, packed RGB */
    unsigned *flags;
    double *seconds;
};
pv_clip_reader_params reader_params(void);
struct reading read_clip(const char *path, const pv_clip_reader_params *params);
void free_reading(struct reading *reading);
const uint8_t *pixel(const struct reading *reading, int frame, int x, int y);

/* Sources for ffmpeg's -f lavfi -i: picture n is grey of limited-range luma 16 + 2 n, and back from its mean. */
#define NUMBERED(size, rate, count)                                                                                    \
    "-f lavfi -i \"nullsrc=s=" size ":r=" rate ",geq=lum='16+2*N':cb=128:cr=128,format=yuv420p,"                       \
    "trim=end_frame=" #count "\""
int number_of_picture(const struct reading *reading, int frame);

/* A frame in new memory; free its data. */
pv_frame new_frame(int width, int height);
/* A smooth picture that moves with number. */
void paint(pv_frame *frame, int number);

/* Opens a writer, sends count painted frames of the params' size, finishes; the test fails when any of it does. */
pv_clip_writer_params writer_params(int width, int height, pv_clip_preset preset);
void write_clip(const char *path, const pv_clip_writer_params *params, int count);

#endif
