/* safetensors.c: a set of tensors out of one or more parts, and looking things up in it. */
#include "model/safetensors.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "model/safetensors_part.h"

struct pv_safetensors *pv_safetensors_new(size_t shard_count)
{
    struct pv_safetensors *set = calloc(1, sizeof *set);
    if (!set)
        return NULL;
    set->shards = calloc(shard_count, sizeof *set->shards);
    if (!set->shards) {
        free(set);
        return NULL;
    }
    set->shard_count = shard_count;
    return set;
}

void pv_safetensors_close(struct pv_safetensors *set)
{
    if (!set)
        return;
    for (size_t i = 0; i < set->shard_count; i++) {
        pv_part_free(&set->shards[i].part);
        pv_file_map_close(&set->shards[i].map);
    }
    free(set->shards);
    free(set->tensors);
    free(set->metadata);
    free(set);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct pv_tensor_view *)a)->name, ((const struct pv_tensor_view *)b)->name);
}

static int by_key(const void *a, const void *b)
{
    return strcmp(((const struct pv_metadata *)a)->key, ((const struct pv_metadata *)b)->key);
}

/* Shards repeat metadata such as "format"; what they repeat must agree, or nobody could say which holds. */
static pv_status drop_repeated_metadata(struct pv_safetensors *set, const struct pv_source *source)
{
    size_t kept = 0;
    for (size_t i = 0; i < set->metadata_count; i++) {
        const struct pv_metadata *pair = &set->metadata[i];
        if (kept == 0 || strcmp(set->metadata[kept - 1].key, pair->key) != 0)
            set->metadata[kept++] = *pair;
        else if (strcmp(set->metadata[kept - 1].value, pair->value) != 0)
            return pv_source_refuse(source, "two shards disagree on " PV_SAFETENSORS_METADATA_KEY " %s",
                                    pv_quote(pair->key, strlen(pair->key)).text);
    }
    set->metadata_count = kept;
    return PV_OK;
}

pv_status pv_safetensors_join(struct pv_safetensors *set, const struct pv_source *source)
{
    size_t tensors = 0, metadata = 0;
    for (size_t i = 0; i < set->shard_count; i++) {
        tensors += set->shards[i].part.count;
        metadata += set->shards[i].part.metadata_count;
    }
    set->tensors = malloc((tensors + 1) * sizeof *set->tensors);
    set->metadata = malloc((metadata + 1) * sizeof *set->metadata);
    if (!set->tensors || !set->metadata)
        return pv_source_out_of_memory(source);

    for (size_t i = 0; i < set->shard_count; i++) {
        const struct pv_part *part = &set->shards[i].part;
        memcpy(set->tensors + set->count, part->tensors, part->count * sizeof *part->tensors);
        memcpy(set->metadata + set->metadata_count, part->metadata, part->metadata_count * sizeof *part->metadata);
        set->count += part->count;
        set->metadata_count += part->metadata_count;
    }
    qsort(set->tensors, set->count, sizeof *set->tensors, by_name);
    qsort(set->metadata, set->metadata_count, sizeof *set->metadata, by_key);
    return drop_repeated_metadata(set, source);
}

pv_status pv_safetensors_parse(const void *bytes, size_t size, const char *name, pv_status invalid,
                               struct pv_safetensors **out, struct pv_error *err)
{
    *out = NULL;
    const struct pv_source source = {.file = name, .invalid = invalid, .err = err};
    struct pv_safetensors *set = pv_safetensors_new(1);
    if (!set)
        return pv_source_out_of_memory(&source);
    pv_status status = pv_part_parse(&source, bytes, size, &set->shards[0].part);
    if (status == PV_OK)
        status = pv_safetensors_join(set, &source);
    if (status != PV_OK) {
        pv_safetensors_close(set);
        return status;
    }
    *out = set;
    return PV_OK;
}

size_t pv_safetensors_count(const struct pv_safetensors *set)
{
    return set->count;
}

const struct pv_tensor_view *pv_safetensors_get(const struct pv_safetensors *set, size_t i)
{
    return &set->tensors[i];
}

const struct pv_tensor_view *pv_safetensors_find(const struct pv_safetensors *set, const char *name)
{
    const struct pv_tensor_view key = {.name = name};
    return bsearch(&key, set->tensors, set->count, sizeof key, by_name);
}

const char *pv_safetensors_metadata(const struct pv_safetensors *set, const char *key)
{
    const struct pv_metadata wanted = {.key = key};
    const struct pv_metadata *pair = bsearch(&wanted, set->metadata, set->metadata_count, sizeof wanted, by_key);
    return pair ? pair->value : NULL;
}
