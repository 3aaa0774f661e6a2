/* plan.h: everything about one preview: the shot, its source, how it is predicted, what is written. Filled once by the
 * command, read by whatever writes a file. */
#ifndef PV_PREVIEW_PLAN_H
#define PV_PREVIEW_PLAN_H

#include <prevue/clip.h>
#include <stdbool.h>

#include "base/error.h"
#include "preview/clock.h"

enum { PV_PREVIEW_TAKES = 64, PV_PREVIEW_SHOT_BYTES = 96, PV_PREVIEW_NAME_BYTES = 256, PV_PREVIEW_PATH_BYTES = 4096 };

struct pv_preview_source {
    const char *path;
    int width, height, fps_num, fps_den;  /* of its frames, upright, and of every clip that is written */
    char timecode[PV_CLIP_TIMECODE_SIZE]; /* of the first frame; "" = none */
    double start_seconds;
    bool has_audio, is_sequence;
    /* Known once the clip has been read. */
    int64_t frames;
    int64_t context; /* conditioned on */
    int64_t skipped; /* damaged, and therefore not conditioned on */
    int tail;        /* last frames kept: the handles, and at least one */
    bool damaged;
};

struct pv_preview_model {
    const char *path, *name, *backend;
    uint64_t fingerprint;
    int threads;
    int width, height; /* it works at */
};

struct pv_preview_plan {
    const char *folder; /* where everything goes */
    char shot[PV_PREVIEW_SHOT_BYTES];
    int version;
    pv_clip_preset preset;
    bool burn_in;     /* on the clips of the takes */
    bool sheet_words; /* on grid and difference */
    const char *font; /* NULL = pv_clip_font_find() */
    int handles;      /* most real frames at the head of a new-only clip */
    int first_number; /* of the source's first frame */
    struct pv_preview_source source;
    struct pv_preview_model model;
    struct pv_preview_clock clock;
    int takes;
    uint64_t seed;  /* of take 0; take i has seed + i */
    int64_t frames; /* predicted, at the source's rate */
    int context, steps;
    bool mean, keep_detail;
    bool gravity_given;
    double gravity[2];
};

/* ---- names: {shot}_{task}_v{version:03}_s{seed}.{ext} ---- */

enum pv_preview_kind {
    PV_PREVIEW_NEW,        /* handles, then the prediction */
    PV_PREVIEW_JOINED,     /* the clip, then the prediction */
    PV_PREVIEW_REVIEW,     /* the same in H.264 with burn-in, for presets that browsers do not play */
    PV_PREVIEW_GRID,       /* all takes side by side */
    PV_PREVIEW_DIFFERENCE, /* the mean of all takes, and where they disagree */
    PV_PREVIEW_CONTACT,    /* pictures: rows are takes, columns are times */
    PV_PREVIEW_ONION,      /* each take's motion in one picture */
    PV_PREVIEW_STRIP,      /* the difference at a few times */
    PV_PREVIEW_TIMELINE,   /* OpenTimelineIO */
    PV_PREVIEW_CUT,        /* CMX3600, one a take */
    PV_PREVIEW_KINDS
};

/* One a take; the others are one for all. */
bool pv_preview_is_per_take(enum pv_preview_kind kind);
/* Whether this plan has such a file. */
bool pv_preview_wants(const struct pv_preview_plan *plan, enum pv_preview_kind kind);
/* take: not used by kinds that are one for all. */
void pv_preview_name(const struct pv_preview_plan *plan, enum pv_preview_kind kind, int take,
                     char name[PV_PREVIEW_NAME_BYTES]);
pv_status pv_preview_path(const struct pv_preview_plan *plan, const char *name, char path[PV_PREVIEW_PATH_BYTES],
                          struct pv_error *err);
/* "shots/bottle run.####.png" -> "bottle_run": letters, digits, - and _ of the last part of the path; "shot" when
 * nothing is left. */
void pv_preview_shot_from_path(const char *path, char shot[PV_PREVIEW_SHOT_BYTES]);
/* PV_ERR_ARGUMENT when a shot's name would not be one file name on every system. */
pv_status pv_preview_check_shot(const char *shot, struct pv_error *err);
/* The highest version of the shot in the folder, unfinished ones included; 0 = none. */
int pv_preview_last_version(const char *folder, const char *shot);

static inline uint64_t pv_preview_seed(const struct pv_preview_plan *plan, int take)
{
    return plan->seed + (uint64_t)take;
}

/* Real frames at the head of a new-only clip. */
static inline int pv_preview_handles(const struct pv_preview_plan *plan)
{
    return plan->handles < plan->source.tail ? plan->handles : plan->source.tail;
}

/* The source's timecode at a frame, "" when it has none. */
void pv_preview_timecode(const struct pv_preview_plan *plan, int64_t frame, char text[PV_CLIP_TIMECODE_SIZE]);

#endif
