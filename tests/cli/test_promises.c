/* test_promises.c: whatever comes in, the output has the promised frames, rate, size, colour and length: on its own and
 * joined to the clip. Judged by ffprobe. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cli/program.h"

enum { AHEAD = 5 };

/* What is read, how ffmpeg makes it, and what must come out. */
struct promise {
    const char *input, *arguments;
    int frames; /* of the clip, at the rate of the output */
    int width, height;
    const char *rate;
};

#define PATTERN(size, rate, frames) "-f lavfi -i testsrc2=size=" size ":rate=" rate " -frames:v " frames " "

static const struct promise promises[] = {
    {"x264.mp4", PATTERN("96x64", "24", "31") "-c:v libx264 -preset veryfast -bf 3 -pix_fmt yuv420p", 31, 96, 64,
     "24/1"},
    {"ntsc.mov", PATTERN("96x64", "24000/1001", "31") "-c:v libx264 -preset ultrafast -pix_fmt yuv420p", 31, 96, 64,
     "24000/1001"},
    {"pal.mkv", PATTERN("96x64", "25", "31") "-c:v libx264 -preset ultrafast -pix_fmt yuv420p", 31, 96, 64, "25/1"},
    {"fast.mp4", PATTERN("96x64", "30", "30") "-c:v libx264 -preset ultrafast -pix_fmt yuv420p", 24, 96, 64, "24/1"},
    {"slow.mp4", PATTERN("96x64", "12", "15") "-c:v libx264 -preset ultrafast -pix_fmt yuv420p", 30, 96, 64, "24/1"},
    {"x265.mkv", PATTERN("96x64", "24", "31") "-c:v libx265 -x265-params log-level=error -pix_fmt yuv420p10le", 31, 96,
     64, "24/1"},
    {"av1.mkv", PATTERN("96x64", "24", "20") "-c:v libaom-av1 -cpu-used 8 -row-mt 1 -pix_fmt yuv420p", 20, 96, 64,
     "24/1"},
    {"vp9.webm", PATTERN("96x64", "24", "20") "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -pix_fmt yuv420p", 20, 96,
     64, "24/1"},
    {"prores.mov", PATTERN("96x64", "24", "20") "-c:v prores_ks -pix_fmt yuv422p10le", 20, 96, 64, "24/1"},
    {"interlaced.ts",
     PATTERN("96x64", "25", "30") "-c:v mpeg2video -flags +ilme+ildct -vf setfield=tff -pix_fmt yuv420p", 30, 96, 64,
     "25/1"},
    {"uneven.mkv",
     PATTERN("96x64", "24",
             "30") "-vf setpts='N/24/TB+if(mod(N\\,3)\\,0\\,0.02/TB)' -c:v libx264 -preset ultrafast -vsync vfr "
                   "-pix_fmt yuv420p",
     30, 96, 64, "24/1"},
    {"anamorphic.mp4", PATTERN("72x64", "24", "20") "-vf setsar=4/3 -c:v libx264 -preset ultrafast -pix_fmt yuv420p",
     20, 96, 64, "24/1"},
    {"odd.mkv", "-f lavfi -i testsrc=size=95x63:rate=24 -frames:v 20 -c:v ffv1 -pix_fmt yuv444p", 20, 96, 64, "24/1"},
    {"sound.mp4",
     "-f lavfi -i testsrc2=size=96x64:rate=24:duration=1 -f lavfi -i sine=duration=1 -c:v libx264 -preset ultrafast "
     "-pix_fmt yuv420p -c:a aac",
     24, 96, 64, "24/1"},
    {"picture.%02d.png", PATTERN("96x64", "24", "14") "-start_number 3", 14, 96, 64, "24/1"},
    {"one.png.mkv", PATTERN("96x64", "24", "1") "-c:v ffv1", 1, 96, 64, "24/1"},
};

static void expect_promise(const struct folder *f, const struct promise *p, const char *name, int frames)
{
    const struct probe found = probe(f, name);
    char rate[32];
    int num, den;
    cr_assert_eq(sscanf(p->rate, "%d/%d", &num, &den), 2);
    snprintf(rate, sizeof rate, "%d/%d", num, den);
    cr_expect_eq(found.frames, frames, "%s: %s has %d frames, not %d", p->input, name, found.frames, frames);
    cr_expect_str_eq(found.rate, rate, "%s: %s has rate %s, not %s", p->input, name, found.rate, rate);
    cr_expect(found.width == p->width && found.height == p->height, "%s: %s is %dx%d, not %dx%d", p->input, name,
              found.width, found.height, p->width, p->height);
    cr_expect(strcmp(found.matrix, "bt709") == 0 && strcmp(found.range, "tv") == 0 &&
                  strcmp(found.primaries, "bt709") == 0 && strcmp(found.transfer, "bt709") == 0,
              "%s: %s is tagged %s %s %s %s", p->input, name, found.matrix, found.range, found.primaries,
              found.transfer);
    const double seconds = (double)frames * den / num;
    cr_expect(fabs(found.seconds - seconds) < 0.03, "%s: %s lasts %g s, not %g", p->input, name, found.seconds,
              seconds);
}

