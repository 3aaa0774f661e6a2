/* eval.h: what `prevue eval` was asked, and what it found. */
#ifndef PV_CLI_EVAL_H
#define PV_CLI_EVAL_H

#include <stdbool.h>
#include <stdio.h>

#include "eval/predict.h"
#include "eval/suite.h"
#include "eval/track.h"
#include "inputs.h"

struct pv_eval_values {
    struct pv_common_values common;
    int suite;         /* enum pv_suite_kind; -1 = not given */
    const char *clips; /* a folder of clips, or one clip */
    const char *world; /* only this one of the suite */
    int range;         /* enum pv_world_range; 2 = both */
    int64_t clips_per_world;
    int64_t long_clips;
    int64_t takes;
    int64_t context;    /* 0 = not given */
    int64_t steps;      /* 0 = the model's */
    int64_t sheet_step; /* frames; 0 = so that all is shown */
    int mode;           /* enum pv_mode */
    int detail;         /* place in PV_DETAILS */
    uint64_t seed;
    bool tell_gravity, json, overwrite;
    const char *html, *sheet;
    struct pv_input_values input;
};

/* cmd_eval.c */
int pv_eval_run(const void *values, char **operands, struct pv_terminal *terminal);

/* One block of the table: a world in one range, or one clip. */
struct pv_eval_group {
    char name[96];
    const char *world; /* NULL for footage of anything */
    bool out;          /* of range */
    int clips;         /* measured */
    struct pv_scores scores;
};

struct pv_eval_report {
    const char *what; /* "suite physics", "clips" */
    const pv_model_info *model;
    const char *model_path;
    int width, height; /* 0 = every clip has its own */
    int context;
    int steps, takes;
    bool mean, keep_detail, tell_gravity;
    uint64_t seed;
    struct pv_eval_group *groups;
    int group_count;
    bool interrupted;
};

/* eval_table.c: for a person. */
void pv_eval_print(FILE *out, const struct pv_eval_report *report);
/* eval_json.c: a new reference; NULL when there is no memory. notices: of the terminal. */
json_t *pv_eval_to_json(const struct pv_eval_report *report, json_t *notices);

/* ---- what is shown: some clips, truth above prediction ---- */

/* eval_gallery.c: the sheet as one picture, the page's films as files in memory. */
struct pv_gallery;
/* sheet, films: what will be asked for. sheet_step: frames from column to column; 0 = so that all is shown. */
pv_status pv_gallery_open(bool sheet, int sheet_step, bool films, struct pv_gallery **gallery, struct pv_error *err);
void pv_gallery_close(struct pv_gallery *gallery);
/* Where a clip is shown that was predicted. */
struct pv_shown {
    const char *name;
    int group; /* its number, for the page */
    int fps_num, fps_den;
    bool on_sheet, on_page;
};
pv_status pv_gallery_add(struct pv_gallery *gallery, const struct pv_footage *footage, const struct pv_shown *shown,
                         struct pv_error *err);
pv_status pv_gallery_save_sheet(const struct pv_gallery *gallery, const char *path, bool overwrite,
                                struct pv_error *err);
/* Films of a group: NULL past the last; the bytes of an MP4 file. */
const uint8_t *pv_gallery_film(const struct pv_gallery *gallery, int group, size_t index, size_t *bytes);

/* eval_page.c: one HTML page with everything in it. */
pv_status pv_eval_save_page(const struct pv_eval_report *report, const struct pv_gallery *gallery, const char *path,
                            bool overwrite, struct pv_error *err);

#endif
