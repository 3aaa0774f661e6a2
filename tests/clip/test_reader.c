/* Real clips, made by ffmpeg, read to their last picture: codecs, containers, geometry, time, sequences, pipes. */
#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clip/clip_fixture.h"

TestSuite(reader, .init = enter_folder, .fini = leave_folder, .timeout = 120);

/* ---- the last pictures ---- */

/* Every picture must come out, in order, whatever the number of decoder threads. */
static void expect_drained(const char *path, int tolerance)
{
    for (int threads = 1; threads >= 0; threads--) {
        pv_clip_reader_params params = reader_params();
        params.threads = threads;
        struct reading r = read_clip(path, &params);
        cr_assert_eq(r.ended, PV_END, "%s: %s", path, r.message);
        cr_assert_eq(r.count, 101, "%s with %d threads gives %d frames of 101", path, threads, r.count);
        for (int i = 0; i < r.count; i++)
            cr_assert_leq(abs(number_of_picture(&r, i) - i), tolerance, "%s: frame %d shows picture %d", path, i,
                          number_of_picture(&r, i));
        cr_expect_eq(r.summary.decoded, 101);
        cr_expect_eq(r.summary.dropped + r.summary.repeated + r.summary.corrupt + r.summary.bad_packets, 0);
        cr_expect_not(r.summary.truncated);
        cr_expect_eq(r.info.fps_num, 24);
        cr_expect_eq(r.info.fps_den, 1);
        cr_expect_not(r.info.variable_rate);
        cr_expect_float_eq(r.seconds[100] - r.seconds[0], 100.0 / 24.0, 1e-9);
        free_reading(&r);
    }
}

Test(reader, h264_with_b_frames_is_drained)
{
    ffmpeg(NUMBERED("64x48", "24", 101) " -c:v libx264 -bf 3 -crf 5 a.mp4");
    expect_drained("a.mp4", 0);
}

Test(reader, hevc_10_bit_in_matroska_is_drained)
{
    ffmpeg(NUMBERED("64x48", "24", 101) " -c:v libx265 -x265-params log-level=none -crf 5 -pix_fmt yuv420p10le a.mkv");
    expect_drained("a.mkv", 0);
}

Test(reader, av1_is_drained)
{
    ffmpeg(NUMBERED("64x64", "24", 101) " -c:v libsvtav1 -preset 12 -crf 10 a.mkv");
    expect_drained("a.mkv", 0);
}

Test(reader, vp9_is_drained)
{
    ffmpeg(NUMBERED("64x48", "24", 101) " -c:v libvpx-vp9 -deadline realtime -cpu-used 8 -crf 5 -b:v 0 a.webm");
    expect_drained("a.webm", 0);
}

Test(reader, prores_is_drained)
{
    ffmpeg(NUMBERED("64x48", "24", 101) " -c:v prores_ks a.mov");
    expect_drained("a.mov", 0);
}

Test(reader, mpeg4_in_nut_is_drained)
{
    ffmpeg(NUMBERED("64x48", "24", 101) " -c:v mpeg4 -bf 2 -q:v 1 a.nut");
    expect_drained("a.nut", 0);
}

Test(reader, interlaced_mpeg2_in_a_transport_stream_is_deinterlaced_and_drained)
{
    ffmpeg(NUMBERED("64x48", "24", 101) " -c:v mpeg2video -flags +ildct+ilme -top 1 -bf 2 -q:v 1 a.ts");
    expect_drained("a.ts", 0);
    struct reading r = read_clip("a.ts", NULL);
    cr_expect(r.info.interlaced);
    cr_expect(strstr(r.heard.text, "deinterlaced"), "%s", r.heard.text);
    cr_expect_gt(r.info.start_seconds, 1.0, "transport streams start late: %f", r.info.start_seconds);
    free_reading(&r);
    pv_clip_reader_params params = reader_params();
    params.deinterlace = PV_CLIP_DEINTERLACE_OFF;
    r = read_clip("a.ts", &params);
    cr_expect_eq(r.count, 101);
    cr_expect_null(strstr(r.heard.text, "deinterlaced"));
    free_reading(&r);
}

