/* file_map.h: the bytes of a whole regular file, mapped where the system can map it and read into memory where not.
 *
 * A mapping costs no memory and is shared between processes, but a page of it that another program has cut off the
 * file meanwhile raises SIGBUS when touched, and a library cannot catch that. Whoever opens files that others may be
 * rewriting in place asks for PV_FILE_READ. (Replacing a file by rename, as prevue does, is safe either way.) */
#ifndef PV_BASE_FILE_MAP_H
#define PV_BASE_FILE_MAP_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

struct pv_file_map {
    const void *data; /* never NULL after a successful open, even for an empty file */
    size_t size;
    bool mapped; /* false: data is memory of our own */
};

enum pv_file_access { PV_FILE_MAP, PV_FILE_READ };

/* Symbolic links are followed. Directories, pipes, sockets and devices are refused, without waiting for a pipe's other
 * end. PV_ERR_IO when the file cannot be read or shrinks meanwhile, PV_ERR_MEMORY when it does not fit. On failure
 * *map is empty and needs no close. */
pv_status pv_file_map_open(const char *path, enum pv_file_access access, struct pv_file_map *map, struct pv_error *err);

/* Safe on an empty or already closed map. */
void pv_file_map_close(struct pv_file_map *map);

#endif
