/* api_model.c: the public functions of models and versions. */
#include <prevue/measure.h>
#include <stdlib.h>
#include <string.h>

#include "model/api_params.h"
#include "model/model.h"

enum { MAX_THREADS = 1024 };

const char *pv_version(void)
{
    return PV_VERSION_TEXT;
}

unsigned pv_abi_version(void)
{
    return PV_ABI_VERSION;
}

void pv_model_params_init(pv_model_params *params)
{
    if (params)
        *params = (pv_model_params){.struct_size = sizeof *params, .backend = "auto"};
}

/* Exactly one of path and config is meant; NULL is the caller's mistake. */
struct source {
    const char *path, *config;
    bool random;
    uint64_t seed;
};

static pv_status load(struct pv_model *model, const struct source *from, const pv_model_params *p)
{
    const char *backend = p->backend ? p->backend : "auto";
    if (from->random && !from->config)
        return pv_fail(&model->error, PV_ERR_ARGUMENT, "config is NULL; give a model's config as JSON");
    if (from->random)
        return pv_model_invent(model, from->config, from->seed, backend, p->threads);
    if (!from->path)
        return pv_fail(&model->error, PV_ERR_ARGUMENT, "path is NULL; give the path of a model file");
    return pv_model_load(model, from->path, backend, p->threads);
}

static pv_status read_params(struct pv_model *model, const struct source *from, const pv_model_params *params)
{
    pv_model_params p;
    pv_model_params_init(&p);
    if (params)
        PV_TRY(pv_params_read(&p, sizeof p, sizeof p, params, "pv_model_params", &model->error));
    model->callbacks = p.callbacks;
    if (p.threads < 0 || p.threads > MAX_THREADS)
        return pv_fail(&model->error, PV_ERR_ARGUMENT, "threads is %d; it must be from 0 (all) to %d", p.threads,
                       MAX_THREADS);
    return load(model, from, &p);
}

static pv_status open_model(const struct source *from, const pv_model_params *params, pv_model **model)
{
    if (!model)
        return PV_ERR_ARGUMENT;
    *model = calloc(1, sizeof **model);
    if (!*model)
        return PV_ERR_MEMORY;
    const pv_status status = read_params(*model, from, params);
    if (status != PV_OK)
        pv_callbacks_log(&(*model)->callbacks, PV_LOG_ERROR, "%s", (*model)->error.text);
    return status;
}

pv_status pv_model_open(const char *path, const pv_model_params *params, pv_model **model)
{
    return open_model(&(struct source){.path = path}, params, model);
}

pv_status pv_model_open_random(const char *config, uint64_t seed, const pv_model_params *params, pv_model **model)
{
    return open_model(&(struct source){.config = config, .random = true, .seed = seed}, params, model);
}

pv_status pv_model_get_info(const pv_model *model, pv_model_info *info)
{
    if (!model || !model->ready || !info || info->struct_size < sizeof *info)
        return PV_ERR_ARGUMENT;
    const struct pv_model_config *c = &model->config;
    const int factor = pv_config_factor(&c->codec);
    const size_t size = info->struct_size;
    memset(info, 0, size); /* members of a newer header */
    *info = (pv_model_info){.struct_size = size,
                            .family = c->family,
                            .name = c->name,
                            .licence = c->licence,
                            .trained_on = c->trained_on,
                            .backend = model->backend->op->name,
                            .threads = model->backend->threads,
                            .width = c->width,
                            .height = c->height,
                            .size_multiple = pv_config_size_multiple(c),
                            .fps_num = c->fps_num,
                            .fps_den = c->fps_den,
                            .latent_width = c->width / factor,
                            .latent_height = c->height / factor,
                            .latent_channels = c->codec.latent_channels,
                            .window = c->dynamics.window,
                            .action_size = c->dynamics.action_size,
                            .steps = c->steps,
                            .parameters = model->parameters,
                            .weight_bytes = model->weight_bytes,
                            .fingerprint = model->fingerprint};
    return PV_OK;
}

const char *pv_model_message(const pv_model *model)
{
    return model ? model->error.text : "";
}

void pv_model_close(pv_model *model)
{
    if (!model)
        return;
    pv_model_unload(model);
    free(model);
}
