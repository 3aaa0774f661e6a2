/* picture_files.c: see picture_files.h. */
#include "clip/picture_files.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/path.h"
#include "clip/output.h"
#include "clip/partial.h"

/* The directory is there, made if need be (one level), and takes files. */
static pv_status check_directory_of(const char *prefix, struct pv_error *err)
{
    char *folder = pv_path_folder(prefix);
    if (!folder)
        return pv_fail(err, PV_ERR_MEMORY, "no memory for a file name");
    pv_status status = PV_OK;
    struct stat st;
    if (stat(folder, &st) != 0 && mkdir(folder, 0777) != 0)
        status = pv_fail(err, PV_ERR_IO, "cannot make the directory '%s': %s", folder, strerror(errno));
    else if (access(folder, W_OK | X_OK) != 0)
        status = pv_fail(err, PV_ERR_IO, "cannot write into the directory '%s': %s", folder, strerror(errno));
    free(folder);
    return status;
}

pv_status pv_picture_files_open(struct pv_picture_files *f, const char *pattern, int first_number, bool overwrite,
                                const pv_callbacks *callbacks, struct pv_error *err)
{
    *f = (struct pv_picture_files){.first_number = first_number, .overwrite = overwrite, .callbacks = callbacks};
    if (!strpbrk(pattern, "%#"))
        return pv_fail(err, PV_ERR_ARGUMENT, "'%s' is one picture: a clip needs a number in the name, such as %%04d",
                       pattern);
    PV_TRY(pv_sequence_parse(pattern, &f->sequence, err));
    PV_TRY(check_directory_of(f->sequence.prefix, err));
    struct pv_sequence_extent extent;
    if (!overwrite && pv_sequence_scan(&f->sequence, &extent, NULL) == PV_OK)
        return pv_fail(err, PV_ERR_IO,
                       "%d pictures named '%s' exist already: choose another name, or allow overwriting (-y)",
                       extent.total, pattern);
    return PV_OK;
}

pv_status pv_picture_file_write(const char *partial, const char *name, bool overwrite, const pv_callbacks *callbacks,
                                const AVPacket *packet, int64_t *bytes, struct pv_error *err)
{
    struct pv_output output;
    pv_status status = pv_output_create(&output, partial, true, callbacks, err);
    const bool created = status == PV_OK;
    if (status == PV_OK)
        status = pv_output_write(&output, packet->data, (size_t)packet->size, err);
    *bytes += output.bytes;
    if (status == PV_OK)
        status = pv_output_finish(&output, err);
    pv_output_release(&output);
    if (status == PV_OK)
        status = pv_partial_commit(partial, name, overwrite, err);
    if (status != PV_OK && created)
        unlink(partial);
    return status;
}

pv_status pv_picture_files_write(struct pv_picture_files *f, const AVPacket *packet, struct pv_error *err)
{
    const int64_t number = f->first_number + packet->pts;
    if (number < 0 || number > INT_MAX)
        return pv_fail(err, PV_ERR_ARGUMENT, "there is no picture number %lld", (long long)number);
    char *name = pv_sequence_name(&f->sequence, (int)number, "");
    char *partial = pv_sequence_name(&f->sequence, (int)number, ".partial");
    const pv_status status =
        name && partial ? pv_picture_file_write(partial, name, f->overwrite, f->callbacks, packet, &f->bytes, err)
                        : pv_fail(err, PV_ERR_MEMORY, "no memory for a file name");
    free(partial);
    free(name);
    return status;
}

void pv_picture_files_release(struct pv_picture_files *f)
{
    pv_sequence_release(&f->sequence);
}
