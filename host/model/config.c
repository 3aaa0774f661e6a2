/* config.c: the tables of keys, and the checks that join several of them. */
#include "model/config.h"

#include <string.h>

#include "base/text.h"
#include "model/fields.h"

/* Lists carry their own number of values until they are checked against each other. */
struct raw_config {
    struct pv_model_config c;
    int schema, type; /* only one of each exists */
    int fps[2], fps_count;
    int encoder_widths_count, encoder_blocks_count, decoder_widths_count, decoder_blocks_count;
    int latent_mean_count, latent_std_count, action_scale_count;
    int pattern[PV_CONFIG_LAYERS], pattern_count;
};

_Static_assert(sizeof(enum pv_norm) == sizeof(int), "a choice is read as an int");

/* Places in a list are the values of the enum of the same name. */
static const char *const codec_types[] = {"tae", NULL};
static const char *const dynamics_types[] = {"dit", NULL};
static const char *const sampler_types[] = {"rectified_flow", NULL};
static const char *const layer_kinds[] = {"space", "time", NULL};
static const char *const norms[] = {"rms", "layer", NULL};
static const char *const qk_norms[] = {"rms", "null", NULL};
static const char *const modulations[] = {"shared", "per_layer", NULL};
static const char *const predicts[] = {"change", "latent", NULL};

#define AT(member)                  offsetof(struct raw_config, member)
#define ONE(type, name, member)     .kind = PV_FIELD_##type, .key = name, .offset = AT(member)
#define LIST(min, max, count)       .min_count = min, .max_count = max, .count_offset = AT(count)
#define INT(key, member, from, to)  ONE(INT, key, member), .low = from, .high = to
#define REAL(key, member, from, to) ONE(REAL, key, member), .low = from, .high = to
#define BOOL(key, member)           ONE(BOOL, key, member)
#define TEXT(key, member, from)     ONE(TEXT, key, member), .low = from, .high = sizeof((struct raw_config *)0)->member - 1
#define CHOICE(key, member, names)  ONE(CHOICE, key, member), .choices = names
#define OBJECT(name, table)         .kind = PV_FIELD_OBJECT, .key = name, .fields = table
#define INTS(key, member, from, to, min, max, count)                                                                   \
    ONE(INT, key, member), .low = from, .high = to, LIST(min, max, count)
#define REALS(key, member, from, to, min, max, count)                                                                  \
    ONE(REAL, key, member), .low = from, .high = to, LIST(min, max, count)
#define CHOICES(key, member, names, min, max, count) ONE(CHOICE, key, member), .choices = names, LIST(min, max, count)
#define END                                          .kind = PV_FIELD_END

static const struct pv_field codec_fields[] = {
    {CHOICE("type", type, codec_types)},
    {INT("shuffle", c.codec.shuffle, 1, 16)},
    {INT("latent_channels", c.codec.latent_channels, 1, PV_CONFIG_CHANNELS)},
    {INTS("encoder_widths", c.codec.encoder_widths, 1, 4096, 1, PV_CONFIG_STAGES, encoder_widths_count)},
    {INTS("encoder_blocks", c.codec.encoder_blocks, 0, PV_CONFIG_BLOCKS, 1, PV_CONFIG_STAGES, encoder_blocks_count)},
    {INTS("decoder_widths", c.codec.decoder_widths, 1, 4096, 1, PV_CONFIG_STAGES, decoder_widths_count)},
    {INTS("decoder_blocks", c.codec.decoder_blocks, 0, PV_CONFIG_BLOCKS, 1, PV_CONFIG_STAGES, decoder_blocks_count)},
    {REALS("latent_mean", c.codec.latent_mean, -1e6, 1e6, 1, PV_CONFIG_CHANNELS, latent_mean_count)},
    {REALS("latent_std", c.codec.latent_std, 1e-6, 1e6, 1, PV_CONFIG_CHANNELS, latent_std_count)},
    {END},
};

