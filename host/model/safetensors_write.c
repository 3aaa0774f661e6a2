/* safetensors_write.c: a layout and its tensors onto the disk, all of it or nothing. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/path.h"
#include "base/text.h"
#include "model/safetensors_part.h"

static pv_status fail_errno(struct pv_error *err, const char *path, const char *verb)
{
    return pv_fail(err, PV_ERR_IO, "%s: cannot %s: %s", pv_path_tail(path), verb, strerror(errno));
}

/* A new file beside path, so that the rename stays in one file system. *name is the caller's to free. */
static pv_status create_beside(const char *path, char **name, int *fd, struct pv_error *err)
{
    enum { TRIES = 1000 };
    const size_t room = strlen(path) + sizeof ".partial-" + 48;
    *name = malloc(room);
    if (!*name)
        return pv_fail(err, PV_ERR_MEMORY, "%s: no memory for its name", pv_path_tail(path));
    for (int i = 0; i < TRIES; i++) {
        snprintf(*name, room, "%s.partial-%jd-%d", path, (intmax_t)getpid(), i);
        *fd = open(*name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (*fd >= 0)
            return PV_OK;
        if (errno != EEXIST && errno != EINTR)
            break;
    }
    const pv_status status = fail_errno(err, *name, "create");
    free(*name);
    return status;
}

static bool write_all(int fd, const void *bytes, size_t size)
{
    const size_t most = (size_t)1 << 30; /* some systems refuse more in one call */
    const char *at = bytes;
    while (size > 0) {
        const ssize_t n = write(fd, at, size < most ? size : most);
        if (n < 0) {
            if (errno == EINTR)
                continue;
            return false;
        }
        at += n;
        size -= (size_t)n;
    }
    return true;
}

static bool write_layout(int fd, const struct pv_layout *layout)
{
    if (!write_all(fd, layout->header, layout->header_bytes))
        return false;
    for (size_t i = 0; i < layout->count; i++)
        if (!write_all(fd, layout->order[i]->data, layout->order[i]->bytes))
            return false;
    return fsync(fd) == 0;
}

static pv_status write_file(const char *path, const struct pv_layout *layout, struct pv_error *err)
{
    char *partial;
    int fd = -1;
    PV_TRY(create_beside(path, &partial, &fd, err));
    pv_status status = write_layout(fd, layout) ? PV_OK : fail_errno(err, partial, "write");
    if (close(fd) != 0 && status == PV_OK)
        status = fail_errno(err, partial, "write");
    if (status == PV_OK && rename(partial, path) != 0)
        status = fail_errno(err, path, "put the finished file there");
    if (status == PV_OK)
        pv_path_sync_folder(path);
    else
        unlink(partial);
    free(partial);
    return status;
}

pv_status pv_safetensors_write(const char *path, const struct pv_tensor_view *tensors, size_t count,
                               const struct pv_metadata *metadata, size_t metadata_count, struct pv_error *err)
{
    struct pv_layout layout;
    PV_TRY(pv_layout_make(&layout, tensors, count, metadata, metadata_count, err));
    const pv_status status = write_file(path, &layout, err);
    pv_layout_free(&layout);
    return status;
}
