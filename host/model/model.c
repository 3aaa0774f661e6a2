/* model.c: file -> config -> weights on a backend. */
#include "model/model.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "model/family.h"

static const struct pv_family *const families[] = {&pv_family_native};

void pv_callbacks_log(const struct pv_callbacks *callbacks, pv_log_level level, const char *format, ...)
{
    if (!callbacks->log)
        return;
    char sentence[PV_ERROR_TEXT];
    va_list args;
    va_start(args, format);
    vsnprintf(sentence, sizeof sentence, format, args);
    va_end(args);
    callbacks->log(callbacks->user, level, sentence);
}

static pv_status configure(struct pv_model *model, const struct pv_safetensors *set, const char *path)
{
    for (size_t i = 0; i < sizeof families / sizeof families[0]; i++)
        if (families[i]->recognise(set))
            return families[i]->configure(set, path, &model->config, &model->error);
    return pv_fail(
        &model->error, PV_ERR_MODEL,
        "%s is not a model prevue knows: its metadata has no key 'prevue'; export it with training/export.py",
        pv_path_tail(path));
}

static void measure(struct pv_model *model, const struct pv_safetensors *set)
{
    for (size_t i = 0; i < pv_safetensors_count(set); i++)
        model->weight_bytes += pv_safetensors_get(set, i)->bytes;
    model->fingerprint = pv_weights_fingerprint(set);
}

static pv_status load_tensors(struct pv_model *model, struct pv_weight_reader *reader)
{
    PV_TRY(pv_weight_reader_open(reader));
    PV_TRY(pv_tae_load(&model->tae, &model->config.codec, reader));
    PV_TRY(pv_dit_load(&model->dit, &model->config.dynamics, model->config.codec.latent_channels, reader));
    return pv_weight_reader_finish(reader);
}

/* set NULL: random weights. */
static pv_status load_weights(struct pv_model *model, const struct pv_safetensors *set, uint64_t seed, const char *path)
{
    const struct pv_op_table *op = model->backend->op;
    struct pv_stream *stream;
    PV_TRY(op->stream_open(model->backend, &model->error, &stream));
    op->enter(stream);
    model->weights.backend = model->backend;
    struct pv_weight_reader reader = {.set = set,
                                      .seed = seed,
                                      .file = path,
                                      .weights = &model->weights,
                                      .stream = stream,
                                      .callbacks = &model->callbacks,
                                      .error = &model->error};
    const pv_status status = load_tensors(model, &reader);
    model->parameters = reader.parameters;
    pv_weight_reader_close(&reader);
    op->leave(stream);
    op->stream_close(stream);
    return status;
}

static pv_status load_set(struct pv_model *model, const struct pv_safetensors *set, const char *path,
                          const char *backend, int threads)
{
    PV_TRY(configure(model, set, path));
    measure(model, set);
    PV_TRY(pv_backend_open(backend, threads, &model->backend, &model->error));
    return load_weights(model, set, 0, path);
}

static void announce(struct pv_model *model)
{
    const struct pv_model_config *c = &model->config;
    model->ready = true;
    pv_callbacks_log(&model->callbacks, PV_LOG_NOTICE, "model %s: %.1f million parameters, licence %s, trained on %s",
                     c->name, (double)model->parameters * 1e-6, c->licence[0] ? c->licence : "not stated",
                     c->trained_on[0] ? c->trained_on : "data not stated");
    if (model->backend->note[0])
        pv_callbacks_log(&model->callbacks, PV_LOG_NOTICE, "the model runs on the CPU: %s", model->backend->note);
}

pv_status pv_model_load(struct pv_model *model, const char *path, const char *backend, int threads)
{
    struct pv_safetensors *set;
    PV_TRY(pv_safetensors_open(path, PV_ERR_MODEL, &set, &model->error));
    const pv_status status = load_set(model, set, path, backend, threads);
    pv_safetensors_close(set);
    PV_TRY(status);
    announce(model);
    return PV_OK;
}

pv_status pv_model_invent(struct pv_model *model, const char *config, uint64_t seed, const char *backend, int threads)
{
    static const char name[] = "the config of a model with random weights";
    PV_TRY(pv_model_config_parse(config, strlen(config), name, &model->config, &model->error));
    PV_TRY(pv_backend_open(backend, threads, &model->backend, &model->error));
    PV_TRY(load_weights(model, NULL, seed, name));
    model->weight_bytes = model->parameters * sizeof(float);
    model->fingerprint = pv_text_fingerprint(config, seed);
    snprintf(model->config.trained_on, sizeof model->config.trained_on, "nothing: random weights");
    announce(model);
    return PV_OK;
}

void pv_model_unload(struct pv_model *model)
{
    if (model->weights.backend)
        pv_weights_free(&model->weights);
    pv_backend_close(model->backend);
}
