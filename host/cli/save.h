/* save.h: a text file under a temporary name, then renamed: it is there complete or not at all. */
#ifndef PV_CLI_SAVE_H
#define PV_CLI_SAVE_H

#include <stdbool.h>
#include <stdio.h>

#include "base/error.h"

struct pv_save {
    const char *path;
    char partial[4096];
    FILE *file; /* to write to */
};

/* A file that the same run reads, or writes besides. */
struct pv_save_other {
    const char *path; /* NULL: there is none */
    const char *what; /* "the clip" */
};

/* Before hours of work: what can be wrong with the name of a file that is written at their end. PV_ERR_IO: it is one of
 * the others or a directory, exists and may not be replaced, or its folder takes no files. */
pv_status pv_save_check(const char *path, bool overwrite, const struct pv_save_other *others, size_t count,
                        struct pv_error *err);
/* PV_ERR_IO: the file exists and may not be replaced, or cannot be created. path must live until the end. */
pv_status pv_save_begin(struct pv_save *save, const char *path, bool overwrite, struct pv_error *err);
/* Gives the file its name; with written false, or when something was not written, removes it. */
pv_status pv_save_end(struct pv_save *save, bool written, struct pv_error *err);

#endif
