/* config.h: what a model is, apart from its weights: the JSON object under the key `prevue` of a model file
 * (docs/model-format.md), read strictly. A config that was accepted divides, multiplies and allocates safely. */
#ifndef PV_MODEL_CONFIG_H
#define PV_MODEL_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include "backend/op.h"
#include "base/error.h"

enum {
    PV_CONFIG_TEXT = 256,       /* bytes of a text, with its NUL */
    PV_CONFIG_LONG_TEXT = 4096, /* likewise, for trained_on */
    PV_CONFIG_STAGES = 8,
    PV_CONFIG_BLOCKS = 16,    /* memory blocks of one stage */
    PV_CONFIG_CHANNELS = 256, /* of a latent */
    PV_CONFIG_LAYERS = 128,
    PV_CONFIG_ACTION = 256,
    PV_CONFIG_STEPS = 64,
    PV_CONFIG_TAKES = 1024,
    PV_CONFIG_MIN_SIDE = 8, /* pixels */
    PV_CONFIG_MAX_SIDE = 16384,
};

enum pv_layer_kind { PV_LAYER_SPACE, PV_LAYER_TIME };
enum pv_qk_norm { PV_QK_NORM_RMS, PV_QK_NORM_NONE };
enum pv_modulation { PV_MODULATION_SHARED, PV_MODULATION_PER_LAYER };
enum pv_predict { PV_PREDICT_CHANGE, PV_PREDICT_LATENT };

struct pv_codec_config {
    int shuffle;
    int latent_channels;
    int stages; /* entries of each of the four lists */
    int encoder_widths[PV_CONFIG_STAGES], encoder_blocks[PV_CONFIG_STAGES];
    int decoder_widths[PV_CONFIG_STAGES], decoder_blocks[PV_CONFIG_STAGES];
    double latent_mean[PV_CONFIG_CHANNELS], latent_std[PV_CONFIG_CHANNELS]; /* [latent_channels] */
};

struct pv_dynamics_config {
    int hidden, layers;
    enum pv_layer_kind kinds[PV_CONFIG_LAYERS]; /* [layers] */
    int heads, kv_heads, head_dim, mlp, patch;
    int window; /* frames */
    enum pv_norm norm;
    enum pv_qk_norm qk_norm;
    double eps;
    enum pv_modulation modulation;
    int level_embedding;
    double rope_space_max_freq, rope_time_theta;
    int action_size;
    double action_scale[PV_CONFIG_ACTION]; /* [action_size] */
    bool motion_input;
    enum pv_predict predict;
    double still; /* see pv_unpatch */
};

struct pv_model_config {
    char family[PV_CONFIG_TEXT], name[PV_CONFIG_TEXT], licence[PV_CONFIG_TEXT];
    char trained_on[PV_CONFIG_LONG_TEXT];
    int width, height;    /* pixels */
    int fps_num, fps_den; /* frames a second */
    struct pv_codec_config codec;
    struct pv_dynamics_config dynamics;
    int steps;
    double context_level; /* how clean the past is, (0, 1] */
};

/* file stands for the model in sentences. PV_ERR_MODEL names the key, its value and what was expected. */
pv_status pv_model_config_parse(const char *json, size_t length, const char *file, struct pv_model_config *config,
                                struct pv_error *error);

/* Pixels of a frame's side for one of a latent. */
int pv_config_factor(const struct pv_codec_config *codec);
/* Both sides of a frame divide by this: the factor times the patch. */
int pv_config_size_multiple(const struct pv_model_config *config);
/* Whether frames of this size can be used. */
bool pv_config_size_fits(const struct pv_model_config *config, int width, int height);

#endif
