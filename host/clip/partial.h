/* partial.h: names of unfinished files, and the step that makes them finished. A file stands under its final name only
 * when it is complete and on the disk. */
#ifndef PV_CLIP_PARTIAL_H
#define PV_CLIP_PARTIAL_H

#include <stdbool.h>

#include "base/error.h"

/* "dir/shot.mp4" -> "dir/shot" infix ".mp4", to be freed; NULL = no memory. infix: ".partial". */
char *pv_partial_name(const char *path, const char *infix);

/* PV_ERR_IO when path exists (and overwrite is 0) or is a directory. */
pv_status pv_partial_check(const char *path, bool overwrite, struct pv_error *err);

/* Gives a closed file that is on the disk its final name. Without overwrite a file that has appeared there meanwhile
 * is left alone: PV_ERR_IO. */
pv_status pv_partial_commit(const char *partial, const char *path, bool overwrite, struct pv_error *err);

#endif
