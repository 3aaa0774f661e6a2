/* codec_tae.c: the codec's forward passes: one walk over a list of layers serves encoder and decoder. */
#include "model/codec_tae.h"

/* Where a walk stands. */
struct place {
    int batch, height, width;
    int block;       /* memory blocks passed */
    const void *src; /* [batch][height][width][channels] */
};

static int side_after(const struct pv_tae_layer *layer, int side)
{
    return side * layer->upsample / layer->stride; /* sides divide: pv_config_size_fits */
}

struct pv_tae_grid pv_tae_grid_for(const struct pv_tae *tae, int takes, int height, int width)
{
    return (struct pv_tae_grid){takes, height, width, height / tae->factor, width / tae->factor};
}

/* The largest picture a half handles between its layers, in elements, of which two at most are as long as a float. */
static size_t largest(const struct pv_tae_half *half, int height, int width)
{
    size_t most = (size_t)height * (size_t)width * (size_t)half->layers[0].in;
    for (int i = 0; i < half->count; i++) {
        const struct pv_tae_layer *layer = &half->layers[i];
        height = side_after(layer, height);
        width = side_after(layer, width);
        const size_t count = (size_t)height * (size_t)width * (size_t)layer->out * (layer->floats ? 2 : 1);
        most = count > most ? count : most;
    }
    return most;
}

size_t pv_tae_scratch_count(const struct pv_tae *tae, const struct pv_tae_grid *grid)
{
    const size_t encoder = largest(&tae->encoder, grid->height / tae->shuffle, grid->width / tae->shuffle);
    const size_t decoder = largest(&tae->decoder, grid->latent_height, grid->latent_width);
    return (encoder > decoder ? encoder : decoder) * (size_t)grid->takes;
}

void pv_tae_memory_take(const struct pv_tae *tae, const struct pv_tae_half *half, const struct pv_tae_grid *grid,
                        struct pv_tae_memory *memory, struct pv_buffers *buffers)
{
    const bool encoder = half == &tae->encoder;
    /* One below another, the pictures of all takes are one tall picture in memory. */
    int height = (encoder ? grid->height / tae->shuffle : grid->latent_height) * grid->takes;
    int width = encoder ? grid->width / tae->shuffle : grid->latent_width;
    int block = 0;
    for (int i = 0; i < half->count; i++) {
        const struct pv_tae_layer *layer = &half->layers[i];
        height = side_after(layer, height);
        width = side_after(layer, width);
        if (!layer->memory_block)
            continue;
        memory->count[block] = (size_t)height * (size_t)width * (size_t)layer->in;
        for (int frame = 0; frame < 2; frame++)
            memory->block[block][frame] = pv_buffers_take(buffers, buffers->backend->element_bytes, (size_t)height,
                                                          (size_t)width, (size_t)layer->in);
        block++;
    }
}

/* Where layer i reads from: a memory block where the next frame will look for it, others in the scratch that the layer
 * before does not read. */
static void *input_of(const struct pv_tae_half *half, const struct pv_tae_memory *memory,
                      const struct pv_tae_scratch *scratch, int i, int block, const void *busy)
{
    if (half->layers[i].memory_block)
        return memory->block[block][!memory->last];
    return scratch->features[scratch->features[0] == busy];
}

static pv_status memory_block(struct pv_stream *s, const struct pv_tae_layer *layer, const struct pv_tae_memory *memory,
                              const struct pv_tae_scratch *scratch, const struct place *at, void *dst)
{
    const struct pv_op_table *op = s->backend->op;
    struct pv_conv conv = {.dst = scratch->features[0],
                           .src = at->src,
                           .memory = memory->block[at->block][memory->last],
                           .weight = layer->conv[0],
                           .batch = at->batch,
                           .height = at->height,
                           .width = at->width,
                           .stride = 1,
                           .upsample = 1,
                           .activation = PV_ACTIVATION_RELU};
    PV_TRY(op->conv(s, &conv));
    conv.dst = scratch->features[1];
    conv.src = scratch->features[0];
    conv.memory = NULL;
    conv.weight = layer->conv[1];
    PV_TRY(op->conv(s, &conv));
    conv.dst = dst;
    conv.src = scratch->features[1];
    conv.weight = layer->conv[2];
    conv.residual = at->src;
    return op->conv(s, &conv);
}

