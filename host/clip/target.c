/* target.c: see target.h. */
#include "clip/target.h"

#include <libavutil/avstring.h>
#include <libavutil/mem.h>
#include <string.h>
#include <strings.h>

enum recipe_name { H264, VP9, PRORES, DNXHR, FFV1, RAW, PNG, EXR, RECIPES, NO_RECIPE = RECIPES };

static const struct pv_recipe recipes[RECIPES] = {
    /* crf 18 is visually lossless for most material; key frames every two seconds keep seeking quick. Chroma is
     * quantised as finely as x264 allows: else smooth pictures drift by more than one code value when a clip is
     * extended in ten passes. */
    [H264] = {.encoder = "libx264",
              .install = "install an FFmpeg with x264 (Debian, Ubuntu: ffmpeg)",
              .format = AV_PIX_FMT_YUV420P,
              .options = "preset=veryfast:crf=18:x264-params=chroma-qp-offset=-12",
              .gop_seconds = 2,
              .even = true},
    [VP9] = {.encoder = "libvpx-vp9",
             .install = "install an FFmpeg with libvpx, or name the file .mp4",
             .format = AV_PIX_FMT_YUV420P,
             .options = "crf=24:b=0:deadline=good:cpu-used=4:row-mt=1",
             .gop_seconds = 2,
             .even = true},
    [PRORES] = {.encoder = "prores_ks",
                .install = "name the file .mxf for DNxHR",
                .format = AV_PIX_FMT_YUV422P10,
                .options = "profile=hq:vendor=apl0",
                .even = true},
    [DNXHR] = {.encoder = "dnxhd",
               .install = "install a complete FFmpeg, or choose the preset master",
               .format = AV_PIX_FMT_YUV422P10,
               .options = "profile=dnxhr_hqx",
               .even = true},
    [FFV1] = {.encoder = "ffv1",
              .install = "install a complete FFmpeg, or write an image sequence (.png)",
              .format = AV_PIX_FMT_0RGB32,
              .options = "level=3:slices=4:slicecrc=1",
              .rgb = true},
    [RAW] = {.encoder = "wrapped_avframe",
             .install = "install a complete FFmpeg",
             .format = AV_PIX_FMT_YUV420P,
             .even = true},
    [PNG] = {.encoder = "png", .install = "install an FFmpeg with zlib", .format = AV_PIX_FMT_RGB24, .rgb = true},
    [EXR] = {.encoder = "exr",
             .install = "install an FFmpeg of at least 5.0 with zlib, or name the pictures .png",
             .format = AV_PIX_FMT_GBRPF32,
             .options = "format=half:compression=zip16",
             .rgb = true,
             .linear = true},
};

/* Which recipe a preset means in which file. */
struct place {
    const char *ending, *muxer;
    enum recipe_name by_preset[3]; /* review, edit, master */
    bool fragments, pictures;
    const char *advice; /* for a preset that it cannot hold */
};

static const struct place places[] = {
    {".mp4",
     "mp4",
     {H264, NO_RECIPE, NO_RECIPE},
     .fragments = true,
     .advice = "name it .mov or .mxf to edit, .mkv for a master"},
    {".m4v",
     "mp4",
     {H264, NO_RECIPE, NO_RECIPE},
     .fragments = true,
     .advice = "name it .mov or .mxf to edit, .mkv for a master"},
    {".mov", "mov", {H264, PRORES, NO_RECIPE}, .fragments = true, .advice = "name it .mkv for a master"},
    {".mkv", "matroska", {H264, PRORES, FFV1}, .advice = ""},
    {".nut", "nut", {H264, PRORES, FFV1}, .advice = ""},
    {".webm", "webm", {VP9, NO_RECIPE, NO_RECIPE}, .advice = "name it .mov to edit, .mkv for a master"},
    {".mxf", "mxf", {NO_RECIPE, DNXHR, NO_RECIPE}, .advice = "name it .mp4 for review, .mkv for a master"},
    {".y4m", "yuv4mpegpipe", {RAW, NO_RECIPE, NO_RECIPE}, .advice = "name it .mov to edit, .mkv for a master"},
    {".png", NULL, {PNG, PNG, PNG}, .pictures = true, .advice = ""},
    {".exr", NULL, {EXR, EXR, EXR}, .pictures = true, .advice = ""},
};

