/* model_path.c: the search for a model by name, and for other files that came with the program. */
#include "model_path.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The folder the program lies in, "" where the system does not tell. */
static void program_folder(char *out, size_t room)
{
    const ssize_t length = readlink("/proc/self/exe", out, room - 1);
    out[length > 0 ? length : 0] = '\0';
    char *slash = strrchr(out, '/');
    if (slash)
        *slash = '\0';
}

/* false when the name does not fit or no such file exists. */
static bool file_in(const char *folder, const char *below, const char *file, char out[PV_MODEL_PATH_BYTES])
{
    const int length = snprintf(out, PV_MODEL_PATH_BYTES, "%s%s/%s", folder, below, file);
    return length > 0 && length < PV_MODEL_PATH_BYTES && access(out, F_OK) == 0;
}

bool pv_data_path_find(const char *file, char out[PV_MODEL_PATH_BYTES])
{
    char folder[PV_MODEL_PATH_BYTES - 64];
    program_folder(folder, sizeof folder);
    return (*folder && (file_in(folder, "", file, out) || file_in(folder, "/../share/prevue", file, out))) ||
           file_in(PV_DATA_DIR, "", file, out);
}

pv_status pv_model_path_find(const char *wanted, char out[PV_MODEL_PATH_BYTES], struct pv_error *err)
{
    const char *from_environment = getenv("PREVUE_MODEL");
    char file[512];
    if (!wanted && from_environment && *from_environment)
        wanted = from_environment;
    if (wanted && (strpbrk(wanted, "/.") || access(wanted, F_OK) == 0)) {
        if (snprintf(out, PV_MODEL_PATH_BYTES, "%s", wanted) >= PV_MODEL_PATH_BYTES)
            return pv_fail(err, PV_ERR_MODEL, "the model's path is longer than %d bytes", PV_MODEL_PATH_BYTES - 1);
        return PV_OK;
    }
    const char *name = wanted ? wanted : "nano";
    if (snprintf(file, sizeof file, "models/%s.safetensors", name) < (int)sizeof file && pv_data_path_find(file, out))
        return PV_OK;
    return pv_fail(err, PV_ERR_MODEL,
                   "no model '%s': %s.safetensors is neither in models beside the program nor in %s/models; give a "
                   "file with --model FILE or in $PREVUE_MODEL",
                   name, name, PV_DATA_DIR);
}