static pv_status convolution(struct pv_stream *s, const struct pv_tae_layer *layer, const struct place *at, void *dst)
{
    const struct pv_conv conv = {.dst = dst,
                                 .src = at->src,
                                 .weight = layer->conv[0],
                                 .batch = at->batch,
                                 .height = at->height,
                                 .width = at->width,
                                 .stride = layer->stride,
                                 .upsample = layer->upsample,
                                 .activation = layer->activation,
                                 .floats = layer->floats};
    return s->backend->op->conv(s, &conv);
}

/* Runs the layers before end. src is the first one's input; *out is the last one's output. */
static pv_status walk(struct pv_stream *s, const struct pv_tae_half *half, const struct pv_tae_memory *memory,
                      const struct pv_tae_scratch *scratch, struct place at, int end, const void **out)
{
    for (int i = 0; i < end; i++) {
        const struct pv_tae_layer *layer = &half->layers[i];
        const int next_block = at.block + layer->memory_block;
        /* A block's first scratch is free again when its last convolution writes. */
        const void *busy = layer->memory_block ? scratch->features[1] : at.src;
        void *dst = i + 1 < half->count ? input_of(half, memory, scratch, i + 1, next_block, busy)
                                        : scratch->features[scratch->features[0] == busy];
        PV_TRY(layer->memory_block ? memory_block(s, layer, memory, scratch, &at, dst)
                                   : convolution(s, layer, &at, dst));
        at = (struct place){at.batch, side_after(layer, at.height), side_after(layer, at.width), next_block, dst};
    }
    *out = at.src;
    return PV_OK;
}

static size_t latent_pixels(const struct pv_tae_grid *grid)
{
    return (size_t)grid->takes * (size_t)grid->latent_height * (size_t)grid->latent_width;
}

pv_status pv_tae_encode(struct pv_stream *s, const struct pv_tae *tae, const struct pv_tae_grid *grid,
                        const struct pv_tae_memory *memory, const struct pv_tae_scratch *scratch, const uint8_t *pixels,
                        float *latent)
{
    const struct pv_op_table *op = s->backend->op;
    const struct place start = {grid->takes, grid->height / tae->shuffle, grid->width / tae->shuffle, 0,
                                scratch->features[0]};
    const void *out;
    PV_TRY(op->unshuffle(s, &(struct pv_unshuffle){.dst = scratch->features[0],
                                                   .src = pixels,
                                                   .height = grid->takes * grid->height,
                                                   .width = grid->width,
                                                   .r = tae->shuffle}));
    PV_TRY(walk(s, &tae->encoder, memory, scratch, start, tae->encoder.count, &out));
    return op->latent_out(s, &(struct pv_latent_out){.dst = latent,
                                                     .src = out,
                                                     .mean = tae->latent_mean,
                                                     .std = tae->latent_std,
                                                     .pixels = latent_pixels(grid),
                                                     .channels = tae->channels});
}

pv_status pv_tae_decode(struct pv_stream *s, const struct pv_tae *tae, const struct pv_tae_grid *grid,
                        const struct pv_tae_memory *memory, const struct pv_tae_scratch *scratch, const float *latent,
                        uint8_t *pixels)
{
    const struct pv_op_table *op = s->backend->op;
    const struct place start = {grid->takes, grid->latent_height, grid->latent_width, 0, scratch->features[0]};
    /* Memory is the blocks' inputs, so what comes after the last input is only for the eye. */
    const int end = pixels ? tae->decoder.count : tae->decoder.last_block;
    const void *out;
    if (end < 0)
        return PV_OK;
    PV_TRY(op->latent_in(s, &(struct pv_latent_in){.dst = scratch->features[0],
                                                   .src = latent,
                                                   .mean = tae->latent_mean,
                                                   .std = tae->latent_std,
                                                   .pixels = latent_pixels(grid),
                                                   .channels = tae->channels}));
    PV_TRY(walk(s, &tae->decoder, memory, scratch, start, end, &out));
    if (!pixels)
        return PV_OK;
    return op->shuffle(s, &(struct pv_shuffle){.dst = pixels,
                                               .src = out,
                                               .height = grid->takes * grid->height,
                                               .width = grid->width,
                                               .r = tae->shuffle,
                                               .floats = true});
}
