/* fuzz_model_config.c: any text as a model's config. What is accepted must be safe to divide by and to allocate for. */
#include <string.h>

#include "fuzz.h"
#include "model/config.h"

static void check_codec(const struct pv_codec_config *c)
{
    CHECK(c->stages >= 1 && c->stages <= PV_CONFIG_STAGES && c->shuffle >= 1);
    CHECK(c->latent_channels >= 1 && c->latent_channels <= PV_CONFIG_CHANNELS);
    for (int i = 0; i < c->stages; i++) {
        CHECK(c->encoder_widths[i] >= 1 && c->encoder_widths[i] <= 4096);
        CHECK(c->decoder_widths[i] >= 1 && c->decoder_widths[i] <= 4096);
        CHECK(c->encoder_blocks[i] >= 0 && c->encoder_blocks[i] <= PV_CONFIG_BLOCKS);
        CHECK(c->decoder_blocks[i] >= 0 && c->decoder_blocks[i] <= PV_CONFIG_BLOCKS);
    }
    for (int i = 0; i < c->latent_channels; i++)
        CHECK(c->latent_std[i] > 0);
}

static void check_dynamics(const struct pv_dynamics_config *c)
{
    CHECK(c->layers >= 1 && c->layers <= PV_CONFIG_LAYERS && c->hidden >= 1 && c->mlp >= 1);
    CHECK(c->kv_heads >= 1 && c->heads % c->kv_heads == 0 && c->head_dim >= 2 && c->head_dim % 2 == 0);
    for (int i = 0; i < c->layers; i++)
        CHECK(c->kinds[i] == PV_LAYER_TIME || (c->kinds[i] == PV_LAYER_SPACE && c->head_dim % 4 == 0));
    CHECK(c->window >= 1 && c->patch >= 1 && c->eps > 0 && c->level_embedding % 2 == 0);
    CHECK(c->action_size >= 0 && c->action_size <= PV_CONFIG_ACTION);
}

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size)
{
    struct pv_error error = {""};
    struct pv_model_config config;
    const pv_status status = pv_model_config_parse((const char *)bytes, size, "input", &config, &error);
    if (status != PV_OK) {
        CHECK(status == PV_ERR_MODEL && error.text[0]);
        return 0;
    }
    check_codec(&config.codec);
    check_dynamics(&config.dynamics);
    CHECK(config.steps >= 1 && config.steps <= PV_CONFIG_STEPS);
    CHECK(config.context_level > 0 && config.context_level <= 1 && config.fps_den >= 1);
    CHECK(pv_config_size_fits(&config, config.width, config.height));
    CHECK(memchr(config.name, 0, sizeof config.name) && memchr(config.trained_on, 0, sizeof config.trained_on));
    return 0;
}
