/* scratch_folder.h: a folder of the test's own, for tests that need real files. */
#ifndef PV_TESTS_SCRATCH_FOLDER_H
#define PV_TESTS_SCRATCH_FOLDER_H

#include <stddef.h>

/* In TMPDIR, or /tmp. folder_close removes it and what is in it. */
struct folder {
    char path[256];
};
struct folder folder_open(void);
void folder_close(const struct folder *folder);
/* "<folder>/<name>", in memory that lives until the process ends. */
const char *folder_path(const struct folder *folder, const char *name);
void folder_write(const struct folder *folder, const char *name, const void *bytes, size_t size);
void folder_write_text(const struct folder *folder, const char *name, const char *text);
/* Entries besides . and .. */
size_t folder_count(const struct folder *folder);

#endif
