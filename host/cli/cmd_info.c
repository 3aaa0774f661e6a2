/* cmd_info.c: prevue info: what clips and models are, as a table or as JSON. */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "info.h"
#include "json.h"
#include "terminal.h"

#define AT(field) offsetof(struct pv_info_values, field)

static const struct pv_option options[] = {
    {.name = "json",
     .kind = PV_OPTION_FLAG,
     .offset = AT(json),
     .group = "Output",
     .help = "Print one JSON array on standard output, an object a file."},
    {.name = "count",
     .letter = 'c',
     .kind = PV_OPTION_FLAG,
     .offset = AT(count),
     .group = "Output",
     .help = "Decode clips to their end, to count frames and damage instead of believing the container."},
    {.name = "devices",
     .kind = PV_OPTION_FLAG,
     .offset = AT(devices),
     .group = "Output",
     .help = "List the backends of this build and what they find on this machine."},
    {.name = "in-matrix",
     .kind = PV_OPTION_CHOICE,
     .argument = "MATRIX",
     .offset = AT(matrix),
     .choices = "auto|bt601|bt709|bt2020",
     .fallback = "auto",
     .group = "Reading the clip",
     .help = "The clip's colour matrix where its tag is wrong or missing."},
    {.name = "in-range",
     .kind = PV_OPTION_CHOICE,
     .argument = "RANGE",
     .offset = AT(range),
     .choices = "auto|limited|full",
     .fallback = "auto",
     .group = "Reading the clip",
     .help = "The same for its range."},
    {.name = "in-rate",
     .kind = PV_OPTION_RATE,
     .argument = "FPS",
     .offset = AT(in_rate),
     .fallback = "24",
     .group = "Reading the clip",
     .help = "Frames a second of an image sequence."},
    PV_COMMON_OPTIONS,
};

static const char *const description[] = {
    "Says what each FILE is: a clip, an image sequence or a model, told apart by content. Every field of the table has "
    "the same name in --json.",
    "Size is that of the frames prevue works with: upright and with square pixels. The rate is measured on timestamps; "
    "frames and seconds are what the container claims, unless --count counts them. A guessed matrix or range is one "
    "the "
    "clip has no tag for.",
    NULL,
};

static const struct pv_example examples[] = {
    {"A clip and a model:", "prevue info clip.mp4 models/nano.safetensors"},
    {"Is the clip whole?", "prevue info --count clip.mp4"},
    {"One value, for a script:", "prevue info --json clip.mp4 | jq -r '.[0].fps'"},
    {NULL, NULL},
};

/* Models are safetensors: a 64-bit little-endian header size, then the header, a JSON object; or the JSON index of
 * shards; or a folder that holds either. Everything else is a clip. */
static bool is_model_file(const char *path)
{
    unsigned char head[9];
    const int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0)
        return false;
    const ssize_t got = read(file, head, sizeof head);
    close(file);
    if (got > 0 && head[0] == '{')
        return true;
    uint64_t size = 0;
    for (int i = 7; i >= 0; i--)
        size = size << 8 | head[i];
    return got == (ssize_t)sizeof head && head[8] == '{' && size <= UINT64_C(1) << 32;
}

static bool is_model(const char *path)
{
    static const char *const names[] = {"model.safetensors.index.json", "model.safetensors",
                                        "diffusion_pytorch_model.safetensors.index.json",
                                        "diffusion_pytorch_model.safetensors"};
    char inside[4096];
    struct stat info;
    if (stat(path, &info) != 0)
        return false;
    if (S_ISREG(info.st_mode))
        return is_model_file(path);
    for (size_t i = 0; S_ISDIR(info.st_mode) && i < sizeof names / sizeof names[0]; i++) {
        const int length = snprintf(inside, sizeof inside, "%s/%s", path, names[i]);
        if (length > 0 && (size_t)length < sizeof inside && access(inside, F_OK) == 0)
            return true;
    }
    return false;
}

