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

/* PV_ERR_IO: the file exists and may not be replaced, or cannot be created. path must live until the end. */
pv_status pv_save_begin(struct pv_save *save, const char *path, bool overwrite, struct pv_error *err);
/* Gives the file its name; with written false, or when something was not written, removes it. */
pv_status pv_save_end(struct pv_save *save, bool written, struct pv_error *err);

#endif
