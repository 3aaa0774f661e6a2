/* safetensors_header.c: the bytes of one safetensors file -> its tensors and metadata.
 *
 *     8 bytes      N, little-endian
 *     N bytes      JSON: {"name": {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, ..., "__metadata__": {}}
 *     the rest     the tensors' bytes, without holes or overlaps; data_offsets count from its start */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "model/safetensors_part.h"

static struct pv_quoted quote(const char *text)
{
    return pv_quote(text, strlen(text));
}

/* ---- JSON text -> json_t ---- */

static pv_status load_header(const struct pv_source *source, const char *text, size_t length, json_t **header)
{
    PV_TRY(pv_safetensors_scan(source, text, length));
    json_error_t error;
    *header = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);
    if (!*header)
        return pv_source_refuse_json(source, &error, text, length, PV_SAFETENSORS_LENGTH_BYTES);
    return PV_OK;
}

/* ---- one tensor's entry ---- */

struct entry {
    struct pv_tensor_view view; /* name belongs to the JSON; data is not set */
    size_t begin, end;          /* in the data */
};

/* list[i] as a whole number. The scan let no sign through, so that what is an integer is not negative. */
static pv_status read_number(const struct pv_source *source, const char *name, const char *field, const json_t *list,
                             size_t i, int64_t *number)
{
    const json_t *item = json_array_get(list, i);
    if (!json_is_integer(item))
        return pv_source_refuse(source, "tensor %s: item %zu of %s is not a whole number", quote(name).text, i, field);
    *number = json_integer_value(item);
    return PV_OK;
}

static pv_status read_dtype(const struct pv_source *source, const json_t *value, struct entry *entry)
{
    if (!json_is_string(value))
        return pv_source_refuse(source, "tensor %s: its dtype is not a string", quote(entry->view.name).text);
    if (!pv_dtype_from_name(json_string_value(value), &entry->view.dtype))
        return pv_source_refuse(source, "tensor %s: unknown dtype %s", quote(entry->view.name).text,
                                quote(json_string_value(value)).text);
    return PV_OK;
}

static pv_status read_shape(const struct pv_source *source, const json_t *value, struct entry *entry)
{
    if (!json_is_array(value))
        return pv_source_refuse(source, "tensor %s: its shape is not a list", quote(entry->view.name).text);
    if (json_array_size(value) > PV_TENSOR_MAX_RANK)
        return pv_source_refuse(source, "tensor %s: its shape has %zu dimensions; at most %d are allowed",
                                quote(entry->view.name).text, json_array_size(value), PV_TENSOR_MAX_RANK);
    entry->view.rank = (int)json_array_size(value);
    for (int i = 0; i < entry->view.rank; i++)
        PV_TRY(read_number(source, entry->view.name, "shape", value, (size_t)i, &entry->view.shape[i]));
    return PV_OK;
}

static pv_status read_offsets(const struct pv_source *source, const json_t *value, size_t data_bytes,
                              struct entry *entry)
{
    const char *name = entry->view.name;
    if (!json_is_array(value) || json_array_size(value) != 2)
        return pv_source_refuse(source, "tensor %s: its data_offsets are not a list of two numbers", quote(name).text);
    int64_t begin = 0, end = 0;
    PV_TRY(read_number(source, name, "data_offsets", value, 0, &begin));
    PV_TRY(read_number(source, name, "data_offsets", value, 1, &end));
    if (begin > end)
        return pv_source_refuse(source, "tensor %s: its data_offsets [%" PRId64 ", %" PRId64 "] end before they begin",
                                quote(name).text, begin, end);
    if ((uint64_t)end > data_bytes)
        return pv_source_refuse(source,
                                "tensor %s: its data_offsets [%" PRId64 ", %" PRId64
                                "] go beyond the %zu bytes of data: the file is cut short",
                                quote(name).text, begin, end, data_bytes);
    entry->begin = (size_t)begin;
    entry->end = (size_t)end;
    return PV_OK;
}

