/* test_features.cu: what the emulator promises kernels: each feature against plain C++. */
#include <cuda_bf16.h>
#include <emulator/ptx.cuh>

#include <thread>

#include "array.h"

TestSuite(emulator_features, .timeout = 60);

extern __shared__ __align__(16) unsigned char pv_shared[];

/* Whole numbers that bf16 holds exactly, and whose sums floats hold exactly. */
static float small_number(size_t i)
{
    return (float)((int)(i * 2654435761u >> 7) % 17 - 8);
}

/* ---- places ---- */

__global__ void write_place(uint4 *dst)
{
    const unsigned block = blockIdx.x + gridDim.x * (blockIdx.y + gridDim.y * blockIdx.z);
    const unsigned thread = threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z);
    dst[block * blockDim.x * blockDim.y * blockDim.z + thread] =
        make_uint4(blockIdx.x | blockIdx.y << 8 | blockIdx.z << 16, threadIdx.x, threadIdx.y, threadIdx.z);
}

Test(emulator_features, every_thread_of_every_block_runs_once)
{
    const dim3 grid(3, 2, 2), block(5, 3, 4);
    array<uint4> dst(12 * 60);
    must_run(PV_LAUNCH(write_place, grid, block, 0, nullptr, dst.device));
    const std::vector<uint4> got = dst.read();
    for (unsigned i = 0; i < got.size(); i++) {
        const unsigned b = i / 60, t = i % 60;
        cr_assert_eq(got[i].x, b % 3 | b / 3 % 2 << 8 | b / 6 << 16);
        cr_assert(got[i].y == t % 5 && got[i].z == t / 5 % 3 && got[i].w == t / 15);
    }
}

/* ---- barriers and shared memory ---- */

/* Turns rows of 256 around twice: through a static and through the dynamic shared memory. */
__global__ void turn_around(float *row)
{
    __shared__ float tile[256];
    float *const other = (float *)pv_shared;
    const unsigned i = threadIdx.x;
    tile[i] = row[blockIdx.x * 256 + i] + 1;
    __syncthreads();
    other[i] = tile[255 - i] * 2;
    __syncthreads();
    row[blockIdx.x * 256 + i] = other[i ^ 128];
}

Test(emulator_features, barriers_order_shared_memory)
{
    std::vector<float> value(20 * 256);
    for (size_t i = 0; i < value.size(); i++)
        value[i] = (float)i;
    array<float> row(value);
    must_run(PV_LAUNCH(turn_around, 20, 256, 1024, nullptr, row.device));
    const std::vector<float> got = row.read();
    for (size_t i = 0; i < got.size(); i++)
        cr_assert_eq(got[i], 2 * (value[i / 256 * 256 + (255 - (i % 256 ^ 128))] + 1));
}

/* A warp passes numbers from lane to lane with no barrier of the block; then threads count themselves. */
__global__ void pass_in_warp(int *dst, int *count)
{
    __shared__ int slot[64], arrived;
    if (threadIdx.x == 0)
        arrived = 0;
    slot[threadIdx.x] = (int)threadIdx.x;
    __syncwarp();
    dst[threadIdx.x] = slot[threadIdx.x ^ 1];
    __syncthreads();
    atomicAdd(&arrived, 1);
    atomicMax(count + 1, (int)threadIdx.x);
    __syncthreads();
    if (threadIdx.x == 0)
        count[0] = arrived;
}

Test(emulator_features, warps_have_barriers_of_their_own_and_atomics_add_up)
{
    array<int> dst(64), count(std::vector<int>{0, 0});
    must_run(PV_LAUNCH(pass_in_warp, 1, 64, 0, nullptr, dst.device, count.device));
    const std::vector<int> got = dst.read(), n = count.read();
    for (int i = 0; i < 64; i++)
        cr_assert_eq(got[(size_t)i], i ^ 1);
    cr_assert(n[0] == 64 && n[1] == 63);
}