static const struct pv_field dynamics_fields[] = {
    {CHOICE("type", type, dynamics_types)},
    {INT("hidden", c.dynamics.hidden, 1, 4096)},
    {INT("layers", c.dynamics.layers, 1, PV_CONFIG_LAYERS)},
    {CHOICES("pattern", pattern, layer_kinds, 1, PV_CONFIG_LAYERS, pattern_count)},
    {INT("heads", c.dynamics.heads, 1, 256)},
    {INT("kv_heads", c.dynamics.kv_heads, 1, 256)},
    {INT("head_dim", c.dynamics.head_dim, 2, 512)},
    {INT("mlp", c.dynamics.mlp, 1, 32768)},
    {INT("patch", c.dynamics.patch, 1, 16)},
    {INT("window", c.dynamics.window, 1, 4096)},
    {CHOICE("norm", c.dynamics.norm, norms)},
    {CHOICE("qk_norm", c.dynamics.qk_norm, qk_norms)},
    {REAL("eps", c.dynamics.eps, 1e-12, 0.1)},
    {CHOICE("modulation", c.dynamics.modulation, modulations)},
    {INT("level_embedding", c.dynamics.level_embedding, 2, 4096)},
    {REAL("rope_space_max_freq", c.dynamics.rope_space_max_freq, 0, 1e4)},
    {REAL("rope_time_theta", c.dynamics.rope_time_theta, 1, 1e9)},
    {INT("action_size", c.dynamics.action_size, 0, PV_CONFIG_ACTION)},
    {REALS("action_scale", c.dynamics.action_scale, -1e6, 1e6, 0, PV_CONFIG_ACTION, action_scale_count)},
    {BOOL("motion_input", c.dynamics.motion_input)},
    {CHOICE("predict", c.dynamics.predict, predicts)},
    {REAL("still", c.dynamics.still, 0, 100), .optional = true},
    {END},
};

static const struct pv_field sampler_fields[] = {
    {CHOICE("type", type, sampler_types)},
    {INT("steps", c.steps, 1, PV_CONFIG_STEPS)},
    {REAL("context_level", c.context_level, 1e-3, 1)},
    {END},
};

static const struct pv_field model_fields[] = {
    {INT("schema", schema, 1, 1)},
    {TEXT("family", c.family, 1)},
    {TEXT("name", c.name, 1)},
    {INT("width", c.width, PV_CONFIG_MIN_SIDE, PV_CONFIG_MAX_SIDE)},
    {INT("height", c.height, PV_CONFIG_MIN_SIDE, PV_CONFIG_MAX_SIDE)},
    {INTS("fps", fps, 1, 1000000, 2, 2, fps_count)},
    {OBJECT("codec", codec_fields)},
    {OBJECT("dynamics", dynamics_fields)},
    {OBJECT("sampler", sampler_fields)},
    {TEXT("licence", c.licence, 0)},
    {TEXT("trained_on", c.trained_on, 0)},
    {END},
};

int pv_config_factor(const struct pv_codec_config *codec)
{
    return codec->shuffle << (codec->stages - 1);
}

int pv_config_size_multiple(const struct pv_model_config *config)
{
    return pv_config_factor(&config->codec) * config->dynamics.patch;
}

bool pv_config_size_fits(const struct pv_model_config *config, int width, int height)
{
    const int multiple = pv_config_size_multiple(config);
    return width >= PV_CONFIG_MIN_SIDE && width <= PV_CONFIG_MAX_SIDE && height >= PV_CONFIG_MIN_SIDE &&
           height <= PV_CONFIG_MAX_SIDE && width % multiple == 0 && height % multiple == 0;
}

static pv_status same_count(const struct pv_document *d, const char *key, int count, const char *other, int expected)
{
    if (count == expected)
        return PV_OK;
    return pv_fail(d->error, d->invalid, "%s: %s has %d values; it must have %d, as %s says", pv_path_tail(d->file),
                   key, count, expected, other);
}

