/* arch.c: models without a file: configs of training/configs, compiled in, or any file of that kind. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/arch_configs.h"
#include "bench/bench.h"

/* The statistics of latents are the codec's training's: a model with random weights has mean 0 and deviation 1. */
static pv_status add_statistics(json_t *config, struct pv_error *err)
{
    json_t *codec = json_object_get(config, "codec");
    const json_int_t channels = json_integer_value(json_object_get(codec, "latent_channels"));
    if (!json_is_object(codec) || channels < 1 || channels > 1024)
        return PV_OK; /* the model's own reader has the better sentence */
    json_t *mean = json_array(), *deviation = json_array();
    for (json_int_t i = 0; i < channels; i++) {
        json_array_append_new(mean, json_real(0));
        json_array_append_new(deviation, json_real(1));
    }
    const int failed = json_object_set_new(codec, "latent_mean", mean) != 0 ||
                       json_object_set_new(codec, "latent_std", deviation) != 0;
    return failed ? pv_fail(err, PV_ERR_MEMORY, "no memory for a config") : PV_OK;
}

static json_t *load(const char *name, struct pv_error *err)
{
    json_error_t why;
    for (size_t i = 0; i < sizeof arch_configs / sizeof arch_configs[0]; i++)
        if (strcmp(arch_configs[i].name, name) == 0)
            return json_loads(arch_configs[i].json, JSON_REJECT_DUPLICATES, &why);
    json_t *config = json_load_file(name, JSON_REJECT_DUPLICATES, &why);
    if (!config && why.line < 0) {
        char known[160] = "";
        for (size_t i = 0; i < sizeof arch_configs / sizeof arch_configs[0]; i++) {
            strncat(known, i ? ", " : "", sizeof known - strlen(known) - 1);
            strncat(known, arch_configs[i].name, sizeof known - strlen(known) - 1);
        }
        pv_fail(err, PV_ERR_MODEL, "there is no architecture '%s': give %s, or a config file", name, known);
    } else if (!config) {
        pv_fail(err, PV_ERR_MODEL, "%s: line %d: %s", name, why.line, why.text);
    }
    return config;
}

char *pv_bench_arch_config(const char *name, struct pv_error *err)
{
    json_t *config = load(name, err);
    if (!config)
        return NULL;
    char *text = NULL;
    if (add_statistics(config, err) == PV_OK) {
        text = json_dumps(config, JSON_COMPACT);
        if (!text)
            pv_fail(err, PV_ERR_MEMORY, "no memory for a config");
    }
    json_decref(config);
    return text;
}
