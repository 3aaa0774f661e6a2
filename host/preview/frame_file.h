/* frame_file.h: frames of one size in a file, raw RGB. Predicted frames wait there for those who write clips of them:
 * so memory is constant, the engine never waits for an encoder, and a run that was killed goes on. One thread appends;
 * any number read, also what is yet to come. */
#ifndef PV_PREVIEW_FRAME_FILE_H
#define PV_PREVIEW_FRAME_FILE_H

#include <stdint.h>

#include "base/error.h"

struct pv_frame_file;

/* Opens or makes the file; it holds steps of `takes` frames each. Of what is in it, steps are kept: the rest is cut
 * off. PV_ERR_IO when it holds fewer. *file is NULL on failure. */
pv_status pv_frame_file_open(const char *path, int width, int height, int takes, int64_t steps,
                             struct pv_frame_file **file, struct pv_error *err);

/* The frame of one take in the step that comes next; rows packed. */
pv_status pv_frame_file_put(struct pv_frame_file *file, int take, const pv_frame *frame, struct pv_error *err);
/* All takes of the step have been put: readers may have it. */
void pv_frame_file_publish(struct pv_frame_file *file);
/* Nothing more will come. */
void pv_frame_file_end(struct pv_frame_file *file);
/* What was published is on the disk. */
pv_status pv_frame_file_sync(struct pv_frame_file *file, struct pv_error *err);

/* Waits until there are more than `step` steps or the end; how many there are. */
int64_t pv_frame_file_wait(struct pv_frame_file *file, int64_t step);
/* How many there are at the end. */
int64_t pv_frame_file_wait_for_end(struct pv_frame_file *file);
/* How many there are now. */
int64_t pv_frame_file_count(struct pv_frame_file *file);
/* A published frame, into frame->data (rows packed). */
pv_status pv_frame_file_read(struct pv_frame_file *file, int64_t step, int take, pv_frame *frame, struct pv_error *err);

/* NULL is allowed. The file stays. */
void pv_frame_file_close(struct pv_frame_file *file);

#endif
