/* test_counts.cu: the counts of accesses, where one can tell by hand what memory has to do. */
#include <emulator/ptx.cuh>

#include <cstdio>
#include <cstdlib>

#include "array.h"
#include "counts.h"

TestSuite(emulator_counts, .timeout = 60);

extern __shared__ __align__(16) unsigned char pv_shared[];

/* The row of the table for one kernel and kind of access. */
static void must_count(const char *kernel, const char *kind, unsigned requests, unsigned rounds, unsigned least)
{
    const std::string table = pv_emulator::counts_table();
    char line[256], what[64];
    unsigned found[3];
    for (size_t at = 0; at < table.size(); at = table.find('\n', at) + 1)
        if (sscanf(&table[at], "%255s %*s %63s %u %u %u", line, what, found, found + 1, found + 2) == 5 &&
            std::string(line) == kernel && std::string(what) == kind) {
            cr_assert(found[0] == requests && found[1] == rounds && found[2] == least,
                      "%s %s: %u requests, %u, least %u; not %u, %u, %u", kernel, kind, found[0], found[1], found[2],
                      requests, rounds, least);
            return;
        }
    cr_assert_fail("%s has no %s in:\n%s", kernel, kind, table.c_str());
}

/* A warp reads a column, or a diagonal, or one place, of rows of so many floats. */
__global__ void columns(float *dst, unsigned row)
{
    float *const tile = (float *)pv_shared;
    for (unsigned i = 0; i < row; i++)
        tile[i * 32 + threadIdx.x] = 0;
    __syncthreads();
    dst[threadIdx.x] = tile[threadIdx.x * row];
}

Test(emulator_counts, a_column_of_32_floats_is_in_one_bank)
{
    array<float> dst(32);
    must_run(PV_LAUNCH(columns, 1, 32, 4096, nullptr, dst.device, 32u));
    must_count("columns", "shared-read", 1, 32, 1);
    must_count("columns", "shared-write", 32, 32, 32);
    must_count("columns", "device-write", 1, 4, 4);
}

Test(emulator_counts, a_column_of_33_floats_is_in_all_banks)
{
    array<float> dst(32);
    must_run(PV_LAUNCH(columns, 1, 32, 4224, nullptr, dst.device, 33u));
    must_count("columns", "shared-read", 1, 1, 1);
}

/* Every second float, from the middle of a sector. */
__global__ void every_second(float *dst, const float *src)
{
    dst[threadIdx.x] = src[4 + 2 * threadIdx.x];
}

Test(emulator_counts, every_second_float_wants_twice_the_sectors)
{
    array<float> dst(64), src(132);
    must_run(PV_LAUNCH(every_second, 1, 64, 0, nullptr, dst.device, src.device));
    must_count("every_second", "device-read", 2, 18, 8);
}

/* Rows of a matrix of 64 bytes, as they lie and with chunks exchanged. */
__global__ void load_rows(float *dst, bool exchanged)
{
    uint16_t *const tile = (uint16_t *)pv_shared;
    for (unsigned i = threadIdx.x; i < 32 * 32; i += 32)
        tile[i] = 0;
    __syncthreads();
    const unsigned row = threadIdx.x, chunk = exchanged ? row / 2 % 4 : 0;
    uint32_t r[4];
    pv_ldmatrix_x4(r, tile + row * 32 + chunk * 8);
    dst[threadIdx.x] = (float)r[0];
}

Test(emulator_counts, rows_of_ldmatrix_meet_in_banks_unless_exchanged)
{
    array<float> dst(32);
    must_run(PV_LAUNCH(load_rows, 1, 32, 2048, nullptr, dst.device, false));
    must_count("load_rows", "shared-read", 1, 16, 4);
}

Test(emulator_counts, exchanged_rows_of_ldmatrix_do_not_meet)
{
    array<float> dst(32);
    must_run(PV_LAUNCH(load_rows, 1, 32, 2048, nullptr, dst.device, true));
    must_count("load_rows", "shared-read", 1, 4, 4);
}
