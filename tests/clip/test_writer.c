/* What is written reads back: presets in every container, lossless masters, tags, timecode, audio, sizes, refusals. */
#include <criterion/criterion.h>

#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fresh_seed.h"
#include "clip/clip_fixture.h"

TestSuite(writer, .init = enter_folder, .fini = leave_folder, .timeout = 120);

static void expect_reads_back(const char *path, int width, int height, int tolerance)
{
    pv_clip_reader_params params = reader_params();
    params.matrix = PV_CLIP_MATRIX_BT709; /* for y4m, which cannot say it */
    struct reading r = read_clip(path, &params);
    cr_assert_eq(r.ended, PV_END, "%s: %s", path, r.message);
    cr_assert_eq(r.count, 30, "%s holds %d frames", path, r.count);
    cr_expect_eq(r.info.fps_num, 24);
    cr_expect_eq(r.info.fps_den, 1);
    cr_expect_not(r.info.variable_rate, "%s", path);
    cr_expect_not(r.info.range_guessed, "%s", path);
    pv_frame expected = new_frame(width, height);
    for (int i = 0; i < 30; i += 29) {
        paint(&expected, i);
        double error = 0.0;
        for (int y = 0; y < height; y++)
            for (int x = 0; x < 3 * width; x++)
                error += abs(pixel(&r, i, 0, y)[x] - expected.data[(size_t)y * expected.stride + (size_t)x]);
        error /= 3.0 * width * height;
        cr_expect_leq(error, tolerance, "%s, frame %d: mean error %.2f", path, i, error);
    }
    free(expected.data);
    free_reading(&r);
}

static const char *probe(const char *path, const char *entry)
{
    return output_of("ffprobe -v error -select_streams v:0 -show_entries stream=%s -of csv=p=0 %s", entry, path);
}

Test(writer, every_preset_reads_back_from_every_container)
{
    const struct {
        const char *path, *codec;
        pv_clip_preset preset;
        int tolerance;
    } outputs[] = {
        {"a.mp4", "h264", PV_CLIP_PRESET_REVIEW, 2},      {"a.m4v", "h264", PV_CLIP_PRESET_REVIEW, 2},
        {"a.mov", "h264", PV_CLIP_PRESET_REVIEW, 2},      {"a.mkv", "h264", PV_CLIP_PRESET_REVIEW, 2},
        {"a.nut", "h264", PV_CLIP_PRESET_REVIEW, 2},      {"a.webm", "vp9", PV_CLIP_PRESET_REVIEW, 2},
        {"a.y4m", "rawvideo", PV_CLIP_PRESET_REVIEW, 1},  {"edit.mov", "prores", PV_CLIP_PRESET_EDIT, 1},
        {"edit.mkv", "prores", PV_CLIP_PRESET_EDIT, 1},   {"edit.nut", "prores", PV_CLIP_PRESET_EDIT, 1},
        {"edit.mxf", "dnxhd", PV_CLIP_PRESET_EDIT, 1},    {"master.mkv", "ffv1", PV_CLIP_PRESET_MASTER, 0},
        {"master.nut", "ffv1", PV_CLIP_PRESET_MASTER, 0},
    };
    enum { WIDE = 256, TALL = 120 }; /* the smallest that DNxHR takes */
    for (size_t i = 0; i < sizeof outputs / sizeof outputs[0]; i++) {
        const pv_clip_writer_params params = writer_params(WIDE, TALL, outputs[i].preset);
        write_clip(outputs[i].path, &params, 30);
        cr_expect_str_eq(probe(outputs[i].path, "codec_name"), outputs[i].codec, "%s", outputs[i].path);
        expect_reads_back(outputs[i].path, WIDE, TALL, outputs[i].tolerance);
        cr_expect_str_empty(output_of("ls | grep partial"), "nothing unfinished may stay");
    }
    const char *const tagged[] = {"a.mp4", "a.mov", "a.mkv", "a.nut", "a.webm", "edit.mkv"};
    for (size_t i = 0; i < sizeof tagged / sizeof tagged[0]; i++)
        cr_expect_str_eq(probe(tagged[i], "color_range,color_space,color_transfer,color_primaries"),
                         "tv,bt709,bt709,bt709", "%s", tagged[i]);
    /* MOV has no place for the range of ProRes: the decoder says it, and ffprobe 7 opens a file without decoding. */
    cr_expect_str_eq(probe("edit.mov", "color_space,color_transfer,color_primaries"), "bt709,bt709,bt709");
    cr_expect_str_eq(output_of("ffprobe -v error -show_entries frame=color_range -of csv=p=0 edit.mov"), "tv");
    cr_expect_str_eq(probe("a.mp4", "chroma_location"), "left");
    cr_expect_str_eq(probe("master.mkv", "color_range"), "pc");
    cr_expect_str_eq(probe("a.mp4", "start_time"), "0.000000");
    cr_expect_str_eq(output_of("head -c 60000 a.mp4 | grep -abo moov | wc -l"), "1", "the index stands in front");
    cr_expect_str_eq(output_of("grep -abo moof a.mp4 | wc -l"), "0", "and there are no fragments left");
    cr_expect(strstr(output_of("head -1 a.y4m"), "W256 H120 F24:1 Ip A1:1 C420mpeg2"), "%s",
              output_of("head -1 a.y4m"));
}

