/* target.h: what a path and a preset ask for: a container, a codec, and how they go together. */
#ifndef PV_CLIP_TARGET_H
#define PV_CLIP_TARGET_H

#include <libavcodec/avcodec.h>
#include <prevue/clip.h>
#include <stdbool.h>

#include "base/error.h"

enum pv_target_kind { PV_TARGET_FILE, PV_TARGET_PIPE, PV_TARGET_PICTURES, PV_TARGET_NOTHING };

/* A codec with its settings. */
struct pv_recipe {
    const char *encoder; /* FFmpeg's name */
    const char *install; /* what to do when FFmpeg lacks it */
    enum AVPixelFormat format;
    const char *options; /* "key=value:key=value" of the encoder */
    int gop_seconds;     /* between key frames at most; 0 = every picture stands alone */
    bool rgb;            /* RGB, full range; else BT.709, limited */
    bool even;           /* chroma is halved: sides must be even where it is */
    bool linear;         /* the file holds light, not code values */
};

struct pv_target {
    enum pv_target_kind kind;
    const char *muxer; /* FFmpeg's name; NULL for pictures and nothing */
    bool fragments;    /* mp4, mov: written in fragments, then rewritten */
    struct pv_recipe recipe;
    char *pattern; /* of pictures; owned */
};

/* PV_ERR_UNSUPPORTED with a sentence when the preset cannot be put in such a file or the encoder is missing. */
pv_status pv_target_choose(const char *path, pv_clip_preset preset, pv_clip_pipe pipe, struct pv_target *target,
                           struct pv_error *err);

void pv_target_release(struct pv_target *target);

#endif
