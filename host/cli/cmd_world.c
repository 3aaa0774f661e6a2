/* cmd_world.c: prevue world: renders a simulated scene into a clip, with its ground truth beside it. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>
#include <prevue/clip.h>

#include "command.h"
#include "save.h"
#include "signals.h"
#include "suggest.h"
#include "terminal.h"
#include "timing.h"
#include "world/world.h"

struct world_values {
    struct pv_common_values common;
    const char *output, *truth;
    int preset, format;
    bool overwrite, list;
    double seconds;
    int64_t frames;
    uint64_t seed;
    struct pv_size_value size;
    struct pv_rate_value fps;
    int range; /* enum pv_world_range */
    double gravity_scale;
    int64_t gravity_from;
};

#define AT(field) offsetof(struct world_values, field)

static const struct pv_option options[] = {
    {.name = "output",
     .letter = 'o',
     .kind = PV_OPTION_FILE,
     .argument = "FILE",
     .offset = AT(output),
     .group = "Output",
     .help = "Where the clip goes: .mp4 .mov .mkv .webm .mxf .nut .y4m, an image sequence (drop.%04d.png, frames/), or "
             "- for standard output."},
    {.name = "truth",
     .kind = PV_OPTION_FILE,
     .argument = "FILE",
     .offset = AT(truth),
     .group = "Output",
     .help = "Write the exact truth of every frame as JSON: places, speeds, contacts. - is standard output."},
    {.name = "preset",
     .kind = PV_OPTION_CHOICE,
     .argument = "PRESET",
     .offset = AT(preset),
     .choices = "review|edit|master|none",
     .fallback = "review",
     .group = "Output",
     .help = "How to encode, as in predict; master keeps every bit of the rendered frames."},
    {.name = "format",
     .kind = PV_OPTION_CHOICE,
     .argument = "FORMAT",
     .offset = AT(format),
     .choices = "y4m|nut",
     .fallback = "y4m",
     .group = "Output",
     .help = "What goes to standard output with -o -."},
    {.name = "overwrite",
     .letter = 'y',
     .kind = PV_OPTION_FLAG,
     .offset = AT(overwrite),
     .group = "Output",
     .help = "Replace files that exist."},
    {.name = "list",
     .letter = 'l',
     .kind = PV_OPTION_FLAG,
     .offset = AT(list),
     .group = "Output",
     .help = "Print the worlds there are, and do nothing else."},

    {.name = "seed",
     .letter = 's',
     .kind = PV_OPTION_SEED,
     .argument = "N",
     .offset = AT(seed),
     .fallback = "4294967296",
     .group = "Scene",
     .help = "Which scene. Models are trained on seeds below 4294967296 only, so that the others can judge them."},
    {.name = "size",
     .kind = PV_OPTION_SIZE,
     .argument = "WxH",
     .offset = AT(size),
     .min = 16,
     .max = 4096,
     .group = "Scene",
     .help =
         "Size in pixels; a side is at most twice the other. Without it: 256x256, and 128x128 for the laws uniform, "
         "collision and parabola, which are square."},
    {.name = "seconds",
     .letter = 't',
     .kind = PV_OPTION_NUMBER,
     .argument = "SECONDS",
     .offset = AT(seconds),
     .min = 0.001,
     .max = 3600,
     .group = "Scene",
     .help = "How long. Without it: 2, 3 for pour, 3.2 for the laws."},
    {.name = "frames",
     .letter = 'n',
     .kind = PV_OPTION_COUNT,
     .argument = "N",
     .offset = AT(frames),
     .min = 1,
     .max = 100000,
     .group = "Scene",
     .help = "The same as a number of frames."},
    {.name = "fps",
     .letter = 'r',
     .kind = PV_OPTION_RATE,
     .argument = "FPS",
     .offset = AT(fps),
     .group = "Scene",
     .help = "Frames a second: 24, 23.976 or 24000/1001. Without it: 24, and 10 for the laws."},
    {.name = "range",
     .kind = PV_OPTION_CHOICE,
     .argument = "RANGE",
     .offset = AT(range),
     .choices = "in|out",
     .fallback = "in",
     .group = "Scene",
     .help = "Gravity, sizes and speeds as models are trained on, or beyond what they have ever seen."},
    {.name = "gravity-scale",
     .kind = PV_OPTION_NUMBER,
     .argument = "FACTOR",
     .offset = AT(gravity_scale),
     .min = -4,
     .max = 4,
     .fallback = "1",
     .group = "Scene",
     .help = "Times the scene's gravity: 0 floats, 0.5 is half."},
    {.name = "gravity-from",
     .kind = PV_OPTION_COUNT,
     .argument = "FRAME",
     .offset = AT(gravity_from),
     .min = 0,
     .max = 100000,
     .group = "Scene",
     .help =
         "The frame from which on --gravity-scale counts; until then gravity is the scene's own. Without it: from the "
         "start."},
    PV_COMMON_OPTIONS,
};