/* data_bytes: all of the file after the header. */
static pv_status read_entry(const struct pv_source *source, const char *name, json_t *value, size_t data_bytes,
                            struct entry *entry)
{
    *entry = (struct entry){.view.name = name};
    if (strlen(name) > PV_TENSOR_MAX_NAME)
        return pv_source_refuse(source, "tensor %s: its name has %zu bytes; at most %d are allowed", quote(name).text,
                                strlen(name), PV_TENSOR_MAX_NAME);
    if (!json_is_object(value))
        return pv_source_refuse(source, "tensor %s: its entry is not an object", quote(name).text);

    static const char *const fields[] = {"dtype", "shape", "data_offsets"};
    for (size_t i = 0; i < 3; i++)
        if (!json_object_get(value, fields[i]))
            return pv_source_refuse(source, "tensor %s: %s is missing", quote(name).text, fields[i]);
    if (json_object_size(value) != 3) {
        const char *field;
        json_t *unused;
        json_object_foreach(value, field,
                            unused) if (strcmp(field, "dtype") != 0 && strcmp(field, "shape") != 0 &&
                                        strcmp(field, "data_offsets") !=
                                            0) return pv_source_refuse(source, "tensor %s: unknown field %s",
                                                                       quote(name).text, quote(field).text);
    }

    PV_TRY(read_dtype(source, json_object_get(value, "dtype"), entry));
    PV_TRY(read_shape(source, json_object_get(value, "shape"), entry));
    PV_TRY(read_offsets(source, json_object_get(value, "data_offsets"), data_bytes, entry));

    const char *problem = pv_tensor_measure(entry->view.dtype, entry->view.rank, entry->view.shape, &entry->view.bytes);
    if (problem)
        return pv_source_refuse(source, "tensor %s %s", quote(name).text, problem);
    if (entry->end - entry->begin != entry->view.bytes)
        return pv_source_refuse(
            source, "tensor %s: its shape and dtype take %zu bytes, its data_offsets [%zu, %zu] %zu", quote(name).text,
            entry->view.bytes, entry->begin, entry->end, entry->end - entry->begin);
    return PV_OK;
}

/* ---- all entries ---- */

static int by_place(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    if (x->begin != y->begin)
        return x->begin < y->begin ? -1 : 1;
    return (x->end > y->end) - (x->end < y->end); /* empty tensors go first */
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct entry *)a)->view.name, ((const struct entry *)b)->view.name);
}

static pv_status check_coverage(const struct pv_source *source, struct entry *entries, size_t count, size_t data_bytes)
{
    size_t covered = 0;
    qsort(entries, count, sizeof *entries, by_place);
    for (size_t i = 0; i < count; i++) {
        if (entries[i].begin != covered)
            return pv_source_refuse(source, "tensor %s: its data begins at %zu; the one before ends at %zu%s",
                                    quote(entries[i].view.name).text, entries[i].begin, covered,
                                    entries[i].begin > covered ? ", which leaves a hole" : ", so they overlap");
        covered = entries[i].end;
    }
    if (covered != data_bytes)
        return pv_source_refuse(source, "%zu bytes of data follow the last tensor, which ends at %zu of the data",
                                data_bytes - covered, covered);
    return PV_OK;
}

/* ---- metadata ---- */

static int by_key(const void *a, const void *b)
{
    return strcmp(((const struct pv_metadata *)a)->key, ((const struct pv_metadata *)b)->key);
}

static pv_status check_metadata(const struct pv_source *source, json_t *metadata)
{
    if (!json_is_object(metadata))
        return pv_source_refuse(source, PV_SAFETENSORS_METADATA_KEY " is not an object");
    const char *key;
    json_t *value;
    json_object_foreach(metadata, key, value) if (!json_is_string(value)) return pv_source_refuse(
        source, PV_SAFETENSORS_METADATA_KEY ": the value of %s is not a string", quote(key).text);
    return PV_OK;
}

/* ---- a part of its own ---- */

/* Moves *text behind *at and points it there. */
static void keep(const char **text, char **at)
{
    const size_t bytes = strlen(*text) + 1;
    *text = memcpy(*at, *text, bytes);
    *at += bytes;
}

