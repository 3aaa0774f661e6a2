/* safetensors.h: named tensors in a file: reading one file or a set of shards, and writing one. docs/model-format.md
 * says which files are valid; everything else is refused in a sentence that names the byte or the tensor.
 *
 * An open set never changes: any number of threads may read it. Names, views and metadata live until close. */
#ifndef PV_MODEL_SAFETENSORS_H
#define PV_MODEL_SAFETENSORS_H

#include <stddef.h>

#include "base/error.h"
#include "model/tensor_view.h"

struct pv_safetensors;

struct pv_metadata {
    const char *key, *value; /* UTF-8 */
};

/* path is a .safetensors file, a *.index.json beside its shards, or a folder that holds one of either. Files are
 * mapped: nothing is read before it is used.
 * invalid is what to return for bytes that were read and are not valid: PV_ERR_MODEL, or PV_ERR_FORMAT for a saved
 * state. Other failures are PV_ERR_IO and PV_ERR_MEMORY. On failure *out is NULL. */
pv_status pv_safetensors_open(const char *path, pv_status invalid, struct pv_safetensors **out, struct pv_error *err);

/* The same, with the bytes copied into memory: for files that another program may cut short meanwhile. */
pv_status pv_safetensors_read(const char *path, pv_status invalid, struct pv_safetensors **out, struct pv_error *err);

/* The same for a file that is in memory already. bytes stay the caller's and must outlive the set; name stands for the
 * file in sentences. */
pv_status pv_safetensors_parse(const void *bytes, size_t size, const char *name, pv_status invalid,
                               struct pv_safetensors **out, struct pv_error *err);

void pv_safetensors_close(struct pv_safetensors *set);

size_t pv_safetensors_count(const struct pv_safetensors *set);
/* i < count. Ordered by name (bytes compared as strcmp does). */
const struct pv_tensor_view *pv_safetensors_get(const struct pv_safetensors *set, size_t i);
/* NULL when there is none of that name. */
const struct pv_tensor_view *pv_safetensors_find(const struct pv_safetensors *set, const char *name);
/* The value of key in __metadata__, or NULL. */
const char *pv_safetensors_metadata(const struct pv_safetensors *set, const char *key);

/* Writes a file that this reader and the reference library accept. The same tensors and metadata give the same bytes,
 * in whatever order they are passed: tensors lie by falling alignment, then by name, so that each is aligned to its
 * element. The file appears under its name complete and synced, or not at all; a file of that name is replaced.
 * PV_ERR_ARGUMENT for a tensor or key that the format does not allow, PV_ERR_IO, PV_ERR_MEMORY. */
pv_status pv_safetensors_write(const char *path, const struct pv_tensor_view *tensors, size_t count,
                               const struct pv_metadata *metadata, size_t metadata_count, struct pv_error *err);

#endif
