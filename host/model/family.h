/* family.h: from a checkpoint to a config. A family recognises its files and says what they are; the forward code is
 * the same for all, whatever differs is a field of the config. One family_<name>.c each. */
#ifndef PV_MODEL_FAMILY_H
#define PV_MODEL_FAMILY_H

#include <stdbool.h>

#include "model/config.h"
#include "model/safetensors.h"

struct pv_family {
    const char *name;
    bool (*recognise)(const struct pv_safetensors *set);
    pv_status (*configure)(const struct pv_safetensors *set, const char *file, struct pv_model_config *config,
                           struct pv_error *error);
};

extern const struct pv_family pv_family_native;

#endif
