/* bulk.c: prevue-world-bulk, the source of training data: it writes clips to stdout, so none ever touches a disk.
 *
 *     prevue-world-bulk --world NAME[,NAME...] --seed FIRST --count N --frames T --size WxH [--fps 24 or 30000/1001]
 *                       [--range in|out] [--gravity-scale S] [--gravity-turns] [--skip K [--start-jitter]]
 *                       [--truth FILE.jsonl]
 *
 * For each seed FIRST, FIRST + 1 ... FIRST + N - 1, one after the other without padding:
 *     8 bytes               the seed, little-endian
 *     T * H * W * 4 bytes   T frames, rows from the top, each pixel R, G, B and how much of it moving bodies cover
 *     T * 8 bytes           gravity x, y on the way to each frame (of the first: at it): two little-endian float32,
 * units a second squared, y up (falling is negative) A clip is thus 8 + T * (H * W * 4 + 8) bytes. --gravity-turns
 * scales gravity by .25 to 1.75 from a frame on that is neither in the first quarter nor in the last, in every second
 * clip or so, drawn from the seed: a model then learns that gravity does what it is told, not only what it has seen it
 * do. --skip K drops the first K frames of every clip; with --start-jitter it drops 0 to K, drawn from the seed.
 * --truth writes one line of JSON a clip (world/truth.c); frame 0 there is the first one written here. With several
 * worlds the clips take turns: the first seed is one of the first world, the next one of the second, and so on. Size,
 * frames and rate are those of the first world where they are not given. A reader that closes the pipe ends the program
 * without complaint (exit 0). Exit: 0 done, 1 failed, 2 usage. Seeds from 2^32 up are held out: never train on them
 * (world/world.h). */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "world/draw.h"
#include "world/world.h"

enum { WORLDS_MAX = 16 };

struct job {
    struct pv_world_params params;
    const char *worlds[WORLDS_MAX]; /* take turns */
    uint64_t world_count;
    uint64_t count;
    bool jitter, turns;
    const char *truth_path;
};

static const char usage[] =
    "usage: prevue-world-bulk --world NAME[,NAME...] --seed FIRST --count N --frames T --size WxH [--fps N[/D]]\n"
    "           [--range in|out] [--gravity-scale S] [--gravity-turns] [--skip K [--start-jitter]]\n"
    "           [--truth FILE.jsonl]\n"
    "Clips of a simulated world on stdout, for training: per clip the seed (8 bytes), then T frames of HxW pixels,\n"
    "four bytes each: red, green, blue, coverage of moving bodies; then T times gravity (2 float32).\n";

static bool parse_u64(const char *text, uint64_t *value)
{
    char *end;
    errno = 0;
    const unsigned long long v = strtoull(text, &end, 10);
    *value = v;
    return errno == 0 && *text >= '0' && *text <= '9' && *end == '\0';
}

static bool parse_int(const char *text, char until, int *value, const char **rest)
{
    char *end;
    errno = 0;
    const long v = strtol(text, &end, 10);
    if (errno != 0 || *text < '0' || *text > '9' || *end != until || v > INT_MAX)
        return false;
    *value = (int)v;
    *rest = end + (until != '\0');
    return true;
}

static bool parse_pair(const char *text, char between, int *a, int *b)
{
    const char *rest;
    return parse_int(text, between, a, &rest) && parse_int(rest, '\0', b, &rest);
}

/* Whole and more than 0: 0 means not given. */
static bool parse_positive(const char *text, int *value)
{
    const char *rest;
    return parse_int(text, '\0', value, &rest) && *value > 0;
}

/* Cuts the text at its commas. */
static bool parse_worlds(struct job *job, char *text)
{
    job->world_count = 0;
    for (char *name = strtok(text, ","); name; name = strtok(NULL, ",")) {
        if (job->world_count == WORLDS_MAX)
            return false;
        job->worlds[job->world_count++] = name;
    }
    return job->world_count > 0;
}

static bool parse_option(struct job *job, int option, char *text)
{
    struct pv_world_params *p = &job->params;
    const char *rest;
    char *end;
    switch (option) {
    case 'w': return parse_worlds(job, text);
    case 's': return parse_u64(text, &p->seed);
    case 'n': return parse_u64(text, &job->count);
    case 't': return parse_positive(text, &p->frames);
    case 'x': return parse_pair(text, 'x', &p->width, &p->height) && p->width > 0 && p->height > 0;
    case 'f':
        p->fps_den = 1;
        return (parse_int(text, '\0', &p->fps_num, &rest) || parse_pair(text, '/', &p->fps_num, &p->fps_den)) &&
               p->fps_num > 0;
    case 'r':
        p->range = strcmp(text, "out") == 0 ? PV_WORLD_OUT : PV_WORLD_IN;
        return strcmp(text, "out") == 0 || strcmp(text, "in") == 0;
    case 'g': p->gravity_scale = strtof(text, &end); return end != text && *end == '\0';
    case 'k': return parse_int(text, '\0', &p->skip, &rest);
    case 'j': job->jitter = true; return true;
    case 'G': job->turns = true; return true;
    case 'T': job->truth_path = text; return true;
    default: return false;
    }
}

