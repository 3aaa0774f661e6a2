/* power.c: the few functions of libnvidia-ml that are needed, found at run time, and the counters of powercap. */
#include "bench/power.h"

#include <dirent.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "timing.h"

enum { PACKAGES = 16, NVML_SM = 1, NVML_MEMORY = 2, NVML_TEMPERATURE_GPU = 0 };

typedef struct nvml_device *nvml_device;
struct nvml_memory {
    unsigned long long total, free, used;
};

/* nvml.h of CUDA 12; all return 0 on success. */
struct nvml {
    void *library;
    nvml_device device;
    int (*init)(void);
    int (*shutdown)(void);
    int (*first)(unsigned index, nvml_device *device);
    int (*at)(const char *bus_id, nvml_device *device);
    int (*name)(nvml_device device, char *name, unsigned length);
    int (*driver)(char *version, unsigned length);
    int (*energy)(nvml_device device, unsigned long long *millijoules);
    int (*clock)(nvml_device device, int type, unsigned *mhz);
    int (*temperature)(nvml_device device, int sensor, unsigned *celsius);
    int (*throttle)(nvml_device device, unsigned long long *reasons);
    int (*memory)(nvml_device device, struct nvml_memory *memory);
};

/* One counter of microjoules, which starts over at range. */
struct package {
    char path[256];
    uint64_t range, start;
    bool started;
};

struct pv_power {
    struct nvml nvml;
    char gpu[96], driver[96];
    struct package packages[PACKAGES];
    int package_count;
    bool gpu_wanted, on_gpu;
    uint64_t start_ns;
    unsigned long long start_millijoules;
    bool started; /* start_millijoules is known */
};

/* ---- GPU ---- */

/* A function pointer from dlsym: POSIX has them as void pointers, ISO C has no such cast. */
static bool find(void *library, const char *symbol, void *function)
{
    void *const address = dlsym(library, symbol);
    memcpy(function, &address, sizeof address);
    return address != NULL;
}

static bool load_nvml(struct nvml *n)
{
    n->library = dlopen("libnvidia-ml.so.1", RTLD_NOW | RTLD_LOCAL);
    if (!n->library)
        return false;
    return find(n->library, "nvmlInit_v2", &n->init) && find(n->library, "nvmlShutdown", &n->shutdown) &&
           find(n->library, "nvmlDeviceGetHandleByIndex_v2", &n->first) &&
           find(n->library, "nvmlDeviceGetHandleByPciBusId_v2", &n->at) &&
           find(n->library, "nvmlDeviceGetName", &n->name) &&
           find(n->library, "nvmlSystemGetDriverVersion", &n->driver) &&
           find(n->library, "nvmlDeviceGetTotalEnergyConsumption", &n->energy) &&
           find(n->library, "nvmlDeviceGetClockInfo", &n->clock) &&
           find(n->library, "nvmlDeviceGetTemperature", &n->temperature) &&
           find(n->library, "nvmlDeviceGetCurrentClocksThrottleReasons", &n->throttle) &&
           find(n->library, "nvmlDeviceGetMemoryInfo", &n->memory) && n->init() == 0;
}

static void open_gpu(struct pv_power *p, const char *bus_id)
{
    struct nvml *n = &p->nvml;
    if (load_nvml(n) && (*bus_id ? n->at(bus_id, &n->device) : n->first(0, &n->device)) == 0 &&
        n->name(n->device, p->gpu, sizeof p->gpu) == 0) {
        if (n->driver(p->driver, sizeof p->driver) != 0)
            p->driver[0] = '\0';
        return;
    }
    p->gpu[0] = '\0';
    if (n->library)
        dlclose(n->library);
    n->library = NULL;
}

/* Bits of nvmlDeviceGetCurrentClocksThrottleReasons that slow work down: idle (1), application clocks (2) and sync
 * boost (16) do not. */
