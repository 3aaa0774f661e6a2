/* backend.c: from a backend's name to the backend, and how many threads it may use. */
#define _GNU_SOURCE /* sched_getaffinity */
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "backend/cpu/cpu.h"
#include "backend/module.h"
#include "backend/reference/reference.h"

enum { THREADS_MAX = 1024 };

/* The affinity mask's share of the machine: what a container or taskset left to this process. */
static int threads_available(void)
{
    cpu_set_t set;
    const int allowed = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 0;
    if (allowed > 0)
        return allowed;
    const long online = sysconf(_SC_NPROCESSORS_ONLN); /* more processors than a cpu_set_t can name */
    return online > 0 && online <= THREADS_MAX ? (int)online : 1;
}

static pv_status cuda_open(enum pv_element element, int threads, struct pv_backend **backend, struct pv_error *error)
{
    const struct pv_module *module;
    if (pv_module_load(&module, error) != PV_OK)
        return PV_ERR_DEVICE;
    PV_TRY(module->open(element, backend, error));
    (*backend)->threads = threads;
    return PV_OK;
}

static pv_status best_open(int threads, struct pv_backend **backend, struct pv_error *error)
{
    struct pv_error why;
    if (cuda_open(PV_ELEMENT_BF16, threads, backend, &why) == PV_OK)
        return PV_OK;
    PV_TRY(pv_cpu_open(threads, backend, error));
    snprintf((*backend)->note, sizeof(*backend)->note, "%s", why.text);
    return PV_OK;
}

pv_status pv_backend_open(const char *name, int threads, struct pv_backend **backend, struct pv_error *error)
{
    *backend = NULL;
    if (threads < 0 || threads > THREADS_MAX)
        return pv_fail(error, PV_ERR_ARGUMENT, "threads is %d; choose 1 to %d, or 0 for all", threads, THREADS_MAX);
    if (threads == 0)
        threads = threads_available();

    if (strcmp(name, "auto") == 0)
        return best_open(threads, backend, error);
    if (strcmp(name, "cpu") == 0)
        return pv_cpu_open(threads, backend, error);
    if (strcmp(name, "cuda") == 0)
        return cuda_open(PV_ELEMENT_BF16, threads, backend, error);
    if (strcmp(name, "cuda-f32") == 0)
        return cuda_open(PV_ELEMENT_FLOAT, threads, backend, error);
    if (strcmp(name, "reference") == 0)
        return pv_reference_open(backend, error);
    return pv_fail(error, PV_ERR_ARGUMENT, "there is no backend \"%s\"; choose auto, cpu, cuda, cuda-f32 or reference",
                   name);
}

void pv_backend_close(struct pv_backend *backend)
{
    if (backend)
        backend->op->close(backend);
}
