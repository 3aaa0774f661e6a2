/* prevue-world-bulk writes exactly the frames of the library. PV_WORLD_BULK is the path of the program. */
#include <sys/wait.h>
#include <unistd.h>

#include "clip.h"

enum { W = 48, H = 40, T = 25 };

static FILE *run(const char *arguments)
{
    char command[1024];
    snprintf(command, sizeof command, "\"%s\" --world drop --size %dx%d --frames %d %s", PV_WORLD_BULK, W, H, T,
             arguments);
    FILE *pipe = popen(command, "r");
    cr_assert(pipe != NULL);
    return pipe;
}

static void expect_exit(FILE *pipe, int expected)
{
    const int status = pclose(pipe);
    cr_assert(WIFEXITED(status) && WEXITSTATUS(status) == expected, "exit %d, not %d", WEXITSTATUS(status), expected);
}

static uint64_t little_endian(const uint8_t *bytes, int count)
{
    uint64_t value = 0;
    for (int i = 0; i < count; i++)
        value |= (uint64_t)bytes[i] << (8 * i);
    return value;
}

/* Reads one clip from the pipe and compares it with the library's. */
static void expect_clip(FILE *pipe, const struct pv_world_params *p)
{
    static uint8_t rgb[W * H * 3], coverage[W * H], rgba[W * H * 4];
    uint8_t seed[8], tail[T][8];
    float gravity[T][2];
    cr_assert(fread(seed, 1, sizeof seed, pipe) == sizeof seed && little_endian(seed, 8) == p->seed);
    struct pv_world *world = clip_open(p);
    for (int frame = 0; frame < T; frame++) {
        pv_world_gravity(world, gravity[frame]);
        cr_assert(fread(rgba, 1, sizeof rgba, pipe) == sizeof rgba);
        cr_assert(pv_world_next(world, rgb, W * 3, coverage, NULL) == PV_OK);
        for (size_t i = 0; i < W * H; i++)
            cr_assert(memcmp(&rgba[4 * i], &rgb[3 * i], 3) == 0 && rgba[4 * i + 3] == coverage[i],
                      "seed %llu frame %d pixel %zu", (unsigned long long)p->seed, frame, i);
    }
    cr_assert(fread(tail, 1, sizeof tail, pipe) == sizeof tail);
    for (int i = 0; i < 2 * T; i++) {
        const uint32_t bits = (uint32_t)little_endian(tail[i / 2] + 4 * (i % 2), 4);
        cr_assert(memcmp(&bits, &gravity[i / 2][i % 2], sizeof bits) == 0, "gravity of frame %d", i / 2);
    }
    pv_world_close(world);
}

Test(bulk, bytes_equal_the_librarys_frames)
{
    const uint64_t first = fresh_seed();
    char arguments[128];
    snprintf(arguments, sizeof arguments, "--seed %llu --count 20 --fps 30000/1001 --range out --skip 7",
             (unsigned long long)first);
    FILE *pipe = run(arguments);
    for (uint64_t seed = first; seed < first + 20; seed++) {
        struct pv_world_params p = clip_params(seed, W, H, T);
        p.fps_num = 30000;
        p.fps_den = 1001;
        p.range = PV_WORLD_OUT;
        p.skip = 7;
        expect_clip(pipe, &p);
    }
    cr_assert(fgetc(pipe) == EOF);
    expect_exit(pipe, 0);
}

Test(bulk, several_worlds_take_turns)
{
    static const char *const names[] = {"collide", "scene", "uniform"};
    char command[512];
    snprintf(command, sizeof command,
             "\"%s\" --world collide,scene,uniform --size %dx%d --seed 40 --count 5 --fps 12 "
             "--frames %d",
             PV_WORLD_BULK, W, W, T);
    FILE *pipe = popen(command, "r");
    cr_assert(pipe != NULL);
    static uint8_t rgb[W * W * 3], rgba[W * W * 4];
    for (uint64_t i = 0; i < 5; i++) {
        struct pv_world_params p = clip_params(40 + i, W, W, T);
        p.name = names[i % 3];
        p.fps_num = 12;
        struct pv_world *world = clip_open(&p);
        cr_assert(fread(rgba, 1, 8, pipe) == 8 && rgba[0] == 40 + i);
        for (int frame = 0; frame < T; frame++) {
            cr_assert(fread(rgba, 1, sizeof rgba, pipe) == sizeof rgba);
            cr_assert(pv_world_next(world, rgb, W * 3, NULL, NULL) == PV_OK);
            for (size_t k = 0; k < W * W; k++)
                cr_assert(memcmp(&rgba[4 * k], &rgb[3 * k], 3) == 0, "%s frame %d", p.name, frame);
        }
        cr_assert(fread(rgba, 1, 8 * T, pipe) == 8 * T);
        pv_world_close(world);
    }
    cr_assert(fgetc(pipe) == EOF);
    expect_exit(pipe, 0);
}

