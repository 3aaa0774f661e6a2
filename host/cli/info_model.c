/* info_model.c: what is known about a model. */
#include <stdio.h>

#include <prevue/prevue.h>

#include "info.h"
#include "json.h"
#include "signals.h"
#include "terminal.h"

static json_t *model_to_json(const char *path, const pv_model_info *m)
{
    char fingerprint[20];
    snprintf(fingerprint, sizeof fingerprint, "%016llx", (unsigned long long)m->fingerprint);
    return json_pack("{s:o, s:s, s:o, s:o, s:o, s:o, s:i, s:i, s:i, s:o, s:i, s:i, s:i, s:i, s:i, s:i, s:I, s:I, s:s}",
                     "path", pv_json_text(path), "kind", "model", "family", pv_json_text(m->family), "name",
                     pv_json_text(m->name), "licence", pv_json_text(m->licence), "trained_on",
                     pv_json_text(m->trained_on), "width", m->width, "height", m->height, "size_multiple",
                     m->size_multiple, "fps", pv_json_rate(m->fps_num, m->fps_den), "latent_width", m->latent_width,
                     "latent_height", m->latent_height, "latent_channels", m->latent_channels, "window", m->window,
                     "action_size", m->action_size, "steps", m->steps, "parameters", (json_int_t)m->parameters,
                     "weight_bytes", (json_int_t)m->weight_bytes, "fingerprint", fingerprint);
}

int pv_info_model(const char *path, struct pv_terminal *terminal, json_t **object)
{
    pv_model *model;
    pv_model_params params;
    pv_model_params_init(&params);
    params.callbacks = (pv_callbacks){.abort = pv_signals_abort};
    *object = NULL;
    int code = PV_EXIT_DONE;
    const pv_status status = pv_model_open(path, &params, &model);
    if (status != PV_OK) {
        pv_terminal_say(terminal, PV_LOG_ERROR, "%s", model ? pv_model_message(model) : pv_status_text(status));
        code = pv_exit_from_status(status, PV_EXIT_MODEL);
    } else {
        pv_model_info info = {.struct_size = sizeof info};
        pv_model_get_info(model, &info);
        *object = model_to_json(path, &info);
    }
    pv_model_close(model);
    return code;
}
