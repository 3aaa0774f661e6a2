/* partial.c: see partial.h. */
#include "clip/partial.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/path.h"

char *pv_partial_name(const char *path, const char *infix)
{
    const char *slash = strrchr(path, '/'), *dot = strrchr(path, '.');
    if (!dot || (slash && dot < slash))
        dot = path + strlen(path);
    const size_t size = strlen(path) + strlen(infix) + 1;
    char *name = malloc(size);
    if (name)
        snprintf(name, size, "%.*s%s%s", (int)(dot - path), path, infix, dot);
    return name;
}

pv_status pv_partial_check(const char *path, bool overwrite, struct pv_error *err)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return PV_OK;
    if (S_ISDIR(st.st_mode))
        return pv_fail(err, PV_ERR_IO, "'%s' is a directory: name a file in it", path);
    if (!overwrite)
        return pv_fail(err, PV_ERR_IO, "'%s' exists already: choose another name, or allow overwriting (-y)", path);
    return PV_OK;
}

pv_status pv_partial_commit(const char *partial, const char *path, bool overwrite, struct pv_error *err)
{
    if (overwrite) {
        if (rename(partial, path) != 0)
            return pv_fail(err, PV_ERR_IO, "cannot rename '%s' to '%s': %s", partial, path, strerror(errno));
    } else if (link(partial, path) == 0) /* unlike rename, it never replaces */
        unlink(partial);
    else if (errno == EEXIST)
        return pv_fail(err, PV_ERR_IO, "'%s' has appeared meanwhile: the finished file is '%s'", path, partial);
    else if (access(path, F_OK) == 0 || rename(partial, path) != 0) /* a file system without hard links */
        return pv_fail(err, PV_ERR_IO, "cannot rename '%s' to '%s': %s", partial, path, strerror(errno));
    pv_path_sync_folder(path);
    return PV_OK;
}
