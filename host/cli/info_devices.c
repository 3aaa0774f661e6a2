/* info_devices.c: the backends of this build on this machine. */
#include <prevue/prevue.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "info.h"
#include "json.h"

/* The instruction sets that matter to the matrix and convolution code, as /proc/cpuinfo spells them (x86, then Arm). */
static const char *const instruction_sets[] = {
    "avx2",        "fma",      "f16c",     "avx512f",  "avx512bw", "avx512_vnni", "avx512_bf16",
    "avx512_fp16", "avx_vnni", "amx_tile", "amx_bf16", "amx_int8", "asimd",       "asimdhp",
    "asimddp",     "bf16",     "i8mm",     "sve",      "sve2",
};

static bool has_word(const char *list, const char *word)
{
    const size_t length = strlen(word);
    for (const char *at = list; (at = strstr(at, word)); at += length)
        if ((at == list || strchr(" \t:", at[-1])) && (!at[length] || strchr(" \t\n", at[length])))
            return true;
    return false;
}

/* The first processor's model and flags, where the system has /proc/cpuinfo; "" else. */
static void read_cpuinfo(char *model, size_t model_room, char *flags, size_t flags_room)
{
    char line[8192];
    model[0] = flags[0] = '\0';
    FILE *file = fopen("/proc/cpuinfo", "r");
    if (!file)
        return;
    while (fgets(line, sizeof line, file) && !(*model && *flags)) {
        const char *value = strchr(line, ':');
        if (!value)
            continue;
        value += strspn(value, ": \t");
        const int length = (int)strcspn(value, "\n");
        if (!*model && strncmp(line, "model name", 10) == 0)
            snprintf(model, model_room, "%.*s", length, value);
        if (!*flags && (strncmp(line, "flags", 5) == 0 || strncmp(line, "Features", 8) == 0))
            snprintf(flags, flags_room, "%.*s", length, value);
    }
    fclose(file);
}

static json_t *describe_cpu(void)
{
    char model[128], flags[8192];
    read_cpuinfo(model, sizeof model, flags, sizeof flags);
    json_t *sets = json_array();
    for (size_t i = 0; i < sizeof instruction_sets / sizeof instruction_sets[0]; i++)
        if (has_word(flags, instruction_sets[i]))
            json_array_append_new(sets, json_string(instruction_sets[i]));
    return json_pack("{s:b, s:o, s:I, s:o}", "built", 1, "model", *model ? pv_json_text(model) : json_null(), "threads",
                     (json_int_t)sysconf(_SC_NPROCESSORS_ONLN), "instructions", sets);
}

static json_t *reason_or_null(const pv_device_info *info)
{
    return *info->reason ? pv_json_text(info->reason) : json_null();
}

/* "reason": why the backend as a whole cannot be used; each device has its own. */
static json_t *describe_cuda(void)
{
    pv_device_info info = {.struct_size = sizeof info};
    json_t *devices = json_array();
    bool usable = false;
    pv_status status;
    for (int i = 0; (status = pv_device_get_info("cuda", i, &info)) == PV_OK; i++) {
        char capability[32];
        snprintf(capability, sizeof capability, "%d.%d", info.compute_major, info.compute_minor);
        usable = usable || !*info.reason;
        json_array_append_new(devices,
                              json_pack("{s:o, s:s, s:I, s:s?, s:b, s:o}", "name", pv_json_text(info.name),
                                        "capability", capability, "memory_bytes", (json_int_t)info.memory_bytes,
                                        "bus_id", *info.bus_id ? info.bus_id : NULL, "usable", !*info.reason, "reason",
                                        reason_or_null(&info)));
    }
    return json_pack("{s:b, s:b, s:o, s:o}", "built", status != PV_ERR_UNSUPPORTED, "usable", usable, "reason",
                     status == PV_END ? json_null() : reason_or_null(&info), "devices", devices);
}

json_t *pv_info_devices(void)
{
    return json_pack("{s:o, s:o}", "cpu", describe_cpu(), "cuda", describe_cuda());
}
