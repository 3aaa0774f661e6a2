/* What is cut, flipped, missing or hostile is told from success. */
#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clip/clip_fixture.h"

TestSuite(damage, .init = enter_folder, .fini = leave_folder, .timeout = 120);

static long size_of(const char *path)
{
    struct stat st;
    cr_assert_eq(stat(path, &st), 0);
    return (long)st.st_size;
}

static void make_clip(const char *name, const char *options)
{
    ffmpeg("-f lavfi -i testsrc2=s=128x96:r=24 -frames:v 120 -c:v libx264 -pix_fmt yuv420p -g 24 %s %s", options, name);
}

Test(damage, a_cut_faststart_file_is_truncated_not_finished)
{
    make_clip("a.mp4", "-movflags faststart");
    cr_assert_eq(truncate("a.mp4", size_of("a.mp4") * 6 / 10), 0);
    struct reading r = read_clip("a.mp4", NULL);
    cr_expect_eq(r.ended, PV_END, "%s", r.message);
    cr_expect(r.summary.truncated);
    cr_expect_eq(r.summary.expected, 120);
    cr_expect(r.count > 40 && r.count < 110, "%d frames", r.count);
    cr_expect(strstr(r.heard.text, "cut off"), "%s", r.heard.text);
    free_reading(&r);
}

Test(damage, a_cut_matroska_file_ends_before_the_time_it_promises)
{
    make_clip("a.mkv", "");
    struct reading whole = read_clip("a.mkv", NULL);
    cr_expect_eq(whole.count, 120);
    cr_expect_not(whole.summary.truncated);
    free_reading(&whole);
    cr_assert_eq(truncate("a.mkv", size_of("a.mkv") * 6 / 10), 0);
    struct reading r = read_clip("a.mkv", NULL);
    cr_expect_eq(r.ended, PV_END, "%s", r.message);
    cr_expect(r.summary.truncated);
    cr_expect(strstr(r.heard.text, "promises 5.00 seconds"), "%s", r.heard.text);
    free_reading(&r);
}

Test(damage, a_file_without_its_index_is_one_clear_sentence)
{
    make_clip("a.mp4", "");
    cr_assert_eq(truncate("a.mp4", size_of("a.mp4") / 2), 0);
    struct reading r = read_clip("a.mp4", NULL);
    cr_expect_eq(r.opened, PV_ERR_FORMAT);
    cr_expect(strstr(r.message, "a.mp4") && strstr(r.message, "cut off"), "%s", r.message);
}

static void flip_bytes(const char *path, int count)
{
    const long size = size_of(path);
    FILE *file = fopen(path, "r+b");
    cr_assert_not_null(file);
    srand(7);
    for (int i = 0; i < count; i++) {
        const long at = size / 4 + (long)((double)rand() / RAND_MAX * (double)(size / 2));
        fseek(file, at, SEEK_SET);
        const int byte = fgetc(file);
        fseek(file, at, SEEK_SET);
        fputc(byte ^ 0x55, file);
    }
    fclose(file);
}

Test(damage, flipped_bytes_are_counted_and_stood_in_for)
{
    make_clip("a.mp4", "-movflags faststart");
    flip_bytes("a.mp4", 40);
    pv_clip_reader_params params = reader_params();
    params.threads = 1; /* with more, which damaged pictures FFmpeg's H.264 decoder flags differs from run to run */
    struct reading r = read_clip("a.mp4", &params);
    cr_expect_eq(r.ended, PV_END, "%s", r.message);
    cr_expect_gt(r.summary.corrupt + r.summary.bad_packets, 0);
    cr_expect(strstr(r.heard.text, "damaged"), "%s", r.heard.text);
    const size_t bytes = 3 * 128 * 96;
    int flagged = 0;
    for (int i = 1; i < r.count; i++)
        if (r.flags[i] & PV_CLIP_FRAME_CORRUPT) {
            flagged++;
            cr_expect(r.flags[i] & PV_CLIP_FRAME_REPEATED);
            cr_expect_eq(memcmp(pixel(&r, i, 0, 0), pixel(&r, i - 1, 0, 0), bytes), 0,
                         "frame %d must be the last good picture", i);
        }
    cr_expect_gt(flagged, 0);
    const int64_t corrupt = r.summary.corrupt;
    free_reading(&r);

    params.allow_corrupt = 1;
    r = read_clip("a.mp4", &params);
    int shown = 0;
    for (int i = 0; i < r.count; i++)
        shown += (r.flags[i] & PV_CLIP_FRAME_CORRUPT) && !(r.flags[i] & PV_CLIP_FRAME_REPEATED);
    cr_expect_eq(r.summary.corrupt, corrupt, "%lld and %lld", (long long)r.summary.corrupt, (long long)corrupt);
    cr_expect_gt(shown, 0, "allowed pictures come as they are");
    free_reading(&r);
}

Test(damage, too_many_bad_packets_end_the_reading)
{
    ffmpeg("-f lavfi -i testsrc2=s=64x48:r=24 -frames:v 20 shot.%%04d.png");
    const pv_clip_reader_params defaults = reader_params();
    for (int i = 5; i < 10; i++) { /* the head stays, so that the demuxer passes it on */
        char name[32];
        snprintf(name, sizeof name, "shot.%04d.png", i);
        cr_assert_eq(truncate(name, 60), 0);
    }
    struct reading r = read_clip("shot.%04d.png", &defaults);
    cr_expect_eq(r.ended, PV_END, "a few are tolerated: %s", r.message);
    cr_expect_eq(r.summary.bad_packets + r.summary.corrupt, 5, "%lld bad, %lld corrupt",
                 (long long)r.summary.bad_packets, (long long)r.summary.corrupt);
    cr_expect_eq(r.count, 20, "their times are filled: %d", r.count);
    free_reading(&r);
    pv_clip_reader_params strict = reader_params();
    strict.max_bad_packets = 2;
    r = read_clip("shot.%04d.png", &strict);
    cr_expect_eq(r.ended, PV_ERR_FORMAT);
    cr_expect(strstr(r.message, "more than 2 packets"), "%s", r.message);
    free_reading(&r);
}

