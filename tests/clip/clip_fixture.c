/* clip_fixture.c: see clip_fixture.h. */
#include "clip/clip_fixture.h"

#include <criterion/criterion.h>

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64];

void enter_folder(void)
{
    snprintf(folder, sizeof folder, "/tmp/prevue-clip-XXXXXX");
    cr_assert_not_null(mkdtemp(folder));
    cr_assert_eq(chdir(folder), 0);
    pv_clip_set_ffmpeg_log_level(-1);
}

void leave_folder(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    cr_expect_eq(chdir("/tmp"), 0);
    cr_expect_eq(system(command), 0);
}

static void run_line(const char *line)
{
    char command[2300];
    snprintf(command, sizeof command, "{ %s ; } </dev/null >command.log 2>&1", line);
    if (system(command) != 0) {
        char said[1024] = "";
        FILE *log = fopen("command.log", "r");
        if (log) {
            said[fread(said, 1, sizeof said - 1, log)] = '\0';
            fclose(log);
        }
        cr_assert_fail("%s\nfailed: %s", line, said);
    }
    unlink("command.log");
}

void run(const char *format, ...)
{
    char line[2048];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    run_line(line);
}

void ffmpeg(const char *format, ...)
{
    char line[2048] = "ffmpeg -v error -nostdin -y ";
    const size_t length = strlen(line);
    va_list args;
    va_start(args, format);
    vsnprintf(line + length, sizeof line - length, format, args);
    va_end(args);
    run_line(line);
}

void turn(const char *from, int degrees, const char *to)
{
    /* An option of the file that is read since FFmpeg 6; before, a tag of the stream that is written. */
    run("ffmpeg -v quiet -nostdin -y -display_rotation %d -i %s -c copy %s || "
        "ffmpeg -v error -nostdin -y -i %s -c copy -metadata:s:v rotate=%d %s",
        degrees, from, to, from, degrees, to);
}

const char *output_of(const char *format, ...)
{
    static char said[4096];
    char line[2048];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    FILE *pipe = popen(line, "r");
    cr_assert_not_null(pipe);
    said[0] = '\0';
    if (fgets(said, sizeof said, pipe))
        said[strcspn(said, "\n")] = '\0';
    while (fgetc(pipe) != EOF) /* let it finish */
        ;
    pclose(pipe);
    return said;
}

bool exists(const char *path)
{
    return access(path, F_OK) == 0;
}

static void append(void *user, pv_log_level level, const char *sentence)
{
    struct hearing *heard = user;
    (void)level;
    const size_t length = strlen(heard->text);
    snprintf(heard->text + length, sizeof heard->text - length, "%s\n", sentence);
}

pv_callbacks hear(struct hearing *hearing)
{
    hearing->text[0] = '\0';
    return (pv_callbacks){.user = hearing, .log = append};
}

pv_clip_reader_params reader_params(void)
{
    pv_clip_reader_params params;
    pv_clip_reader_params_init(&params);
    return params;
}

static void keep(struct reading *r, const pv_frame *frame, const pv_clip_frame_info *info, int *room)
{
    const size_t bytes = 3 * (size_t)frame->width * (size_t)frame->height;
    if (r->count == *room) {
        *room = *room ? 2 * *room : 64;
        r->pixels = realloc(r->pixels, bytes * (size_t)*room);
        r->flags = realloc(r->flags, sizeof *r->flags * (size_t)*room);
        r->seconds = realloc(r->seconds, sizeof *r->seconds * (size_t)*room);
        cr_assert(r->pixels && r->flags && r->seconds);
    }
    cr_assert_eq(frame->index, r->count);
    memcpy(r->pixels + bytes * (size_t)r->count, frame->data, bytes);
    r->flags[r->count] = info->flags;
    r->seconds[r->count] = (double)info->time_num / (double)info->time_den;
    r->count++;
}

