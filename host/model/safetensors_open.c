/* safetensors_open.c: a path -> the files of a set: one file, the shards of an index, or what a folder holds. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/text.h"
#include "model/safetensors_part.h"

struct opening {
    enum pv_file_access access;
    pv_status invalid;
    struct pv_error *err;
};

static bool ends_with(const char *text, const char *end)
{
    const size_t n = strlen(text), k = strlen(end);
    return n > k && strcmp(text + n - k, end) == 0;
}

/* folder_bytes of folder, then name. NULL when out of memory. */
static char *join_path(const char *folder, size_t folder_bytes, const char *name)
{
    const size_t name_bytes = strlen(name) + 1;
    char *path = malloc(folder_bytes + name_bytes);
    if (!path)
        return NULL;
    memcpy(path, folder, folder_bytes);
    memcpy(path + folder_bytes, name, name_bytes);
    return path;
}

/* ---- one file ---- */

static pv_status open_shard(const struct opening *o, const char *path, struct pv_shard *shard)
{
    const struct pv_source source = {.file = path, .invalid = o->invalid, .err = o->err};
    PV_TRY(pv_file_map_open(path, o->access, &shard->map, o->err));
    return pv_part_parse(&source, shard->map.data, shard->map.size, &shard->part);
}

static pv_status finish(struct pv_safetensors *set, const struct pv_source *source, pv_status status,
                        struct pv_safetensors **out)
{
    if (status == PV_OK)
        status = pv_safetensors_join(set, source);
    if (status == PV_OK)
        *out = set;
    else
        pv_safetensors_close(set);
    return status;
}

static pv_status open_file(const struct opening *o, const char *path, struct pv_safetensors **out)
{
    const struct pv_source source = {.file = path, .invalid = o->invalid, .err = o->err};
    struct pv_safetensors *set = pv_safetensors_new(1);
    if (!set)
        return pv_source_out_of_memory(&source);
    return finish(set, &source, open_shard(o, path, &set->shards[0]), out);
}

/* ---- shards ---- */

/* Placements that follow i in the same shard, i itself included. */
static size_t run_length(const struct pv_shard_index *index, size_t i)
{
    size_t n = 1;
    while (i + n < index->count && strcmp(index->placements[i].shard, index->placements[i + n].shard) == 0)
        n++;
    return n;
}

static pv_status open_listed(const struct opening *o, const struct pv_source *source, const struct pv_placement *first,
                             size_t count, struct pv_shard *shard)
{
    const char *slash = strrchr(source->file, '/');
    char *path = join_path(source->file, slash ? (size_t)(slash - source->file) + 1 : 0, first->shard);
    if (!path)
        return pv_source_out_of_memory(source);
    pv_status status = open_shard(o, path, shard);
    if (status == PV_OK)
        status = pv_shard_check(source, first, count, &shard->part);
    free(path);
    return status;
}

static pv_status open_shards(const struct opening *o, const struct pv_source *source,
                             const struct pv_shard_index *index, struct pv_safetensors **out)
{
    size_t shards = 0;
    for (size_t i = 0; i < index->count; i += run_length(index, i))
        shards++;
    if (shards > PV_SAFETENSORS_MAX_SHARDS)
        return pv_source_refuse(source, "weight_map names %zu files; at most %d are allowed", shards,
                                PV_SAFETENSORS_MAX_SHARDS);

    struct pv_safetensors *set = pv_safetensors_new(shards);
    if (!set)
        return pv_source_out_of_memory(source);
    pv_status status = PV_OK;
    for (size_t i = 0, k = 0; i < index->count && status == PV_OK; k++) {
        const size_t n = run_length(index, i);
        status = open_listed(o, source, &index->placements[i], n, &set->shards[k]);
        i += n;
    }
    return finish(set, source, status, out);
}

