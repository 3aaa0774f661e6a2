/* Every setting that could later divide by zero, overflow or index past an end is refused by name. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "golden.h"
#include "model/config.h"

static json_t *valid_config(const char *model)
{
    struct pv_safetensors *set = golden_open(model);
    json_t *config = json_loads(pv_safetensors_metadata(set, "prevue"), 0, NULL);
    cr_assert(config);
    pv_safetensors_close(set);
    return config;
}

/* The object that holds the last key of "codec.shuffle", and that key. */
static json_t *holder(json_t *config, const char *path, const char **key)
{
    const char *dot = strchr(path, '.');
    *key = dot ? dot + 1 : path;
    char outer[32] = "";
    if (dot)
        snprintf(outer, sizeof outer, "%.*s", (int)(dot - path), path);
    return dot ? json_object_get(config, outer) : config;
}

static struct pv_error parse(const json_t *config, pv_status expected)
{
    struct pv_error error = {.text = ""};
    struct pv_model_config parsed;
    char *text = json_dumps(config, JSON_COMPACT);
    const pv_status status = pv_model_config_parse(text, strlen(text), "folder/hostile", &parsed, &error);
    cr_assert(status == expected, "status %d, expected %d for %s: %s", status, expected, text, error.text);
    free(text);
    return error;
}

static void expect_refusal(const json_t *config, const char *what, const char *named)
{
    const struct pv_error error = parse(config, PV_ERR_MODEL);
    cr_assert(strstr(error.text, named), "%s: the sentence does not name %s: %s", what, named, error.text);
    cr_assert(strstr(error.text, "hostile"), "%s: the sentence does not name the file: %s", what, error.text);
    cr_assert_not(strchr(error.text, '\n'));
}

Test(config, values_reach_the_struct)
{
    struct pv_model_config c;
    struct pv_error error = {.text = ""};
    json_t *config = valid_config("grouped.safetensors");
    char *text = json_dumps(config, 0);
    cr_assert(pv_model_config_parse(text, strlen(text), "grouped", &c, &error) == PV_OK, "%s", error.text);
    cr_assert_str_eq(c.name, "grouped");
    cr_assert_str_eq(c.licence, "Apache-2.0");
    cr_assert(c.width == 48 && c.height == 32 && c.fps_num == 24 && c.fps_den == 1);
    cr_assert(c.codec.stages == 2 && c.codec.decoder_widths[0] == 10 && c.codec.decoder_blocks[1] == 0);
    cr_assert_float_eq(c.codec.latent_mean[3], 0.1, 1e-12);
    cr_assert_float_eq(c.codec.latent_std[1], 0.95, 1e-12);
    cr_assert(c.dynamics.kinds[0] == PV_LAYER_SPACE && c.dynamics.kinds[2] == PV_LAYER_TIME);
    cr_assert(c.dynamics.heads == 4 && c.dynamics.kv_heads == 1 && c.dynamics.modulation == PV_MODULATION_PER_LAYER);
    cr_assert(c.dynamics.norm == PV_NORM_RMS && c.dynamics.qk_norm == PV_QK_NORM_RMS && !c.dynamics.motion_input);
    cr_assert(c.dynamics.predict == PV_PREDICT_CHANGE && c.dynamics.action_scale[1] == -1.0);
    cr_assert(c.steps == 4 && c.context_level == 0.97);
    cr_assert_eq(pv_config_size_multiple(&c), 8);
    free(text);
    json_decref(config);
}

enum { MAX_KEYS = 32 };

/* Removes and mistypes every key in turn, then adds one. */
static void break_object(json_t *config, json_t *object, const char *prefix)
{
    char keys[MAX_KEYS][64]; /* taking one away and putting it back changes the order of iteration */
    size_t count = 0;
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value)
    {
        cr_assert(count < MAX_KEYS);
        snprintf(keys[count++], sizeof keys[0], "%s", key);
    }
    for (size_t k = 0; k < count; k++) {
        char path[128];
        snprintf(path, sizeof path, "%.60s%s%.60s", prefix, prefix[0] ? "." : "", keys[k]);
        json_t *kept = json_incref(json_object_get(object, keys[k]));
        json_object_del(object, keys[k]);
        expect_refusal(config, "missing", path);

        json_t *const wrong[] = {json_pack("{s:i}", "a", 1), json_pack("[{}]"), json_string("wrong"), json_real(1e300),
                                 json_integer(-7),           json_array(),      json_string("")};
        for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
            /* Any text is a licence. */
            const bool fine =
                json_is_string(wrong[i]) && (strcmp(path, "licence") == 0 || strcmp(path, "trained_on") == 0 ||
                                             (strcmp(path, "name") == 0 && i == 2));
            json_object_set_new(object, keys[k], wrong[i]);
            if (!fine)
                expect_refusal(config, "mistyped", path);
        }
        json_object_set_new(object, keys[k], kept);
        if (json_is_object(kept))
            break_object(config, kept, path);
    }
    json_object_set_new(object, "surprise", json_integer(1));
    expect_refusal(config, "unknown", "surprise");
    expect_refusal(config, "unknown", prefix);
    json_object_del(object, "surprise");
}

