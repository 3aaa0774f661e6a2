/* predict_options.c: the option table of `prevue predict`. */
#include "live_picture.h"
#include "predict.h"

#define AT(field) offsetof(struct pv_predict_values, field)

static const struct pv_option options[] = {
    {.name = "output",
     .letter = 'o',
     .kind = PV_OPTION_FILE,
     .argument = "FILE",
     .offset = AT(output),
     .group = "Output",
     .help = "Where the frames go: .mp4 .mov .mkv .webm .mxf .nut .y4m, an image sequence (shot.%04d.png, frames/), or "
             "- for standard output. The file has its final name only when it is complete; until then it is "
             "NAME.partial.EXT."},
    {.name = "join",
     .letter = 'j',
     .kind = PV_OPTION_FLAG,
     .offset = AT(join),
     .group = "Output",
     .help = "Write the clip first, with its sound, then the prediction: the last real frame is directly followed by "
             "the first predicted one."},
    {.name = "size",
     .kind = PV_OPTION_SIZE,
     .argument = "SIZE",
     .offset = AT(size),
     .min = 2,
     .max = 16384,
     .choices = "source|model",
     .fallback = "source",
     .group = "Output",
     .help = "Size of the output: that of the clip, upright and with square pixels; the one the model works at; or "
             "WIDTHxHEIGHT."},
    {.name = "preset",
     .kind = PV_OPTION_CHOICE,
     .argument = "PRESET",
     .offset = AT(preset),
     .choices = "review|edit|master|none",
     .fallback = "review, or edit for .mxf",
     .group = "Output",
     .help = "How to encode: H.264 that plays anywhere; ProRes 422 HQ or DNxHR HQX; lossless FFV1; or not at all, to "
             "measure."},
    {.name = "format",
     .kind = PV_OPTION_CHOICE,
     .argument = "FORMAT",
     .offset = AT(format),
     .choices = "y4m|nut",
     .fallback = "y4m",
     .group = "Output",
     .help = "What goes to standard output with -o -: raw 8-bit 4:2:0 video, or what the preset says, in NUT."},
    {.name = "overwrite",
     .letter = 'y',
     .kind = PV_OPTION_FLAG,
     .offset = AT(overwrite),
     .group = "Output",
     .help = "Replace files that exist."},
    {.name = "json",
     .kind = PV_OPTION_FLAG,
     .offset = AT(json),
     .group = "Output",
     .help = "Print one JSON object on standard output at the end: what was read and written, seed, model, timings."},

    {.name = "seconds",
     .letter = 't',
     .kind = PV_OPTION_NUMBER,
     .argument = "SECONDS",
     .offset = AT(seconds),
     .min = 0.001,
     .max = 86400,
     .fallback = "2",
     .group = "Prediction",
     .help = "How much future to predict."},
    {.name = "frames",
     .letter = 'n',
     .kind = PV_OPTION_COUNT,
     .argument = "N",
     .offset = AT(frames),
     .min = 1,
     .max = 10000000,
     .group = "Prediction",
     .help = "The same as a number of frames."},
    {.name = "seed",
     .letter = 's',
     .kind = PV_OPTION_SEED,
     .argument = "N",
     .offset = AT(seed),
     .fallback = "0",
     .group = "Prediction",
     .help = "Which of the possible futures: the same seed gives the same frames."},
    PV_SAMPLING_OPTIONS(struct pv_predict_values, sampling),
    {.name = "save-state",
     .kind = PV_OPTION_FILE,
     .argument = "FILE",
     .offset = AT(save),
     .group = "Prediction",
     .help = "Save the rollout after its last frame, to go on from there another time."},
    {.name = "resume-state",
     .kind = PV_OPTION_FILE,
     .argument = "FILE",
     .offset = AT(resume),
     .group = "Prediction",
     .help =
         "Go on from a saved rollout, in its latents. CLIP, of the same shape, is then what was made so far: it can "
         "be joined, but is not conditioned on."},

    PV_INPUT_OPTIONS(struct pv_predict_values, input),
    PV_PICTURE_OPTION(struct pv_predict_values, no_picture),
    PV_COMMON_OPTIONS,
};

static const char *const description[] = {
    "Reads CLIP, conditions the model on its last frames and writes the frames that follow. CLIP is any video FFmpeg "
    "reads, an image sequence (a pattern such as shot.%04d.png, or a folder), or - for standard input.",
    "Size: the model works at a size with the clip's shape and about the area it was trained at, both sides multiples "
    "of "
    "what its codec needs. A 1920x1080 clip and a model of 128x128 make 176x96: shapes are off by rounding only. The "
    "output is scaled back to the size of the clip.",
    "Rate: a clip within 5 % of the model's rate is used frame by frame, and the output has exactly its rate. Any "
    "other "
    "clip is resampled by timestamp to the model's rate, which is then the output's; how many frames that left out or "
    "repeated is said.",
    "Ctrl-C finishes the file with the frames predicted so far; a second one leaves at once and keeps "
    "NAME.partial.EXT.",
    NULL,
};

static const struct pv_example examples[] = {
    {"Two seconds of future, after the clip itself:", "prevue predict clip.mp4 -o future.mp4 --join"},
    {"Another future, five seconds of it:", "prevue predict clip.mp4 -o other.mp4 --seed 7 --seconds 5"},
    {"What if there were no gravity?", "prevue predict drop.mp4 -o float.mp4 --gravity 0,0"},
    {"Straight to a player:", "prevue predict clip.mp4 -o - | ffplay -"},
    {NULL, NULL},
};

static const struct pv_predict_values defaults = {.preset = -1, .seed = PV_SEED_NOT_GIVEN};

const struct pv_command pv_command_predict = {
    .name = "predict",
    .synopsis = "CLIP -o FILE [option ...]",
    .summary = "predict what happens next in a clip",
    .description = description,
    .options = options,
    .option_count = sizeof options / sizeof options[0],
    .examples = examples,
    .operand = "CLIP",
    .min_operands = 1,
    .max_operands = 1,
    .values_size = sizeof(struct pv_predict_values),
    .defaults = &defaults,
    .run = pv_predict_run,
};