static void keep_promises(size_t first, size_t count)
{
    const struct folder f = folder_open();
    for (size_t i = first; i < first + count && i < sizeof promises / sizeof promises[0]; i++) {
        const struct promise *p = &promises[i];
        run_well(&f, "ffmpeg -v error -y %s '%s'", p->arguments, p->input);
        run_well(&f, "prevue predict '%s' -o new.mp4 -y --frames %d --steps 1 --context 4", p->input, AHEAD);
        run_well(&f, "prevue predict '%s' -o joined.mp4 -y --join --frames %d --steps 1 --context 4", p->input, AHEAD);
        expect_promise(&f, p, "new.mp4", AHEAD);
        expect_promise(&f, p, "joined.mp4", p->frames + AHEAD);
        const bool sound = strncmp(p->input, "sound", 5) == 0;
        cr_expect_eq(probe(&f, "joined.mp4").audio, sound, "%s: joined sound", p->input);
        cr_expect_not(probe(&f, "new.mp4").audio, "%s: new frames have no sound", p->input);
    }
    folder_close(&f);
}

Test(promises, rates, .timeout = 240)
{
    keep_promises(0, 5);
}

Test(promises, codecs, .timeout = 240)
{
    keep_promises(5, 5);
}

Test(promises, shapes, .timeout = 240)
{
    keep_promises(10, 6);
}

Test(promises, a_turned_clip_is_upright, .timeout = 240)
{
    const struct folder f = folder_open();
    run_well(&f, "ffmpeg -v error -f lavfi -i testsrc2=size=96x64:rate=24 -frames:v 20 -c:v libx264 -preset ultrafast "
                 "-pix_fmt yuv420p "
                 "flat.mp4");
    /* An option of the file that is read since FFmpeg 6; before, a tag of the stream that is written. */
    run_well(&f, "ffmpeg -v quiet -display_rotation 90 -i flat.mp4 -c copy turned.mp4 || "
                 "ffmpeg -v error -y -i flat.mp4 -c copy -metadata:s:v rotate=90 turned.mp4");
    run_well(&f, "prevue predict turned.mp4 -o out.mp4 --join --frames 5 --steps 1");
    const struct probe found = probe(&f, "out.mp4");
    cr_expect(found.width == 64 && found.height == 96 && found.frames == 25, "%dx%d, %d frames", found.width,
              found.height, found.frames);
    folder_close(&f);
}

Test(promises, standard_input_is_a_clip, .timeout = 240)
{
    const struct folder f = folder_open();
    run_well(&f, "ffmpeg -v error -f lavfi -i testsrc2=size=96x64:rate=25 -frames:v 30 -pix_fmt yuv420p -f "
                 "yuv4mpegpipe - | prevue predict - -o out.mkv --join --frames 5 --steps 1");
    struct probe found = probe(&f, "out.mkv");
    cr_expect(found.frames == 35 && strcmp(found.rate, "25/1") == 0, "%d frames, %s", found.frames, found.rate);
    run_well(&f, "ffmpeg -v error -f lavfi -i testsrc2=size=96x64:rate=30 -frames:v 30 -pix_fmt yuv420p -f "
                 "yuv4mpegpipe - | prevue predict - -o out.mkv -y --join --frames 5 --steps 1");
    found = probe(&f, "out.mkv");
    cr_expect(found.frames == 29 && strcmp(found.rate, "24/1") == 0, "%d frames, %s", found.frames, found.rate);
    folder_close(&f);
}

/* The seam: every real frame, then every predicted one, untouched and in order. */
Test(promises, joined_is_the_clip_then_the_prediction, .timeout = 240)
{
    const struct folder f = folder_open();
    run_well(&f, "prevue world drop -o clip.mkv --preset master --size 96x64 --frames 30");
    run_well(&f, "prevue predict clip.mkv -o new.mkv --preset master --frames 6 --seed 3");
    run_well(&f, "prevue predict clip.mkv -o joined.mkv --preset master --frames 6 --seed 3 --join");
    const char *clip = frame_sums(&f, "clip.mkv"), *new = frame_sums(&f, "new.mkv"),
               *joined = frame_sums(&f, "joined.mkv");
    cr_assert_eq(strlen(joined), strlen(clip) + strlen(new));
    cr_expect(strncmp(joined, clip, strlen(clip)) == 0, "the clip's frames changed");
    cr_expect_str_eq(joined + strlen(clip), new, "the predicted frames differ when joined");
    folder_close(&f);
}

