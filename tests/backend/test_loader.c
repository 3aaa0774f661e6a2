/* test_loader.c: the backend that is loaded at run time: what is said when it is not there, does not fit or finds no
 * device, and that `auto` then takes the CPU and says why. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "backend/module.h"
#include "base/scratch_folder.h"

TestSuite(loader, .timeout = 60);

/* Everything that needs the module fails with the same sentence, which contains words; `auto` is the CPU. */
static void expect_no_cuda(pv_status of_devices, const char *words)
{
    static const char *const names[] = {"cuda", "cuda-f32"};
    struct pv_error error = {""};
    struct pv_backend *backend;
    pv_device_info info = {.struct_size = sizeof info};
    cr_assert_eq(pv_device_get_info("cuda", 0, &info), of_devices);
    cr_assert(strstr(info.reason, words), "%s", info.reason);
    for (int i = 0; i < 2; i++) {
        cr_assert_eq(pv_backend_open(names[i], 1, &backend, &error), PV_ERR_DEVICE);
        cr_assert_null(backend);
        cr_assert_str_eq(error.text, info.reason);
    }
    cr_assert_eq(pv_backend_open("auto", 1, &backend, &error), PV_OK, "%s", error.text);
    cr_assert_str_eq(backend->op->name, "cpu");
    cr_assert_str_eq(backend->note, info.reason);
    pv_backend_close(backend);
    cr_assert_eq(pv_backend_open("cpu", 1, &backend, &error), PV_OK, "%s", error.text);
    cr_assert_str_eq(backend->note, "");
    pv_backend_close(backend);
}

Test(loader, no_module)
{
    const struct folder f = folder_open();
    setenv("PREVUE_MODULE_PATH", f.path, 1);
    expect_no_cuda(PV_ERR_UNSUPPORTED, "the CUDA backend is not installed: there is no ");
    folder_close(&f);
}

Test(loader, no_library)
{
    const struct folder f = folder_open();
    folder_write_text(&f, "libprevue-cuda.so", "not a library");
    setenv("PREVUE_MODULE_PATH", f.path, 1);
    expect_no_cuda(PV_ERR_UNSUPPORTED, "the CUDA backend cannot be loaded: ");
    folder_close(&f);
}

Test(loader, another_builds_module)
{
    setenv("PREVUE_MODULE_PATH", STRANGE_FOLDER "/other", 1);
    expect_no_cuda(PV_ERR_UNSUPPORTED, "/libprevue-cuda.so belongs to another build of prevue");
}

Test(loader, another_programs_module)
{
    setenv("PREVUE_MODULE_PATH", STRANGE_FOLDER "/nameless", 1);
    expect_no_cuda(PV_ERR_UNSUPPORTED, "/libprevue-cuda.so is not a module of prevue");
}

#ifdef CUDA_FOLDER
/* The real module: where it finds a device, `auto` takes it; elsewhere it says what is missing. */
Test(loader, the_module_of_this_build)
{
    setenv("PREVUE_MODULE_PATH", CUDA_FOLDER, 1);
    struct pv_error error = {""};
    struct pv_backend *backend;
    pv_device_info info = {.struct_size = sizeof info};
    const pv_status status = pv_device_get_info("cuda", 0, &info);
    if (status != PV_OK) {
        expect_no_cuda(PV_ERR_DEVICE, "NVIDIA driver");
        return;
    }
    cr_assert(info.name[0] && info.memory_bytes > 0 && info.compute_major > 0);
    if (info.reason[0])
        return;
    cr_assert_eq(pv_backend_open("auto", 3, &backend, &error), PV_OK, "%s", error.text);
    cr_assert_str_eq(backend->op->name, "cuda");
    cr_assert_eq(backend->threads, 3);
    cr_assert_str_eq(backend->note, "");
    pv_backend_close(backend);
}
#endif

Test(loader, devices_are_asked_for_with_care)
{
    pv_device_info info = {.struct_size = sizeof info};
    cr_assert_eq(pv_device_get_info("cpu", 0, &info), PV_ERR_ARGUMENT);
    cr_assert_eq(pv_device_get_info("cuda", -1, &info), PV_ERR_ARGUMENT);
    cr_assert_eq(pv_device_get_info("cuda", 0, NULL), PV_ERR_ARGUMENT);
    info.struct_size = 4;
    cr_assert_eq(pv_device_get_info("cuda", 0, &info), PV_ERR_ARGUMENT);
}