/* Runs with --truth: `bytes` bytes of clips and nothing more come; the truth is the caller's to close. */
static FILE *run_with_truth(const char *options, uint64_t first, int count, uint8_t *clips, size_t bytes)
{
    char path[] = "/tmp/prevue-truth-XXXXXX", arguments[256];
    const int fd = mkstemp(path);
    cr_assert(fd >= 0);
    close(fd);
    snprintf(arguments, sizeof arguments, "--seed %llu --count %d %s --truth %s", (unsigned long long)first, count,
             options, path);
    FILE *pipe = run(arguments);
    cr_assert(fread(clips, 1, bytes, pipe) == bytes && fgetc(pipe) == EOF);
    expect_exit(pipe, 0);
    FILE *file = fopen(path, "r");
    cr_assert(file != NULL);
    unlink(path);
    return file;
}

Test(bulk, truth_is_a_line_a_clip_and_tells_the_jitter)
{
    static uint8_t clips[12][8 + T * (W * H * 4 + 8)];
    const uint64_t first = PV_WORLD_HELD_OUT_SEED + 5;
    FILE *file = run_with_truth("--skip 20 --start-jitter", first, 12, clips[0], sizeof clips);
    int different = 0;
    double before = -1;
    for (uint64_t i = 0; i < 12; i++) {
        json_t *truth = json_loadf(file, JSON_DISABLE_EOF_CHECK, NULL);
        cr_assert(truth != NULL);
        struct pv_world_params p = clip_params(first + i, W, H, T);
        p.skip = (int)number(truth, "skip");
        cr_assert(p.skip >= 0 && p.skip <= 20);
        different += number(truth, "skip") != before;
        before = number(truth, "skip");
        FILE *clip = fmemopen(clips[i], sizeof clips[i], "rb");
        expect_clip(clip, &p);
        fclose(clip);
        json_t *own = clip_truth(&p);
        cr_assert(number(own, "seed") == number(truth, "seed"));
        for (size_t k = 0; k < count(own, "objects"); k++)
            cr_assert(fabs(number(state(own, T - 1, k), "x") - number(state(truth, T - 1, k), "x")) < 1e-6);
        json_decref(own);
        json_decref(truth);
    }
    cr_assert(different > 3);
    fclose(file);
}

/* Some clips turn, some do not; those that do are what the library makes of the turn that their truth tells. */
Test(bulk, gravity_turns_in_some_clips)
{
    static uint8_t clips[24][8 + T * (W * H * 4 + 8)];
    const uint64_t first = fresh_seed();
    FILE *file = run_with_truth("--gravity-turns", first, 24, clips[0], sizeof clips);
    int turned = 0;
    for (uint64_t i = 0; i < 24; i++) {
        json_t *truth = json_loadf(file, JSON_DISABLE_EOF_CHECK, NULL);
        cr_assert(truth != NULL);
        struct pv_world_params p = clip_params(first + i, W, H, T);
        if (json_object_get(truth, "gravity_from")) {
            turned++;
            p.gravity_from = (int)number(truth, "gravity_from");
            p.gravity_scale = (float)(json_number_value(item(truth, "gravity_then", 1)) /
                                      json_number_value(item(truth, "gravity", 1)));
            cr_assert(p.gravity_from > T / 4 && p.gravity_from < T - T / 4 + 1, "frame %d", p.gravity_from);
            cr_assert(p.gravity_scale >= 0.249f && p.gravity_scale <= 1.751f);
            float after[2];
            memcpy(after, clips[i] + sizeof clips[i] - 8, sizeof after); /* hosts here are little-endian */
            cr_assert(fabs((double)after[1] - json_number_value(item(truth, "gravity_then", 1))) < 1e-5);
        } else {
            FILE *clip = fmemopen(clips[i], sizeof clips[i], "rb");
            expect_clip(clip, &p);
            fclose(clip);
        }
        json_decref(truth);
    }
    cr_assert(turned > 3 && turned < 21, "%d of 24 turned", turned);
    fclose(file);
}

Test(bulk, a_closed_pipe_is_a_clean_stop)
{
    FILE *pipe = run("--count 100000000");
    char some[100];
    cr_assert(fread(some, 1, sizeof some, pipe) == sizeof some);
    expect_exit(pipe, 0);
}

Test(bulk, bad_arguments_are_refused)
{
    static const char *const bad[] = {
        "--world drip", "--world ,", "--world uniform",  "--frames 0",  "--size 5x5", "--size 64", "--fps 0",
        "--fps x",      "--seed -1", "--range sideways", "--frames 1x", "--what",     "more"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char arguments[128];
        snprintf(arguments, sizeof arguments, "%s 2>&1 >/dev/null", bad[i]);
        FILE *pipe = run(arguments);
        char text[256] = "";
        cr_assert(fgets(text, sizeof text, pipe) != NULL, "%s", bad[i]);
        while (fgetc(pipe) != EOF)
            ;
        expect_exit(pipe, 2);
    }
}