/* 0 to go on, else 1 + the exit status. */
static int parse_arguments(struct job *job, int argc, char **argv)
{
    static const struct option options[] = {
        {"world", required_argument, NULL, 'w'},   {"seed", required_argument, NULL, 's'},
        {"count", required_argument, NULL, 'n'},   {"frames", required_argument, NULL, 't'},
        {"size", required_argument, NULL, 'x'},    {"fps", required_argument, NULL, 'f'},
        {"range", required_argument, NULL, 'r'},   {"gravity-scale", required_argument, NULL, 'g'},
        {"gravity-turns", no_argument, NULL, 'G'}, {"skip", required_argument, NULL, 'k'},
        {"start-jitter", no_argument, NULL, 'j'},  {"truth", required_argument, NULL, 'T'},
        {"help", no_argument, NULL, 'h'},          {NULL, 0, NULL, 0},
    };
    int option, index = 0;
    while ((option = getopt_long(argc, argv, "", options, &index)) != -1) {
        if (option == 'h') {
            fputs(usage, stdout);
            return 1;
        }
        if (option != '?' && !parse_option(job, option, optarg)) {
            fprintf(stderr, "prevue-world-bulk: --%s cannot be \"%s\"\n", options[index].name, optarg);
            option = '?';
        }
        if (option == '?') {
            fputs(usage, stderr);
            return 3;
        }
    }
    if (optind < argc) {
        fprintf(stderr, "prevue-world-bulk: unexpected argument \"%s\"\n%s", argv[optind], usage);
        return 3;
    }
    return 0;
}

static void put_le(uint8_t *out, uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        out[i] = (uint8_t)(value >> (8 * i));
}

static pv_status write_out(const void *data, size_t size, struct pv_error *err)
{
    if (fwrite(data, 1, size, stdout) == size)
        return PV_OK;
    if (errno == EPIPE)
        return PV_END;
    return pv_fail(err, PV_ERR_IO, "cannot write to stdout: %s", strerror(errno));
}

static void put_gravity(const struct pv_world *world, uint8_t out[8])
{
    float gravity[2];
    pv_world_gravity(world, gravity);
    for (int i = 0; i < 2; i++) {
        uint32_t bits;
        memcpy(&bits, &gravity[i], sizeof bits);
        put_le(out + 4 * i, bits, 4);
    }
}

/* What is written is made in here. */
struct memory {
    uint8_t *rgba, *rgb, *coverage; /* a frame */
    uint8_t *gravity;               /* 8 bytes a frame, of all frames */
};

static void memory_free(struct memory *m)
{
    free(m->rgba);
    free(m->gravity);
}

static pv_status memory_alloc(struct memory *m, const struct pv_world_params *p, struct pv_error *err)
{
    const size_t pixels = (size_t)p->width * (size_t)p->height;
    m->rgba = malloc(pixels * 8);
    m->gravity = malloc((size_t)p->frames * 8);
    if (!m->rgba || !m->gravity)
        return pv_fail(err, PV_ERR_MEMORY, "no memory for %d frames of %dx%d pixels; choose fewer or smaller ones",
                       p->frames, p->width, p->height);
    m->coverage = m->rgba + 4 * pixels;
    m->rgb = m->rgba + 5 * pixels;
    return PV_OK;
}

static pv_status write_frames(struct pv_world *world, const struct pv_world_params *p, const struct memory *m,
                              struct pv_error *err)
{
    const size_t pixels = (size_t)p->width * (size_t)p->height;
    uint8_t *const rgba = m->rgba, *const rgb = m->rgb, *const coverage = m->coverage;
    for (int frame = 0; frame < p->frames; frame++) {
        put_gravity(world, m->gravity + 8 * (size_t)frame);
        PV_TRY(pv_world_next(world, rgb, (size_t)p->width * 3, coverage, err));
        for (size_t i = 0; i < pixels; i++) {
            rgba[4 * i] = rgb[3 * i];
            rgba[4 * i + 1] = rgb[3 * i + 1];
            rgba[4 * i + 2] = rgb[3 * i + 2];
            rgba[4 * i + 3] = coverage[i];
        }
        PV_TRY(write_out(rgba, pixels * 4, err));
    }
    return write_out(m->gravity, (size_t)p->frames * 8, err);
}