Test(reader, deinterlacing_removes_the_comb)
{
    /* A bar that moves from field to field: its edges become combs. */
    ffmpeg("-f lavfi -i \"nullsrc=s=64x48:r=50,geq=lum='if(lt(mod(X+8*N\\,64)\\,32)\\,235\\,16)':cb=128:cr=128,"
           "format=yuv420p,tinterlace=interleave_top,setfield=tff\" -frames:v 20 "
           "-c:v mpeg2video -flags +ildct+ilme -top 1 -q:v 1 a.mkv");
    int comb[2];
    for (int off = 0; off < 2; off++) {
        pv_clip_reader_params params = reader_params();
        params.deinterlace = off ? PV_CLIP_DEINTERLACE_OFF : PV_CLIP_DEINTERLACE_AUTO;
        struct reading r = read_clip("a.mkv", &params);
        cr_assert_eq(r.count, 20);
        comb[off] = 0;
        for (int y = 8; y < 40; y++)
            for (int x = 0; x < 64; x++)
                comb[off] += abs(pixel(&r, 10, x, y)[1] - pixel(&r, 10, x, y + 1)[1]);
        free_reading(&r);
    }
    cr_expect_gt(comb[1], 100000, "the clip must be combed to begin with: %d", comb[1]);
    cr_expect_lt(comb[0], comb[1] / 4, "%d of %d left", comb[0], comb[1]);
}

/* ---- time ---- */

Test(reader, variable_rate_is_resampled_by_timestamp)
{
    ffmpeg(NUMBERED("64x48", "30", 100) " -vf \"select='not(eq(mod(n,5),3))'\" -vsync vfr -c:v libx264 -crf 5 a.mkv");
    struct reading r = read_clip("a.mkv", NULL);
    cr_expect(r.info.variable_rate);
    cr_expect_eq(r.info.fps_num, 30);
    cr_expect_eq(r.info.fps_den, 1);
    cr_assert_eq(r.count, 100);
    cr_expect_eq(r.summary.decoded, 80);
    cr_expect_eq(r.summary.repeated, 20);
    cr_expect_eq(r.summary.dropped, 0);
    for (int i = 0; i < 100; i++) {
        const int number = number_of_picture(&r, i);
        cr_expect(number == i || (i % 5 == 3 && abs(number - i) == 1), "frame %d shows picture %d", i, number);
    }
    cr_expect(strstr(r.heard.text, "resampled"), "%s", r.heard.text);
    free_reading(&r);
}

Test(reader, another_rate_takes_the_picture_of_the_time)
{
    ffmpeg(NUMBERED("64x48", "24", 48) " -c:v libx264 -crf 5 a.mp4");
    pv_clip_reader_params params = reader_params();
    params.fps_num = 10;
    params.fps_den = 1;
    struct reading r = read_clip("a.mp4", &params);
    cr_assert_eq(r.count, 20);
    for (int i = 0; i < r.count; i++) {
        const double wanted = i * 2.4;
        cr_expect_leq(abs((int)(2.0 * wanted + 0.5) - 2 * number_of_picture(&r, i)), 1, "frame %d at %.1f shows %d", i,
                      wanted, number_of_picture(&r, i));
    }
    cr_expect_eq(r.summary.dropped, 28);
    free_reading(&r);
    params.fps_num = 30;
    r = read_clip("a.mp4", &params);
    cr_expect_eq(r.count, 60);
    cr_expect_eq(r.summary.repeated, 12);
    cr_expect_float_eq(r.seconds[59], 59.0 / 30.0, 1e-9);
    free_reading(&r);
}

Test(reader, fractional_rates_stay_fractions)
{
    ffmpeg(NUMBERED("64x48", "24000/1001", 30) " -c:v libx264 -crf 5 a.mkv");
    struct reading r = read_clip("a.mkv", NULL);
    cr_expect_eq(r.info.fps_num, 24000);
    cr_expect_eq(r.info.fps_den, 1001);
    cr_expect_eq(r.count, 30);
    cr_expect_float_eq(r.seconds[29], 29.0 * 1001.0 / 24000.0, 1e-9);
    free_reading(&r);
}

