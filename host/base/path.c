/* path.c: see path.h. */
#include "base/path.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

char *pv_path_folder(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? strndup(path, (size_t)(slash - path) + 1) : strdup("./");
}

static bool is_one_file(const char *path, const char *other)
{
    struct stat a, b;
    return stat(path, &a) == 0 && stat(other, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

static bool is_one_name_in_one_folder(const char *path, const char *other)
{
    const char *slash = strrchr(path, '/'), *other_slash = strrchr(other, '/');
    if (strcmp(slash ? slash + 1 : path, other_slash ? other_slash + 1 : other) != 0)
        return false;
    char *folder = pv_path_folder(path), *other_folder = pv_path_folder(other);
    const bool same = folder && other_folder && is_one_file(folder, other_folder);
    free(folder);
    free(other_folder);
    return same;
}

bool pv_path_is_same(const char *path, const char *other)
{
    return is_one_file(path, other) || is_one_name_in_one_folder(path, other);
}

void pv_path_sync_folder(const char *path)
{
    char *folder = pv_path_folder(path);
    const int fd = folder ? open(folder, O_RDONLY | O_CLOEXEC) : -1;
    free(folder);
    if (fd < 0)
        return;
    fsync(fd);
    close(fd);
}