static void fill_noise(pv_frame *frame)
{
    for (size_t i = 0; i < frame->stride * (size_t)frame->height; i++)
        frame->data[i] = (uint8_t)(rand() & 255);
}

Test(writer, masters_are_lossless_at_any_size)
{
    srand((unsigned)fresh_seed());
    enum { WIDE = 67, TALL = 49, COUNT = 3 };
    const char *const paths[] = {"a.mkv", "a.nut", "a.%04d.png", "a.####.exr", "frames/"};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        pv_clip_writer *writer;
        const pv_clip_writer_params params = writer_params(WIDE, TALL, PV_CLIP_PRESET_MASTER);
        cr_assert_eq(pv_clip_writer_open(paths[i], &params, &writer), PV_OK, "%s", pv_clip_writer_message(writer));
        pv_frame frames[COUNT];
        for (int n = 0; n < COUNT; n++) {
            frames[n] = new_frame(WIDE, TALL);
            fill_noise(&frames[n]);
            cr_assert_eq(pv_clip_writer_send(writer, &frames[n]), PV_OK, "%s", pv_clip_writer_message(writer));
        }
        cr_assert_eq(pv_clip_writer_finish(writer), PV_OK, "%s", pv_clip_writer_message(writer));
        pv_clip_writer_summary summary = {.struct_size = sizeof summary};
        pv_clip_writer_get_summary(writer, &summary);
        cr_expect_eq(summary.frames, COUNT);
        cr_expect_gt(summary.bytes, 1000);
        pv_clip_writer_close(writer);
        struct reading r = read_clip(paths[i], NULL);
        cr_assert_eq(r.count, COUNT, "%s: %d, %s", paths[i], r.count, r.message);
        for (int n = 0; n < COUNT; n++) {
            cr_expect_eq(memcmp(frames[n].data, pixel(&r, n, 0, 0), 3 * WIDE * TALL), 0, "%s, frame %d differs",
                         paths[i], n);
            free(frames[n].data);
        }
        free_reading(&r);
    }
    cr_expect(exists("a.1001.png") && exists("a.1003.exr") && exists("frames/1002.png"));
}

Test(writer, exr_holds_half_floats_of_light)
{
    pv_clip_writer_params params = writer_params(16, 16, PV_CLIP_PRESET_MASTER);
    params.first_number = 7;
    pv_clip_writer *writer;
    cr_assert_eq(pv_clip_writer_open("a.##.exr", &params, &writer), PV_OK);
    pv_frame frame = new_frame(16, 16);
    memset(frame.data, 188, 3 * 16 * 16);
    cr_assert_eq(pv_clip_writer_send(writer, &frame), PV_OK);
    cr_assert_eq(pv_clip_writer_finish(writer), PV_OK);
    pv_clip_writer_close(writer);
    free(frame.data);
    cr_assert(exists("a.07.exr"));
    ffmpeg("-i a.07.exr -f rawvideo a.raw"); /* gbrpf32le */
    float value;
    FILE *file = fopen("a.raw", "rb");
    cr_assert_eq(fread(&value, sizeof value, 1, file), 1);
    fclose(file);
    const double light = pow((188.0 / 255.0 + 0.055) / 1.055, 2.4); /* IEC 61966-2-1 */
    cr_expect_float_eq(value, light, light / 2048.0, "%f, not %f", (double)value, light);
}

