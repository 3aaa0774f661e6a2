/* codec_tae_load.c: from a config to the codec's two lists of layers, with their weights. */
#include "model/codec_tae.h"

static struct pv_tae_layer *append(struct pv_tae_half *half, int in, int out)
{
    struct pv_tae_layer *layer = &half->layers[half->count++];
    *layer = (struct pv_tae_layer){.in = in, .out = out, .stride = 1, .upsample = 1};
    return layer;
}

static pv_status append_blocks(struct pv_tae_half *half, const char *stage, int blocks, int width,
                               struct pv_weight_reader *reader)
{
    for (int j = 0; j < blocks; j++) {
        half->last_block = half->count;
        half->blocks++;
        struct pv_tae_layer *layer = append(half, width, width);
        layer->memory_block = true;
        for (int k = 0; k < 3; k++)
            PV_TRY(pv_weight_conv(reader, pv_weight_name("%s.block.%d.conv.%d", stage, j, k).text, width,
                                  k == 0 ? 2 * width : width, &layer->conv[k]));
    }
    return PV_OK;
}

/* stem, relu; stages: blocks, each but the first behind a convolution of stride 2; head */
static pv_status load_encoder(struct pv_tae_half *half, const struct pv_codec_config *c,
                              struct pv_weight_reader *reader)
{
    const int *width = c->encoder_widths;
    struct pv_tae_layer *layer = append(half, 3 * c->shuffle * c->shuffle, width[0]);
    layer->activation = PV_ACTIVATION_RELU;
    PV_TRY(pv_weight_conv(reader, "codec.encoder.stem", layer->out, layer->in, &layer->conv[0]));
    for (int i = 0; i < c->stages; i++) {
        const struct pv_weight_name stage = pv_weight_name("codec.encoder.stage.%d", i);
        if (i > 0) {
            layer = append(half, width[i - 1], width[i]);
            layer->stride = 2;
            PV_TRY(pv_weight_conv(reader, pv_weight_name("%.40s.down", stage.text).text, layer->out, layer->in,
                                  &layer->conv[0]));
        }
        PV_TRY(append_blocks(half, stage.text, c->encoder_blocks[i], width[i], reader));
    }
    layer = append(half, width[c->stages - 1], c->latent_channels);
    return pv_weight_conv(reader, "codec.encoder.head", layer->out, layer->in, &layer->conv[0]);
}

/* stem, relu; stages: blocks, each but the last before nearest x2 and a convolution; relu, head */
static pv_status load_decoder(struct pv_tae_half *half, const struct pv_codec_config *c,
                              struct pv_weight_reader *reader)
{
    const int *width = c->decoder_widths;
    struct pv_tae_layer *layer = append(half, c->latent_channels, width[0]);
    layer->activation = PV_ACTIVATION_RELU;
    PV_TRY(pv_weight_conv(reader, "codec.decoder.stem", layer->out, layer->in, &layer->conv[0]));
    for (int i = 0; i < c->stages; i++) {
        const struct pv_weight_name stage = pv_weight_name("codec.decoder.stage.%d", i);
        PV_TRY(append_blocks(half, stage.text, c->decoder_blocks[i], width[i], reader));
        if (i + 1 < c->stages) {
            layer = append(half, width[i], width[i + 1]);
            layer->upsample = 2;
            PV_TRY(pv_weight_conv(reader, pv_weight_name("%.40s.up", stage.text).text, layer->out, layer->in,
                                  &layer->conv[0]));
        }
    }
    /* The relu before the head: blocks end with one already, a convolution that leads here takes it over. */
    half->layers[half->count - 1].activation = PV_ACTIVATION_RELU;
    layer = append(half, width[c->stages - 1], 3 * c->shuffle * c->shuffle);
    layer->floats = true;
    return pv_weight_conv(reader, "codec.decoder.head", layer->out, layer->in, &layer->conv[0]);
}

pv_status pv_tae_load(struct pv_tae *tae, const struct pv_codec_config *config, struct pv_weight_reader *reader)
{
    tae->shuffle = config->shuffle;
    tae->channels = config->latent_channels;
    tae->factor = pv_config_factor(config);
    tae->encoder.last_block = tae->decoder.last_block = -1;
    PV_TRY(load_encoder(&tae->encoder, config, reader));
    PV_TRY(load_decoder(&tae->decoder, config, reader));
    PV_TRY(pv_weight_constants(reader, config->latent_mean, config->latent_channels, &tae->latent_mean));
    return pv_weight_constants(reader, config->latent_std, config->latent_channels, &tae->latent_std);
}
