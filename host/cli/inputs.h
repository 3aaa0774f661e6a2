/* inputs.h: what every prediction starts from: a model and a clip, opened as the options say. The rows of the option
 * tables stand here, so that all commands that predict spell them alike. */
#ifndef PV_CLI_INPUTS_H
#define PV_CLI_INPUTS_H

#include <prevue/clip.h>

#include "command.h"
#include "geometry.h"
#include "model_path.h"
#include "terminal.h"

struct pv_input_values {
    const char *model;
    int64_t threads;        /* 0 = all CPUs */
    int backend;            /* place in PV_INPUT_BACKENDS */
    int matrix, range, hdr; /* enums of clip.h */
    bool allow_corrupt;
    struct pv_rate_value in_rate;
};

/* How frames are predicted. */
struct pv_sampling_values {
    int64_t context; /* 0 = not given */
    int64_t steps;   /* 0 = the model's */
    int mode;        /* enum pv_mode */
    int detail;      /* place in PV_DETAILS */
    struct pv_pair_value gravity;
};

enum { PV_CONTEXT_FRAMES = 12 };

#define PV_DETAILS        "keep|none"
#define PV_INPUT_BACKENDS "auto|cpu|cuda|cuda-f32|reference"

/* Rows of an option table. type has a struct pv_input_values called member. */
#define PV_INPUT_OPTIONS(type, member)                                                                                 \
    {.name = "model",                                                                                                  \
     .letter = 'm',                                                                                                    \
     .kind = PV_OPTION_FILE,                                                                                           \
     .argument = "FILE",                                                                                               \
     .offset = offsetof(type, member.model),                                                                           \
     .fallback = "$PREVUE_MODEL, or nano",                                                                             \
     .group = "Model",                                                                                                 \
     .help =                                                                                                           \
         "A safetensors file, a folder of shards, or the name of a model that came with prevue. Names are looked for " \
         "in models/ beside the program, in ../share/prevue/models from there, and where prevue was installed."},      \
        {.name = "backend",                                                                                            \
         .kind = PV_OPTION_CHOICE,                                                                                     \
         .argument = "NAME",                                                                                           \
         .offset = offsetof(type, member.backend),                                                                     \
         .choices = PV_INPUT_BACKENDS,                                                                                 \
         .fallback = "auto",                                                                                           \
         .group = "Model",                                                                                             \
         .help = "What computes: the best there is, the CPU, a GPU, the same with floats instead of bf16, or plain "   \
                 "C; the "                                                                                             \
                 "last two are slow and there to check the others."},                                                  \
        {.name = "threads",                                                                                            \
         .kind = PV_OPTION_COUNT,                                                                                      \
         .argument = "N",                                                                                              \
         .offset = offsetof(type, member.threads),                                                                     \
         .min = 1,                                                                                                     \
         .max = 1024,                                                                                                  \
         .fallback = "all CPUs",                                                                                       \
         .group = "Model",                                                                                             \
         .help = "CPU threads of the model."},                                                                         \
        {.name = "in-matrix",                                                                                          \
         .kind = PV_OPTION_CHOICE,                                                                                     \
         .argument = "MATRIX",                                                                                         \
         .offset = offsetof(type, member.matrix),                                                                      \
         .choices = "auto|bt601|bt709|bt2020",                                                                         \
         .fallback = "auto",                                                                                           \
         .group = "Reading the clip",                                                                                  \
         .help =                                                                                                       \
             "The clip's colour matrix where its tag is wrong or missing; auto takes the tag, else guesses by size."}, \
        {.name = "in-range",                                                                                           \
         .kind = PV_OPTION_CHOICE,                                                                                     \
         .argument = "RANGE",                                                                                          \
         .offset = offsetof(type, member.range),                                                                       \
         .choices = "auto|limited|full",                                                                               \
         .fallback = "auto",                                                                                           \
         .group = "Reading the clip",                                                                                  \
         .help = "The same for its range."},                                                                           \
        {.name = "hdr",                                                                                                \
         .kind = PV_OPTION_CHOICE,                                                                                     \
         .argument = "WHAT",                                                                                           \
         .offset = offsetof(type, member.hdr),                                                                         \
         .choices = "tonemap|refuse",                                                                                  \
         .fallback = "tonemap",                                                                                        \
         .group = "Reading the clip",                                                                                  \
         .help = "What to do with PQ, HLG and BT.2020."},                                                              \
        {.name = "in-rate",                                                                                            \
         .kind = PV_OPTION_RATE,                                                                                       \
         .argument = "FPS",                                                                                            \
         .offset = offsetof(type, member.in_rate),                                                                     \
         .fallback = "24",                                                                                             \
         .group = "Reading the clip",                                                                                  \
         .help = "Frames a second of an image sequence."},                                                             \
    {                                                                                                                  \
        .name = "allow-corrupt", .kind = PV_OPTION_FLAG, .offset = offsetof(type, member.allow_corrupt),               \
        .group = "Reading the clip", .help = "Condition on frames that the decoder flags as damaged, too."             \
    }

