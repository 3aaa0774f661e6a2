/* save.c: see save.h. */
#include "save.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"

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