Test(promises, a_seed_is_a_future, .timeout = 240)
{
    const struct folder f = folder_open();
    run_well(&f, "prevue world drop -o clip.mkv --preset master --size 96x64 --frames 16");
    run_well(&f, "prevue predict clip.mkv -o a.mkv --preset master --frames 4 --seed 5");
    run_well(&f, "prevue predict clip.mkv -o b.mkv --preset master --frames 4 --seed 5");
    run_well(&f, "prevue predict clip.mkv -o c.mkv --preset master --frames 4 --seed 6");
    run_well(&f, "prevue predict clip.mkv -o d.mkv --preset master --frames 4 --seed 5 --gravity 0,5");
    run_well(&f, "prevue predict clip.mkv -o mean.mkv --preset master --frames 4 --mode mean");
    cr_expect_eq(run(&f, "cmp a.mkv b.mkv").code, 0, "the same seed gives other bytes");
    const char *a = frame_sums(&f, "a.mkv");
    cr_expect_str_neq(a, frame_sums(&f, "c.mkv"), "another seed gives the same frames");
    cr_expect_str_neq(a, frame_sums(&f, "d.mkv"), "gravity changes nothing");
    cr_expect_str_neq(a, frame_sums(&f, "mean.mkv"), "the mean is the sample");
    folder_close(&f);
}

/* Six frames at once are three, saved, and three more: the same frames, without the seam of re-encoding. */
Test(promises, a_saved_rollout_goes_on, .timeout = 240)
{
    const struct folder f = folder_open();
    run_well(&f, "prevue world drop -o clip.mkv --preset master --size 96x64 --frames 16");
    run_well(&f, "prevue predict clip.mkv -o six.mkv --preset master --frames 6");
    run_well(&f, "prevue predict clip.mkv -o three.mkv --preset master --frames 3 --save-state state");
    run_well(&f, "prevue predict three.mkv -o more.mkv --preset master --frames 3 --resume-state state --join");
    cr_expect_str_eq(frame_sums(&f, "six.mkv"), frame_sums(&f, "more.mkv"));
    folder_close(&f);
}

Test(promises, timecode_goes_on, .timeout = 240)
{
    const struct folder f = folder_open();
    run_well(&f, "ffmpeg -v error -f lavfi -i testsrc2=size=96x64:rate=24 -frames:v 30 -c:v libx264 -preset ultrafast "
                 "-pix_fmt yuv420p "
                 "-timecode 01:00:59:00 clip.mov");
    run_well(&f, "prevue predict clip.mov -o new.mov --frames 5 --steps 1");
    run_well(&f, "prevue predict clip.mov -o joined.mov --frames 5 --steps 1 --join");
    cr_expect_str_eq(probe(&f, "new.mov").timecode, "01:01:00:06");
    cr_expect_str_eq(probe(&f, "joined.mov").timecode, "01:00:59:00");
    folder_close(&f);
}

Test(promises, sizes_are_as_asked, .timeout = 240)
{
    const struct folder f = folder_open();
    run_well(&f, "prevue world drop -o clip.mkv --size 96x64 --frames 8");
    run_well(&f, "prevue predict clip.mkv -o a.mkv --frames 2 --size model");
    run_well(&f, "prevue predict clip.mkv -o b.mkv --frames 2 --size 50x40");
    struct probe p = probe(&f, "a.mkv");
    cr_expect(p.width == 48 && p.height == 32, "%dx%d", p.width, p.height); /* 32x32, in steps of 8, as 3:2 */
    p = probe(&f, "b.mkv");
    cr_expect(p.width == 50 && p.height == 40, "%dx%d", p.width, p.height);
    folder_close(&f);
}

Test(promises, an_image_sequence_comes_out, .timeout = 240)
{
    const struct folder f = folder_open();
    run_well(&f, "prevue world drop -o 'in.####.png' --size 96x64 --frames 8");
    run_well(&f, "prevue predict 'in.####.png' -o 'out.####.png' --frames 3 --in-rate 25");
    cr_expect(folder_has(&f, "out.1001.png") && folder_has(&f, "out.1003.png") && !folder_has(&f, "out.1004.png"));
    folder_close(&f);
}
