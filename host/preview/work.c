/* work.c: see work.h. */
#include "preview/work.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static pv_status write_all(int fd, const char *text, size_t length)
{
    while (length > 0) {
        const ssize_t written = write(fd, text, length);
        if (written < 0 && errno != EINTR)
            return PV_ERR_IO;
        text += written > 0 ? written : 0;
        length -= written > 0 ? (size_t)written : 0;
    }
    return fsync(fd) == 0 ? PV_OK : PV_ERR_IO;
}

pv_status pv_preview_save_text(const char *path, const char *text, size_t length, struct pv_error *err)
{
    char partial[PV_PREVIEW_PATH_BYTES + 16];
    snprintf(partial, sizeof partial, "%s.partial", path);
    const int fd = open(partial, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0)
        return pv_fail(err, PV_ERR_IO, "cannot create '%s': %s", partial, strerror(errno));
    pv_status status = write_all(fd, text, length);
    const int error = errno;
    if (close(fd) != 0 && status == PV_OK)
        status = PV_ERR_IO;
    if (status == PV_OK && rename(partial, path) == 0)
        return PV_OK;
    pv_fail(err, PV_ERR_IO, "cannot write '%s': %s", path, strerror(status == PV_OK ? errno : error));
    unlink(partial);
    return PV_ERR_IO;
}

pv_status pv_preview_save_json(const char *path, const json_t *value, struct pv_error *err)
{
    char *text = value ? json_dumps(value, JSON_INDENT(2) | JSON_REAL_PRECISION(17)) : NULL;
    if (!text)
        return pv_fail(err, PV_ERR_MEMORY, "no memory for '%s'", path);
    const size_t length = strlen(text);
    text[length] = '\n'; /* in place of the NUL: the text ends with a line */
    const pv_status status = pv_preview_save_text(path, text, length + 1, err);
    free(text);
    return status;
}

void pv_preview_work_path(const struct pv_preview_work *w, const char *name, char path[PV_PREVIEW_PATH_BYTES])
{
    const size_t used = strlen(w->path);
    memcpy(path, w->path, used);
    snprintf(path + used, PV_PREVIEW_PATH_BYTES - used, "/%s", name);
}

pv_status pv_preview_work_save(const struct pv_preview_work *w, const char *name, const json_t *value,
                               struct pv_error *err)
{
    char path[PV_PREVIEW_PATH_BYTES];
    pv_preview_work_path(w, name, path);
    return pv_preview_save_json(path, value, err);
}

json_t *pv_preview_work_load(const struct pv_preview_work *w, const char *name)
{
    char path[PV_PREVIEW_PATH_BYTES];
    pv_preview_work_path(w, name, path);
    return json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
}

/* Room is left for the names of the files in it. */
static pv_status set_path(struct pv_preview_work *w, const struct pv_preview_plan *plan, struct pv_error *err)
{
    *w = (struct pv_preview_work){.done = NULL};
    const int length =
        snprintf(w->path, sizeof w->path, "%s/.%s_v%03d.partial", plan->folder, plan->shot, plan->version);
    if (length + 64 > PV_PREVIEW_PATH_BYTES)
        return pv_fail(err, PV_ERR_ARGUMENT, "the path of the folder '%.200s...' is too long", plan->folder);
    return PV_OK;
}

pv_status pv_preview_work_make(struct pv_preview_work *w, const struct pv_preview_plan *plan, const json_t *asked,
                               struct pv_error *err)
{
    PV_TRY(set_path(w, plan, err));
    w->done = json_array();
    if (!w->done)
        return pv_fail(err, PV_ERR_MEMORY, "no memory for a list of files");
    if (mkdir(plan->folder, 0777) != 0 && errno != EEXIST)
        return pv_fail(err, PV_ERR_IO, "cannot make the folder '%s': %s", plan->folder, strerror(errno));
    if (mkdir(w->path, 0777) != 0)
        return errno == EEXIST
                   ? PV_AGAIN
                   : pv_fail(err, PV_ERR_IO, "cannot make a folder in '%s': %s", plan->folder, strerror(errno));
    return pv_preview_work_save(w, "plan.json", asked, err);
}

/* The first value that differs, as "settings.steps". */
static bool first_difference(const json_t *a, const json_t *b, char *path, size_t room)
{
    if (!json_is_object(a) || !json_is_object(b))
        return !json_equal(a, b);
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)a, key, value)
    {
        const size_t used = strlen(path);
        snprintf(path + used, room - used, "%s%s", used ? "." : "", key);
        if (first_difference(value, json_object_get(b, key), path, room))
            return true;
        path[used] = '\0';
    }
    return json_object_size(a) != json_object_size(b);
}

pv_status pv_preview_work_find(struct pv_preview_work *w, struct pv_preview_plan *plan, const json_t *asked,
                               struct pv_error *err)
{
    struct stat st;
    for (plan->version = pv_preview_last_version(plan->folder, plan->shot); plan->version > 0; plan->version--) {
        PV_TRY(set_path(w, plan, err));
        if (stat(w->path, &st) == 0)
            break;
    }
    if (plan->version == 0)
        return PV_END;
    json_t *was = pv_preview_work_load(w, "plan.json");
    char difference[256] = "";
    const bool differs = was && first_difference(was, asked, difference, sizeof difference);
    const bool valid = was != NULL;
    json_decref(was);
    if (differs)
        return pv_fail(err, PV_ERR_ARGUMENT,
                       "version %d of '%s' was begun with another '%s': --resume needs the same clip and options; "
                       "without --resume a new version is made",
                       plan->version, plan->shot, difference);
    w->done = pv_preview_work_load(w, "done.json");
    if (!json_is_array(w->done)) {
        json_decref(w->done);
        w->done = json_array();
    }
    if (!w->done)
        return pv_fail(err, PV_ERR_MEMORY, "no memory for a list of files");
    return valid ? PV_OK : pv_preview_work_save(w, "plan.json", asked, err); /* killed before it was written */
}

pv_status pv_preview_work_finish(struct pv_preview_work *w, const char *name, struct pv_error *err)
{
    if (json_array_append_new(w->done, json_string(name)) != 0)
        return pv_fail(err, PV_ERR_MEMORY, "no memory for a list of files");
    return pv_preview_work_save(w, "done.json", w->done, err);
}

bool pv_preview_work_is_finished(const struct pv_preview_work *w, const char *name)
{
    size_t i;
    json_t *value;
    json_array_foreach(w->done, i,
                       value) if (json_is_string(value) && strcmp(json_string_value(value), name) == 0) return true;
    return false;
}

void pv_preview_work_remove(const struct pv_preview_work *w)
{
    DIR *directory = opendir(w->path);
    for (const struct dirent *entry; directory && (entry = readdir(directory));) {
        char path[PV_PREVIEW_PATH_BYTES];
        if (entry->d_name[0] == '.')
            continue;
        if (strlen(entry->d_name) < 64) { /* ours are short */
            pv_preview_work_path(w, entry->d_name, path);
            unlink(path);
        }
    }
    if (directory)
        closedir(directory);
    rmdir(w->path);
}

void pv_preview_work_release(struct pv_preview_work *w)
{
    json_decref(w->done);
    w->done = NULL;
}
