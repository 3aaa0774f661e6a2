/* file_map.c: open, look, map; read when mapping is refused or not wanted. */
#include "base/file_map.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"

static const char nothing[1]; /* what an empty file's data points to */

static const char *kind_of(mode_t mode)
{
    if (S_ISDIR(mode))
        return "a directory";
    if (S_ISFIFO(mode))
        return "a pipe";
    return "a device";
}

static pv_status fail_errno(struct pv_error *err, const char *path, const char *verb)
{
    return pv_fail(err, PV_ERR_IO, "%s: cannot %s: %s", pv_path_tail(path), verb, strerror(errno));
}

/* Bytes read into data, at most size; fewer only at the end of the file. -1 with errno. */
static ssize_t read_fully(int fd, char *data, size_t size)
{
    const size_t most = (size_t)1 << 30; /* some systems refuse more in one call */
    size_t done = 0;
    while (done < size) {
        const size_t wanted = size - done < most ? size - done : most;
        const ssize_t n = read(fd, data + done, wanted);
        if (n == 0)
            break;
        if (n < 0) {
            if (errno == EINTR)
                continue;
            return -1;
        }
        done += (size_t)n;
    }
    return (ssize_t)done;
}

static pv_status read_whole(int fd, const char *path, size_t size, struct pv_file_map *map, struct pv_error *err)
{
    char *data = malloc(size);
    if (!data)
        return pv_fail(err, PV_ERR_MEMORY, "%s: no memory for its %zu bytes", pv_path_tail(path), size);

    const ssize_t got = read_fully(fd, data, size);
    if (got < 0 || (size_t)got < size) {
        const pv_status status =
            got < 0
                ? fail_errno(err, path, "read")
                : pv_fail(err, PV_ERR_IO,
                          "%s: ended after %zd of %zu bytes: another program is writing it; try again when it is done",
                          pv_path_tail(path), got, size);
        free(data);
        return status;
    }
    *map = (struct pv_file_map){.data = data, .size = size, .mapped = false};
    return PV_OK;
}

static pv_status map_descriptor(int fd, const char *path, enum pv_file_access access, struct pv_file_map *map,
                                struct pv_error *err)
{
    struct stat info;
    if (fstat(fd, &info) != 0)
        return fail_errno(err, path, "look at");
    if (!S_ISREG(info.st_mode))
        return pv_fail(err, PV_ERR_IO, "%s: is %s; expected a regular file", pv_path_tail(path), kind_of(info.st_mode));
    if (info.st_size < 0 || (uintmax_t)info.st_size > SSIZE_MAX)
        return pv_fail(err, PV_ERR_IO, "%s: has %jd bytes, more than this system can address", pv_path_tail(path),
                       (intmax_t)info.st_size);

    const size_t size = (size_t)info.st_size;
    if (size == 0) {
        *map = (struct pv_file_map){.data = nothing, .size = 0, .mapped = false};
        return PV_OK;
    }
    if (access == PV_FILE_MAP) {
        void *data = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
        if (data != MAP_FAILED) {
            *map = (struct pv_file_map){.data = data, .size = size, .mapped = true};
            return PV_OK;
        }
    }
    return read_whole(fd, path, size, map, err);
}

pv_status pv_file_map_open(const char *path, enum pv_file_access access, struct pv_file_map *map, struct pv_error *err)
{
    *map = (struct pv_file_map){0};
    int fd;
    do {
        fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK); /* O_NONBLOCK: a pipe must not make us wait */
    } while (fd < 0 && errno == EINTR);
    if (fd < 0)
        return fail_errno(err, path, "open");
    const pv_status status = map_descriptor(fd, path, access, map, err);
    close(fd);
    return status;
}

void pv_file_map_close(struct pv_file_map *map)
{
    if (map->mapped)
        munmap((void *)map->data, map->size);
    else if (map->data != nothing)
        free((void *)map->data);
    *map = (struct pv_file_map){0};
}