static pv_status open_index(const struct opening *o, const char *path, struct pv_safetensors **out)
{
    const struct pv_source source = {.file = path, .invalid = o->invalid, .err = o->err};
    struct pv_file_map map;
    PV_TRY(pv_file_map_open(path, o->access, &map, o->err));
    struct pv_shard_index index;
    pv_status status = pv_shard_index_parse(&source, map.data, map.size, &index);
    if (status == PV_OK) {
        status = open_shards(o, &source, &index, out);
        pv_shard_index_free(&index);
    }
    pv_file_map_close(&map);
    return status;
}

/* ---- a folder ---- */

/* The one name in the folder that ends so, hidden files aside. *found is NULL when there is none. */
static pv_status only_entry(const struct opening *o, const char *folder, const char *end, char **found)
{
    *found = NULL;
    DIR *dir = opendir(folder);
    if (!dir)
        return pv_fail(o->err, PV_ERR_IO, "%s: cannot open: %s", pv_path_tail(folder), strerror(errno));

    pv_status status = PV_OK;
    const struct dirent *entry;
    while (status == PV_OK && (errno = 0, entry = readdir(dir)) != NULL) {
        if (entry->d_name[0] == '.' || !ends_with(entry->d_name, end))
            continue;
        if (*found)
            status =
                pv_fail(o->err, o->invalid, "%s holds both %s and %s: name the one to open", pv_path_tail(folder),
                        pv_quote(*found, strlen(*found)).text, pv_quote(entry->d_name, strlen(entry->d_name)).text);
        else if (!(*found = join_path("", 0, entry->d_name)))
            status = pv_fail(o->err, PV_ERR_MEMORY, "%s: no memory for its list of files", pv_path_tail(folder));
    }
    if (status == PV_OK && errno != 0)
        status = pv_fail(o->err, PV_ERR_IO, "%s: cannot list: %s", pv_path_tail(folder), strerror(errno));
    closedir(dir);
    if (status != PV_OK) {
        free(*found);
        *found = NULL;
    }
    return status;
}

static pv_status open_folder(const struct opening *o, const char *folder, struct pv_safetensors **out)
{
    char *name;
    PV_TRY(only_entry(o, folder, ".safetensors.index.json", &name));
    const bool is_index = name != NULL;
    if (!is_index)
        PV_TRY(only_entry(o, folder, ".safetensors", &name));
    if (!name)
        return pv_fail(o->err, o->invalid, "%s holds no .safetensors file and no .safetensors.index.json",
                       pv_path_tail(folder));

    pv_status status = PV_ERR_MEMORY;
    char *start = join_path(folder, strlen(folder), "/");
    char *path = start ? join_path(start, strlen(start), name) : NULL;
    if (!path)
        pv_fail(o->err, status, "%s: no memory for a path in it", pv_path_tail(folder));
    else
        status = is_index ? open_index(o, path, out) : open_file(o, path, out);
    free(path);
    free(start);
    free(name);
    return status;
}

/* ---- any path ---- */

static pv_status open_path(const struct opening *o, const char *path, struct pv_safetensors **out)
{
    *out = NULL;
    struct stat info;
    if (stat(path, &info) != 0)
        return pv_fail(o->err, PV_ERR_IO, "%s: cannot open: %s", pv_path_tail(path), strerror(errno));
    if (S_ISDIR(info.st_mode))
        return open_folder(o, path, out);
    if (ends_with(path, ".index.json"))
        return open_index(o, path, out);
    return open_file(o, path, out);
}

pv_status pv_safetensors_open(const char *path, pv_status invalid, struct pv_safetensors **out, struct pv_error *err)
{
    return open_path(&(struct opening){.access = PV_FILE_MAP, .invalid = invalid, .err = err}, path, out);
}

pv_status pv_safetensors_read(const char *path, pv_status invalid, struct pv_safetensors **out, struct pv_error *err)
{
    return open_path(&(struct opening){.access = PV_FILE_READ, .invalid = invalid, .err = err}, path, out);
}
