/* otio.c: the OpenTimelineIO file. Schemas as in the project's serialized-schema documentation: Timeline.1 > Stack.1 >
 * Track.1 > Clip.2, whose media_references holds every take. Times are frames at the clip's rate, counted from its
 * timecode where it has one. */
#include <ctype.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "preview/timeline.h"
#include "preview/work.h"

static json_t *rational_time(const struct pv_preview_plan *p, int64_t frames)
{
    return json_pack("{s:s, s:f, s:f}", "OTIO_SCHEMA", "RationalTime.1", "rate",
                     (double)p->source.fps_num / p->source.fps_den, "value", (double)frames);
}

static json_t *time_range(const struct pv_preview_plan *p, int64_t start, int64_t duration)
{
    return json_pack("{s:s, s:o, s:o}", "OTIO_SCHEMA", "TimeRange.1", "duration", rational_time(p, duration),
                     "start_time", rational_time(p, start));
}

static char *url_append(char *out, const char *path)
{
    for (; *path; path++)
        out += isalnum((unsigned char)*path) || strchr("/-_.~", *path) ? sprintf(out, "%c", *path)
                                                                       : sprintf(out, "%%%02X", (unsigned char)*path);
    return out;
}

/* file:///a/b%20c.mov; NULL when there is no memory. */
static char *file_url(const char *path)
{
    char folder[PV_PREVIEW_PATH_BYTES] = "";
    if (path[0] != '/' && !getcwd(folder, sizeof folder))
        return NULL;
    char *url = malloc(3 * (strlen(folder) + strlen(path)) + 16);
    if (!url)
        return NULL;
    char *out = url_append(url + sprintf(url, "file://"), folder);
    if (folder[0])
        *out++ = '/';
    url_append(out, path);
    return url;
}

static json_t *external_reference(const struct pv_preview_plan *p, const char *url, const char *name, int64_t start,
                                  int64_t duration, json_t *metadata)
{
    return json_pack("{s:s, s:o, s:n, s:o, s:s, s:s}", "OTIO_SCHEMA", "ExternalReference.1", "available_range",
                     time_range(p, start, duration), "available_image_bounds", "metadata",
                     metadata ? metadata : json_object(), "name", name, "target_url", url);
}

/* An image sequence has no one file: its name alone is given. */
static json_t *source_reference(const struct pv_preview_plan *p, int64_t start)
{
    char *url = p->source.is_sequence ? NULL : file_url(p->source.path);
    const struct pv_quoted quoted = pv_quote(p->source.path, strlen(p->source.path));
    json_t *reference = url ? external_reference(p, url, p->shot, start, p->source.frames, NULL)
                            : json_pack("{s:s, s:o, s:n, s:{}, s:s}", "OTIO_SCHEMA", "MissingReference.1",
                                        "available_range", time_range(p, start, p->source.frames),
                                        "available_image_bounds", "metadata", "name", quoted.text);
    free(url);
    return reference;
}

static json_t *clip(const char *name, json_t *range, json_t *references, const char *active, json_t *markers)
{
    return json_pack("{s:s, s:s, s:b, s:[], s:o, s:o, s:{}, s:s, s:o}", "OTIO_SCHEMA", "Clip.2",
                     "active_media_reference_key", active, "enabled", 1, "effects", "markers",
                     markers ? markers : json_array(), "media_references", references, "metadata", "name", name,
                     "source_range", range);
}

static json_t *seam(const struct pv_preview_plan *p, int64_t at)
{
    return json_pack("[{s:s, s:s, s:o, s:{}, s:s, s:s}]", "OTIO_SCHEMA", "Marker.2", "color", "ORANGE", "marked_range",
                     time_range(p, at, 1), "metadata", "name", "seam", "comment", "the first predicted frame");
}

/* The new-only clips, keyed by seed; `start` is where their first new frame is in each of them. */
static json_t *take_references(const struct pv_preview_plan *p, int64_t start, int64_t frames)
{
    const int handles = pv_preview_handles(p);
    json_t *references = json_object();
    for (int take = 0; take < p->takes; take++) {
        char name[PV_PREVIEW_NAME_BYTES], key[32];
        pv_preview_name(p, PV_PREVIEW_NEW, take, name);
        snprintf(key, sizeof key, "s%llu", (unsigned long long)pv_preview_seed(p, take));
        json_t *metadata =
            json_pack("{s:{s:I, s:i}}", "prevue", "seed", (json_int_t)pv_preview_seed(p, take), "handles", handles);
        json_object_set_new(references, key,
                            external_reference(p, name, key, start - handles, handles + frames, metadata));
    }
    return references;
}

static json_t *timeline(const struct pv_preview_plan *p, int64_t frames)
{
    const struct pv_preview_source *s = &p->source;
    int64_t start = 0;
    const bool timed = *s->timecode && pv_clip_timecode_frames(s->timecode, s->fps_num, s->fps_den, &start) == PV_OK;
    const int64_t new_start = timed ? start + s->frames : pv_preview_handles(p);
    char name[PV_PREVIEW_SHOT_BYTES + 16], first[32];
    snprintf(name, sizeof name, "%s_v%03d", p->shot, p->version);
    snprintf(first, sizeof first, "s%llu", (unsigned long long)p->seed);
    json_t *source = clip(p->shot, time_range(p, start, s->frames),
                          json_pack("{s:o}", "DEFAULT_MEDIA", source_reference(p, start)), "DEFAULT_MEDIA", NULL);
    json_t *future = clip("future", time_range(p, new_start, frames), take_references(p, new_start, frames), first,
                          seam(p, new_start));
    json_t *track = json_pack("{s:s, s:[o, o], s:b, s:[], s:s, s:[], s:{}, s:s, s:n}", "OTIO_SCHEMA", "Track.1",
                              "children", source, future, "enabled", 1, "effects", "kind", "Video", "markers",
                              "metadata", "name", "V1", "source_range");
    json_t *stack =
        json_pack("{s:s, s:[o], s:b, s:[], s:o, s:{}, s:s, s:n}", "OTIO_SCHEMA", "Stack.1", "children", track,
                  "enabled", 1, "effects", "markers", seam(p, s->frames), "metadata", "name", "tracks", "source_range");
    return json_pack("{s:s, s:o, s:{s:{s:s, s:s}}, s:s, s:o}", "OTIO_SCHEMA", "Timeline.1", "global_start_time",
                     timed ? rational_time(p, start) : json_null(), "metadata", "prevue", "version", pv_version(),
                     "model", p->model.name, "name", name, "tracks", stack);
}

pv_status pv_preview_write_otio(const struct pv_preview_plan *plan, int64_t frames, struct pv_error *err)
{
    char name[PV_PREVIEW_NAME_BYTES], path[PV_PREVIEW_PATH_BYTES];
    pv_preview_name(plan, PV_PREVIEW_TIMELINE, 0, name);
    PV_TRY(pv_preview_path(plan, name, path, err));
    json_t *json = timeline(plan, frames);
    const pv_status status = pv_preview_save_json(path, json, err);
    json_decref(json);
    return status;
}
