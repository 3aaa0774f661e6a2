/* safetensors_part.h: what the pieces of the safetensors reader share; nobody else includes it.
 *
 *     safetensors_scan.c    the header uses no more of JSON than it may
 *     safetensors_header.c  one file's bytes -> one part
 *     safetensors_index.c   a shard index -> which tensor lies in which file
 *     safetensors_open.c    a path -> the files of a set
 *     safetensors.c         parts -> a set, and looking things up in it
 *     safetensors_refuse.c  the sentences of all of these
 *     safetensors_layout.c  tensors -> a header; safetensors_write.c puts it on disk */
#ifndef PV_MODEL_SAFETENSORS_PART_H
#define PV_MODEL_SAFETENSORS_PART_H

#include <jansson.h>

#include "base/file_map.h"
#include "model/safetensors.h"

#define PV_SAFETENSORS_METADATA_KEY "__metadata__"

enum {
    PV_SAFETENSORS_LENGTH_BYTES = 8,      /* the header's length, before the header */
    PV_SAFETENSORS_MAX_HEADER = 16 << 20, /* bytes; also the most for a shard index */
    PV_SAFETENSORS_MAX_TENSORS = 1000000,
    PV_SAFETENSORS_MAX_SHARDS = 4096
};

/* ---- refusing ---- */

/* The bytes being judged. */
struct pv_source {
    const char *file;
    pv_status invalid;
    struct pv_error *err;
};

/* "<file> is not valid: <sentence>. Export or download it again." */
pv_status pv_source_refuse(const struct pv_source *source, const char *format, ...) PV_PRINTF(2, 3);
pv_status pv_source_out_of_memory(const struct pv_source *source);

/* What jansson found wrong in text, which starts at byte offset of the file. */
pv_status pv_source_refuse_json(const struct pv_source *source, const json_error_t *error, const char *text,
                                size_t length, size_t offset);

/* ---- one file ---- */

/* One file's tensors and metadata, each sorted, no two equal. */
struct pv_part {
    struct pv_tensor_view *tensors; /* by name; data points into the file's bytes */
    size_t count;
    struct pv_metadata *metadata; /* by key */
    size_t metadata_count;
    char *text; /* names, keys and values */
};

/* Refuses a header that could not be valid whatever its tensors are, before memory is spent on parsing it. */
pv_status pv_safetensors_scan(const struct pv_source *source, const char *text, size_t length);

pv_status pv_part_parse(const struct pv_source *source, const void *bytes, size_t size, struct pv_part *part);
void pv_part_free(struct pv_part *part);

/* ---- shard index ---- */

struct pv_placement {
    const char *tensor, *shard; /* owned by the index */
};

struct pv_shard_index {
    struct pv_placement *placements; /* by shard, then tensor */
    size_t count;
    json_t *json;
};

pv_status pv_shard_index_parse(const struct pv_source *source, const char *text, size_t length,
                               struct pv_shard_index *index);
/* The count placements, all of one shard, are exactly the part's tensors. */
pv_status pv_shard_check(const struct pv_source *index, const struct pv_placement *placements, size_t count,
                         const struct pv_part *part);
void pv_shard_index_free(struct pv_shard_index *index);

/* ---- a set ---- */

struct pv_shard {
    struct pv_file_map map;
    struct pv_part part;
};

struct pv_safetensors {
    struct pv_shard *shards;
    size_t shard_count;
    struct pv_tensor_view *tensors; /* of all shards, by name */
    size_t count;
    struct pv_metadata *metadata; /* of all shards, by key */
    size_t metadata_count;
};

/* An empty set with room for shards. NULL when out of memory. */
struct pv_safetensors *pv_safetensors_new(size_t shard_count);
/* Once every shard has its part: fills tensors and metadata. */
pv_status pv_safetensors_join(struct pv_safetensors *set, const struct pv_source *source);

/* ---- writing ---- */

/* Where everything goes in a file: header, then the tensors' bytes in order, with nothing between. */
struct pv_layout {
    char *header; /* with its length in front, padded so that the data is aligned to 8 bytes */
    size_t header_bytes;
    const struct pv_tensor_view **order; /* count pointers */
    size_t count;
};

pv_status pv_layout_make(struct pv_layout *layout, const struct pv_tensor_view *tensors, size_t count,
                         const struct pv_metadata *metadata, size_t metadata_count, struct pv_error *err);
void pv_layout_free(struct pv_layout *layout);

#endif