Test(writer, odd_sides_are_padded_with_a_notice)
{
    struct hearing heard;
    pv_clip_writer_params params = writer_params(67, 49, PV_CLIP_PRESET_REVIEW);
    params.callbacks = hear(&heard);
    write_clip("a.mp4", &params, 30);
    cr_expect(strstr(heard.text, "67x49 is padded to 68x50"), "%s", heard.text);
    struct reading r = read_clip("a.mp4", NULL);
    cr_assert_eq(r.count, 30);
    cr_expect(r.info.width == 68 && r.info.height == 50);
    for (int c = 0; c < 3; c++) {
        cr_expect_leq(abs(pixel(&r, 0, 67, 20)[c] - pixel(&r, 0, 66, 20)[c]), 12, "the padding repeats the edge");
        cr_expect_leq(abs(pixel(&r, 0, 20, 49)[c] - pixel(&r, 0, 20, 48)[c]), 12, "the padding repeats the edge");
    }
    free_reading(&r);
}

Test(writer, frames_of_other_sizes_are_scaled)
{
    pv_clip_writer *writer;
    const pv_clip_writer_params params = writer_params(64, 48, PV_CLIP_PRESET_MASTER);
    cr_assert_eq(pv_clip_writer_open("a.mkv", &params, &writer), PV_OK);
    const int sizes[][2] = {{64, 48}, {32, 24}, {128, 96}, {64, 48}};
    for (int i = 0; i < 4; i++) {
        pv_frame frame = new_frame(sizes[i][0], sizes[i][1]);
        memset(frame.data, 40 + 50 * i, 3 * (size_t)frame.width * (size_t)frame.height);
        cr_assert_eq(pv_clip_writer_send(writer, &frame), PV_OK);
        free(frame.data);
    }
    cr_assert_eq(pv_clip_writer_finish(writer), PV_OK);
    pv_clip_writer_close(writer);
    struct reading r = read_clip("a.mkv", NULL);
    cr_assert_eq(r.count, 4);
    for (int i = 0; i < 4; i++)
        cr_expect_leq(abs(pixel(&r, i, 63, 47)[1] - (40 + 50 * i)), 1);
    free_reading(&r);
}

Test(writer, timecode_and_comment_are_kept)
{
    const char *const paths[] = {"a.mp4", "a.mov", "a.mkv", "a.nut"};
    for (int i = 0; i < 4; i++) {
        pv_clip_writer_params params = writer_params(64, 48, PV_CLIP_PRESET_REVIEW);
        params.timecode = "01:00:04:05";
        params.comment = "seed 7";
        write_clip(paths[i], &params, 10);
        struct reading r = read_clip(paths[i], NULL);
        cr_expect_str_eq(r.timecode, "01:00:04:05", "%s: '%s'", paths[i], r.timecode);
        free_reading(&r);
        cr_expect_str_eq(output_of("ffprobe -v error -show_entries format_tags=comment -of csv=p=0 %s", paths[i]),
                         "seed 7");
    }
    pv_clip_writer_params params = writer_params(64, 48, PV_CLIP_PRESET_EDIT);
    params.fps_num = 30000;
    params.fps_den = 1001;
    params.timecode = "00:00:59;28";
    write_clip("drop.mov", &params, 10);
    struct reading r = read_clip("drop.mov", NULL);
    cr_expect_str_eq(r.timecode, "00:00:59;28");
    free_reading(&r);
    struct hearing heard;
    params.callbacks = hear(&heard);
    params.timecode = "teatime";
    write_clip("none.mov", &params, 2);
    cr_expect(strstr(heard.text, "teatime"), "%s", heard.text);
}

/* ---- audio ---- */

/* Time, size and checksum of each audio packet from time 0 on, one a line. */
static void list_audio(const char *path, const char *list)
{
    run("ffprobe -v error -select_streams a -show_entries packet=pts_time,size,data_hash -show_data_hash crc32 -of "
        "csv=p=0 "
        "%s | grep '^[0-9]' | sed 's/,*$//' > %s",
        path, list);
}