Test(config, every_key_is_needed_typed_and_known)
{
    json_t *config = valid_config("grouped.safetensors");
    break_object(config, config, "");
    parse(config, PV_OK);
    json_decref(config);
}

/* Only a model that adds a change can leave it out; none is the default. */
Test(config, still_is_optional_and_needs_change)
{
    struct pv_model_config c;
    struct pv_error error = {.text = ""};
    json_t *config = valid_config("grouped.safetensors"), *dynamics = json_object_get(config, "dynamics");
    for (int i = 0; i < 2; i++) {
        char *text = json_dumps(config, 0);
        cr_assert(pv_model_config_parse(text, strlen(text), "grouped", &c, &error) == PV_OK, "%s", error.text);
        cr_assert_eq(c.dynamics.still, i ? 0.25 : 0);
        json_object_set_new(dynamics, "still", json_real(0.25));
        free(text);
    }
    json_object_set_new(dynamics, "predict", json_string("latent"));
    expect_refusal(config, "0.25", "dynamics.still");
    json_object_set_new(dynamics, "still", json_integer(0));
    parse(config, PV_OK);
    json_object_set_new(dynamics, "still", json_integer(-1));
    expect_refusal(config, "-1", "dynamics.still");
    json_object_set_new(dynamics, "still", json_string("no"));
    expect_refusal(config, "no", "dynamics.still");
    json_decref(config);
}

