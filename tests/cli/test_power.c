/* test_power.c: energy and clocks from a library and from files whose numbers are known. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/scratch_folder.h"
#include "bench/power.h"

static void write_file(const struct folder *f, const char *name, const char *text)
{
    FILE *file = fopen(folder_path(f, name), "w");
    cr_assert_not_null(file);
    fputs(text, file);
    fclose(file);
}

static void make_package(const struct folder *f, const char *name, const char *energy, const char *range)
{
    char path[64];
    cr_assert_eq(mkdir(folder_path(f, name), 0700), 0);
    snprintf(path, sizeof path, "%s/energy_uj", name);
    write_file(f, path, energy);
    snprintf(path, sizeof path, "%s/max_energy_range_uj", name);
    write_file(f, path, range);
}

static void remove_package(const struct folder *f, const char *name)
{
    char path[64];
    snprintf(path, sizeof path, "%s/energy_uj", name);
    remove(folder_path(f, path));
    snprintf(path, sizeof path, "%s/max_energy_range_uj", name);
    remove(folder_path(f, path));
    remove(folder_path(f, name));
}

Test(power, packages_add_up_and_start_over)
{
    const struct folder f = folder_open();
    make_package(&f, "intel-rapl:0", "1000000\n", "9000000\n");
    make_package(&f, "intel-rapl:1", "8500000\n", "9000000\n");
    make_package(&f, "intel-rapl:0:0", "77\n", "9000000\n"); /* a part of package 0 */
    struct pv_power *power = pv_power_open(f.path, "");
    cr_assert_not_null(power);
    pv_power_begin(power, false);
    write_file(&f, "intel-rapl:0/energy_uj", "3000000\n"); /* 2 J */
    write_file(&f, "intel-rapl:1/energy_uj", "500000\n");  /* 1 J, past the range */
    const struct pv_power_reading reading = pv_power_end(power);
    cr_expect(reading.energy_known);
    cr_expect_float_eq(reading.joules, 3, 1e-9);
    cr_expect_gt(reading.seconds, 0);
    cr_expect_not(reading.gpu);
    cr_expect_str_empty(reading.throttled);
    pv_power_begin(power, false);
    remove(folder_path(&f, "intel-rapl:1/energy_uj"));
    cr_expect_not(pv_power_end(power).energy_known, "half of the truth is none");
    pv_power_close(power);
    remove_package(&f, "intel-rapl:0");
    remove_package(&f, "intel-rapl:1");
    remove_package(&f, "intel-rapl:0:0");
    folder_close(&f);
}

Test(power, nothing_is_known_where_nothing_can_be_read)
{
    const struct folder f = folder_open();
    struct pv_power *power = pv_power_open(folder_path(&f, "missing"), "");
    pv_power_begin(power, false);
    cr_expect_not(pv_power_end(power).energy_known);
    pv_power_close(power);
    folder_close(&f);
}

Test(power, a_gpu_tells_energy_clocks_and_throttling)
{
    const struct folder f = folder_open();
    make_package(&f, "intel-rapl:0", "1000000\n", "9000000\n");
    struct pv_power *power = pv_power_open(f.path, "0000:3b:00.0");
    cr_assert_str_eq(pv_power_gpu_name(power), "Fake GPU", "the library of the test is not found");
    cr_expect_str_eq(pv_power_driver(power), "570.1");
    static const char *const throttled[] = {"", "power cap", "hot (hardware)"};
    for (int i = 0; i < 3; i++) {
        pv_power_begin(power, true);
        const struct pv_power_reading r = pv_power_end(power);
        cr_expect(r.gpu && r.energy_known);
        cr_expect_float_eq(r.joules, 5, 1e-9);
        cr_expect_eq(r.sm_clock_mhz, 1755);
        cr_expect_eq(r.memory_clock_mhz, 2619);
        cr_expect_eq(r.temperature_c, 61);
        cr_expect_eq(r.memory_bytes, UINT64_C(3) << 30);
        cr_expect_str_eq(r.throttled, throttled[i]);
    }
    pv_power_begin(power, false);
    cr_expect_not(pv_power_end(power).gpu, "the processor's work is not the GPU's");
    pv_power_close(power);
    remove_package(&f, "intel-rapl:0");
    folder_close(&f);
}

/* CUDA may count devices in another order, or see only some. */
Test(power, the_gpu_is_the_one_at_its_place)
{
    struct pv_power *power = pv_power_open("", "");
    cr_expect_str_eq(pv_power_gpu_name(power), "Another GPU", "NVML's first one");
    pv_power_close(power);
    power = pv_power_open("", "0000:99:00.0");
    cr_expect_str_empty(pv_power_gpu_name(power), "there is none at this place");
    pv_power_close(power);
}
