/* fake_nvml.c: a libnvidia-ml.so.1 whose numbers are known, for machines without a GPU. The second of two is at
 * 0000:3b:00.0. Energy grows by 5 J and the
 * reasons change from one call to the next, as a busy device's do. */
#include <stdio.h>
#include <string.h>

int nvmlInit_v2(void);
int nvmlShutdown(void);
int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **device);
int nvmlDeviceGetHandleByPciBusId_v2(const char *bus_id, void **device);
int nvmlDeviceGetName(void *device, char *name, unsigned length);
int nvmlSystemGetDriverVersion(char *version, unsigned length);
int nvmlDeviceGetTotalEnergyConsumption(void *device, unsigned long long *millijoules);
int nvmlDeviceGetClockInfo(void *device, int type, unsigned *mhz);
int nvmlDeviceGetTemperature(void *device, int sensor, unsigned *celsius);
int nvmlDeviceGetCurrentClocksThrottleReasons(void *device, unsigned long long *reasons);
int nvmlDeviceGetMemoryInfo(void *device, unsigned long long memory[3]);

static int first, device, reads;

int nvmlInit_v2(void)
{
    return 0;
}

int nvmlShutdown(void)
{
    return 0;
}

int nvmlDeviceGetHandleByIndex_v2(unsigned index, void **handle)
{
    *handle = index == 0 ? &first : &device;
    return index < 2 ? 0 : 2;
}

int nvmlDeviceGetHandleByPciBusId_v2(const char *bus_id, void **handle)
{
    *handle = &device;
    return strcmp(bus_id, "0000:3b:00.0") == 0 ? 0 : 6;
}

int nvmlDeviceGetName(void *handle, char *name, unsigned length)
{
    snprintf(name, length, handle == &first ? "Another GPU" : "Fake GPU");
    return 0;
}

int nvmlSystemGetDriverVersion(char *version, unsigned length)
{
    snprintf(version, length, "570.1");
    return 0;
}

int nvmlDeviceGetTotalEnergyConsumption(void *handle, unsigned long long *millijoules)
{
    *millijoules = 1000000 + 5000ull * (unsigned)reads++;
    return handle == &device ? 0 : 2;
}

int nvmlDeviceGetClockInfo(void *handle, int type, unsigned *mhz)
{
    *mhz = type == 1 ? 1755 : 2619;
    return handle == &device ? 0 : 2;
}

int nvmlDeviceGetTemperature(void *handle, int sensor, unsigned *celsius)
{
    *celsius = sensor == 0 ? 61 : 0;
    return handle == &device ? 0 : 2;
}

/* First the harmless one of an idle device, then a power cap, then heat beside it. */
int nvmlDeviceGetCurrentClocksThrottleReasons(void *handle, unsigned long long *reasons)
{
    static const unsigned long long in_turn[] = {0x1, 0x4, 0x44};
    static int call;
    *reasons = in_turn[call++ % 3];
    return handle == &device ? 0 : 2;
}

int nvmlDeviceGetMemoryInfo(void *handle, unsigned long long memory[3])
{
    memory[0] = 80ull << 30;
    memory[2] = 3ull << 30;
    memory[1] = memory[0] - memory[2];
    return handle == &device ? 0 : 2;
}
