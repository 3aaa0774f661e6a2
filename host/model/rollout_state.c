/* rollout_state.c: a rollout's state as a list of tensors: into a file and back, and from one take to many. The file is
 * a safetensors file whose metadata key `prevue_rollout` holds the settings and counters (docs/model-format.md).
 * Activations are stored as floats, so that a state may continue on another backend; on the same one it continues bit
 * for bit. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "model/fields.h"
#include "model/rollout.h"
#include "model/safetensors.h"

enum { SETTINGS_TEXT = 1024 };

struct settings {
    int schema, width, height, steps, mode, detail, takes, pending;
    uint64_t fingerprint, seed;
    int64_t take, frames, predicted, seen;
};

static const char metadata_key[] = "prevue_rollout";
static const char *const modes[] = {"sample", "mean", NULL}; /* places are those of pv_mode */
static const char *const details[] = {"none", "keep", NULL}; /* and of pv_detail */

#define AT(member) offsetof(struct settings, member)
static const struct pv_field settings_fields[] = {
    {.kind = PV_FIELD_INT, .key = "schema", .offset = AT(schema), .low = 2, .high = 2},
    {.kind = PV_FIELD_HEX64, .key = "fingerprint", .offset = AT(fingerprint)},
    {.kind = PV_FIELD_INT, .key = "width", .offset = AT(width), .low = PV_CONFIG_MIN_SIDE, .high = PV_CONFIG_MAX_SIDE},
    {.kind = PV_FIELD_INT,
     .key = "height",
     .offset = AT(height),
     .low = PV_CONFIG_MIN_SIDE,
     .high = PV_CONFIG_MAX_SIDE},
    {.kind = PV_FIELD_INT, .key = "steps", .offset = AT(steps), .low = 1, .high = PV_CONFIG_STEPS},
    {.kind = PV_FIELD_CHOICE, .key = "mode", .offset = AT(mode), .choices = modes},
    {.kind = PV_FIELD_CHOICE, .key = "detail", .offset = AT(detail), .choices = details},
    {.kind = PV_FIELD_HEX64, .key = "seed", .offset = AT(seed)},
    {.kind = PV_FIELD_INT, .key = "takes", .offset = AT(takes), .low = 1, .high = PV_CONFIG_TAKES},
    {.kind = PV_FIELD_INT64, .key = "take", .offset = AT(take), .low = 0, .high = UINT32_MAX},
    {.kind = PV_FIELD_INT64, .key = "frames", .offset = AT(frames), .low = 0, .high = UINT32_MAX},
    {.kind = PV_FIELD_INT64, .key = "predicted", .offset = AT(predicted), .low = 0, .high = UINT32_MAX},
    {.kind = PV_FIELD_INT64, .key = "seen", .offset = AT(seen), .low = 0, .high = UINT32_MAX},
    {.kind = PV_FIELD_INT, .key = "pending", .offset = AT(pending), .low = 0, .high = 2 * PV_CONFIG_TAKES},
    {.kind = PV_FIELD_END},
};

/* ---- the tensors of a state ---- */

enum part_kind { PART_LATENT, PART_ACTIVATIONS, PART_FRAME };

/* One tensor and where the rollout keeps it. */
struct part {
    struct pv_weight_name name;
    enum part_kind kind;
    void *memory; /* the backend's; the frame's is the host's */
    size_t count; /* elements */
    struct pv_tensor_view view;
};

struct parts {
    struct part *list;
    size_t count;
};

static struct part *append(struct parts *parts, struct pv_weight_name name, enum part_kind kind, void *memory)
{
    struct part *part = &parts->list[parts->count++];
    *part = (struct part){.name = name, .kind = kind, .memory = memory};
    part->view.dtype = kind == PART_FRAME ? PV_DTYPE_U8 : PV_DTYPE_F32;
    return part;
}

