/* codec_tae.h: the codec `tae`: frames <-> latents by 2-D convolutions with one frame of memory, so that it streams.
 *
 * Encoder and decoder are each a list of layers run in order; a layer is one convolution or one memory block:
 *     relu(conv2(relu(conv1(relu(conv0([x, x of the frame before]))))) + x) */
#ifndef PV_MODEL_CODEC_TAE_H
#define PV_MODEL_CODEC_TAE_H

#include "backend/op.h"
#include "model/buffers.h"
#include "model/config.h"
#include "model/weights.h"

enum {
    PV_TAE_BLOCKS = PV_CONFIG_STAGES * PV_CONFIG_BLOCKS,
    PV_TAE_LAYERS = PV_TAE_BLOCKS + PV_CONFIG_STAGES + 2, /* a convolution between stages, stem, head */
};

struct pv_tae_layer {
    /* A memory block of width W: [W][2W][3][3], then twice [W][W][3][3]. Else the first alone: [out][in][3][3]. */
    const struct pv_weight *conv[3];
    bool memory_block;
    int in, out; /* channels */
    int stride, upsample;
    enum pv_activation activation;
    bool floats; /* its output has floats whatever activations are: it becomes bytes */
};

struct pv_tae_half {
    struct pv_tae_layer layers[PV_TAE_LAYERS];
    int count;
    int blocks;     /* memory blocks among the layers */
    int last_block; /* its place in layers; -1 = there is none */
};

struct pv_tae {
    struct pv_tae_half encoder, decoder;
    const float *latent_mean, *latent_std; /* [channels] */
    int shuffle, channels, factor;
};

/* tae must be zero; its weights belong to reader->weights. */
pv_status pv_tae_load(struct pv_tae *tae, const struct pv_codec_config *config, struct pv_weight_reader *reader);

/* One half's memory in one rollout. A block computes the frame's input where the frame after will look for it, so a
 * frame is over when last turns around, and a frame that failed half-way has changed nothing. */
struct pv_tae_memory {
    void *block[PV_TAE_BLOCKS][2];
    size_t count[PV_TAE_BLOCKS]; /* elements of each */
    int last;                    /* which of the two holds the frame before */
};

/* Features on their way: two are enough, since a convolution's output lies where its input does not. */
struct pv_tae_scratch {
    void *features[2];
};

/* The codec's sizes for frames of one size, of which so many are worked on together. */
struct pv_tae_grid {
    int takes;
    int height, width;               /* of a frame */
    int latent_height, latent_width; /* of a latent */
};

struct pv_tae_grid pv_tae_grid_for(const struct pv_tae *tae, int takes, int height, int width);
/* Elements that each of pv_tae_scratch's must hold, for both halves. */
size_t pv_tae_scratch_count(const struct pv_tae *tae, const struct pv_tae_grid *grid);
void pv_tae_memory_take(const struct pv_tae *tae, const struct pv_tae_half *half, const struct pv_tae_grid *grid,
                        struct pv_tae_memory *memory, struct pv_buffers *buffers);

/* pixels [takes][height][width][3] -> latent [takes][latent_height][latent_width][channels], about zero mean and unit
 * variance. The caller turns memory->last around once the frame is accepted. */
pv_status pv_tae_encode(struct pv_stream *s, const struct pv_tae *tae, const struct pv_tae_grid *grid,
                        const struct pv_tae_memory *memory, const struct pv_tae_scratch *scratch, const uint8_t *pixels,
                        float *latent);
/* The way back. pixels NULL: only as far as the memory needs. */
pv_status pv_tae_decode(struct pv_stream *s, const struct pv_tae *tae, const struct pv_tae_grid *grid,
                        const struct pv_tae_memory *memory, const struct pv_tae_scratch *scratch, const float *latent,
                        uint8_t *pixels);

#endif