static const char *const description[] = {
    "Renders the world NAME into a clip. A scene is a function of its options alone: the same command gives the same "
    "frames, and at any size of the same shape the same motion.",
    "Coordinates in the truth are in units: the picture is 10 wide, y goes up from the lower left corner. Gravity is "
    "in "
    "units a second squared, as predict --gravity takes it.",
    NULL,
};

static const struct pv_example examples[] = {
    {"A falling ball, and where it really is:", "prevue world drop -o drop.mp4 --truth drop.json"},
    {"The same scene at half the gravity:", "prevue world drop -o half.mp4 --gravity-scale 0.5"},
    {"Water in the flagship's size:", "prevue world pour --size 512x288 -o pour.mp4 --truth pour.json"},
    {NULL, NULL},
};

static int list_worlds(void)
{
    for (size_t i = 0; pv_world_name(i); i++)
        printf("%-10s %s\n", pv_world_name(i), pv_world_summary(i));
    return PV_EXIT_DONE;
}

/* What can be said before anything is rendered; err has the sentence. */
static pv_status check_values(const struct world_values *v, const char *name, struct pv_error *err)
{
    struct pv_suggestion near = {.typed = name};
    bool known = false;
    for (size_t i = 0; pv_world_name(i); i++) {
        known = known || strcmp(pv_world_name(i), name) == 0;
        pv_suggestion_offer(&near, pv_world_name(i));
    }
    if (!known && near.best)
        return pv_fail(err, PV_ERR_ARGUMENT, "there is no world '%s'; did you mean %s?", name, near.best);
    if (!known)
        return pv_fail(err, PV_ERR_ARGUMENT, "there is no world '%s'; 'prevue world --list' names them", name);
    if (!v->output && v->preset != PV_CLIP_PRESET_NONE)
        return pv_fail(err, PV_ERR_ARGUMENT, "'world' needs an output: -o FILE, or -o - for standard output");
    if (v->seconds > 0 && v->frames > 0)
        return pv_fail(err, PV_ERR_ARGUMENT, "--seconds and --frames say the same thing: give one of them");
    if (v->truth && v->output && strcmp(v->truth, "-") == 0 && strcmp(v->output, "-") == 0)
        return pv_fail(err, PV_ERR_ARGUMENT, "-o and --truth both want standard output: write one to a file");
    const struct pv_save_other clip = {v->output, "the clip"};
    return pv_save_check(v->truth, v->overwrite, &clip, 1, err);
}

static pv_status write_truth(const struct pv_world *world, const char *path, bool overwrite, struct pv_error *err)
{
    struct pv_save save;
    json_t *truth = pv_world_truth(world);
    const size_t flags = JSON_COMPACT | JSON_REAL_PRECISION(9);
    pv_status status = truth ? PV_OK : pv_fail(err, PV_ERR_MEMORY, "no memory for the truth of '%s'", path);
    if (status == PV_OK && strcmp(path, "-") == 0) {
        if (json_dumpf(truth, stdout, flags) != 0 || putchar('\n') == EOF)
            status = pv_fail(err, PV_ERR_IO, "the truth could not be written to standard output");
    } else if (status == PV_OK && (status = pv_save_begin(&save, path, overwrite, err)) == PV_OK) {
        status = pv_save_end(&save, json_dumpf(truth, save.file, flags) == 0, err);
    }
    json_decref(truth);
    return status;
}

static pv_status render(struct pv_world *world, const struct pv_world_params *params, pv_clip_writer *writer,
                        struct pv_terminal *terminal, struct pv_error *err)
{
    pv_frame frame = {.width = params->width, .height = params->height, .stride = (size_t)params->width * 3};
    frame.data = malloc(frame.stride * (size_t)frame.height);
    if (!frame.data)
        return pv_fail(err, PV_ERR_MEMORY, "no memory for a frame of %dx%d", frame.width, frame.height);
    const uint64_t start = pv_now_ns();
    uint64_t drawn = start;
    pv_status status = PV_OK;
    for (int64_t i = 0; i < params->frames && status == PV_OK && pv_signals_count() == 0; i++) {
        status = pv_world_next(world, frame.data, frame.stride, NULL, err);
        if (status == PV_OK && (status = pv_clip_writer_send(writer, &frame)) != PV_OK)
            pv_fail(err, status, "%s", pv_clip_writer_message(writer));
        if (pv_now_ns() - drawn > 100000000u) {
            drawn = pv_now_ns();
            pv_terminal_progress(terminal, "rendered", i + 1, params->frames, (double)(drawn - start) / 1e9);
        }
    }
    pv_terminal_progress_end(terminal);
    free(frame.data);
    pv_clip_writer_summary summary = {.struct_size = sizeof summary};
    pv_clip_writer_get_summary(writer, &summary);
    if (status == PV_OK && summary.frames > 0 && (status = pv_clip_writer_finish(writer)) != PV_OK)
        pv_fail(err, status, "%s", pv_clip_writer_message(writer));
    if (status == PV_OK) {
        pv_clip_writer_get_summary(writer, &summary);
        pv_terminal_result(terminal, "%lld of %d frames rendered at %dx%d%s%s", (long long)summary.frames,
                           params->frames, params->width, params->height, *summary.path ? ": " : "", summary.path);
    }
    return status;
}

