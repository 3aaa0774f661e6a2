/* document.c: see document.h. */
#include "preview/document.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/text.h"
#include "preview/work.h"

static const char *const preset_names[] = {"review", "edit", "master"};

/* Names of files may be anything; JSON is UTF-8. */
static json_t *text(const char *value)
{
    const size_t length = strlen(value);
    return pv_utf8_valid_bytes(value, length) == length ? json_string(value)
                                                        : json_string(pv_quote(value, length).text);
}

static json_t *rate(int num, int den)
{
    return json_sprintf("%d/%d", num, den);
}

static json_t *source_to_json(const struct pv_preview_source *s)
{
    struct stat st;
    const json_int_t bytes = !s->is_sequence && stat(s->path, &st) == 0 ? (json_int_t)st.st_size : 0;
    return json_pack("{s:o, s:I, s:i, s:i, s:o, s:s, s:b}", "path", text(s->path), "bytes", bytes, "width", s->width,
                     "height", s->height, "fps", rate(s->fps_num, s->fps_den), "timecode", s->timecode, "audio",
                     s->has_audio);
}

static json_t *model_to_json(const struct pv_preview_model *m)
{
    char fingerprint[20];
    snprintf(fingerprint, sizeof fingerprint, "%016llx", (unsigned long long)m->fingerprint);
    return json_pack("{s:o, s:s, s:o, s:s, s:i, s:i, s:i}", "name", text(m->name), "fingerprint", fingerprint, "path",
                     text(m->path), "backend", m->backend, "threads", m->threads, "width", m->width, "height",
                     m->height);
}

static json_t *settings_to_json(const struct pv_preview_plan *p)
{
    json_t *gravity = p->gravity_given ? json_pack("[f, f]", p->gravity[0], p->gravity[1]) : json_null();
    return json_pack("{s:i, s:I, s:I, s:i, s:i, s:s, s:s, s:o, s:i, s:i, s:s, s:b, s:b}", "takes", p->takes, "first_seed",
                     (json_int_t)p->seed, "frames", (json_int_t)p->frames, "context", p->context, "steps", p->steps,
                     "mode", p->mean ? "mean" : "sample", "detail", p->keep_detail ? "keep" : "none", "gravity", gravity, "handles", p->handles, "start_frame",
                     p->first_number, "preset", preset_names[p->preset], "burn_in", p->burn_in, "sheet_burn_in",
                     p->sheet_words);
}

json_t *pv_preview_asked_to_json(const struct pv_preview_plan *p)
{
    return json_pack("{s:s, s:s, s:o, s:o, s:o}", "prevue", pv_version(), "shot", p->shot, "source",
                     source_to_json(&p->source), "model", model_to_json(&p->model), "settings", settings_to_json(p));
}

static void add_name(const struct pv_preview_plan *p, enum pv_preview_kind kind, int take, const char *key, json_t *to)
{
    char name[PV_PREVIEW_NAME_BYTES];
    if (!pv_preview_wants(p, kind))
        return;
    pv_preview_name(p, kind, take, name);
    json_object_set_new(to, key, json_string(name));
}

static json_t *take_to_json(const struct pv_preview_plan *p, int take)
{
    json_t *json = json_pack("{s:I}", "seed", (json_int_t)pv_preview_seed(p, take));
    add_name(p, PV_PREVIEW_NEW, take, "new", json);
    add_name(p, PV_PREVIEW_JOINED, take, "joined", json);
    /* What a browser plays. */
    add_name(p, pv_preview_wants(p, PV_PREVIEW_REVIEW) ? PV_PREVIEW_REVIEW : PV_PREVIEW_JOINED, take, "review", json);
    add_name(p, PV_PREVIEW_CUT, take, "edl", json);
    return json;
}

