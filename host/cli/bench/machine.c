/* machine.c: what is true of a whole run. */
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "bench/bench.h"
#include "bench/commit.h"
#include "info.h"
#include "json.h"

const char *pv_bench_word(const char *choices, int place, char out[PV_CHOICE_BYTES])
{
    for (int i = 0; i <= place; i++)
        choices = pv_choice_next(choices, out);
    return out;
}

json_t *pv_bench_machine(const struct pv_power *power)
{
    char now[40];
    const time_t seconds = time(NULL);
    struct tm utc;
    strftime(now, sizeof now, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&seconds, &utc));
    json_t *devices = pv_info_devices();
    const char *cpu = json_string_value(json_object_get(json_object_get(devices, "cpu"), "model"));
    const char *gpu = pv_power_gpu_name(power), *driver = pv_power_driver(power);
    json_t *machine =
        json_pack("{s:s, s:s, s:s, s:s, s:s?, s:I, s:s?, s:s?}", "version", pv_version(), "commit", PV_COMMIT, "build",
                  PV_BUILD_TYPE, "time", now, "cpu", cpu, "cores", (json_int_t)sysconf(_SC_NPROCESSORS_ONLN), "gpu",
                  *gpu ? gpu : NULL, "driver", *driver ? driver : NULL);
    json_decref(devices);
    return machine;
}