Test(reader, timecode_is_found_where_containers_keep_it)
{
    const char *const names[] = {"a.mov", "a.mp4", "a.mkv"};
    for (int i = 0; i < 3; i++) {
        ffmpeg(NUMBERED("64x48", "24", 5) " -c:v libx264 -timecode 10:20:30:12 %s", names[i]);
        if (i == 2) /* Matroska takes it from a tag only */
            ffmpeg("-i a.mov -c copy -map 0:v -metadata timecode=10:20:30:12 a.mkv");
        struct reading r = read_clip(names[i], NULL);
        cr_expect_str_eq(r.timecode, "10:20:30:12", "%s: '%s'", names[i], r.timecode);
        free_reading(&r);
    }
}

/* ---- geometry ---- */

/* Against ffmpeg's own turning of the same file; and the red mark, top left as stored, must be where info says. */
static void expect_turned_like_ffmpeg(const char *path, bool turned)
{
    struct reading r = read_clip(path, NULL);
    cr_assert_eq(r.opened, PV_OK, "%s", r.message);
    cr_expect_eq(r.info.rotation != 0, turned);
    ffmpeg("-i %s -frames:v 1 -c:v png turned.png", path);
    struct reading reference = read_clip("turned.png", NULL);
    cr_assert_eq(reference.info.width, r.info.width);
    cr_assert_eq(reference.info.height, r.info.height);
    int worst = 0;
    for (int y = 0; y < r.info.height; y++)
        for (int x = 0; x < r.info.width; x++)
            for (int c = 0; c < 3; c++) {
                const int d = abs(pixel(&r, 0, x, y)[c] - pixel(&reference, 0, x, y)[c]);
                worst = d > worst ? d : worst;
            }
    cr_expect_eq(worst, 0, "%s: worst difference %d", path, worst);
    const bool right = r.info.rotation == 90 || r.info.rotation == 180, low = r.info.rotation >= 180;
    const uint8_t *mark = pixel(&r, 0, right ? r.info.width - 3 : 2, low ? r.info.height - 3 : 2);
    cr_expect(mark[0] > 200 && mark[2] < 50, "turned by %d: the mark is not where it should be", r.info.rotation);
    free_reading(&r);
    free_reading(&reference);
}

Test(reader, the_display_matrix_is_applied_to_the_pixels)
{
    ffmpeg("-f lavfi -i testsrc=s=64x48:r=24,drawbox=x=0:y=0:w=64:h=48:c=blue:t=4,drawbox=x=0:y=0:w=8:h=8:c=red:t=fill "
           "-frames:v 2 -vf format=rgb24 -c:v png flat.mov");
    expect_turned_like_ffmpeg("flat.mov", false);
    for (int angle = 90; angle < 360; angle += 90) {
        turn("flat.mov", angle, "turned.mov");
        expect_turned_like_ffmpeg("turned.mov", true);
    }
}

Test(reader, pixels_become_square_and_the_short_side_grows)
{
    const struct {
        const char *sar;
        int width, height;
    } shapes[] = {{"4/3", 85, 48}, {"1/2", 64, 96}, {"1/1", 64, 48}, {"16/11", 93, 48}};
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        ffmpeg("-f lavfi -i testsrc2=s=64x48:r=24 -frames:v 3 -vf setsar=%s -c:v libx264 -pix_fmt yuv420p a.mp4",
               shapes[i].sar);
        struct reading r = read_clip("a.mp4", NULL);
        cr_expect_eq(r.info.width, shapes[i].width, "sar %s: width %d", shapes[i].sar, r.info.width);
        cr_expect_eq(r.info.height, shapes[i].height, "sar %s: height %d", shapes[i].sar, r.info.height);
        cr_expect_eq(r.info.coded_width, 64);
        free_reading(&r);
    }
}

