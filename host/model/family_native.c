/* family_native.c: this project's own files: a config under the metadata key `prevue`. */
#include <string.h>

#include "model/family.h"

static bool recognise(const struct pv_safetensors *set)
{
    return pv_safetensors_metadata(set, "prevue") != NULL;
}

static pv_status configure(const struct pv_safetensors *set, const char *file, struct pv_model_config *config,
                           struct pv_error *error)
{
    const char *json = pv_safetensors_metadata(set, "prevue");
    return pv_model_config_parse(json, strlen(json), file, config, error);
}

const struct pv_family pv_family_native = {.name = "native", .recognise = recognise, .configure = configure};