static pv_status render_to_file(const struct world_values *v, const struct pv_world_params *params,
                                struct pv_world *world, struct pv_terminal *terminal, struct pv_error *err)
{
    pv_clip_writer_params w;
    pv_clip_writer_params_init(&w);
    w.width = params->width;
    w.height = params->height;
    w.fps_num = params->fps_num;
    w.fps_den = params->fps_den;
    w.preset = (pv_clip_preset)v->preset;
    w.pipe = (pv_clip_pipe)v->format;
    w.overwrite = v->overwrite;
    w.callbacks = (pv_callbacks){.user = terminal, .log = pv_terminal_log};
    pv_clip_writer *writer;
    pv_status status = pv_clip_writer_open(v->output ? v->output : "", &w, &writer);
    if (status != PV_OK)
        pv_fail(err, status, "%s", writer ? pv_clip_writer_message(writer) : "no memory for a writer");
    else
        status = render(world, params, writer, terminal, err);
    pv_clip_writer_close(writer);
    return status;
}

static int world_run(const void *values, char **operands, struct pv_terminal *terminal)
{
    const struct world_values *v = values;
    struct pv_error err = {{0}};
    struct pv_world *world = NULL;
    if (v->list)
        return list_worlds();
    if (!*operands) {
        pv_terminal_say(terminal, PV_LOG_ERROR, "'world' needs a NAME; 'prevue world --list' prints them");
        return PV_EXIT_USAGE;
    }
    struct pv_world_params params;
    pv_world_params_init(&params, operands[0]);
    const double usual_seconds = (double)params.frames / params.fps_num;
    params.seed = v->seed;
    if (v->size.width > 0) {
        params.width = v->size.width;
        params.height = v->size.height;
    }
    if (v->fps.num > 0) {
        params.fps_num = v->fps.num;
        params.fps_den = v->fps.den;
    }
    const double seconds = v->seconds > 0 ? v->seconds : usual_seconds;
    const double frames = v->frames > 0 ? (double)v->frames : round(seconds * params.fps_num / params.fps_den);
    params.frames = frames < 1 ? 1 : frames > 100000 ? 100000 : (int)frames;
    params.range = (enum pv_world_range)v->range;
    params.gravity_scale = (float)v->gravity_scale;
    params.gravity_from = (int)v->gravity_from;

    pv_status status = check_values(v, params.name, &err);
    if (status == PV_OK)
        status = pv_world_open(&params, &world, &err);
    if (status == PV_OK)
        status = render_to_file(v, &params, world, terminal, &err);
    if (status == PV_OK && v->truth)
        status = write_truth(world, v->truth, v->overwrite, &err);
    pv_world_close(world);
    if (status == PV_END) /* the reader of standard output went away */
        return PV_EXIT_DONE;
    if (status != PV_OK)
        pv_terminal_say(terminal, PV_LOG_ERROR, "%s", *err.text ? err.text : pv_status_text(status));
    if (status == PV_OK && pv_signals_count() > 0)
        return PV_EXIT_INTERRUPTED;
    return pv_exit_from_status(status, status == PV_ERR_ARGUMENT ? PV_EXIT_USAGE : PV_EXIT_FAILED);
}

static const struct world_values defaults = {
    .seed = PV_WORLD_HELD_OUT_SEED,
    .size = {.choice = -1}, /* and .fps: none given */
    .gravity_scale = 1,
};

const struct pv_command pv_command_world = {
    .name = "world",
    .synopsis = "NAME -o FILE [option ...]",
    .summary = "render a simulated scene, with its exact truth",
    .description = description,
    .options = options,
    .option_count = sizeof options / sizeof options[0],
    .examples = examples,
    .operand = "NAME",
    .min_operands = 0,
    .max_operands = 1,
    .values_size = sizeof(struct world_values),
    .defaults = &defaults,
    .run = world_run,
};
