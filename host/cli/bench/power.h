/* power.h: energy, clocks, temperature and throttling during a timed region: of a GPU by NVML, opened at run time where
 * it is; of a processor by RAPL, where the system lets it be read. Nothing is ever set. */
#ifndef PV_CLI_BENCH_POWER_H
#define PV_CLI_BENCH_POWER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

struct pv_power;

struct pv_power_reading {
    bool energy_known;
    double joules, seconds;
    bool gpu; /* the members below are known */
    int sm_clock_mhz, memory_clock_mhz, temperature_c;
    uint64_t memory_bytes; /* in use on the device */
    const char *throttled; /* why the clocks were lowered, static; "" = they were not */
};

/* rapl_folder: "/sys/class/powercap". gpu_bus_id: as in pv_device_info; "" = the first GPU that NVML counts, which need
 * not be the first that CUDA does. Works also where there is neither: then nothing is known. NULL = no memory. */
struct pv_power *pv_power_open(const char *rapl_folder, const char *gpu_bus_id);
void pv_power_close(struct pv_power *power);

/* "" where there is none. */
const char *pv_power_gpu_name(const struct pv_power *power);
const char *pv_power_driver(const struct pv_power *power);

/* A timed region: gpu = it runs on the GPU. */
void pv_power_begin(struct pv_power *power, bool gpu);
struct pv_power_reading pv_power_end(struct pv_power *power);

#endif
