/* safetensors_index.c: the index of a sharded checkpoint: JSON whose weight_map says which file holds each tensor.
 *
 * A shard is a plain name in the index's own folder: an index that came from elsewhere cannot point at other files. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "model/safetensors_part.h"

static struct pv_quoted quote(const char *text)
{
    return pv_quote(text, strlen(text));
}

/* NULL when name may be opened, else why not. */
static const char *shard_name_problem(const char *name)
{
    static const char suffix[] = ".safetensors";
    enum { MAX_NAME = 255 };
    const size_t length = strlen(name);
    if (length > MAX_NAME)
        return "is longer than 255 bytes";
    if (name[0] == '.' || strpbrk(name, "/\\"))
        return "is not the plain name of a file in the same folder";
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)name[i] < 0x20 || name[i] == 0x7f)
            return "holds a control character";
    if (length < sizeof suffix || strcmp(name + length - (sizeof suffix - 1), suffix) != 0)
        return "does not end in .safetensors";
    return NULL;
}

static int by_shard_and_tensor(const void *a, const void *b)
{
    const struct pv_placement *x = a, *y = b;
    const int shards = strcmp(x->shard, y->shard);
    return shards ? shards : strcmp(x->tensor, y->tensor);
}

static pv_status read_weight_map(const struct pv_source *source, json_t *map, struct pv_shard_index *index)
{
    if (!json_is_object(map))
        return pv_source_refuse(source, map ? "weight_map is not an object" : "weight_map is missing");
    if (json_object_size(map) == 0)
        return pv_source_refuse(source, "weight_map is empty");
    if (json_object_size(map) > PV_SAFETENSORS_MAX_TENSORS)
        return pv_source_refuse(source, "weight_map has %zu tensors; at most %d are allowed", json_object_size(map),
                                PV_SAFETENSORS_MAX_TENSORS);
    index->placements = malloc(json_object_size(map) * sizeof *index->placements);
    if (!index->placements)
        return pv_source_out_of_memory(source);

    const char *tensor;
    json_t *value;
    json_object_foreach(map, tensor, value)
    {
        const char *shard = json_string_value(value);
        if (!shard)
            return pv_source_refuse(source, "weight_map: the file of tensor %s is not a string", quote(tensor).text);
        const char *problem = shard_name_problem(shard);
        if (problem)
            return pv_source_refuse(source, "weight_map: the file of tensor %s, %s, %s", quote(tensor).text,
                                    quote(shard).text, problem);
        index->placements[index->count++] = (struct pv_placement){.tensor = tensor, .shard = shard};
    }
    qsort(index->placements, index->count, sizeof *index->placements, by_shard_and_tensor);
    return PV_OK;
}

pv_status pv_shard_index_parse(const struct pv_source *source, const char *text, size_t length,
                               struct pv_shard_index *index)
{
    *index = (struct pv_shard_index){0};
    if (length > PV_SAFETENSORS_MAX_HEADER)
        return pv_source_refuse(source, "it has %zu bytes; a shard index has at most %d", length,
                                PV_SAFETENSORS_MAX_HEADER);
    json_error_t error;
    index->json = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);
    if (!index->json)
        return pv_source_refuse_json(source, &error, text, length, 0);

    pv_status status;
    if (json_is_object(index->json))
        status = read_weight_map(source, json_object_get(index->json, "weight_map"), index);
    else
        status = pv_source_refuse(source, "byte 0: expected an object with a weight_map");
    if (status != PV_OK)
        pv_shard_index_free(index);
    return status;
}

void pv_shard_index_free(struct pv_shard_index *index)
{
    free(index->placements);
    json_decref(index->json);
    *index = (struct pv_shard_index){0};
}

pv_status pv_shard_check(const struct pv_source *index, const struct pv_placement *placements, size_t count,
                         const struct pv_part *part)
{
    /* Both lists are sorted by name: the first place where they differ says which tensor is missing or extra. */
    for (size_t i = 0; i < count || i < part->count; i++) {
        int order;
        if (i == part->count)
            order = -1;
        else if (i == count)
            order = 1;
        else
            order = strcmp(placements[i].tensor, part->tensors[i].name);
        if (order < 0)
            return pv_source_refuse(index, "it puts tensor %s in %s, which does not have it",
                                    quote(placements[i].tensor).text, quote(placements[i].shard).text);
        if (order > 0)
            return pv_source_refuse(index, "%s has tensor %s, which the index does not put there",
                                    quote(placements[0].shard).text, quote(part->tensors[i].name).text);
    }
    return PV_OK;
}