/* The block that counts last adds up what all have written: what atomics are for. */
__global__ void sum_by_the_last_block(int *part, int *count, int *sum)
{
    __shared__ bool last;
    if (threadIdx.x == 0) {
        part[blockIdx.x] = (int)blockIdx.x;
        __threadfence();
        last = atomicAdd(count, 1) == (int)gridDim.x - 1;
    }
    __syncthreads();
    if (last && threadIdx.x == 0)
        for (unsigned i = 0; i < gridDim.x; i++)
            *sum += part[i];
}

Test(emulator_features, blocks_know_of_each_other_by_atomics)
{
    array<int> part(10), count(std::vector<int>{0}), sum(std::vector<int>{0});
    must_run(PV_LAUNCH(sum_by_the_last_block, 10, 32, 0, nullptr, part.device, count.device, sum.device));
    cr_assert_eq(sum.read()[0], 45);
}

/* ---- shuffles ---- */

enum { SHUFFLES = 9 };

__global__ void shuffle_all(float *dst)
{
    const unsigned lane = threadIdx.x % 32, all = 0xffffffffu;
    float *const at = dst + threadIdx.x * SHUFFLES;
    const float mine = 10 + (float)lane;
    at[0] = __shfl_sync(all, mine, 5);
    at[1] = __shfl_up_sync(all, mine, 3);
    at[2] = __shfl_down_sync(all, mine, 3);
    at[3] = __shfl_xor_sync(all, mine, 9);
    at[4] = __shfl_down_sync(all, mine, 2, 8);
    at[5] = (float)__shfl_sync(all, (long long)lane << 33, 7, 16) / 8589934592.0f;
    at[6] = (float)__popc(__ballot_sync(all, lane % 3 == 0));
    at[7] = (float)(__any_sync(all, lane == 31) + 2 * __all_sync(all, lane < 31));
    if (lane < 16) /* half a warp among itself */
        at[8] = __shfl_xor_sync(0x0000ffffu, mine, 1);
    else
        at[8] = __shfl_xor_sync(0xffff0000u, mine, 2);
}

Test(emulator_features, shuffles_move_values_between_lanes)
{
    array<float> dst(64 * SHUFFLES);
    must_run(PV_LAUNCH(shuffle_all, 1, 64, 0, nullptr, dst.device));
    const std::vector<float> got = dst.read();
    for (int i = 0; i < 64; i++) {
        const int lane = i % 32;
        const float *at = &got[(size_t)i * SHUFFLES];
        const float want[SHUFFLES] = {15,
                                      10.0f + (float)(lane >= 3 ? lane - 3 : lane),
                                      10.0f + (float)(lane + 3 < 32 ? lane + 3 : lane),
                                      10.0f + (float)(lane ^ 9),
                                      10.0f + (float)(lane % 8 + 2 < 8 ? lane + 2 : lane),
                                      (float)(lane / 16 * 16 + 7),
                                      11,
                                      1,
                                      10.0f + (float)(lane < 16 ? lane ^ 1 : lane ^ 2)};
        for (int k = 0; k < SHUFFLES; k++)
            cr_assert_eq(at[k], want[k], "shuffle %d, lane %d: %g, not %g", k, lane, (double)at[k], (double)want[k]);
    }
}

/* ---- matrices ---- */

/* Fragments by hand, as the PTX ISA lays them out, and straight into memory. */
__global__ void multiply_by_hand(float *d, const __nv_bfloat16 *a, const __nv_bfloat16 *b)
{
    const unsigned g = threadIdx.x / 4, t = threadIdx.x % 4;
    uint32_t fa[4], fb[2];
    for (unsigned i = 0; i < 4; i++) {
        const unsigned row = g + i % 2 * 8, column = 2 * t + i / 2 * 8;
        fa[i] = __bfloat16_as_ushort(a[row * 16 + column]) | (uint32_t)__bfloat16_as_ushort(a[row * 16 + column + 1])
                                                                 << 16;
    }
    for (unsigned i = 0; i < 2; i++)
        fb[i] = __bfloat16_as_ushort(b[(2 * t + i * 8) * 8 + g]) |
                (uint32_t)__bfloat16_as_ushort(b[(2 * t + i * 8 + 1) * 8 + g]) << 16;
    float sum[4];
    for (unsigned i = 0; i < 4; i++)
        sum[i] = d[(g + i / 2 * 8) * 8 + 2 * t + i % 2];
    pv_mma_bf16_16816(sum, fa, fb);
    for (unsigned i = 0; i < 4; i++)
        d[(g + i / 2 * 8) * 8 + 2 * t + i % 2] = sum[i];
}