Test(writer, audio_is_copied_up_to_the_seam_in_step_with_the_pictures)
{
    ffmpeg("-f lavfi -i testsrc2=s=64x48:r=24 -f lavfi -i sine=sample_rate=48000 -t 2 -c:v libx264 -c:a aac src.mp4");
    list_audio("src.mp4", "src.txt");
    const char *const paths[] = {"a.mp4", "a.mkv", "edit.mov"};
    for (int i = 0; i < 3; i++) {
        pv_clip_writer_params params = writer_params(64, 48, i < 2 ? PV_CLIP_PRESET_REVIEW : PV_CLIP_PRESET_EDIT);
        params.audio = PV_CLIP_AUDIO_COPY;
        params.audio_source = "src.mp4";
        pv_clip_writer *writer;
        cr_assert_eq(pv_clip_writer_open(paths[i], &params, &writer), PV_OK, "%s", pv_clip_writer_message(writer));
        pv_frame frame = new_frame(64, 48);
        for (int n = 0; n < 72; n++) {
            if (n == 36) /* 1.5 s of source */
                cr_assert_eq(pv_clip_writer_mark_seam(writer), PV_OK);
            paint(&frame, n);
            cr_assert_eq(pv_clip_writer_send(writer, &frame), PV_OK);
        }
        cr_assert_eq(pv_clip_writer_finish(writer), PV_OK, "%s", pv_clip_writer_message(writer));
        pv_clip_writer_close(writer);
        free(frame.data);
        list_audio(paths[i], "got.txt");
        const int lines = atoi(output_of("wc -l < got.txt"));
        const int expected = (int)ceil(1.5 * 48000 / 1024);
        cr_expect_eq(lines, expected, "%s: %d packets of audio, not %d", paths[i], lines, expected);
        if (i != 1) { /* Matroska rounds times to milliseconds */
            const char *same = output_of("head -n %d src.txt | cmp - got.txt && echo same", lines);
            cr_expect_str_eq(same, "same", "%s: %s", paths[i], same);
        }
        cr_expect_str_eq(
            output_of("head -n %d src.txt | cut -d, -f2- > x.txt; cut -d, -f2- got.txt | cmp - x.txt && echo same",
                      lines),
            "same", "%s: other sound", paths[i]);
        cr_expect_str_eq(probe(paths[i], "start_time"), "0.000000");
        struct reading r = read_clip(paths[i], NULL);
        cr_expect_eq(r.count, 72, "%s: %d", paths[i], r.count);
        free_reading(&r);
    }
}

/* Broadcast AAC has no header of its own, MP4 holds no PCM and has no standard for Vorbis, WebM holds no AAC. */
Test(writer, audio_that_cannot_be_copied_is_converted)
{
    static const char *const rows[][4] = {{"-c:a aac", "src.ts", "a.mp4", "aac"},
                                          {"-c:a pcm_s24le -ac 1 -ar 44100", "src.mov", "b.mp4", "aac"},
                                          {"-c:a aac", "src.mp4", "c.webm", "opus"},
                                          {"-c:a libvorbis", "src.mkv", "d.mp4", "aac"}};
    for (int i = 0; i < 4; i++) {
        struct hearing heard;
        ffmpeg("-f lavfi -i testsrc2=s=64x48:r=24 -f lavfi -i sine -t 2 -c:v libx264 %s %s", rows[i][0], rows[i][1]);
        pv_clip_writer_params params = writer_params(64, 48, PV_CLIP_PRESET_REVIEW);
        params.callbacks = hear(&heard);
        params.audio = PV_CLIP_AUDIO_COPY;
        params.audio_source = rows[i][1];
        params.audio_start_seconds = atof(output_of(
            "ffprobe -v error -select_streams v -show_entries stream=start_time -of csv=p=0 %s | head -1", rows[i][1]));
        write_clip(rows[i][2], &params, 36);
        cr_expect_str_eq(
            output_of("ffprobe -v error -select_streams a -show_entries stream=codec_name -of csv=p=0 %s", rows[i][2]),
            rows[i][3], "%s", heard.text);
        cr_expect_eq(strstr(heard.text, "it becomes") != NULL, i > 0, "%s", heard.text);
        const double seconds =
            atof(output_of("ffmpeg -v error -i %s -vn -f f32le -ar 48000 -ac 1 - | wc -c", rows[i][2])) / (4 * 48000);
        cr_expect(fabs(seconds - 1.5) < 0.025, "%s: %g seconds of sound", rows[i][2], seconds);
    }
}