static const char *throttle_words(unsigned long long reasons)
{
    static const struct {
        unsigned long long bit;
        const char *words;
    } rows[] = {{0x40, "hot (hardware)"},
                {0x20, "hot (software)"},
                {0x80, "power brake"},
                {0x08, "slowed by hardware"},
                {0x04, "power cap"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (reasons & rows[i].bit)
            return rows[i].words;
    return "";
}

static void read_gpu(const struct pv_power *p, struct pv_power_reading *reading)
{
    const struct nvml *n = &p->nvml;
    unsigned value;
    unsigned long long reasons, millijoules;
    struct nvml_memory memory;
    reading->gpu = true;
    if (n->clock(n->device, NVML_SM, &value) == 0)
        reading->sm_clock_mhz = (int)value;
    if (n->clock(n->device, NVML_MEMORY, &value) == 0)
        reading->memory_clock_mhz = (int)value;
    if (n->temperature(n->device, NVML_TEMPERATURE_GPU, &value) == 0)
        reading->temperature_c = (int)value;
    if (n->throttle(n->device, &reasons) == 0)
        reading->throttled = throttle_words(reasons);
    if (n->memory(n->device, &memory) == 0)
        reading->memory_bytes = memory.used;
    if (p->started && n->energy(n->device, &millijoules) == 0) {
        reading->energy_known = true;
        reading->joules = (double)(millijoules - p->start_millijoules) / 1000;
    }
}

/* ---- processor ---- */

static bool read_number(const char *path, uint64_t *number)
{
    unsigned long long value;
    FILE *file = fopen(path, "r");
    if (!file)
        return false;
    const bool read = fscanf(file, "%llu", &value) == 1;
    fclose(file);
    *number = read ? value : 0;
    return read;
}

/* A package is intel-rapl:N (also on AMD); intel-rapl:N:M is a part of it and would be counted twice. */
static void open_packages(struct pv_power *p, const char *folder)
{
    DIR *dir = opendir(folder);
    const struct dirent *entry;
    while (dir && (entry = readdir(dir)) && p->package_count < PACKAGES) {
        struct package *package = &p->packages[p->package_count];
        const char *number = strchr(entry->d_name, ':');
        char range[256];
        if (strncmp(entry->d_name, "intel-rapl:", 11) != 0 || strchr(number + 1, ':'))
            continue;
        uint64_t energy;
        if (snprintf(package->path, sizeof package->path, "%s/%s/energy_uj", folder, entry->d_name) >=
                (int)sizeof package->path ||
            snprintf(range, sizeof range, "%s/%s/max_energy_range_uj", folder, entry->d_name) >= (int)sizeof range)
            continue;
        if (read_number(package->path, &energy) && read_number(range, &package->range))
            p->package_count++;
    }
    if (dir)
        closedir(dir);
}

static void read_packages(const struct pv_power *p, struct pv_power_reading *reading)
{
    double microjoules = 0;
    for (int i = 0; i < p->package_count; i++) {
        const struct package *package = &p->packages[i];
        uint64_t now;
        if (!package->started || !read_number(package->path, &now))
            return;
        microjoules += (double)(now >= package->start ? now - package->start : now + package->range - package->start);
    }
    reading->energy_known = p->package_count > 0;
    reading->joules = microjoules / 1e6;
}

/* ---- both ---- */

struct pv_power *pv_power_open(const char *rapl_folder, const char *gpu_bus_id)
{
    struct pv_power *p = calloc(1, sizeof *p);
    if (!p)
        return NULL;
    open_gpu(p, gpu_bus_id);
    open_packages(p, rapl_folder);
    return p;
}

void pv_power_close(struct pv_power *power)
{
    if (power && power->nvml.library) {
        power->nvml.shutdown();
        dlclose(power->nvml.library);
    }
    free(power);
}

const char *pv_power_gpu_name(const struct pv_power *power)
{
    return power->gpu;
}

const char *pv_power_driver(const struct pv_power *power)
{
    return power->driver;
}

void pv_power_begin(struct pv_power *p, bool gpu)
{
    p->gpu_wanted = gpu;
    p->on_gpu = gpu && p->nvml.library;
    p->started = p->on_gpu && p->nvml.energy(p->nvml.device, &p->start_millijoules) == 0;
    for (int i = 0; i < p->package_count; i++)
        p->packages[i].started = read_number(p->packages[i].path, &p->packages[i].start);
    p->start_ns = pv_now_ns();
}

struct pv_power_reading pv_power_end(struct pv_power *p)
{
    struct pv_power_reading reading = {.seconds = (double)(pv_now_ns() - p->start_ns) * 1e-9, .throttled = ""};
    if (p->on_gpu)
        read_gpu(p, &reading);
    else if (!p->gpu_wanted)
        read_packages(p, &reading);
    return reading;
}
