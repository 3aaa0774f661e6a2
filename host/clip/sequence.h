/* sequence.h: names of numbered pictures: "shot.%04d.png", "shot.####.exr", or a directory. */
#ifndef PV_CLIP_SEQUENCE_H
#define PV_CLIP_SEQUENCE_H

#include <stdbool.h>

#include "base/error.h"

/* prefix NUMBER suffix; the number has at least digits digits, zeros in front. */
struct pv_sequence {
    char *prefix, *suffix; /* prefix includes the directory; owned */
    int digits;
};

/* Whether the path is a pattern: one %d, %0Nd, or run of #. A file of that very name that exists is not. */
bool pv_sequence_is_pattern(const char *path);

/* Takes a pattern apart. PV_ERR_ARGUMENT when it has more than one number. */
pv_status pv_sequence_parse(const char *path, struct pv_sequence *sequence, struct pv_error *err);

/* The sequence that lies in a directory: that of its first picture by name. */
pv_status pv_sequence_of_directory(const char *path, struct pv_sequence *sequence, struct pv_error *err);

/* The sequence that a clip's path means: a directory or a pattern. Any other path is a file: sequence->prefix is NULL.
 */
pv_status pv_sequence_of_path(const char *path, struct pv_sequence *sequence, struct pv_error *err);

/* Which numbers are on the disk: the lowest, how many follow without a hole, how many there are in all. */
struct pv_sequence_extent {
    int first, run, total;
};
pv_status pv_sequence_scan(const struct pv_sequence *sequence, struct pv_sequence_extent *extent, struct pv_error *err);

/* The file name of one number: prefix number infix suffix, to be freed; NULL = no memory. infix: "" or ".partial". */
char *pv_sequence_name(const struct pv_sequence *sequence, int number, const char *infix);

/* The same as a pattern for FFmpeg's image2, to be freed; NULL = no memory. */
char *pv_sequence_pattern(const struct pv_sequence *sequence);

void pv_sequence_release(struct pv_sequence *sequence);

#endif