json_t *pv_preview_to_json(const struct pv_preview_plan *p, int64_t frames)
{
    const struct pv_preview_source *s = &p->source;
    char timecode[PV_CLIP_TIMECODE_SIZE];
    json_t *json = pv_preview_asked_to_json(p), *takes = json_array(), *sheets = json_object();
    for (int i = 0; i < p->takes; i++)
        json_array_append_new(takes, take_to_json(p, i));
    add_name(p, PV_PREVIEW_GRID, 0, "grid", sheets);
    add_name(p, PV_PREVIEW_DIFFERENCE, 0, "difference", sheets);
    add_name(p, PV_PREVIEW_CONTACT, 0, "contact", sheets);
    add_name(p, PV_PREVIEW_ONION, 0, "onion", sheets);
    add_name(p, PV_PREVIEW_STRIP, 0, "strip", sheets);
    add_name(p, PV_PREVIEW_TIMELINE, 0, "timeline", sheets);
    pv_preview_timecode(p, s->frames, timecode);
    json_t *source = json_object_get(json, "source");
    json_object_set_new(source, "frames", json_integer((json_int_t)s->frames));
    json_object_set_new(source, "conditioned_on", json_integer((json_int_t)s->context));
    json_object_set_new(source, "damaged", json_boolean(s->damaged));
    json_object_set_new(json, "version", json_integer(p->version));
    json_object_set_new(json, "complete", json_boolean(frames == p->frames));
    json_object_set_new(json, "predicted_frames", json_integer((json_int_t)frames));
    json_object_set_new(json, "handles", json_integer(pv_preview_handles(p)));
    json_object_set_new(json, "seam_timecode", json_string(timecode));
    json_object_set_new(json, "takes", takes);
    json_object_set_new(json, "sheets", sheets);
    return json;
}

static pv_status load(const char *path, json_t **versions, struct pv_error *err)
{
    struct stat st;
    *versions = NULL;
    if (stat(path, &st) != 0) {
        *versions = json_array();
        return *versions ? PV_OK : pv_fail(err, PV_ERR_MEMORY, "no memory for '%s'", path);
    }
    json_t *root = json_load_file(path, JSON_REJECT_DUPLICATES, NULL);
    json_t *found = json_object_get(root, "versions");
    if (json_is_array(found))
        *versions = json_incref(found);
    json_decref(root);
    return *versions ? PV_OK
                     : pv_fail(err, PV_ERR_FORMAT,
                               "'%s' is there, but is no list of takes that prevue wrote: move it away", path);
}

pv_status pv_preview_document_check(const struct pv_preview_plan *plan, struct pv_error *err)
{
    char path[PV_PREVIEW_PATH_BYTES];
    json_t *versions = NULL;
    struct stat st;
    PV_TRY(pv_preview_path(plan, "takes.json", path, err));
    const bool ours = stat(path, &st) == 0;
    const pv_status status = load(path, &versions, err);
    json_decref(versions);
    PV_TRY(status);
    PV_TRY(pv_preview_path(plan, "index.html", path, err));
    return ours || stat(path, &st) != 0
               ? PV_OK
               : pv_fail(err, PV_ERR_FORMAT, "'%s' is there, and no takes.json: it is not prevue's, move it away",
                         path);
}

static bool is_same(const json_t *entry, const struct pv_preview_plan *plan)
{
    const char *shot = json_string_value(json_object_get(entry, "shot"));
    return shot && strcmp(shot, plan->shot) == 0 &&
           json_integer_value(json_object_get(entry, "version")) == plan->version;
}

pv_status pv_preview_document_save(const struct pv_preview_plan *plan, json_t *entry, json_t **versions,
                                   struct pv_error *err)
{
    char path[PV_PREVIEW_PATH_BYTES];
    *versions = NULL;
    PV_TRY(pv_preview_path(plan, "takes.json", path, err));
    PV_TRY(load(path, versions, err));
    for (size_t i = json_array_size(*versions); i-- > 0;)
        if (is_same(json_array_get(*versions, i), plan))
            json_array_remove(*versions, i);
    json_t *root = json_array_insert(*versions, 0, entry) == 0
                       ? json_pack("{s:i, s:O}", "schema", 1, "versions", *versions)
                       : NULL;
    const pv_status status = pv_preview_save_json(path, root, err);
    json_decref(root);
    return status;
}
