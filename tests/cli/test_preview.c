/* test_preview.c: what `prevue preview` promises of its files: names, lengths, rates, timecode, sound, colour, the
 * seam; judged by ffprobe on clips that real encoders made. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/program.h"

TestSuite(preview, .timeout = 120);

#define PATTERN(size, rate, frames) "-f lavfi -i testsrc2=size=" size ":rate=" rate " -frames:v " frames " "
#define H264                        "-c:v libx264 -preset ultrafast -pix_fmt yuv420p "

enum { SOURCE = 30, AHEAD = 12, HANDLES = 8 };

struct promise {
    const char *input, *arguments, *rate;
    int width, height;
    double fps;
    const char *timecode, *new_timecode;
};

static const struct promise promises[] = {
    {"film.mov", PATTERN("96x64", "24000/1001", "30") H264 "-timecode 01:00:00:00", "24000/1001", 96, 64,
     24000.0 / 1001, "01:00:00:00", "01:00:00:22"},
    {"pal.mov", PATTERN("96x64", "25", "30") H264 "-timecode 10:59:59:20", "25/1", 96, 64, 25, "10:59:59:20",
     "11:00:00:17"},
    /* Drop frame: 00:00:59;29 is followed by 00:01:00;02. */
    {"ntsc.mov", PATTERN("96x64", "30000/1001", "30") H264 "-timecode '00:00:59;20'", "30000/1001", 96, 64,
     30000.0 / 1001, "00:00:59;20", "00:01:00;14"},
    {"slow.mp4", PATTERN("96x64", "25/2", "30") H264, "25/2", 96, 64, 12.5, "", ""},
};

static void expect_clip(const struct folder *f, const struct promise *p, const char *name, int frames,
                        const char *timecode)
{
    const struct probe found = probe(f, name);
    cr_expect_eq(found.frames, frames, "%s: %d frames, not %d", name, found.frames, frames);
    cr_expect_str_eq(found.rate, p->rate, "%s: rate %s, not %s", name, found.rate, p->rate);
    cr_expect(found.width == p->width && found.height == p->height, "%s: %dx%d", name, found.width, found.height);
    cr_expect_str_eq(found.timecode, timecode, "%s: timecode %s, not %s", name, found.timecode, timecode);
    cr_expect(fabs(found.seconds - frames / p->fps) < 0.002, "%s: %g s, not %g", name, found.seconds, frames / p->fps);
    cr_expect(strcmp(found.matrix, "bt709") == 0 && strcmp(found.range, "tv") == 0, "%s: %s %s", name, found.matrix,
              found.range);
}

static void keep_promise(const struct promise *p)
{
    const struct folder f = folder_open();
    char name[128];
    run_well(&f, "ffmpeg -v error -y %s '%s'", p->arguments, p->input);
    run_well(&f, "prevue preview '%s' -o out --shot s --takes 2 --frames %d --steps 1 --context 4 --preset edit",
             p->input, AHEAD);
    for (int take = 0; take < 2; take++) {
        snprintf(name, sizeof name, "out/s_joined_v001_s%d.mov", take);
        expect_clip(&f, p, name, SOURCE + AHEAD, p->timecode);
        snprintf(name, sizeof name, "out/s_new_v001_s%d.mov", take);
        expect_clip(&f, p, name, HANDLES + AHEAD, p->new_timecode);
        snprintf(name, sizeof name, "out/s_review_v001_s%d.mp4", take);
        expect_clip(&f, p, name, SOURCE + AHEAD, p->timecode);
    }
    cr_expect_eq(probe(&f, "out/s_grid_v001.mp4").frames, HANDLES + AHEAD);
    cr_expect_eq(probe(&f, "out/s_difference_v001.mp4").frames, HANDLES + AHEAD);
    cr_expect_str_eq(probe(&f, "out/s_grid_v001.mp4").timecode, p->new_timecode);
    folder_close(&f);
}

Test(preview, film_rate)
{
    keep_promise(&promises[0]);
}
Test(preview, pal_rate)
{
    keep_promise(&promises[1]);
}
Test(preview, drop_frame_timecode_at_a_rate_that_is_not_the_models)
{
    keep_promise(&promises[2]);
}
Test(preview, half_rate)
{
    keep_promise(&promises[3]);
}