Test(writer, audio_that_does_not_fit_is_left_out_with_a_warning)
{
    ffmpeg("-f lavfi -i testsrc2=s=64x48:r=24 -f lavfi -i sine -t 1 -c:v libx264 -c:a aac src.mp4");
    struct hearing heard;
    pv_clip_writer_params params = writer_params(256, 144, PV_CLIP_PRESET_EDIT); /* DNxHR takes nothing smaller */
    params.callbacks = hear(&heard);
    params.audio = PV_CLIP_AUDIO_COPY;
    params.audio_source = "src.mp4";
    write_clip("a.mxf", &params, 24);
    cr_expect(strstr(heard.text, "silent"), "%s", heard.text);
    params = writer_params(64, 48, PV_CLIP_PRESET_REVIEW);
    params.callbacks = hear(&heard);
    params.audio = PV_CLIP_AUDIO_COPY;
    params.audio_source = "-";
    write_clip("a.mp4", &params, 24);
    cr_expect(strstr(heard.text, "standard input"), "%s", heard.text);
    params.audio_source = "gone.mp4";
    write_clip("b.mp4", &params, 24);
    cr_expect(strstr(heard.text, "gone.mp4"), "%s", heard.text);
}

/* ---- refusals ---- */

static void expect_refused(const char *path, pv_clip_writer_params params, pv_status status, const char *word)
{
    pv_clip_writer *writer;
    cr_expect_eq(pv_clip_writer_open(path, &params, &writer), status, "%s: %s", path, pv_clip_writer_message(writer));
    cr_expect(strstr(pv_clip_writer_message(writer), word), "%s: %s", path, pv_clip_writer_message(writer));
    pv_clip_writer_close(writer);
    cr_expect_str_empty(output_of("ls | grep partial"), "%s", path);
}

Test(writer, what_cannot_be_is_one_clear_sentence)
{
    const pv_clip_writer_params edit = writer_params(64, 48, PV_CLIP_PRESET_EDIT);
    const pv_clip_writer_params master = writer_params(64, 48, PV_CLIP_PRESET_MASTER);
    const pv_clip_writer_params review = writer_params(64, 48, PV_CLIP_PRESET_REVIEW);
    expect_refused("a.webm", edit, PV_ERR_UNSUPPORTED, "name it .mov");
    expect_refused("a.mp4", edit, PV_ERR_UNSUPPORTED, "edit");
    expect_refused("a.mp4", master, PV_ERR_UNSUPPORTED, ".mkv");
    expect_refused("a.y4m", master, PV_ERR_UNSUPPORTED, "master");
    expect_refused("a.mxf", review, PV_ERR_UNSUPPORTED, ".mp4");
    expect_refused("a.avi", review, PV_ERR_UNSUPPORTED, ".mov");
    expect_refused("one.png", review, PV_ERR_ARGUMENT, "%04d");
    expect_refused("%d.%d.png", review, PV_ERR_ARGUMENT, "exactly one");
    expect_refused("", review, PV_ERR_ARGUMENT, "name");
    expect_refused("a.mp4", writer_params(0, 48, PV_CLIP_PRESET_REVIEW), PV_ERR_ARGUMENT, "0x48");
    pv_clip_writer_params still = review;
    still.fps_num = 0;
    expect_refused("a.mp4", still, PV_ERR_ARGUMENT, "0/1");
}

Test(writer, nothing_is_overwritten_unasked)
{
    const pv_clip_writer_params params = writer_params(64, 48, PV_CLIP_PRESET_REVIEW);
    run("echo precious > a.mp4");
    expect_refused("a.mp4", params, PV_ERR_IO, "exists");
    cr_expect_str_eq(output_of("cat a.mp4"), "precious");
    run("mkdir d.mp4");
    expect_refused("d.mp4", params, PV_ERR_IO, "directory");
    run("echo precious > shot.1004.png");
    expect_refused("shot.%04d.png", params, PV_ERR_IO, "exist");

    run("echo precious > b.partial.mp4");
    pv_clip_writer *writer;
    cr_expect_eq(pv_clip_writer_open("b.mp4", &params, &writer), PV_ERR_IO);
    cr_expect(strstr(pv_clip_writer_message(writer), "b.partial.mp4"), "%s", pv_clip_writer_message(writer));
    pv_clip_writer_close(writer);
    cr_expect_str_eq(output_of("cat b.partial.mp4"), "precious");

    pv_clip_writer_params allowed = params;
    allowed.overwrite = 1;
    write_clip("a.mp4", &allowed, 5);
    write_clip("b.mp4", &allowed, 5);
    struct reading r = read_clip("a.mp4", NULL);
    cr_expect_eq(r.count, 5);
    free_reading(&r);
}