static const char *const preset_names[] = {"review", "edit", "master", "none"};

static pv_status take_recipe(enum recipe_name name, struct pv_target *target, struct pv_error *err)
{
    target->recipe = recipes[name];
    if (!avcodec_find_encoder_by_name(target->recipe.encoder))
        return pv_fail(err, PV_ERR_UNSUPPORTED, "this FFmpeg has no encoder '%s', which is needed here: %s",
                       target->recipe.encoder, target->recipe.install);
    return PV_OK;
}

static const char *ending_of(const char *path)
{
    const char *slash = strrchr(path, '/'), *dot = strrchr(path, '.');
    return dot && (!slash || dot > slash) ? dot : "";
}

static pv_status choose_pipe(pv_clip_preset preset, pv_clip_pipe pipe, struct pv_target *target, struct pv_error *err)
{
    static const enum recipe_name nut[] = {H264, PRORES, FFV1};
    target->kind = PV_TARGET_PIPE;
    target->muxer = pipe == PV_CLIP_PIPE_NUT ? "nut" : "yuv4mpegpipe";
    return take_recipe(pipe == PV_CLIP_PIPE_NUT ? nut[preset] : RAW, target, err);
}

static pv_status choose_place(const char *path, const struct place *place, pv_clip_preset preset,
                              struct pv_target *target, struct pv_error *err)
{
    enum recipe_name name = place->by_preset[preset];
    if (name == NO_RECIPE)
        return pv_fail(err, PV_ERR_UNSUPPORTED, "the preset %s cannot be put in '%s': %s", preset_names[preset], path,
                       place->advice);
    if (name == PRORES && place->fragments && !avcodec_find_encoder_by_name(recipes[PRORES].encoder))
        name = DNXHR; /* what editors read as well */
    target->kind = place->pictures ? PV_TARGET_PICTURES : PV_TARGET_FILE;
    target->muxer = place->muxer;
    target->fragments = place->fragments;
    if (place->pictures && !(target->pattern = av_strdup(path)))
        return pv_fail(err, PV_ERR_MEMORY, "no memory for a file name");
    return take_recipe(name, target, err);
}

pv_status pv_target_choose(const char *path, pv_clip_preset preset, pv_clip_pipe pipe, struct pv_target *target,
                           struct pv_error *err)
{
    *target = (struct pv_target){.kind = PV_TARGET_NOTHING};
    if (preset < PV_CLIP_PRESET_REVIEW || preset > PV_CLIP_PRESET_NONE)
        return pv_fail(err, PV_ERR_ARGUMENT, "%d is no preset", (int)preset);
    if (preset == PV_CLIP_PRESET_NONE)
        return PV_OK;
    if (!path || !path[0])
        return pv_fail(err, PV_ERR_ARGUMENT, "the output needs a name");
    if (strcmp(path, "-") == 0)
        return choose_pipe(preset, pipe, target, err);
    if (path[strlen(path) - 1] == '/') {
        target->kind = PV_TARGET_PICTURES;
        target->pattern = av_asprintf("%s%%04d.png", path);
        return target->pattern ? take_recipe(PNG, target, err)
                               : pv_fail(err, PV_ERR_MEMORY, "no memory for a file name");
    }
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
        if (strcasecmp(ending_of(path), places[i].ending) == 0)
            return choose_place(path, &places[i], preset, target, err);
    return pv_fail(err, PV_ERR_UNSUPPORTED,
                   "'%s' does not end in a kind of file that is written: .mp4 .mov .mkv .nut .webm .mxf .y4m, or "
                   "pictures such as shot.%%04d.png or .exr",
                   path);
}

void pv_target_release(struct pv_target *target)
{
    av_freep(&target->pattern);
}