Test(preview, a_turned_clip_is_upright_and_has_all_its_files)
{
    const struct folder f = folder_open();
    run_well(&f, "ffmpeg -v error " PATTERN("96x64", "24", "20") H264 "flat.mp4");
    run_well(&f, "ffmpeg -v quiet -display_rotation 90 -i flat.mp4 -c copy turned.mp4 || "
                 "ffmpeg -v error -y -i flat.mp4 -c copy -metadata:s:v rotate=90 turned.mp4");
    run_well(&f, "prevue preview turned.mp4 -o out --takes 3 --frames 6 --steps 1 --seed 40 --handles 30");
    const struct probe joined = probe(&f, "out/turned_joined_v001_s42.mp4");
    cr_expect(joined.width == 64 && joined.height == 96 && joined.frames == 26, "%dx%d, %d frames", joined.width,
              joined.height, joined.frames);
    cr_expect_str_eq(joined.rate, "24/1");
    cr_expect(fabs(joined.seconds - 26 / 24.0) < 0.002, "%g seconds", joined.seconds);
    cr_expect_eq(probe(&f, "out/turned_new_v001_s41.mp4").frames, 20 + 6, "no more handles than the clip has frames");
    const struct probe contact = probe(&f, "out/turned_contact_v001.png");
    cr_expect(contact.width > 6 * 100 && contact.height > 3 * 100, "%dx%d", contact.width, contact.height);
    cr_expect(folder_has(&f, "out/turned_onion_v001.png") && folder_has(&f, "out/turned_strip_v001.png"));
    folder_close(&f);
}

/* Every packet of sound stands where it stood, up to the seam, and none is behind it. */
Test(preview, sound_is_kept_to_the_seam)
{
    const struct folder f = folder_open();
    run_well(&f, "ffmpeg -v error -f lavfi -i testsrc2=size=96x64:rate=25:duration=2 -f lavfi -i "
                 "'aevalsrc=sin(880*t)|sin(660*t):d=3:s=48000' -t 3 " H264 "-c:a aac -ac 2 clip.mp4");
    run_well(&f, "prevue preview clip.mp4 -o out --takes 1 --frames 25 --steps 1 --context 4");
    const char *packets = "ffprobe -v error -select_streams a -show_entries packet=pts_time,size -of csv=p=0 '%s' | "
                          "sed 's/,*$//'";
    char *was = strdup(run_well(&f, packets, "clip.mp4").out);
    const char *is = run_well(&f, packets, "out/clip_joined_v001_s0.mp4").out;
    char line[64];
    int kept = 0;
    double last = 0;
    for (const char *at = is; *at; at += strcspn(at, "\n") + 1, kept++) {
        snprintf(line, sizeof line, "%.*s\n", (int)strcspn(at, "\n"), at);
        cr_expect_not_null(strstr(was, line), "packet %s of the joined clip is not in the source", line);
        last = atof(at);
    }
    cr_expect(kept >= 92 && kept <= 94, "%d packets of 1024 samples in two seconds", kept);
    cr_expect(last < 2.0 && last > 1.95, "the last begins at %g s", last);
    cr_expect_not_null(strstr(run_well(&f, "ffprobe -v error -show_entries stream=codec_name,channels "
                                           "out/clip_joined_v001_s0.mp4")
                                  .out,
                              "channels=2"));
    cr_expect_not(probe(&f, "out/clip_new_v001_s0.mp4").audio);
    free(was);
    folder_close(&f);
}

/* A white flash and a tone that begin together, after one second. */
static void expect_clap(const struct folder *f, const char *name, double moment)
{
    const char *found = run_well(f,
                                 "ffmpeg -hide_banner -nostats -i '%s' -vf blackdetect=d=0.1:pix_th=0.3 -af "
                                 "silencedetect=n=-30dB:d=0.1 -f null - 2>&1",
                                 name)
                            .out;
    const char *flash = strstr(found, "black_end:"), *tone = strstr(found, "silence_end: ");
    cr_assert(flash && tone, "%s: %s", name, found);
    const double seen = atof(flash + 10), heard = atof(tone + 13);
    cr_expect(fabs(seen - heard) < 0.005, "%s: seen at %g s, heard at %g", name, seen, heard);
    cr_expect(fabs(seen - moment) < 0.0005, "%s: seen at %g s", name, seen);
}

Test(preview, sound_and_picture_stay_together)
{
    static const char *const rows[][3] = {
        {"clip.mp4", "-c:a aac", "out/s_joined_v001_s0.mp4"},      /* B-frames, so pictures begin after their packets */
        {"clip.ts", "-c:a aac", "out/s_joined_v001_s0.mp4"},       /* begins at 1.4 seconds */
        {"clip.mov", "-c:a pcm_s24le", "out/s_review_v001_s0.mp4"} /* cannot be copied into MP4 */
    };
    const struct folder f = folder_open();
    for (int i = 0; i < 3; i++) {
        run_well(
            &f,
            "ffmpeg -v error -f lavfi -i \"color=black:s=96x64:r=25:d=2,drawbox=c=white:t=fill:enable='between(n,25,"
            "29)'\" -f lavfi -i \"aevalsrc='if(between(t,1,1.2),sin(5000*t),0)|0':d=2:s=48000\" -c:v libx264 -bf 3 "
            "-pix_fmt yuv420p %s %s",
            rows[i][1], rows[i][0]);
        run_well(&f,
                 "prevue preview %s -o out --shot s --takes 1 --frames 10 --steps 1 --context 4 --burn-in off -y "
                 "--preset %s",
                 rows[i][0], i < 2 ? "review" : "edit");
        expect_clap(&f, rows[i][2], 1);
    }
    expect_clap(&f, "out/s_joined_v001_s0.mov", 1);
    folder_close(&f);
}