static void set_shape(struct part *part, int rank, int64_t a, int64_t b, int64_t c)
{
    part->view.rank = rank;
    part->view.shape[0] = a;
    part->view.shape[1] = rank > 1 ? b : 0;
    part->view.shape[2] = rank > 2 ? c : 0;
    part->count = pv_tensor_elements(&part->view);
}

/* place: of the two that a block's memory has. */
static void append_memory(struct parts *parts, const char *name, int blocks, const struct pv_tae_memory *memory,
                          int place)
{
    for (int i = 0; i < blocks; i++)
        set_shape(append(parts, pv_weight_name("%s.%d", name, i), PART_ACTIVATIONS, memory->block[i][place]), 1,
                  (int64_t)memory->count[i], 0, 0);
}

static pv_status list_parts(const struct pv_rollout *r, struct parts *parts, struct pv_error *error)
{
    const struct pv_model *model = r->model;
    const struct pv_dynamics_config *c = &model->dit.config;
    *parts = (struct parts){calloc((size_t)(2 + 3 * PV_TAE_BLOCKS + 2 * PV_CONFIG_LAYERS + 4), sizeof(struct part)), 0};
    if (!parts->list)
        return pv_fail(error, PV_ERR_MEMORY, "no memory to list the state of a rollout");
    for (unsigned back = 1; back <= 2; back++)
        set_shape(
            append(parts, pv_weight_name("latent.%u", back), PART_LATENT, pv_rollout_latent(r, r->frames + 3 - back)),
            3, (int64_t)r->takes * r->grid.latent_height, r->grid.latent_width, model->tae.channels);
    append_memory(parts, "encoder.memory", model->tae.encoder.blocks, &r->encoder, r->encoder.last);
    append_memory(parts, "decoder.memory", model->tae.decoder.blocks, &r->decoder, r->decoder.last);
    append_memory(parts, "decoder.before", model->tae.decoder.blocks, &r->decoder, !r->decoder.last);
    for (int i = 0; i < c->layers; i++)
        for (int value = 0; value < 2 && c->kinds[i] == PV_LAYER_TIME; value++)
            set_shape(append(parts, pv_weight_name("cache.%d.%s", i, value ? "v" : "k"), PART_ACTIVATIONS,
                             value ? r->cache.v[i] : r->cache.k[i]),
                      3, (int64_t)r->takes * c->window, r->tokens.tokens, (int64_t)c->kv_heads * c->head_dim);
    for (unsigned back = 1; back <= (unsigned)pv_rollout_waiting(r); back++)
        set_shape(append(parts, pv_weight_name("frame.%u", back), PART_FRAME, r->host_frame[(r->predicted - back) % 2]),
                  3, (int64_t)r->takes * r->height, r->width, 3);
    if (r->detail == PV_DETAIL_KEEP) {
        set_shape(append(parts, pv_weight_name("seen"), PART_FRAME, r->seen), 3, r->height, r->width, 3);
        if (r->frames > r->seen_end)
            set_shape(append(parts, pv_weight_name("seen.decoded"), PART_FRAME, r->seen_decoded), 3,
                      (int64_t)r->takes * r->height, r->width, 3);
    }
    for (size_t i = 0; i < parts->count; i++)
        parts->list[i].view.name = parts->list[i].name.text;
    return PV_OK;
}

static void free_parts(struct parts *parts)
{
    for (size_t i = 0; i < parts->count; i++)
        if (parts->list[i].kind != PART_FRAME)
            free((void *)(uintptr_t)parts->list[i].view.data);
    free(parts->list);
}

static size_t part_bytes(const struct part *part)
{
    return part->count * (part->kind == PART_FRAME ? 1 : sizeof(float));
}

/* ---- writing ---- */

