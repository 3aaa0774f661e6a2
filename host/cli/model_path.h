/* model_path.h: which file is the model. */
#ifndef PV_CLI_MODEL_PATH_H
#define PV_CLI_MODEL_PATH_H

#include <stdbool.h>

#include "base/error.h"

enum { PV_MODEL_PATH_BYTES = 4096 };

/* wanted: what --model said, NULL = nothing. A path that exists is taken as it is; a bare name ("nano") is looked for,
 * as NAME.safetensors, in these folders:
 *     models beside the program           (a build tree)
 *     ../share/prevue/models from there   (an installation that was moved)
 *     PV_DATA_DIR/models                  (an installation)
 * Without --model, $PREVUE_MODEL says; without that, it is nano. PV_ERR_MODEL: not found, with the places named. */
pv_status pv_model_path_find(const char *wanted, char out[PV_MODEL_PATH_BYTES], struct pv_error *err);

/* A file that came with the program ("eval/physics-square.safetensors"), in the same places: beside the program, in
 * ../share/prevue from there, in PV_DATA_DIR. false when it is in none of them. */
bool pv_data_path_find(const char *file, char out[PV_MODEL_PATH_BYTES]);

#endif