Test(writer, a_file_that_appears_meanwhile_is_left_alone)
{
    const pv_clip_writer_params params = writer_params(64, 48, PV_CLIP_PRESET_REVIEW);
    pv_clip_writer *writer;
    cr_assert_eq(pv_clip_writer_open("a.mkv", &params, &writer), PV_OK);
    pv_frame frame = new_frame(64, 48);
    cr_assert_eq(pv_clip_writer_send(writer, &frame), PV_OK);
    run("echo precious > a.mkv");
    cr_expect_eq(pv_clip_writer_finish(writer), PV_ERR_IO);
    cr_expect(strstr(pv_clip_writer_message(writer), "a.partial.mkv"), "%s", pv_clip_writer_message(writer));
    pv_clip_writer_close(writer);
    free(frame.data);
    cr_expect_str_eq(output_of("cat a.mkv"), "precious");
    struct reading r = read_clip("a.partial.mkv", NULL);
    cr_expect_eq(r.count, 1, "the finished frames are kept beside it");
    free_reading(&r);
}

Test(writer, none_counts_and_drops)
{
    const pv_clip_writer_params params = writer_params(64, 48, PV_CLIP_PRESET_NONE);
    write_clip(NULL, &params, 9);
    write_clip("a.mp4", &params, 9);
    cr_expect_not(exists("a.mp4"));
    pv_clip_writer *writer;
    cr_assert_eq(pv_clip_writer_open("a.mp4", &params, &writer), PV_OK);
    cr_expect_eq(pv_clip_writer_finish(writer), PV_ERR_ARGUMENT, "no frame, no clip");
    pv_clip_writer_close(writer);
}

/* ---- scaler ---- */

Test(writer, the_scaler_averages_when_it_shrinks)
{
    pv_clip_scaler *scaler;
    cr_assert_eq(pv_clip_scaler_open(64, 48, 32, 24, &scaler), PV_OK);
    pv_frame from = new_frame(64, 48), to = new_frame(32, 24);
    srand(5);
    fill_noise(&from);
    from.index = 42;
    cr_assert_eq(pv_clip_scaler_run(scaler, &from, &to), PV_OK);
    cr_expect_eq(to.index, 42);
    int worst = 0;
    for (int y = 0; y < 24; y++)
        for (int x = 0; x < 32; x++)
            for (int c = 0; c < 3; c++) {
                const uint8_t *a = from.data + (size_t)(2 * y) * from.stride + (size_t)(6 * x + c),
                              *b = a + from.stride;
                const int mean = (a[0] + a[3] + b[0] + b[3] + 2) / 4;
                const int d = abs(mean - to.data[(size_t)y * to.stride + (size_t)(3 * x + c)]);
                worst = d > worst ? d : worst;
            }
    cr_expect_leq(worst, 1, "%d", worst);
    cr_expect_eq(pv_clip_scaler_run(scaler, &to, &from), PV_ERR_ARGUMENT);
    pv_clip_scaler_close(scaler);

    cr_assert_eq(pv_clip_scaler_open(64, 48, 64, 48, &scaler), PV_OK);
    pv_frame copy = new_frame(64, 48);
    cr_assert_eq(pv_clip_scaler_run(scaler, &from, &copy), PV_OK);
    cr_expect_eq(memcmp(copy.data, from.data, 3 * 64 * 48), 0);
    pv_clip_scaler_close(scaler);

    memset(from.data, 77, 3 * 64 * 48);
    pv_frame big = new_frame(131, 101);
    cr_assert_eq(pv_clip_scaler_open(64, 48, 131, 101, &scaler), PV_OK);
    cr_assert_eq(pv_clip_scaler_run(scaler, &from, &big), PV_OK);
    for (int i = 0; i < 3 * 131 * 101; i++)
        cr_assert_eq(big.data[i], 77, "a flat picture stays flat");
    pv_clip_scaler_close(scaler);
    cr_expect_eq(pv_clip_scaler_open(0, 48, 64, 48, &scaler), PV_ERR_ARGUMENT);
    pv_clip_scaler_close(NULL);
    free(from.data);
    free(to.data);
    free(copy.data);
    free(big.data);
}