/* The row of a place in PV_DETAILS. */
#define PV_DETAIL_OPTION(type, member)                                                                                 \
    {                                                                                                                  \
        .name = "detail", .kind = PV_OPTION_CHOICE, .argument = "WHAT", .offset = offsetof(type, member),              \
        .choices = PV_DETAILS, .fallback = "keep", .group = "Prediction",                                              \
        .help = "Give predicted frames the detail of the last observed one where nothing has changed since, or leave " \
                "them as the codec decodes them."                                                                      \
    }

/* The same for a struct pv_sampling_values. */
#define PV_SAMPLING_OPTIONS(type, member)                                                                              \
    {.name = "context",                                                                                                \
     .kind = PV_OPTION_COUNT,                                                                                          \
     .argument = "N",                                                                                                  \
     .offset = offsetof(type, member.context),                                                                         \
     .min = 1,                                                                                                         \
     .max = 4096,                                                                                                      \
     .fallback = "12, or as many as the clip has",                                                                     \
     .group = "Prediction",                                                                                            \
     .help = "How many of the clip's last frames to condition on; at most four times the model's window."},            \
        {.name = "steps",                                                                                              \
         .kind = PV_OPTION_COUNT,                                                                                      \
         .argument = "N",                                                                                              \
         .offset = offsetof(type, member.steps),                                                                       \
         .min = 1,                                                                                                     \
         .max = 64,                                                                                                    \
         .fallback = "the model's",                                                                                    \
         .group = "Prediction",                                                                                        \
         .help = "Sampling steps a frame: more are slower."},                                                          \
        {.name = "mode",                                                                                               \
         .kind = PV_OPTION_CHOICE,                                                                                     \
         .argument = "MODE",                                                                                           \
         .offset = offsetof(type, member.mode),                                                                        \
         .choices = "sample|mean",                                                                                     \
         .fallback = "sample",                                                                                         \
         .group = "Prediction",                                                                                        \
         .help = "One possible future, or the mean of all at each step, which follows paths well and blurs what is "   \
                 "open."},                                                                                             \
        PV_DETAIL_OPTION(type, member.detail),                                                                         \
    {                                                                                                                  \
        .name = "gravity", .kind = PV_OPTION_PAIR, .argument = "X,Y", .offset = offsetof(type, member.gravity),        \
        .min = -1000, .max = 1000, .fallback = "inferred from the clip", .group = "Prediction",                        \
        .help = "Tell the model the gravity, in picture widths / 10 a second squared, y up: 0,-10 falls, 0,0 floats."  \
    }

struct pv_inputs {
    struct pv_terminal *terminal;
    char model_path[PV_MODEL_PATH_BYTES];
    pv_model *model;
    pv_model_info model_info;
    pv_clip_reader *reader;
    pv_clip_info clip;
    struct pv_picture_size working; /* the size the model works at for this clip */
};

/* Each returns an exit code, and has said what failed when it is not PV_EXIT_DONE. inputs->terminal is set before. */
int pv_inputs_open_model(struct pv_inputs *inputs, const struct pv_input_values *values);
/* After the model. fps 0/0 = the clip's own rate; else the rate to resample to, unless the clip's is within 5 %. */
int pv_inputs_open_clip(struct pv_inputs *inputs, const struct pv_input_values *values, const char *path, int fps_num,
                        int fps_den, const pv_callbacks *callbacks);
/* What pv_inputs_open_clip opens the clip with, for readers of the same clip. */
pv_clip_reader_params pv_inputs_reader_params(const struct pv_input_values *values, int fps_num, int fps_den,
                                              const pv_callbacks *callbacks);
/* PV_EXIT_USAGE with a sentence when the model cannot do what was asked. */
int pv_inputs_check(const struct pv_inputs *inputs, const struct pv_sampling_values *sampling);
/* Frames to condition on at most, and sampling steps a frame, as asked or by default. */
int pv_sampling_context(const struct pv_sampling_values *sampling);
int pv_sampling_steps(const struct pv_sampling_values *sampling, const pv_model_info *model);
/* Of frames to condition on: says when the clip had fewer than were asked for, and when damaged ones were passed over.
 */
void pv_inputs_say_context(struct pv_terminal *terminal, int64_t context, int64_t asked, int64_t skipped);
/* place in PV_DETAILS */
pv_detail pv_detail_at(int place);
/* The action of every frame; its values go to gravity. .values is NULL when none was given. */
pv_action pv_sampling_action(const struct pv_sampling_values *sampling, float gravity[3]);
void pv_inputs_close(struct pv_inputs *inputs);

/* Says what failed and returns the exit code: that of the part, unless an end was asked for. */
int pv_say_failure(struct pv_terminal *terminal, pv_status status, enum pv_exit otherwise, const char *sentence);

#endif
