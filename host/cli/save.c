/* save.c: see save.h. */
#include "save.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/path.h"
#include "base/text.h"

/* "-" is standard output and needs no care, NULL is no file. */
static bool is_file(const char *path)
{
    return path && strcmp(path, "-") != 0;
}

pv_status pv_save_check(const char *path, bool overwrite, const struct pv_save_other *others, size_t count,
                        struct pv_error *err)
{
    struct stat st;
    if (!is_file(path))
        return PV_OK;
    for (size_t i = 0; i < count; i++)
        if (is_file(others[i].path) && pv_path_is_same(path, others[i].path))
            return pv_fail(err, PV_ERR_IO, "'%s' cannot be written: it is %s; choose another name", pv_path_tail(path),
                           others[i].what);
    const bool exists = stat(path, &st) == 0;
    if (exists && S_ISDIR(st.st_mode))
        return pv_fail(err, PV_ERR_IO, "'%s' cannot be written: it is a directory; name a file in it",
                       pv_path_tail(path));
    if (exists && !overwrite)
        return pv_fail(err, PV_ERR_IO, "'%s' exists: -y replaces it", pv_path_tail(path));
    char *folder = pv_path_folder(path);
    if (!folder)
        return pv_fail(err, PV_ERR_MEMORY, "no memory for a file name");
    const int reason = access(folder, W_OK | X_OK) == 0 ? 0 : errno;
    free(folder);
    return reason == 0 ? PV_OK
                       : pv_fail(err, PV_ERR_IO, "'%s' cannot be written: %s; choose a folder that takes files",
                                 pv_path_tail(path), strerror(reason));
}

pv_status pv_save_begin(struct pv_save *save, const char *path, bool overwrite, struct pv_error *err)
{
    *save = (struct pv_save){.path = path};
    if (!overwrite && access(path, F_OK) == 0)
        return pv_fail(err, PV_ERR_IO, "'%s' exists: -y replaces it", pv_path_tail(path));
    if (snprintf(save->partial, sizeof save->partial, "%s.partial", path) < (int)sizeof save->partial)
        save->file = fopen(save->partial, "w");
    else
        errno = ENAMETOOLONG;
    return save->file ? PV_OK
                      : pv_fail(err, PV_ERR_IO, "'%s' cannot be written: %s; choose a folder that takes files",
                                pv_path_tail(path), strerror(errno));
}

pv_status pv_save_end(struct pv_save *save, bool written, struct pv_error *err)
{
    errno = 0;
    bool good = written && fflush(save->file) == 0 && !ferror(save->file) && fsync(fileno(save->file)) == 0;
    int reason = errno;
    good = fclose(save->file) == 0 && good;
    if (good && rename(save->partial, save->path) == 0)
        return PV_OK;
    reason = reason ? reason : errno;
    remove(save->partial);
    return pv_fail(err, PV_ERR_IO, "'%s' cannot be written: %s", pv_path_tail(save->path),
                   reason ? strerror(reason) : "nothing to write");
}