/* Points every view at a copy on the host. */
static pv_status download(struct pv_rollout *r, struct parts *parts)
{
    const struct pv_op_table *op = r->stream->backend->op;
    for (size_t i = 0; i < parts->count; i++) {
        struct part *part = &parts->list[i];
        part->view.bytes = part_bytes(part);
        if (part->kind == PART_FRAME) {
            part->view.data = part->memory;
            continue;
        }
        float *copy = malloc(part->view.bytes);
        part->view.data = copy;
        if (!copy)
            return pv_fail(&r->error, PV_ERR_MEMORY, "no memory to save %s of a rollout", part->name.text);
        PV_TRY(part->kind == PART_LATENT ? op->download(r->stream, copy, part->memory, part->view.bytes)
                                         : op->download_activations(r->stream, copy, part->memory, part->count));
    }
    return op->synchronize(r->stream);
}

static void describe(const struct pv_rollout *r, char text[SETTINGS_TEXT])
{
    snprintf(
        text, SETTINGS_TEXT,
        "{\"schema\": 2, \"fingerprint\": \"%016llx\", \"width\": %d, \"height\": %d, \"steps\": %d, "
        "\"mode\": \"%s\", \"detail\": \"%s\", \"seed\": \"%016llx\", \"takes\": %d, \"take\": %lu, "
        "\"frames\": %llu, \"predicted\": %llu, \"seen\": %llu, \"pending\": %d}",
        (unsigned long long)r->model->fingerprint, r->width, r->height, r->steps, modes[r->mode],
        details[r->detail], (unsigned long long)r->seed, r->takes, (unsigned long)r->take, (unsigned long long)r->frames,
        (unsigned long long)r->predicted, (unsigned long long)r->seen_end, r->pending);
}

static pv_status write_parts(struct pv_rollout *r, struct parts *parts, const char *path)
{
    const struct pv_op_table *op = r->stream->backend->op;
    op->enter(r->stream);
    const pv_status status = download(r, parts);
    op->leave(r->stream);
    PV_TRY(status);
    struct pv_tensor_view *views = calloc(parts->count, sizeof *views);
    if (!views)
        return pv_fail(&r->error, PV_ERR_MEMORY, "no memory to list the state of a rollout");
    for (size_t i = 0; i < parts->count; i++)
        views[i] = parts->list[i].view;
    char text[SETTINGS_TEXT];
    describe(r, text);
    const struct pv_metadata metadata = {.key = metadata_key, .value = text};
    const pv_status written = pv_safetensors_write(path, views, parts->count, &metadata, 1, &r->error);
    free(views);
    return written;
}

pv_status pv_rollout_write(struct pv_rollout *r, const char *path)
{
    struct parts parts;
    PV_TRY(pv_rollout_wait(r, &r->error));
    PV_TRY(list_parts(r, &parts, &r->error));
    const pv_status status = write_parts(r, &parts, path);
    free_parts(&parts);
    return status;
}

/* ---- reading ---- */