/* entries, by name, and metadata -> part, with copies of all text, so that the JSON can go. */
static pv_status fill_part(const struct pv_source *source, const struct entry *entries, size_t count, json_t *metadata,
                           const unsigned char *data, struct pv_part *part)
{
    const char *key;
    json_t *value;
    size_t text_bytes = 0; /* at most the header's */
    for (size_t i = 0; i < count; i++)
        text_bytes += strlen(entries[i].view.name) + 1;
    json_object_foreach(metadata, key, value) text_bytes += strlen(key) + 1 + strlen(json_string_value(value)) + 1;

    part->tensors = malloc((count + 1) * sizeof *part->tensors);
    part->metadata = malloc((json_object_size(metadata) + 1) * sizeof *part->metadata);
    part->text = malloc(text_bytes + 1);
    if (!part->tensors || !part->metadata || !part->text)
        return pv_source_out_of_memory(source);

    char *at = part->text;
    for (size_t i = 0; i < count; i++) {
        struct pv_tensor_view *view = &part->tensors[part->count++];
        *view = entries[i].view;
        view->data = data + entries[i].begin;
        keep(&view->name, &at);
    }
    json_object_foreach(metadata, key, value)
    {
        struct pv_metadata *pair = &part->metadata[part->metadata_count++];
        *pair = (struct pv_metadata){.key = key, .value = json_string_value(value)};
        keep(&pair->key, &at);
        keep(&pair->value, &at);
    }
    qsort(part->metadata, part->metadata_count, sizeof *part->metadata, by_key);
    return PV_OK;
}

static pv_status read_header(const struct pv_source *source, json_t *header, const unsigned char *data,
                             size_t data_bytes, struct pv_part *part)
{
    const size_t keys = json_object_size(header);
    struct entry *entries = malloc((keys + 1) * sizeof *entries);
    if (!entries)
        return pv_source_out_of_memory(source);

    pv_status status = PV_OK;
    size_t count = 0;
    json_t *metadata = NULL;
    const char *key;
    json_t *value;
    json_object_foreach(header, key, value)
    {
        if (strcmp(key, PV_SAFETENSORS_METADATA_KEY) == 0) {
            metadata = value;
            status = check_metadata(source, value);
        } else {
            status = read_entry(source, key, value, data_bytes, &entries[count++]);
        }
        if (status != PV_OK)
            break;
    }
    if (status == PV_OK)
        status = check_coverage(source, entries, count, data_bytes);
    if (status == PV_OK) {
        qsort(entries, count, sizeof *entries, by_name);
        status = fill_part(source, entries, count, metadata, data, part);
    }
    free(entries);
    return status;
}

pv_status pv_part_parse(const struct pv_source *source, const void *bytes, size_t size, struct pv_part *part)
{
    *part = (struct pv_part){0};
    const unsigned char *at = bytes;
    if (size < PV_SAFETENSORS_LENGTH_BYTES)
        return pv_source_refuse(source, "it has %zu bytes; the header's length alone takes 8", size);

    uint64_t length = 0;
    for (int i = PV_SAFETENSORS_LENGTH_BYTES - 1; i >= 0; i--)
        length = length << 8 | at[i];
    if (length > PV_SAFETENSORS_MAX_HEADER)
        return pv_source_refuse(source, "bytes 0 to 7 give the header %" PRIu64 " bytes; at most %d are allowed",
                                length, PV_SAFETENSORS_MAX_HEADER);
    at += PV_SAFETENSORS_LENGTH_BYTES;
    size -= PV_SAFETENSORS_LENGTH_BYTES;
    if (length > size)
        return pv_source_refuse(
            source, "bytes 0 to 7 give the header %" PRIu64 " bytes; %zu follow: the file is cut short", length, size);

    json_t *header;
    PV_TRY(load_header(source, (const char *)at, (size_t)length, &header));
    const pv_status status = read_header(source, header, at + length, size - (size_t)length, part);
    json_decref(header);
    if (status != PV_OK)
        pv_part_free(part);
    return status;
}

void pv_part_free(struct pv_part *part)
{
    free(part->tensors);
    free(part->metadata);
    free(part->text);
    *part = (struct pv_part){0};
}