/* Lossless, so everything can be compared bit for bit: handles, seam, and `prevue predict` with the same seed. */
Test(preview, takes_are_the_clip_then_what_predict_predicts)
{
    const struct folder f = folder_open();
    run_well(&f, "prevue world drop -q -o clip.mkv --preset master --size 96x64 --frames 20");
    run_well(&f, "prevue preview clip.mkv -o out --preset master --takes 3 --frames 5 --seed 7 --threads 1");
    const char *clip = frame_sums(&f, "clip.mkv");
    const size_t line = strlen(clip) / 20;
    char *first = NULL;
    for (int seed = 7; seed < 10; seed++) {
        char name[64];
        snprintf(name, sizeof name, "out/clip_joined_v001_s%d.mkv", seed);
        const char *joined = frame_sums(&f, name);
        snprintf(name, sizeof name, "out/clip_new_v001_s%d.mkv", seed);
        const char *new = frame_sums(&f, name);
        run_well(&f, "prevue predict clip.mkv -y -o x.mkv --preset master --frames 5 --seed %d --threads 1", seed);
        const char *predicted = frame_sums(&f, "x.mkv");
        cr_assert(strlen(joined) == 25 * line && strlen(new) == 13 * line && strlen(predicted) == 5 * line);
        cr_expect(strncmp(joined, clip, 20 * line) == 0, "seed %d: the clip's frames changed", seed);
        cr_expect_str_eq(joined + 20 * line, predicted, "seed %d: not what predict predicts", seed);
        cr_expect_str_eq(new, joined + 12 * line, "seed %d: handles", seed);
        if (!first)
            first = strdup(predicted);
        else
            cr_expect_str_neq(predicted, first, "seeds 7 and %d have one future", seed);
    }
    free(first);
    folder_close(&f);
}

static double mean_of(const struct folder *f, const char *name, int frame, int plane)
{
    const struct outcome o =
        run_well(f, "ffmpeg -v error -i '%s' -vf 'select=eq(n\\,%d),extractplanes=%c' -frames:v 1 -f rawvideo -", name,
                 frame, "yuv"[plane]);
    double sum = 0;
    for (size_t i = 0; i < o.out_size; i++)
        sum += (unsigned char)o.out[i];
    return sum / (double)o.out_size;
}

/* The last real frame, encoded once more, in code values of its own Y, Cb and Cr. */
Test(preview, colour_does_not_shift_at_the_seam)
{
    const struct folder f = folder_open();
    run_well(&f, "ffmpeg -v error -f lavfi -i smptehdbars=size=192x108:rate=24 -frames:v 16 -vf "
                 "scale=out_color_matrix=bt709:out_range=tv " H264
                 "-crf 1 -colorspace bt709 -color_primaries bt709 -color_trc bt709 -color_range tv clip.mp4");
    run_well(&f, "prevue preview clip.mp4 -o out --takes 1 --frames 3 --steps 1 --burn-in off");
    for (int plane = 0; plane < 3; plane++) {
        const double was = mean_of(&f, "clip.mp4", 15, plane),
                     is = mean_of(&f, "out/clip_joined_v001_s0.mp4", 15, plane),
                     handle = mean_of(&f, "out/clip_new_v001_s0.mp4", HANDLES - 1, plane);
        cr_expect(fabs(was - is) <= 1 && fabs(was - handle) <= 1, "%c: %.2f became %.2f and %.2f", "yuv"[plane], was,
                  is, handle);
    }
    folder_close(&f);
}

static json_t *versions_of(const struct folder *f)
{
    json_t *root = json_load_file(folder_path(f, "out/takes.json"), 0, NULL);
    json_t *versions = json_incref(json_object_get(root, "versions"));
    cr_assert(json_is_array(versions));
    json_decref(root);
    return versions;
}