/* The same through shared memory: A row by row, B [k][n] transposed on its way, or [n][k] as it is. */
__global__ void multiply_with_ldmatrix(float *d, const __nv_bfloat16 *a, const __nv_bfloat16 *b, bool transposed)
{
    __shared__ __align__(16) __nv_bfloat16 sa[16 * 16], sb[16 * 8];
    const unsigned lane = threadIdx.x;
    for (unsigned i = lane; i < 256; i += 32)
        sa[i] = a[i];
    for (unsigned i = lane; i < 128; i += 32)
        sb[transposed ? i % 8 * 16 + i / 8 : i] = b[i];
    __syncthreads();
    uint32_t fa[4], fb[2];
    pv_ldmatrix_x4(fa, sa + (lane % 16) * 16 + lane / 16 * 8);
    if (transposed)
        pv_ldmatrix_x2(fb, sb + lane % 8 * 16 + lane / 8 % 2 * 8);
    else
        pv_ldmatrix_x2_trans(fb, sb + lane % 16 * 8);
    float sum[4] = {};
    pv_mma_bf16_16816(sum, fa, fb);
    for (unsigned i = 0; i < 4; i++)
        d[(lane / 4 + i / 2 * 8) * 8 + 2 * (lane % 4) + i % 2] = sum[i];
}

static void check_product(const std::vector<float> &got, const std::vector<float> &a, const std::vector<float> &b,
                          const std::vector<float> &before)
{
    for (size_t m = 0; m < 16; m++)
        for (size_t n = 0; n < 8; n++) {
            float sum = before[m * 8 + n];
            for (size_t k = 0; k < 16; k++)
                sum += a[m * 16 + k] * b[k * 8 + n];
            cr_assert_eq(got[m * 8 + n], sum, "row %zu, column %zu: %g, not %g", m, n, (double)got[m * 8 + n],
                         (double)sum);
        }
}

static std::vector<__nv_bfloat16> narrow(const std::vector<float> &value)
{
    std::vector<__nv_bfloat16> h(value.size());
    for (size_t i = 0; i < h.size(); i++)
        h[i] = __float2bfloat16(value[i]);
    return h;
}

Test(emulator_features, mma_is_the_plain_product)
{
    std::vector<float> a(256), b(128), d(128);
    for (size_t i = 0; i < a.size(); i++)
        a[i] = small_number(i);
    for (size_t i = 0; i < b.size(); i++)
        b[i] = small_number(i + 1000);
    for (size_t i = 0; i < d.size(); i++)
        d[i] = small_number(i + 2000);
    array<__nv_bfloat16> da(narrow(a)), db(narrow(b));
    array<float> dd(d);
    must_run(PV_LAUNCH(multiply_by_hand, 1, 32, 0, nullptr, dd.device, da.device, db.device));
    check_product(dd.read(), a, b, d);
    for (const bool transposed : {false, true}) {
        must_run(PV_LAUNCH(multiply_with_ldmatrix, 1, 32, 0, nullptr, dd.device, da.device, db.device, transposed));
        check_product(dd.read(), a, b, std::vector<float>(128));
    }
}

/* Four matrices, plain and transposed: each lane writes the eight elements that it got. */
__global__ void load_four(uint16_t *plain, uint16_t *turned)
{
    __shared__ __align__(16) uint16_t tile[4][8][8];
    for (unsigned i = threadIdx.x; i < 256; i += 32)
        tile[i / 64][i / 8 % 8][i % 8] = (uint16_t)i;
    __syncthreads();
    uint32_t r[4];
    const void *const row = tile[threadIdx.x / 8][threadIdx.x % 8];
    pv_ldmatrix_x4(r, row);
    for (unsigned i = 0; i < 8; i++)
        plain[threadIdx.x * 8 + i] = (uint16_t)(r[i / 2] >> i % 2 * 16);
    pv_ldmatrix_x4_trans(r, row);
    for (unsigned i = 0; i < 8; i++)
        turned[threadIdx.x * 8 + i] = (uint16_t)(r[i / 2] >> i % 2 * 16);
}

