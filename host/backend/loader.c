/* loader.c: finds, loads and checks the module of a backend, and asks it for devices. */
#define _GNU_SOURCE /* dladdr */
#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backend/module.h"
#include "base/text.h"

#define MODULE_FILE "libprevue-cuda.so"

/* The folder that modules are in: the one the environment names, else that of the library this code is in. */
static void module_folder(char folder[PATH_MAX])
{
    static const char here;
    const char *named = getenv("PREVUE_MODULE_PATH");
    Dl_info library;
    if (named && *named)
        snprintf(folder, PATH_MAX, "%s", named);
    else if (dladdr(&here, &library) && library.dli_fname && strchr(library.dli_fname, '/'))
        snprintf(folder, PATH_MAX, "%.*s", (int)(strrchr(library.dli_fname, '/') - library.dli_fname),
                 library.dli_fname);
    else /* a program that has libprevue inside: not the current folder, which may be anybody's */
        snprintf(folder, PATH_MAX, "/");
}

static pv_status check(const struct pv_module *module, const char *path, struct pv_error *error)
{
    if (module->abi == PV_MODULE_ABI && module->table_bytes == sizeof(struct pv_op_table) &&
        strcmp(module->version, PV_VERSION_TEXT) == 0)
        return PV_OK;
    return pv_fail(error, PV_ERR_UNSUPPORTED, "%s belongs to another build of prevue: install both from one build",
                   pv_path_tail(path));
}

pv_status pv_module_load(const struct pv_module **module, struct pv_error *error)
{
    char folder[PATH_MAX], path[PATH_MAX + sizeof MODULE_FILE];
    *module = NULL;
    module_folder(folder);
    snprintf(path, sizeof path, "%s/" MODULE_FILE, folder);
    if (access(path, F_OK) != 0)
        return pv_fail(error, PV_ERR_UNSUPPORTED,
                       "the CUDA backend is not installed: there is no %s; PREVUE_MODULE_PATH names the folder that it "
                       "is in",
                       pv_path_tail(path));
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (!library)
        return pv_fail(error, PV_ERR_UNSUPPORTED, "the CUDA backend cannot be loaded: %.400s", dlerror());
    pv_module_entry *entry;
    *(void **)&entry = dlsym(library, PV_MODULE_SYMBOL);
    const pv_status status = entry ? check(entry(), path, error)
                                   : pv_fail(error, PV_ERR_UNSUPPORTED, "%s is not a module of prevue: it has no %s",
                                             pv_path_tail(path), PV_MODULE_SYMBOL);
    if (status == PV_OK)
        *module = entry();
    dlclose(library); /* its code stays: RTLD_NODELETE */
    return status;
}

/* ---- devices ---- */

static pv_status describe(int index, pv_device_info *info, struct pv_error *error)
{
    const struct pv_module *module;
    PV_TRY(pv_module_load(&module, error));
    return module->describe(index, info, error);
}

pv_status pv_device_get_info(const char *backend, int index, pv_device_info *info)
{
    if (!backend || strcmp(backend, "cuda") != 0 || index < 0 || !info || info->struct_size < sizeof *info)
        return PV_ERR_ARGUMENT;
    const size_t size = info->struct_size;
    memset(info, 0, size); /* members of a newer header */
    info->struct_size = size;
    struct pv_error error = {""};
    const pv_status status = describe(index, info, &error);
    if (status != PV_OK && status != PV_END)
        snprintf(info->reason, sizeof info->reason, "%.*s", (int)sizeof info->reason - 1, error.text);
    return status;
}