Test(preview, versions_go_up_and_nothing_is_written_over)
{
    const struct folder f = folder_open();
    run_well(&f, "prevue world drop -q -o clip.mkv --size 96x64 --frames 8");
    run_well(&f, "prevue preview clip.mkv -o out --takes 1 --frames 2 --gravity 0,5 --start-frame 5");
    run_well(&f, "cp out/clip_joined_v001_s0.mp4 kept.mp4");
    run_well(&f, "prevue preview clip.mkv -o out --takes 2 --frames 2");
    cr_expect_eq(run(&f, "cmp kept.mp4 out/clip_joined_v001_s0.mp4").code, 0);
    cr_expect(folder_has(&f, "out/clip_joined_v002_s0.mp4") && folder_has(&f, "out/clip_joined_v002_s1.mp4"));
    run_well(&f, "prevue preview clip.mkv -o out --takes 2 --frames 3 -y");
    cr_expect_not(folder_has(&f, "out/clip_joined_v003_s0.mp4"));
    cr_expect_eq(probe(&f, "out/clip_joined_v002_s1.mp4").frames, 11);
    cr_expect_eq(run(&f, "ls -d out/.clip*").code == 0, false, "a work folder stays behind");

    json_t *versions = versions_of(&f);
    cr_assert_eq(json_array_size(versions), 2);
    const json_t *newest = json_array_get(versions, 0), *oldest = json_array_get(versions, 1);
    cr_expect_eq(json_integer_value(json_object_get(newest, "version")), 2);
    cr_expect_eq(json_integer_value(json_object_get(newest, "predicted_frames")), 3);
    cr_expect_eq(json_integer_value(json_object_get(oldest, "version")), 1);
    const json_t *settings = json_object_get(oldest, "settings");
    cr_expect_eq(json_real_value(json_array_get(json_object_get(settings, "gravity"), 1)), 5.0);
    cr_expect_eq(json_integer_value(json_object_get(settings, "start_frame")), 5);
    const json_t *takes = json_object_get(newest, "takes");
    cr_assert_eq(json_array_size(takes), 2);
    cr_expect_str_eq(json_string_value(json_object_get(json_array_get(takes, 1), "new")), "clip_new_v002_s1.mp4");
    json_decref(versions);
    folder_close(&f);
}

/* Without words the frames are the clip's; with them they are not. */
Test(preview, burn_in_is_where_it_is_asked_for)
{
    static const struct {
        const char *options, *name;
        bool clean;
    } rows[] = {
        {"--preset master", "joined_v001_s0.mkv", true},
        {"--preset master --burn-in on", "joined_v002_s0.mkv", false},
        {"--preset master --burn-in off", "joined_v003_s0.mkv", true},
    };
    const struct folder f = folder_open();
    run_well(&f, "prevue world drop -q -o clip.mkv --preset master --size 96x64 --frames 6");
    const char *clip = frame_sums(&f, "clip.mkv");
    for (int i = 0; i < 3; i++) {
        char name[64];
        run_well(&f, "prevue preview clip.mkv -o out --takes 1 --frames 1 --shot x %s", rows[i].options);
        snprintf(name, sizeof name, "out/x_%s", rows[i].name);
        cr_expect_eq(strncmp(frame_sums(&f, name), clip, strlen(clip)) == 0, rows[i].clean, "%s", rows[i].options);
    }
    folder_close(&f);
}

Test(preview, what_cannot_be_done_is_said)
{
    static const struct {
        const char *command, *words;
        int code;
    } rows[] = {
        {"prevue preview clip.mkv", "-o DIR", 2},
        {"prevue preview - -o out", "standard input", 2},
        {"prevue preview clip.mkv -o out --shot ../x", "--shot", 2},
        {"prevue preview clip.mkv -o out --mode mean --takes 3", "--takes", 2},
        {"prevue preview clip.mkv -o out --resume -y", "--resume", 2},
        {"prevue preview clip.mkv -o out --seed 9223372036854775807", "--seed", 2},
        {"prevue preview clip.mkv -o out --font none.ttf", "none.ttf", 1},
        {"prevue preview none.mkv -o out", "none.mkv", 3},
        {"prevue preview clip.mkv -o a/b/c", "a/b/c", 1},
        {"mkdir -p x; echo '{}' > x/takes.json; prevue preview clip.mkv -o x", "takes.json", 1},
        {"mkdir -p z; touch z/index.html; prevue preview clip.mkv -o z", "index.html", 1},
        {"prevue preview clip.mkv -o clip.mkv", "clip.mkv", 1},
    };
    const struct folder f = folder_open();
    run_well(&f, "prevue world drop -q -o clip.mkv --size 96x64 --frames 6");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct outcome o = run(&f, "%s --frames 1 --quiet", rows[i].command);
        cr_expect_eq(o.code, rows[i].code, "%s: exit %d, %s", rows[i].command, o.code, o.error);
        cr_expect_not_null(strstr(o.error, rows[i].words), "%s: %s", rows[i].command, o.error);
        cr_expect_not(folder_has(&f, "out"), "%s makes a folder", rows[i].command);
    }
    folder_close(&f);
}
