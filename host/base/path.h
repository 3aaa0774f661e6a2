/* path.h: where the names of files lead. */
#ifndef PV_BASE_PATH_H
#define PV_BASE_PATH_H

#include <stdbool.h>

/* The folder a file lies in, "./" for a bare name, to be freed; NULL = no memory. */
char *pv_path_folder(const char *path);

/* Whether both names lead to one file, or would if it existed. */
bool pv_path_is_same(const char *path, const char *other);

/* So that a new name survives a power cut too: its folder, to the disk. Best effort: not every file system can. */
void pv_path_sync_folder(const char *path);

#endif