Test(emulator_features, ldmatrix_gives_each_lane_its_fragments)
{
    array<uint16_t> plain(256), turned(256);
    must_run(PV_LAUNCH(load_four, 1, 32, 0, nullptr, plain.device, turned.device));
    const std::vector<uint16_t> p = plain.read(), t = turned.read();
    for (unsigned lane = 0; lane < 32; lane++)
        for (unsigned i = 0; i < 8; i++) {
            const unsigned row = lane / 4, column = lane % 4 * 2 + i % 2;
            cr_assert_eq(p[lane * 8 + i], i / 2 * 64 + row * 8 + column);
            cr_assert_eq(t[lane * 8 + i], i / 2 * 64 + column * 8 + row);
        }
}

/* ---- copies that arrive later ---- */

/* Two groups of copies, the second one awaited only at the end; the last thread's copies are zeros. */
__global__ void copy_in_groups(float *dst, const float *src)
{
    float *const tile = (float *)pv_shared;
    const unsigned i = threadIdx.x;
    const bool valid = i + 1 < blockDim.x;
    pv_cp_async_16(tile + 4 * i, src + 4 * i, valid);
    pv_cp_async_commit();
    pv_cp_async_16(tile + 256 + 4 * i, src + 256 + 4 * i, valid);
    pv_cp_async_commit();
    pv_cp_async_wait<1>();
    __syncthreads();
    float first[4];
    for (unsigned k = 0; k < 4; k++)
        first[k] = tile[255 - (4 * i + k)];
    pv_cp_async_wait<0>();
    __syncthreads();
    for (unsigned k = 0; k < 4; k++)
        dst[4 * i + k] = first[k] + tile[256 + 4 * i + k];
}

Test(emulator_features, cp_async_copies_and_fills_with_zeros)
{
    std::vector<float> value(512);
    for (size_t i = 0; i < value.size(); i++)
        value[i] = (float)i;
    array<float> src(value), dst(256);
    must_run(PV_LAUNCH(copy_in_groups, 1, 64, 2048, nullptr, dst.device, src.device));
    const std::vector<float> got = dst.read();
    for (size_t i = 0; i < 256; i++)
        cr_assert_eq(got[i], (255 - i < 252 ? (float)(255 - i) : 0) + (i < 252 ? (float)(256 + i) : 0));
}

/* ---- numbers ---- */

Test(emulator_features, bf16_rounds_to_nearest_even)
{
    const struct {
        unsigned from;
        unsigned short to;
    } known[] = {{0x3f800000, 0x3f80}, {0x3f808000, 0x3f80}, {0x3f808001, 0x3f81}, {0x3f818000, 0x3f82},
                 {0x7f7fffff, 0x7f80}, {0xff800000, 0xff80}, {0x7fc12345, 0x7fff}, {0x80000000, 0x8000}};
    for (const auto &k : known)
        cr_assert_eq(__bfloat16_as_ushort(__float2bfloat16_rn(__uint_as_float(k.from))), k.to);
}

/* ---- host threads ---- */

Test(emulator_features, host_threads_launch_at_the_same_time)
{
    enum { HOSTS = 4, TURNS = 20 };
    std::vector<float> value(4 * 256);
    for (size_t i = 0; i < value.size(); i++)
        value[i] = (float)i;
    std::vector<std::vector<float>> got(HOSTS);
    std::vector<std::thread> hosts;
    for (std::vector<float> &mine : got)
        hosts.emplace_back([&mine, &value] {
            for (int i = 0; i < TURNS; i++) {
                array<float> row(value);
                PV_LAUNCH(turn_around, 4, 256, 1024, nullptr, row.device);
                mine = row.read();
            }
        });
    for (std::thread &host : hosts)
        host.join();
    cr_assert_str_eq(pv_emulator_fault(), "");
    for (const std::vector<float> &row : got)
        for (size_t i = 0; i < row.size(); i++)
            cr_assert_eq(row[i], 2 * (value[i / 256 * 256 + (255 - (i % 256 ^ 128))] + 1));
}
