/* scratch_folder.c: making, filling and removing it. */
#include "base/scratch_folder.h"

#include <criterion/criterion.h>
#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct folder folder_open(void)
{
    const char *root = getenv("TMPDIR");
    struct folder folder;
    const int n = snprintf(folder.path, sizeof folder.path, "%s/prevue-test-XXXXXX", root ? root : "/tmp");
    cr_assert(n > 0 && (size_t)n < sizeof folder.path);
    cr_assert_not_null(mkdtemp(folder.path), "cannot make %s", folder.path);
    return folder;
}

const char *folder_path(const struct folder *folder, const char *name)
{
    static char paths[64][512];
    static size_t used;
    char *path = paths[used++ % 64];
    snprintf(path, sizeof paths[0], "%s/%s", folder->path, name);
    return path;
}

void folder_write(const struct folder *folder, const char *name, const void *bytes, size_t size)
{
    FILE *file = fopen(folder_path(folder, name), "wb");
    cr_assert_not_null(file, "cannot write %s", name);
    cr_assert_eq(fwrite(bytes, 1, size, file), size);
    cr_assert_eq(fclose(file), 0);
}

void folder_write_text(const struct folder *folder, const char *name, const char *text)
{
    folder_write(folder, name, text, strlen(text));
}

static bool is_entry(const struct dirent *entry)
{
    return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

size_t folder_count(const struct folder *folder)
{
    DIR *dir = opendir(folder->path);
    cr_assert_not_null(dir);
    size_t count = 0;
    for (const struct dirent *entry; (entry = readdir(dir)) != NULL;)
        count += is_entry(entry);
    closedir(dir);
    return count;
}

static void remove_tree(const char *path)
{
    DIR *dir = opendir(path);
    cr_assert_not_null(dir, "cannot open %s", path);
    for (const struct dirent *entry; (entry = readdir(dir)) != NULL;) {
        char inner[1024];
        if (!is_entry(entry))
            continue;
        snprintf(inner, sizeof inner, "%s/%s", path, entry->d_name);
        if (remove(inner) != 0)
            remove_tree(inner);
    }
    closedir(dir);
    cr_expect_eq(rmdir(path), 0, "%s stays behind", path);
}

void folder_close(const struct folder *folder)
{
    remove_tree(folder->path);
}