static pv_status apply_settings(struct pv_rollout *r, const struct pv_safetensors *set, const char *path)
{
    const struct pv_document document = {.file = path, .invalid = PV_ERR_FORMAT, .error = &r->error};
    const char *json = pv_safetensors_metadata(set, metadata_key), *file = pv_path_tail(path);
    struct settings s;
    if (!json)
        return pv_fail(&r->error, PV_ERR_FORMAT, "%s is not a saved rollout: its metadata has no key '%s'", file,
                       metadata_key);
    PV_TRY(pv_fields_parse(&document, json, strlen(json), settings_fields, &s));
    if (s.fingerprint != r->model->fingerprint)
        return pv_fail(
            &r->error, PV_ERR_FORMAT,
            "%s was saved with other weights (fingerprint %016llx, this model has %016llx); open the model it "
            "was made with",
            file, (unsigned long long)s.fingerprint, (unsigned long long)r->model->fingerprint);
    if (!pv_config_size_fits(&r->model->config, s.width, s.height))
        return pv_fail(&r->error, PV_ERR_FORMAT, "%s: width and height are %d x %d; both must divide by %d", file,
                       s.width, s.height, pv_config_size_multiple(&r->model->config));
    if (s.predicted > s.frames || (s.predicted == s.frames && s.frames > 0))
        return pv_fail(&r->error, PV_ERR_FORMAT, "%s: predicted is %lld; it must be less than the %lld frames", file,
                       (long long)s.predicted, (long long)s.frames);
    if (s.seen > s.frames || s.frames - s.seen > s.predicted)
        return pv_fail(&r->error, PV_ERR_FORMAT,
                       "%s: seen is %lld; after so many of the %lld frames there must be predicted ones only, and %lld "
                       "were predicted in all",
                       file, (long long)s.seen, (long long)s.frames, (long long)s.predicted);
    if (s.pending > 2 * s.takes || s.pending > s.takes * (s.frames - s.seen))
        return pv_fail(&r->error, PV_ERR_FORMAT,
                       "%s: pending is %d; it must be at most %d takes of two frames, and of the %lld predicted last",
                       file, s.pending, s.takes, (long long)(s.frames - s.seen));
    if (s.mode == PV_MODE_MEAN && s.steps != 1)
        return pv_fail(&r->error, PV_ERR_FORMAT, "%s: steps is %d; it must be 1 when mode is \"mean\"", file, s.steps);
    r->width = s.width;
    r->height = s.height;
    r->steps = s.steps;
    r->mode = (pv_mode)s.mode;
    r->detail = (pv_detail)s.detail;
    r->seed = s.seed;
    r->takes = s.takes;
    r->take = (uint32_t)s.take;
    r->frames = (uint64_t)s.frames;
    r->predicted = (uint64_t)s.predicted;
    r->seen_end = (uint64_t)s.seen;
    r->has_seen_decoded = s.seen < s.frames;
    r->pending = s.pending;
    return PV_OK;
}

static pv_status find_part(struct pv_rollout *r, const struct pv_safetensors *set, const struct part *part,
                           const char *path, const struct pv_tensor_view **out)
{
    const struct pv_tensor_view *view = pv_safetensors_find(set, part->name.text);
    if (!view)
        return pv_fail(&r->error, PV_ERR_FORMAT, "%s: tensor '%s' is missing", pv_path_tail(path), part->name.text);
    if (view->dtype != part->view.dtype || view->rank != part->view.rank ||
        memcmp(view->shape, part->view.shape, sizeof view->shape) != 0)
        return pv_fail(&r->error, PV_ERR_FORMAT, "%s: tensor '%s' has another type or shape than this model's rollouts",
                       pv_path_tail(path), part->name.text);
    *out = view;
    return PV_OK;
}

static pv_status check_parts(struct pv_rollout *r, const struct pv_safetensors *set, const struct parts *parts,
                             const char *path)
{
    const struct pv_tensor_view *view;
    if (pv_safetensors_count(set) > parts->count)
        return pv_fail(&r->error, PV_ERR_FORMAT, "%s has %zu tensors; this model's rollouts have %zu",
                       pv_path_tail(path), pv_safetensors_count(set), parts->count);
    for (size_t i = 0; i < parts->count; i++)
        PV_TRY(find_part(r, set, &parts->list[i], path, &view));
    return PV_OK;
}

/* Before memory is spent: the settings may claim any size, but then the file must have it too. */
static pv_status check_set(struct pv_rollout *r, const struct pv_safetensors *set, const char *path)
{
    struct parts parts;
    pv_rollout_measure(r);
    PV_TRY(list_parts(r, &parts, &r->error));
    const pv_status status = check_parts(r, set, &parts, path);
    free_parts(&parts);
    return status;
}