static void print_value(const json_t *value)
{
    size_t i;
    const json_t *item;
    if (json_is_string(value)) {
        fputs(json_string_value(value), stdout);
    } else if (json_is_integer(value)) {
        printf("%" JSON_INTEGER_FORMAT, json_integer_value(value));
    } else if (json_is_real(value)) {
        printf("%.3f", json_real_value(value));
    } else if (json_is_boolean(value)) {
        fputs(json_is_true(value) ? "yes" : "no", stdout);
    } else if (json_is_array(value)) {
        json_array_foreach(value, i, item)
        {
            fputs(i ? " " : "", stdout);
            print_value(item);
        }
    } else {
        fputs("unknown", stdout);
    }
}

/* The object as lines "  key  value"; null ("not said", "none") is left out. */
static void print_table(json_t *object)
{
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value)
    {
        if (json_is_null(value) || strcmp(key, "path") == 0)
            continue;
        char words[32];
        snprintf(words, sizeof words, "%s", key);
        for (char *c = words; *c; c++)
            *c = *c == '_' ? ' ' : *c;
        printf("  %-16s ", words);
        print_value(value);
        putchar('\n');
    }
}

static void print_named_table(const char *name, json_t *object, bool first)
{
    printf("%s%s\n", first ? "" : "\n", name);
    print_table(object);
}

static int print_devices(const struct pv_info_values *v)
{
    json_t *devices = pv_info_devices();
    if (!devices)
        return PV_EXIT_DEVICE;
    if (v->json) {
        pv_json_print(devices);
    } else {
        json_t *cuda = json_object_get(devices, "cuda"), *found = json_incref(json_object_get(cuda, "devices")),
               *device;
        size_t i;
        json_object_del(cuda, "devices"); /* they have tables of their own */
        print_named_table("cpu", json_object_get(devices, "cpu"), true);
        print_named_table("cuda", cuda, false);
        json_array_foreach(found, i, device)
        {
            char name[40];
            snprintf(name, sizeof name, "cuda device %zu", i);
            print_named_table(name, device, false);
        }
        json_decref(found);
    }
    json_decref(devices);
    return PV_EXIT_DONE;
}

static int info_run(const void *values, char **operands, struct pv_terminal *terminal)
{
    const struct pv_info_values *v = values;
    if (v->devices && *operands) {
        pv_terminal_say(terminal, PV_LOG_ERROR, "--devices lists devices: leave '%s' out", *operands);
        return PV_EXIT_USAGE;
    }
    if (v->devices)
        return print_devices(v);
    if (!*operands) {
        pv_terminal_say(terminal, PV_LOG_ERROR, "'info' needs a FILE, or --devices; see 'prevue help info'");
        return PV_EXIT_USAGE;
    }
    json_t *all = json_array();
    int worst = PV_EXIT_DONE;
    for (char **path = operands; *path && worst != PV_EXIT_INTERRUPTED; path++) {
        json_t *object;
        const int code =
            is_model(*path) ? pv_info_model(*path, terminal, &object) : pv_info_clip(*path, v, terminal, &object);
        if (code != PV_EXIT_DONE && (worst == PV_EXIT_DONE || code == PV_EXIT_INTERRUPTED))
            worst = code;
        if (!object)
            continue;
        if (!v->json)
            print_named_table(*path, object, json_array_size(all) == 0);
        json_array_append_new(all, object);
    }
    if (v->json && !pv_json_print(all) && worst == PV_EXIT_DONE)
        worst = PV_EXIT_FAILED;
    json_decref(all);
    return worst;
}

static const struct pv_info_values defaults = {0};

const struct pv_command pv_command_info = {
    .name = "info",
    .synopsis = "FILE ... [--json]",
    .summary = "say what clips and models are",
    .description = description,
    .options = options,
    .option_count = sizeof options / sizeof options[0],
    .examples = examples,
    .operand = "FILE",
    .min_operands = 0,
    .max_operands = 1000000,
    .values_size = sizeof(struct pv_info_values),
    .defaults = &defaults,
    .run = info_run,
};