Test(reader, odd_sizes_are_kept_and_nothing_is_written_beside_the_frame)
{
    ffmpeg("-f lavfi -i testsrc=s=67x49:r=24 -frames:v 3 -c:v ffv1 -pix_fmt yuv420p a.mkv");
    pv_clip_reader *reader;
    cr_assert_eq(pv_clip_reader_open("a.mkv", NULL, &reader), PV_OK);
    enum { WIDTH = 67, HEIGHT = 49, STRIDE = 3 * WIDTH + 13 };
    uint8_t *data = malloc((size_t)STRIDE * HEIGHT);
    memset(data, 0xA5, (size_t)STRIDE * HEIGHT);
    pv_frame frame = {.data = data, .stride = STRIDE, .width = WIDTH, .height = HEIGHT};
    cr_assert_eq(pv_clip_reader_receive(reader, &frame, NULL), PV_OK);
    for (int y = 0; y < HEIGHT; y++)
        for (int x = 3 * WIDTH; x < STRIDE; x++)
            cr_assert_eq(data[y * STRIDE + x], 0xA5, "row %d, byte %d past the picture was written", y, x - 3 * WIDTH);
    frame.width = 66;
    cr_expect_eq(pv_clip_reader_receive(reader, &frame, NULL), PV_ERR_ARGUMENT);
    frame.width = WIDTH;
    const pv_status again = pv_clip_reader_receive(reader, &frame, NULL);
    cr_expect_eq(again, PV_OK, "a wrong size must change nothing: %d %s", again, pv_clip_reader_message(reader));
    pv_clip_reader_close(reader);
    free(data);
}

Test(reader, frames_come_in_the_size_asked_for)
{
    ffmpeg("-f lavfi -i color=0x4080C0:s=128x96:r=24 -frames:v 2 -c:v ffv1 -pix_fmt gbrp a.mkv");
    pv_clip_reader_params params = reader_params();
    params.width = 40;
    params.height = 24;
    struct reading r = read_clip("a.mkv", &params);
    cr_assert_eq(r.count, 2, "%s", r.message);
    cr_expect_eq(r.info.width, 40);
    for (int y = 0; y < 24; y++)
        for (int x = 0; x < 40; x++)
            cr_assert(abs(pixel(&r, 1, x, y)[0] - 0x40) <= 1 && abs(pixel(&r, 1, x, y)[2] - 0xC0) <= 1);
    free_reading(&r);
}

Test(reader, a_stream_that_changes_size_keeps_the_first_one)
{
    ffmpeg(NUMBERED("64x48", "24", 10) " -c:v libx264 -crf 5 a.h264");
    ffmpeg(NUMBERED("128x96", "24", 10) " -c:v libx264 -crf 5 b.h264");
    run("cat a.h264 b.h264 > c.h264");
    struct reading r = read_clip("c.h264", NULL);
    cr_expect_eq(r.ended, PV_END, "%s", r.message);
    cr_expect_eq(r.count, 20, "%d frames", r.count);
    cr_expect_eq(r.info.width, 64);
    cr_expect_eq(number_of_picture(&r, 19), 9);
    cr_expect(strstr(r.heard.text, "change size"), "%s", r.heard.text);
    free_reading(&r);
}

Test(reader, alpha_is_shown_over_black)
{
    ffmpeg("-f lavfi -i \"color=0xC8C8C8@0.5:s=64x48:r=24,format=rgba\" -frames:v 2 -c:v png a.mov");
    ffmpeg("-f lavfi -i \"color=0xC8C8C8@0.5:s=64x48:r=24,format=rgba\" -frames:v 2 -vf "
           "scale=out_color_matrix=bt709,format=yuva444p10le -colorspace bt709 -c:v prores_ks -profile:v 4444 b.mov");
    const char *const names[] = {"a.mov", "b.mov"};
    for (int i = 0; i < 2; i++) {
        struct reading r = read_clip(names[i], NULL);
        cr_assert_eq(r.count, 2, "%s: %s", names[i], r.message);
        cr_expect(r.info.has_alpha);
        const uint8_t *p = pixel(&r, 0, 30, 20);
        cr_expect(abs(p[0] - 100) <= 2 && abs(p[1] - 100) <= 2 && abs(p[2] - 100) <= 2, "%s: %d %d %d", names[i], p[0],
                  p[1], p[2]);
        cr_expect(strstr(r.heard.text, "over black"), "%s", r.heard.text);
        free_reading(&r);
    }
}