static pv_status write_truth(const struct pv_world *world, FILE *file, const char *path, struct pv_error *err)
{
    json_t *truth = pv_world_truth(world);
    if (!truth)
        return pv_fail(err, PV_ERR_MEMORY, "no memory for the truth of a clip; ask for fewer frames");
    const bool good = json_dumpf(truth, file, JSON_COMPACT | JSON_REAL_PRECISION(9)) == 0 && fputc('\n', file) != EOF;
    json_decref(truth);
    return good ? PV_OK : pv_fail(err, PV_ERR_IO, "%s: cannot write: %s", path, strerror(errno));
}

static void draw_turn(struct pv_world_params *p)
{
    struct pv_draw draw = pv_draw_start(p->seed, PV_DRAW_TURN, (uint32_t)p->range);
    if (pv_draw_int(&draw, 2) == 0)
        return;
    p->gravity_scale = (float)pv_draw_uniform(&draw, 0.25, 1.75);
    p->gravity_from = 1 + p->frames / 4 + pv_draw_int(&draw, p->frames / 2 + 1);
}

/* memory: allocated by the first clip, whose params have then been judged. */
static pv_status write_clip(const struct job *job, uint64_t index, struct memory *memory, FILE *truth,
                            struct pv_error *err)
{
    struct pv_world_params p = job->params;
    p.seed += index;
    p.name = job->worlds[index % job->world_count];
    if (job->jitter && p.skip > 0) {
        struct pv_draw draw = pv_draw_start(p.seed, PV_DRAW_SKIP, (uint32_t)p.range);
        p.skip = pv_draw_int(&draw, p.skip + 1);
    }
    if (job->turns)
        draw_turn(&p);
    struct pv_world *world;
    PV_TRY(pv_world_open(&p, &world, err));
    pv_status status = memory->rgba ? PV_OK : memory_alloc(memory, &p, err);
    uint8_t seed[8];
    put_le(seed, p.seed, 8);
    if (status == PV_OK)
        status = write_out(seed, sizeof seed, err);
    if (status == PV_OK)
        status = write_frames(world, &p, memory, err);
    if (status == PV_OK && truth)
        status = write_truth(world, truth, job->truth_path, err);
    pv_world_close(world);
    return status;
}

/* What was not given is the first world's own. */
static void fill_params(struct pv_world_params *p, const char *first)
{
    struct pv_world_params usual;
    pv_world_params_init(&usual, first);
    if (!p->width) {
        p->width = usual.width;
        p->height = usual.height;
    }
    if (!p->frames)
        p->frames = usual.frames;
    if (!p->fps_num) {
        p->fps_num = usual.fps_num;
        p->fps_den = usual.fps_den;
    }
}

static pv_status write_clips(const struct job *job, FILE *truth, struct pv_error *err)
{
    struct memory memory = {0};
    pv_status status = PV_OK;
    for (uint64_t i = 0; i < job->count && status == PV_OK; i++)
        status = write_clip(job, i, &memory, truth, err);
    if (status == PV_OK && fflush(stdout) != 0)
        status = errno == EPIPE ? PV_END : pv_fail(err, PV_ERR_IO, "cannot write to stdout: %s", strerror(errno));
    memory_free(&memory);
    return status;
}

int main(int argc, char **argv)
{
    struct job job = {.params = {.gravity_scale = 1}, .worlds = {"drop"}, .world_count = 1, .count = 1};
    const int stop = parse_arguments(&job, argc, argv);
    if (stop)
        return stop - 1;
    fill_params(&job.params, job.worlds[0]);
    signal(SIGPIPE, SIG_IGN); /* a closed pipe is EPIPE, and the end */

    struct pv_error err = {""};
    FILE *truth = NULL;
    if (job.truth_path && !(truth = fopen(job.truth_path, "w"))) {
        fprintf(stderr, "prevue-world-bulk: %s: cannot create: %s\n", job.truth_path, strerror(errno));
        return 1;
    }
    pv_status status = write_clips(&job, truth, &err);
    if (truth && fclose(truth) != 0 && status == PV_OK)
        status = pv_fail(&err, PV_ERR_IO, "%s: cannot write: %s", job.truth_path, strerror(errno));
    if (status == PV_OK || status == PV_END)
        return 0;
    fprintf(stderr, "prevue-world-bulk: %s\n", err.text);
    return status == PV_ERR_ARGUMENT ? 2 : 1;
}