struct reading read_clip(const char *path, const pv_clip_reader_params *given)
{
    struct reading r = {.info.struct_size = sizeof r.info, .summary.struct_size = sizeof r.summary};
    pv_clip_reader_params params = given ? *given : reader_params();
    struct hearing *heard = calloc(1, sizeof *heard);
    cr_assert_not_null(heard);
    if (!params.callbacks.log) {
        void *user = params.callbacks.user;
        params.callbacks.log = append;
        params.callbacks.user = params.callbacks.abort ? user : heard;
        if (params.callbacks.abort)
            params.callbacks.log = NULL;
    }
    pv_clip_reader *reader = NULL;
    r.opened = pv_clip_reader_open(path, &params, &reader);
    if (r.opened == PV_OK) {
        cr_assert_eq(pv_clip_reader_get_info(reader, &r.info), PV_OK);
        snprintf(r.codec, sizeof r.codec, "%s", r.info.codec);
        snprintf(r.pixel_format, sizeof r.pixel_format, "%s", r.info.pixel_format);
        snprintf(r.timecode, sizeof r.timecode, "%s", r.info.timecode);
        pv_frame frame = new_frame(r.info.width, r.info.height);
        pv_clip_frame_info info = {.struct_size = sizeof info};
        int room = 0;
        while ((r.ended = pv_clip_reader_receive(reader, &frame, &info)) == PV_OK)
            keep(&r, &frame, &info, &room);
        if (r.ended == PV_END)
            cr_expect_eq(pv_clip_reader_receive(reader, &frame, &info), PV_END, "the end must stay the end");
        free(frame.data);
    }
    if (reader) {
        cr_assert_eq(pv_clip_reader_get_summary(reader, &r.summary), PV_OK);
        snprintf(r.message, sizeof r.message, "%s", pv_clip_reader_message(reader));
    }
    pv_clip_reader_close(reader);
    r.heard = *heard;
    free(heard);
    return r;
}

void free_reading(struct reading *r)
{
    free(r->pixels);
    free(r->flags);
    free(r->seconds);
    r->pixels = NULL;
    r->flags = NULL;
    r->seconds = NULL;
}

const uint8_t *pixel(const struct reading *r, int frame, int x, int y)
{
    cr_assert(frame >= 0 && frame < r->count && x < r->info.width && y < r->info.height, "frame %d of %d", frame,
              r->count);
    return r->pixels + 3 * (((size_t)frame * (size_t)r->info.height + (size_t)y) * (size_t)r->info.width + (size_t)x);
}

int number_of_picture(const struct reading *r, int frame)
{
    double sum = 0.0;
    const int area = r->info.width * r->info.height;
    const uint8_t *p = pixel(r, frame, 0, 0);
    for (int i = 0; i < 3 * area; i++)
        sum += p[i];
    return (int)lrint(sum / (3.0 * area) * 219.0 / 255.0 / 2.0);
}

pv_frame new_frame(int width, int height)
{
    const pv_frame frame = {.data = calloc(3 * (size_t)width * (size_t)height, 1),
                            .stride = 3 * (size_t)width,
                            .width = width,
                            .height = height};
    cr_assert_not_null(frame.data);
    return frame;
}

void paint(pv_frame *frame, int number)
{
    for (int y = 0; y < frame->height; y++)
        for (int x = 0; x < frame->width; x++) {
            uint8_t *p = frame->data + (size_t)y * frame->stride + 3 * (size_t)x;
            p[0] = (uint8_t)lrint(128.0 + 90.0 * sin(0.05 * x + 0.1 * number));
            p[1] = (uint8_t)lrint(120.0 + 80.0 * sin(0.06 * y + 0.07 * number));
            p[2] = (uint8_t)lrint(100.0 + 70.0 * sin(0.04 * (x + y)));
        }
}

pv_clip_writer_params writer_params(int width, int height, pv_clip_preset preset)
{
    pv_clip_writer_params params;
    pv_clip_writer_params_init(&params);
    params.width = width;
    params.height = height;
    params.fps_num = 24;
    params.fps_den = 1;
    params.preset = preset;
    return params;
}

void write_clip(const char *path, const pv_clip_writer_params *params, int count)
{
    pv_clip_writer *writer;
    const pv_status opened = pv_clip_writer_open(path, params, &writer);
    cr_assert_eq(opened, PV_OK, "%s: %s", path, pv_clip_writer_message(writer));
    pv_frame frame = new_frame(params->width, params->height);
    for (int i = 0; i < count; i++) {
        paint(&frame, i);
        const pv_status sent = pv_clip_writer_send(writer, &frame);
        cr_assert_eq(sent, PV_OK, "%s, frame %d: %s", path, i, pv_clip_writer_message(writer));
    }
    const pv_status finished = pv_clip_writer_finish(writer);
    cr_assert_eq(finished, PV_OK, "%s: %s", path, pv_clip_writer_message(writer));
    pv_clip_writer_close(writer);
    free(frame.data);
}