static void write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    cr_assert_not_null(file);
    fputs(text, file);
    fclose(file);
}

static void expect_refused(const char *path, pv_status status, const char *word)
{
    struct reading r = read_clip(path, NULL);
    cr_expect_eq(r.opened, status, "%s: status %d, %s", path, r.opened, r.message);
    cr_expect(strstr(r.message, word), "%s: %s", path, r.message);
    free_reading(&r);
}

Test(damage, what_is_no_clip_is_refused_by_name)
{
    run("mkdir empty");
    write_text("text.mp4", "this is no film\n");
    write_text("nothing.mp4", "");
    ffmpeg("-f lavfi -i sine -t 0.2 sound.wav");
    ffmpeg("-f lavfi -i sine -t 0.2 -c:a aac sound.mp4");
    expect_refused("missing.mp4", PV_ERR_IO, "missing.mp4");
    expect_refused("missing.%04d.png", PV_ERR_IO, "missing.");
    expect_refused("empty", PV_ERR_FORMAT, "empty");
    expect_refused("text.mp4", PV_ERR_FORMAT, "text.mp4");
    expect_refused("nothing.mp4", PV_ERR_FORMAT, "nothing.mp4");
    expect_refused("sound.wav", PV_ERR_UNSUPPORTED, "wav");
    expect_refused("sound.mp4", PV_ERR_FORMAT, "no video");
    expect_refused("http://127.0.0.1/a.mp4", PV_ERR_IO, "http");
}

Test(damage, files_that_name_other_files_are_refused)
{
    make_clip("a.ts", "-f mpegts");
    write_text("list.m3u8", "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:5.0,\na.ts\n#EXT-X-ENDLIST\n");
    write_text("list.ffconcat", "ffconcat version 1.0\nfile a.ts\n");
    expect_refused("list.m3u8", PV_ERR_UNSUPPORTED, "hls");
    expect_refused("list.ffconcat", PV_ERR_UNSUPPORTED, "concat");
}

Test(damage, caps_hold)
{
    make_clip("a.mp4", "");
    pv_clip_reader_params params = reader_params();
    params.max_pixels = 128 * 96 - 1;
    struct reading r = read_clip("a.mp4", &params);
    cr_expect_eq(r.opened, PV_ERR_FORMAT);
    cr_expect(strstr(r.message, "128x96"), "%s", r.message);
    params.max_pixels = 128 * 96;
    params.width = 1000;
    params.height = 1000;
    r = read_clip("a.mp4", &params);
    cr_expect_eq(r.opened, PV_ERR_FORMAT, "delivered pixels count too");
}

Test(damage, the_streams_of_every_container_are_counted)
{
    make_clip("a.mp4", "");
    const char *const names[] = {"many.mkv", "many.mp4", "many.ts"}; /* only probing finds those of the last */
    for (int i = 0; i < 3; i++) {
        ffmpeg("-i a.mp4 -map 0 -map 0 -map 0 -map 0 -c copy %s", names[i]);
        pv_clip_reader_params params = reader_params();
        for (params.max_streams = 1; params.max_streams < 4; params.max_streams++) {
            struct reading r = read_clip(names[i], &params);
            cr_expect_eq(r.opened, PV_ERR_FORMAT, "%s: four streams, %d allowed: %s", names[i], params.max_streams,
                         r.message);
            cr_expect(strstr(r.message, "streams") && strstr(r.message, names[i]), "%s", r.message);
        }
        params.max_streams = 4;
        struct reading r = read_clip(names[i], &params);
        cr_expect_eq(r.opened, PV_OK, "%s", r.message);
        free_reading(&r);
    }
}

static int stop_after(void *user)
{
    int *left = user;
    return --*left < 0;
}

Test(damage, the_abort_callback_stops_opening_and_reading)
{
    ffmpeg("-f lavfi -i testsrc2=s=64x48:r=24 -frames:v 300 -c:v mpeg4 a.mkv");
    const int allowed[] = {0, 200};
    for (int i = 0; i < 2; i++) {
        int left = allowed[i];
        pv_clip_reader_params params = reader_params();
        params.callbacks.abort = stop_after;
        params.callbacks.user = &left;
        struct reading r = read_clip("a.mkv", &params);
        cr_expect_eq(i == 0 ? r.opened : r.ended, PV_ERR_ABORTED, "%d %d", r.opened, r.ended);
        cr_expect_lt(r.count, 300);
        free_reading(&r);
    }
}

Test(damage, params_out_of_range_are_refused)
{
    make_clip("a.mp4", "");
    pv_clip_reader_params params = reader_params();
    params.fps_num = 24;
    params.fps_den = 0;
    cr_expect_eq(read_clip("a.mp4", &params).opened, PV_ERR_ARGUMENT);
    params = reader_params();
    params.width = 64;
    cr_expect_eq(read_clip("a.mp4", &params).opened, PV_ERR_ARGUMENT);
    pv_clip_reader *reader;
    cr_expect_eq(pv_clip_reader_open(NULL, NULL, &reader), PV_ERR_ARGUMENT);
    cr_expect_null(reader);
    pv_clip_reader_close(NULL);
}