Test(reader, grey_and_palette_pictures_are_full_range)
{
    ffmpeg("-f lavfi -i color=white:s=64x48 -frames:v 1 -pix_fmt gray a.png");
    ffmpeg("-f lavfi -i color=0x204060:s=64x48:d=0.04,format=rgb24 -vf "
           "\"split[a][b];[a]palettegen[p];[b][p]paletteuse\" b.png");
    struct reading r = read_clip("a.png", NULL);
    cr_expect_eq(pixel(&r, 0, 5, 5)[0], 255);
    cr_expect_null(strstr(r.heard.text, "matrix"), "%s", r.heard.text);
    free_reading(&r);
    r = read_clip("b.png", NULL);
    cr_expect_str_eq(r.pixel_format, "pal8");
    cr_expect_eq(pixel(&r, 0, 5, 5)[0], 0x20);
    cr_expect_eq(pixel(&r, 0, 5, 5)[2], 0x60);
    cr_expect_null(strstr(r.heard.text, "over black"), "%s", r.heard.text);
    free_reading(&r);
}

/* ---- sequences and pipes ---- */

Test(reader, an_image_sequence_starts_anywhere_and_tells_its_holes)
{
    run("mkdir frames");
    ffmpeg(NUMBERED("64x48", "24", 12) " -start_number 1001 frames/shot.%%04d.png");
    const char *const paths[] = {"frames/shot.%04d.png", "frames/shot.####.png", "frames", "frames/"};
    for (int i = 0; i < 4; i++) {
        struct reading r = read_clip(paths[i], NULL);
        cr_assert_eq(r.count, 12, "%s gives %d: %s", paths[i], r.count, r.message);
        cr_expect(r.info.is_sequence);
        cr_expect_eq(r.info.fps_num, 24);
        cr_expect_eq(number_of_picture(&r, 11), 11);
        cr_expect_not(r.summary.truncated);
        free_reading(&r);
    }
    cr_assert_eq(unlink("frames/shot.1006.png"), 0);
    pv_clip_reader_params params = reader_params();
    params.sequence_fps_num = 10;
    struct reading r = read_clip("frames/shot.%04d.png", &params);
    cr_expect_eq(r.count, 5);
    cr_expect_eq(r.info.fps_num, 10);
    cr_expect(r.summary.truncated);
    cr_expect_eq(r.summary.expected, 11);
    cr_expect(strstr(r.heard.text, "1006"), "%s", r.heard.text);
    free_reading(&r);
}

static void feed_stdin(const char *command)
{
    FILE *pipe = popen(command, "r");
    cr_assert_not_null(pipe);
    cr_assert_eq(dup2(fileno(pipe), STDIN_FILENO), STDIN_FILENO);
}

Test(reader, y4m_comes_through_a_pipe)
{
    feed_stdin("ffmpeg -v error -nostdin " NUMBERED("64x48", "24", 101) " -f yuv4mpegpipe -");
    struct reading r = read_clip("-", NULL);
    cr_assert_eq(r.count, 101, "%d: %s", r.count, r.message);
    cr_expect_eq(number_of_picture(&r, 100), 100);
    cr_expect_eq(r.info.frame_count, 0);
    free_reading(&r);
}

Test(reader, nut_comes_through_a_pipe)
{
    feed_stdin("ffmpeg -v error -nostdin " NUMBERED("64x48", "24", 101) " -c:v libx264 -crf 5 -f nut -");
    struct reading r = read_clip("-", NULL);
    cr_assert_eq(r.count, 101, "%d: %s", r.count, r.message);
    cr_expect_eq(number_of_picture(&r, 100), 100);
    free_reading(&r);
}

Test(reader, audio_is_noticed)
{
    ffmpeg(NUMBERED("64x48", "24", 24) " -f lavfi -i sine -shortest -c:v libx264 -c:a aac a.mp4");
    struct reading r = read_clip("a.mp4", NULL);
    cr_expect(r.info.has_audio);
    cr_expect_eq(r.count, 24, "%d", r.count);
    free_reading(&r);
}