/* path gets value (JSON); the sentence names `named`, or the path when that is NULL. */
static const struct {
    const char *path, *value, *named;
} hostile[] = {
    {"schema", "2", NULL},
    {"family", "\"oasis\"", NULL},
    {"family", "\"\"", NULL},
    {"name", "\"\"", NULL},
    {"width", "0", NULL},
    {"width", "-32", NULL},
    {"width", "36", NULL}, /* does not divide by 8 */
    {"width", "32.0", NULL},
    {"width", "4294967328", NULL},
    {"height", "16392", NULL},
    {"height", "4", NULL},
    {"fps", "[24]", NULL},
    {"fps", "[24, 0]", "fps[1]"},
    {"fps", "[24, 1, 1]", NULL},
    {"codec.type", "\"vae\"", NULL},
    {"codec.shuffle", "0", NULL},
    {"codec.shuffle", "17", NULL},
    {"codec.latent_channels", "0", NULL},
    {"codec.latent_channels", "257", NULL},
    {"codec.latent_channels", "3", "codec.latent_mean"},
    {"codec.encoder_widths", "[]", NULL},
    {"codec.encoder_widths", "[8, 0]", "codec.encoder_widths[1]"},
    {"codec.encoder_widths", "[8, 4097]", "codec.encoder_widths[1]"},
    {"codec.encoder_widths", "[8, 8, 8]", "codec.encoder_blocks"},
    {"codec.encoder_widths", "[1,1,1,1,1,1,1,1,1]", NULL},
    {"codec.encoder_blocks", "[1, -1]", "codec.encoder_blocks[1]"},
    {"codec.encoder_blocks", "[1, 17]", "codec.encoder_blocks[1]"},
    {"codec.encoder_blocks", "[1]", NULL},
    {"codec.decoder_widths", "[8]", NULL},
    {"codec.decoder_blocks", "[1, 1, 1]", NULL},
    {"codec.latent_std", "[1, 1, 1, 0]", "codec.latent_std[3]"},
    {"codec.latent_std", "[1, 1, 1]", NULL},
    {"codec.latent_mean", "[0, 0, 0, 1e7]", "codec.latent_mean[3]"},
    {"dynamics.type", "\"unet\"", NULL},
    {"dynamics.hidden", "0", NULL},
    {"dynamics.hidden", "4097", NULL},
    {"dynamics.layers", "0", NULL},
    {"dynamics.layers", "129", NULL},
    {"dynamics.layers", "2", "dynamics.pattern"},
    {"dynamics.pattern", "[]", NULL},
    {"dynamics.pattern", "[\"joint\"]", "dynamics.pattern[0]"},
    {"dynamics.heads", "0", NULL},
    {"dynamics.heads", "257", NULL},
    {"dynamics.kv_heads", "0", NULL},
    {"dynamics.kv_heads", "3", NULL},
    {"dynamics.kv_heads", "8", NULL},
    {"dynamics.head_dim", "0", NULL},
    {"dynamics.head_dim", "7", NULL},
    {"dynamics.head_dim", "6", NULL}, /* rotation over space needs a multiple of 4 */
    {"dynamics.head_dim", "516", NULL},
    {"dynamics.mlp", "0", NULL},
    {"dynamics.mlp", "32769", NULL},
    {"dynamics.patch", "0", NULL},
    {"dynamics.patch", "3", "height"},
    {"dynamics.patch", "17", NULL},
    {"dynamics.window", "0", NULL},
    {"dynamics.window", "4097", NULL},
    {"dynamics.norm", "\"batch\"", NULL},
    {"dynamics.norm", "null", NULL},
    {"dynamics.qk_norm", "\"null\"", NULL},
    {"dynamics.qk_norm", "\"layer\"", NULL},
    {"dynamics.eps", "0", NULL},
    {"dynamics.eps", "1", NULL},
    {"dynamics.modulation", "\"none\"", NULL},
    {"dynamics.level_embedding", "33", NULL},
    {"dynamics.level_embedding", "0", NULL},
    {"dynamics.rope_space_max_freq", "-1", NULL},
    {"dynamics.rope_time_theta", "0", NULL},
    {"dynamics.action_size", "-1", NULL},
    {"dynamics.action_size", "257", NULL},
    {"dynamics.action_size", "3", "dynamics.action_scale"},
    {"dynamics.action_scale", "[]", NULL},
    {"dynamics.action_scale", "[1, true]", "dynamics.action_scale[1]"},
    {"dynamics.motion_input", "1", NULL},
    {"dynamics.predict", "\"noise\"", NULL},
    {"sampler.type", "\"ddim\"", NULL},
    {"sampler.steps", "0", NULL},
    {"sampler.steps", "65", NULL},
    {"sampler.context_level", "0", NULL},
    {"sampler.context_level", "1.01", NULL},
    {"sampler.context_level", "\"0.97\"", NULL},
    {"licence", "null", NULL},
};

Test(config, hostile_values_are_named)
{
    for (size_t i = 0; i < sizeof hostile / sizeof hostile[0]; i++) {
        json_t *config = valid_config("grouped.safetensors");
        const char *key;
        json_t *object = holder(config, hostile[i].path, &key);
        cr_assert(json_object_get(object, key), "no such key: %s", hostile[i].path);
        json_object_set_new(object, key, json_loads(hostile[i].value, JSON_DECODE_ANY, NULL));
        expect_refusal(config, hostile[i].value, hostile[i].named ? hostile[i].named : hostile[i].path);
        json_decref(config);
    }
}

Test(config, long_texts_are_refused)
{
    static const char *const keys[] = {"family", "name", "licence", "trained_on"};
    char text[PV_CONFIG_LONG_TEXT + 2];
    memset(text, 'a', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        json_t *config = valid_config("grouped.safetensors");
        json_object_set_new(config, keys[i], json_string(text));
        expect_refusal(config, "long", keys[i]);
        json_decref(config);
    }
}

Test(config, what_is_not_one_json_object_is_refused)
{
    static const char *const texts[] = {"",
                                        "{",
                                        "[]",
                                        "1",
                                        "null",
                                        "{\"a\":1,",
                                        "{\"a\": 1e999}",
                                        "{\"schema\": 1, \"schema\": 1}",
                                        "{} x",
                                        "{\"\xff\": 1}"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct pv_error error = {.text = ""};
        struct pv_model_config parsed;
        const pv_status status = pv_model_config_parse(texts[i], strlen(texts[i]), "hostile", &parsed, &error);
        cr_assert(status == PV_ERR_MODEL, "status %d for %s", status, texts[i]);
        cr_assert(strstr(error.text, "hostile"), "%s", error.text);
    }
}
