/* names.c: what the files of a preview are called, and which version comes next. */
#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "preview/timeline.h"

struct kind {
    const char *task, *extension; /* NULL = the preset's */
    bool per_take;
};

static const struct kind kinds[PV_PREVIEW_KINDS] = {
    [PV_PREVIEW_NEW] = {"new", NULL, true},
    [PV_PREVIEW_JOINED] = {"joined", NULL, true},
    [PV_PREVIEW_REVIEW] = {"review", "mp4", true},
    [PV_PREVIEW_GRID] = {"grid", "mp4", false},
    [PV_PREVIEW_DIFFERENCE] = {"difference", "mp4", false},
    [PV_PREVIEW_CONTACT] = {"contact", "png", false},
    [PV_PREVIEW_ONION] = {"onion", "png", false},
    [PV_PREVIEW_STRIP] = {"strip", "png", false},
    [PV_PREVIEW_TIMELINE] = {"timeline", "otio", false},
    [PV_PREVIEW_CUT] = {"cut", "edl", true},
};

static const char *const preset_extensions[] = {"mp4", "mov", "mkv"};

bool pv_preview_is_per_take(enum pv_preview_kind kind)
{
    return kinds[kind].per_take;
}

bool pv_preview_wants(const struct pv_preview_plan *plan, enum pv_preview_kind kind)
{
    switch (kind) {
    case PV_PREVIEW_REVIEW: return plan->preset != PV_CLIP_PRESET_REVIEW;
    case PV_PREVIEW_DIFFERENCE:
    case PV_PREVIEW_STRIP: return plan->takes > 1;
    case PV_PREVIEW_CUT: return pv_preview_edl_knows_rate(plan);
    default: return true;
    }
}

void pv_preview_name(const struct pv_preview_plan *plan, enum pv_preview_kind kind, int take,
                     char name[PV_PREVIEW_NAME_BYTES])
{
    const char *extension = kinds[kind].extension ? kinds[kind].extension : preset_extensions[plan->preset];
    char seed[32] = "";
    if (kinds[kind].per_take)
        snprintf(seed, sizeof seed, "_s%llu", (unsigned long long)pv_preview_seed(plan, take));
    snprintf(name, PV_PREVIEW_NAME_BYTES, "%s_%s_v%03d%s.%s", plan->shot, kinds[kind].task, plan->version, seed,
             extension);
}

pv_status pv_preview_path(const struct pv_preview_plan *plan, const char *name, char path[PV_PREVIEW_PATH_BYTES],
                          struct pv_error *err)
{
    const int length = snprintf(path, PV_PREVIEW_PATH_BYTES, "%s/%s", plan->folder, name);
    return length < PV_PREVIEW_PATH_BYTES ? PV_OK : pv_fail(err, PV_ERR_ARGUMENT, "the path of '%s' is too long", name);
}

static bool is_plain(char c)
{
    return isalnum((unsigned char)c) || c == '-' || c == '_';
}

void pv_preview_shot_from_path(const char *path, char shot[PV_PREVIEW_SHOT_BYTES])
{
    size_t end = strlen(path), used = 0;
    while (end > 0 && path[end - 1] == '/')
        end--;
    size_t start = end;
    while (start > 0 && path[start - 1] != '/')
        start--;
    for (size_t i = end; i > start; i--) /* without its extension */
        if (path[i - 1] == '.' && i - 1 > start) {
            end = i - 1;
            break;
        }
    for (size_t i = start; i < end && used < 48 && path[i] != '%'; i++) { /* %: the number of an image sequence */
        const bool gap = !is_plain(path[i]) || path[i] == '_';
        if (!gap)
            shot[used++] = path[i];
        else if (used > 0 && shot[used - 1] != '_')
            shot[used++] = '_';
    }
    while (used > 0 && (shot[used - 1] == '_' || shot[used - 1] == '-'))
        used--;
    shot[used] = '\0';
    if (used == 0 || shot[0] == '-')
        snprintf(shot, PV_PREVIEW_SHOT_BYTES, "shot");
}

pv_status pv_preview_check_shot(const char *shot, struct pv_error *err)
{
    const size_t length = strlen(shot);
    bool plain = length > 0 && length <= 64 && shot[0] != '-';
    for (size_t i = 0; i < length && plain; i++)
        plain = is_plain(shot[i]);
    return plain ? PV_OK
                 : pv_fail(err, PV_ERR_ARGUMENT,
                           "--shot '%s' cannot begin file names: give up to 64 letters, digits, - and _", shot);
}

/* The number after prefix, 0 when name does not begin so. */
static int version_after(const char *name, const char *prefix)
{
    const size_t length = strlen(prefix);
    if (strncmp(name, prefix, length) != 0 || !isdigit((unsigned char)name[length]))
        return 0;
    const long version = strtol(name + length, NULL, 10);
    return version > 0 && version < 1000000 ? (int)version : 0;
}

int pv_preview_last_version(const char *folder, const char *shot)
{
    DIR *directory = opendir(folder);
    int last = 0;
    for (const struct dirent *entry; directory && (entry = readdir(directory));) {
        char prefix[PV_PREVIEW_NAME_BYTES];
        snprintf(prefix, sizeof prefix, ".%s_v", shot);
        int version = version_after(entry->d_name, prefix);
        for (int kind = 0; kind < PV_PREVIEW_KINDS && version == 0; kind++) {
            snprintf(prefix, sizeof prefix, "%s_%s_v", shot, kinds[kind].task);
            version = version_after(entry->d_name, prefix);
        }
        last = version > last ? version : last;
    }
    if (directory)
        closedir(directory);
    return last;
}

void pv_preview_timecode(const struct pv_preview_plan *plan, int64_t frame, char text[PV_CLIP_TIMECODE_SIZE])
{
    const struct pv_preview_source *source = &plan->source;
    if (!*source->timecode ||
        pv_clip_timecode_add(source->timecode, source->fps_num, source->fps_den, frame, text) != PV_OK)
        text[0] = '\0';
}