static pv_status check_codec(const struct pv_document *d, struct raw_config *raw)
{
    struct pv_codec_config *codec = &raw->c.codec;
    const char *const widths = "codec.encoder_widths", *const channels = "codec.latent_channels";
    codec->stages = raw->encoder_widths_count;
    PV_TRY(same_count(d, "codec.encoder_blocks", raw->encoder_blocks_count, widths, codec->stages));
    PV_TRY(same_count(d, "codec.decoder_widths", raw->decoder_widths_count, widths, codec->stages));
    PV_TRY(same_count(d, "codec.decoder_blocks", raw->decoder_blocks_count, widths, codec->stages));
    PV_TRY(same_count(d, "codec.latent_mean", raw->latent_mean_count, channels, codec->latent_channels));
    return same_count(d, "codec.latent_std", raw->latent_std_count, channels, codec->latent_channels);
}

static pv_status check_dynamics(const struct pv_document *d, struct raw_config *raw)
{
    struct pv_dynamics_config *c = &raw->c.dynamics;
    const char *file = pv_path_tail(d->file);
    bool space = false;
    if (raw->pattern_count > c->layers)
        return pv_fail(d->error, d->invalid,
                       "%s: dynamics.pattern has %d values; it must have no more than the %d layers", file,
                       raw->pattern_count, c->layers);
    for (int i = 0; i < c->layers; i++) {
        c->kinds[i] = (enum pv_layer_kind)raw->pattern[i % raw->pattern_count];
        space |= c->kinds[i] == PV_LAYER_SPACE;
    }
    if (c->heads % c->kv_heads != 0)
        return pv_fail(d->error, d->invalid, "%s: dynamics.kv_heads is %d; it must divide dynamics.heads, which is %d",
                       file, c->kv_heads, c->heads);
    const int pairs = space ? 4 : 2; /* rotation turns pairs of channels; over space half of the pairs for each axis */
    if (c->head_dim % pairs != 0)
        return pv_fail(d->error, d->invalid, "%s: dynamics.head_dim is %d; it must divide by %d to be rotated", file,
                       c->head_dim, pairs);
    if (c->level_embedding % 2 != 0)
        return pv_fail(d->error, d->invalid, "%s: dynamics.level_embedding is %d; it must be even", file,
                       c->level_embedding);
    if (c->still > 0 && c->predict != PV_PREDICT_CHANGE)
        return pv_fail(d->error, d->invalid, "%s: dynamics.still is %g; it needs dynamics.predict to be \"change\"",
                       file, c->still);
    return same_count(d, "dynamics.action_scale", raw->action_scale_count, "dynamics.action_size", c->action_size);
}

static pv_status check_sizes(const struct pv_document *d, const struct pv_model_config *c)
{
    if (strcmp(c->family, "native") != 0)
        return pv_fail(d->error, d->invalid, "%s: family is %s; it must be \"native\"", pv_path_tail(d->file),
                       pv_quote(c->family, strlen(c->family)).text);
    const int multiple = pv_config_size_multiple(c);
    for (int i = 0; i < 2; i++) {
        const int side = i ? c->height : c->width;
        if (side % multiple != 0)
            return pv_fail(d->error, d->invalid,
                           "%s: %s is %d; it must divide by %d: codec.shuffle, 2 for each stage after the first, and "
                           "dynamics.patch",
                           pv_path_tail(d->file), i ? "height" : "width", side, multiple);
    }
    return PV_OK;
}

pv_status pv_model_config_parse(const char *json, size_t length, const char *file, struct pv_model_config *config,
                                struct pv_error *error)
{
    const struct pv_document document = {.file = file, .invalid = PV_ERR_MODEL, .error = error};
    struct raw_config raw = {.schema = 0};
    PV_TRY(pv_fields_parse(&document, json, length, model_fields, &raw));
    raw.c.fps_num = raw.fps[0];
    raw.c.fps_den = raw.fps[1];
    PV_TRY(check_codec(&document, &raw));
    PV_TRY(check_dynamics(&document, &raw));
    PV_TRY(check_sizes(&document, &raw.c));
    *config = raw.c;
    return PV_OK;
}
