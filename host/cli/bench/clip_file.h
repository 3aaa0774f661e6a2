/* clip_file.h: the clip that a case reads: the user's, or one rendered for it. */
#ifndef PV_CLI_BENCH_CLIP_FILE_H
#define PV_CLI_BENCH_CLIP_FILE_H

#include "bench/bench.h"

/* A place for files, once a run. */
pv_status pv_bench_folder(struct pv_bench *b, struct pv_error *err);
/* *path lives until the next call. Makes the clip when there is none of that size yet. */
pv_status pv_bench_clip(struct pv_bench *b, const struct pv_bench_case *c, const char **path, struct pv_error *err);
/* Removes the folder and what is in it. */
void pv_bench_folder_remove(struct pv_bench *b);

#endif