static pv_status upload(struct pv_rollout *r, const struct pv_safetensors *set, struct parts *parts, const char *path)
{
    const struct pv_op_table *op = r->stream->backend->op;
    for (size_t i = 0; i < parts->count; i++) {
        struct part *part = &parts->list[i];
        const struct pv_tensor_view *view = NULL;
        PV_TRY(find_part(r, set, part, path, &view));
        if (part->kind == PART_FRAME) {
            memcpy(part->memory, view->data, part_bytes(part));
            continue;
        }
        float *copy = malloc(part_bytes(part)); /* the file's bytes lie at any alignment */
        part->view.data = copy;
        if (!copy)
            return pv_fail(&r->error, PV_ERR_MEMORY, "no memory to load %s of a rollout", part->name.text);
        PV_TRY(pv_tensor_to_f32(view, copy, part->count, &r->error));
        PV_TRY(part->kind == PART_LATENT ? op->upload(r->stream, part->memory, copy, part_bytes(part))
                                         : op->upload_activations(r->stream, part->memory, copy, part->count));
    }
    return PV_OK;
}

static pv_status read_parts(struct pv_rollout *r, const struct pv_safetensors *set, const char *path)
{
    const struct pv_op_table *op = r->stream->backend->op;
    struct parts parts;
    PV_TRY(list_parts(r, &parts, &r->error));
    op->enter(r->stream);
    pv_status status = upload(r, set, &parts, path);
    const pv_status over = op->synchronize(r->stream);
    op->leave(r->stream);
    free_parts(&parts);
    return status != PV_OK ? status : over;
}

static pv_status read_set(struct pv_rollout *r, const struct pv_safetensors *set, const char *path)
{
    PV_TRY(apply_settings(r, set, path));
    PV_TRY(check_set(r, set, path));
    PV_TRY(pv_rollout_prepare(r));
    return read_parts(r, set, path);
}

pv_status pv_rollout_read(struct pv_rollout *r, const char *path)
{
    struct pv_safetensors *set;
    PV_TRY(pv_safetensors_read(path, PV_ERR_FORMAT, &set, &r->error));
    const pv_status status = read_set(r, set, path);
    pv_safetensors_close(set);
    return status;
}

/* ---- from one take to many ---- */

/* Each tensor of a take is one stretch of memory, and those of all takes lie one after another. */
static pv_status spread_parts(struct pv_rollout *to, const struct parts *many, const struct parts *one)
{
    const struct pv_op_table *op = to->stream->backend->op;
    for (size_t i = 0; i < one->count; i++) {
        const struct part *part = &one->list[i];
        if (part->kind == PART_FRAME) /* lies on the host: see spread_detail */
            continue;
        const size_t bytes =
            part->count * (part->kind == PART_LATENT ? sizeof(float) : to->stream->backend->element_bytes);
        for (int t = 0; t < to->takes; t++)
            PV_TRY(op->copy(to->stream, (char *)many->list[i].memory + (size_t)t * bytes, part->memory, bytes));
    }
    return op->synchronize(to->stream);
}

/* What was observed is the same for all takes; what the codec made of it is each take's own from here on. */
static void spread_detail(struct pv_rollout *to, const struct pv_rollout *from)
{
    const size_t bytes = pv_rollout_frame_bytes(from);
    if (from->detail != PV_DETAIL_KEEP)
        return;
    memcpy(to->seen, from->seen, bytes);
    for (int t = 0; t < to->takes; t++)
        memcpy(to->seen_decoded + (size_t)t * bytes, from->seen_decoded, bytes);
}

pv_status pv_rollout_spread(struct pv_rollout *to, const struct pv_rollout *from)
{
    struct parts many, one;
    PV_TRY(pv_rollout_wait(from, &to->error));
    to->encoder.last = from->encoder.last;
    to->decoder.last = from->decoder.last;
    to->frames = from->frames;
    to->predicted = from->predicted;
    to->seen_end = from->seen_end;
    to->has_seen_decoded = from->has_seen_decoded;
    spread_detail(to, from);
    PV_TRY(list_parts(to, &many, &to->error));
    pv_status status = list_parts(from, &one, &to->error);
    if (status == PV_OK) {
        to->stream->backend->op->enter(to->stream);
        status = spread_parts(to, &many, &one);
        to->stream->backend->op->leave(to->stream);
        free_parts(&one);
    }
    free_parts(&many);
    return status;
}
