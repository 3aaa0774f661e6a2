/* test_mistakes.cu: kernels with one mistake each. The emulator must say which; a mistake it cannot see it cannot keep
 * out of kernels/. */
#include <emulator/ptx.cuh>

#include "array.h"

TestSuite(emulator_mistakes, .timeout = 60);

extern __shared__ __align__(16) unsigned char pv_shared[];

/* ---- barriers ---- */

__global__ void barrier_dropped(float *dst)
{
    __shared__ float tile[64];
    tile[threadIdx.x] = 1;
    /* no __syncthreads */
    dst[threadIdx.x] = tile[63 - threadIdx.x];
}

Test(emulator_mistakes, dropped_barrier)
{
    array<float> dst(64);
    must_say(PV_LAUNCH(barrier_dropped, 1, 64, 0, nullptr, dst.device),
             {"barrier_dropped", "tile", "test_mistakes.cu:"});
}

/* The second round overwrites what slower threads of the first still read. */
__global__ void barrier_dropped_in_loop(float *dst)
{
    __shared__ float tile[64];
    float sum = 0;
    for (int round = 0; round < 2; round++) {
        tile[threadIdx.x] = (float)round;
        __syncthreads();
        sum += tile[63 - threadIdx.x];
        /* no __syncthreads */
    }
    dst[threadIdx.x] = sum;
}

Test(emulator_mistakes, dropped_barrier_at_the_end_of_a_loop)
{
    array<float> dst(64);
    must_say(PV_LAUNCH(barrier_dropped_in_loop, 1, 64, 0, nullptr, dst.device),
             {"of tile", "no barrier in between", "test_mistakes.cu:"});
}

__global__ void two_writers(float *dst)
{
    __shared__ float largest;
    if (threadIdx.x % 32 == 0)
        largest = (float)threadIdx.x;
    __syncthreads();
    dst[threadIdx.x] = largest;
}

Test(emulator_mistakes, two_writers_of_one_place)
{
    array<float> dst(64);
    must_say(PV_LAUNCH(two_writers, 1, 64, 0, nullptr, dst.device), {"writes", "largest", "thread 0 wrote"});
}

/* Orders a warp, not two. */
__global__ void warp_barrier_between_warps(float *dst)
{
    __shared__ float tile[64];
    tile[threadIdx.x] = 1;
    __syncwarp();
    dst[threadIdx.x] = tile[threadIdx.x ^ 32];
}

Test(emulator_mistakes, warp_barrier_where_the_block_must_meet)
{
    array<float> dst(64);
    must_say(PV_LAUNCH(warp_barrier_between_warps, 1, 64, 0, nullptr, dst.device), {"tile"});
}

__global__ void atomic_and_plain(int *dst)
{
    __shared__ int count;
    if (threadIdx.x == 0)
        count = 0;
    __syncthreads();
    atomicAdd(&count, 1);
    dst[threadIdx.x] = count;
}

Test(emulator_mistakes, plain_read_of_what_atomics_update)
{
    array<int> dst(64);
    must_say(PV_LAUNCH(atomic_and_plain, 1, 64, 0, nullptr, dst.device), {"reads", "count", "atomic"});
}

__global__ void early_return(float *dst, unsigned count)
{
    if (threadIdx.x >= count)
        return;
    __syncthreads();
    dst[threadIdx.x] = 1;
}

Test(emulator_mistakes, barrier_after_an_early_return)
{
    array<float> dst(64);
    must_say(PV_LAUNCH(early_return, 1, 64, 0, nullptr, dst.device, 50u),
             {"__syncthreads at test_mistakes.cu", "thread 50 has returned"});
}

__global__ void barrier_in_branch(float *dst)
{
    if (threadIdx.x < 32) {
        dst[threadIdx.x] = 1;
        __syncthreads();
    } else {
        dst[threadIdx.x] = 2;
        __syncthreads();
    }
}

Test(emulator_mistakes, different_barriers_in_branches)
{
    array<float> dst(64);
    must_say(PV_LAUNCH(barrier_in_branch, 1, 64, 0, nullptr, dst.device), {"while others wait in the one at"});
}

/* ---- warps ---- */

__global__ void shuffle_without_some(float *dst)
{
    float x = (float)threadIdx.x;
    if (threadIdx.x < 20)
        x = __shfl_xor_sync(0xffffffffu, x, 1);
    dst[threadIdx.x] = x;
}

Test(emulator_mistakes, shuffle_with_lanes_that_never_come)
{
    array<float> dst(32);
    must_say(PV_LAUNCH(shuffle_without_some, 1, 32, 0, nullptr, dst.device),
             {"__shfl_xor_sync", "ffffffff", "thread 20"});
}

__global__ void shuffle_own_lane_missing(float *dst)
{
    dst[threadIdx.x] = __shfl_sync(0x0000ffffu, 1.0f, 0);
}

Test(emulator_mistakes, shuffle_mask_without_the_caller)
{
    array<float> dst(32);
    must_say(PV_LAUNCH(shuffle_own_lane_missing, 1, 32, 0, nullptr, dst.device), {"0000ffff", "its own lane 16"});
}

__global__ void shuffle_from_outside(float *dst)
{
    if (threadIdx.x < 16)
        dst[threadIdx.x] = __shfl_down_sync(0x0000ffffu, 1.0f, 1);
}

Test(emulator_mistakes, shuffle_from_a_lane_outside_of_the_mask)
{
    array<float> dst(32);
    must_say(PV_LAUNCH(shuffle_from_outside, 1, 32, 0, nullptr, dst.device), {"reads lane 16"});
}

__global__ void mma_in_half_a_warp(float *dst)
{
    float d[4] = {};
    const uint32_t a[4] = {}, b[2] = {};
    if (threadIdx.x < 16)
        pv_mma_bf16_16816(d, a, b);
    dst[threadIdx.x] = d[0];
}

Test(emulator_mistakes, mma_without_all_lanes)
{
    array<float> dst(32);
    must_say(PV_LAUNCH(mma_in_half_a_warp, 1, 32, 0, nullptr, dst.device), {"mma", "thread 16 has returned"});
}

Test(emulator_mistakes, block_that_ends_in_part_of_a_warp)
{
    array<float> dst(40);
    must_say(PV_LAUNCH(shuffle_without_some, 1, 16, 0, nullptr, dst.device), {"the block has no thread 16"});
}

/* ---- blocks of a launch ---- */

/* In place: the block that comes later reads what the other one has written already. */
__global__ void shift_in_place(float *row)
{
    const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
    const float next = row[i + 1];
    __syncthreads();
    row[i] = next;
}

Test(emulator_mistakes, block_that_reads_what_another_one_writes)
{
    array<float> row(std::vector<float>(129, 1.0f));
    must_say(PV_LAUNCH(shift_in_place, 2, 64, 0, nullptr, row.device),
             {"byte 256 of an allocation of 516", "block (1,0,0)", "in this launch"});
}

__global__ void grid_too_large(float *dst)
{
    dst[threadIdx.x] = 1;
}

Test(emulator_mistakes, blocks_that_write_the_same)
{
    array<float> dst(64);
    must_say(PV_LAUNCH(grid_too_large, 2, 64, 0, nullptr, dst.device),
             {"writes", "block (1,0,0) wrote", "in this launch"});
    for (int i = 0; i < 2; i++)
        PV_LAUNCH(grid_too_large, 1, 64, 0, nullptr, dst.device);
    cr_assert_eq(cudaDeviceSynchronize(), cudaSuccess, "another launch may: %s", pv_emulator_fault());
}

__global__ void device_memory_without_barrier(float *dst)
{
    dst[threadIdx.x] = 1;
    dst[64 + threadIdx.x] = dst[63 - threadIdx.x];
}

Test(emulator_mistakes, device_memory_of_another_thread_without_a_barrier)
{
    array<float> dst(128);
    must_say(PV_LAUNCH(device_memory_without_barrier, 1, 64, 0, nullptr, dst.device),
             {"of an allocation of 512, which thread", "no barrier in between"});
}

/* ---- bounds ---- */

__global__ void no_tail_check(float *dst)
{
    dst[blockIdx.x * blockDim.x + threadIdx.x] = 1;
}

Test(emulator_mistakes, missing_tail_check)
{
    array<float> dst(100);
    must_say(PV_LAUNCH(no_tail_check, 2, 64, 0, nullptr, dst.device), {"writes 4 bytes at byte", "allocation of 400"});
}

__global__ void wrong_stride(float *dst, const float *src, unsigned stride)
{
    dst[threadIdx.y * 8 + threadIdx.x] = src[threadIdx.y * stride + threadIdx.x];
}

Test(emulator_mistakes, wrong_stride_in_device_memory)
{
    array<float> dst(8 * 4), src(8 * 4);
    must_say(PV_LAUNCH(wrong_stride, 1, dim3(8, 4), 0, nullptr, dst.device, src.device, 9u),
             {"reads 4 bytes at byte", "allocation of 128", "thread (5,3,0)"});
}

__global__ void wrong_shared_stride(float *dst, unsigned stride)
{
    __shared__ float tile[8 * 8];
    float *row = tile + threadIdx.y * stride;
    row[threadIdx.x] = 1;
    __syncthreads();
    dst[threadIdx.x] = row[threadIdx.x];
}

Test(emulator_mistakes, wrong_stride_in_shared_memory)
{
    array<float> dst(8);
    must_say(PV_LAUNCH(wrong_shared_stride, 1, dim3(8, 8), 0, nullptr, dst.device, 9u),
             {"beyond the end of the variable", "test_mistakes.cu:"});
}

__global__ void dynamic_too_small(float *dst)
{
    float *const tile = (float *)pv_shared;
    tile[threadIdx.x] = 1;
    dst[threadIdx.x] = tile[threadIdx.x];
}

Test(emulator_mistakes, less_dynamic_shared_memory_than_is_used)
{
    array<float> dst(64);
    must_say(PV_LAUNCH(dynamic_too_small, 1, 64, 252, nullptr, dst.device),
             {"writes 4 bytes at byte 252 of dynamic shared memory, which has 252"});
}

__global__ void index_too_large(float *dst, unsigned i)
{
    float own[8] = {};
    own[i] = 1;
    dst[threadIdx.x] = own[threadIdx.x % 8];
}

Test(emulator_mistakes, index_of_a_register_array_too_large)
{
    array<float> dst(32);
    must_say(PV_LAUNCH(index_too_large, 1, 32, 0, nullptr, dst.device, 8u), {"index 8", "test_mistakes.cu:"});
}

Test(emulator_mistakes, freed_memory)
{
    float *gone;
    {
        array<float> dst(64);
        gone = dst.device;
    }
    must_say(PV_LAUNCH(no_tail_check, 1, 64, 0, nullptr, gone), {"memory that was freed"});
}

Test(emulator_mistakes, memory_of_the_host)
{
    float host[64];
    must_say(PV_LAUNCH(no_tail_check, 1, 64, 0, nullptr, host), {"memory of the host"});
}

/* ---- what was never written, and what has not come yet ---- */

__global__ void never_written(float *dst)
{
    __shared__ float tile[64];
    if (threadIdx.x < 60)
        tile[threadIdx.x] = 1;
    __syncthreads();
    dst[threadIdx.x] = tile[threadIdx.x];
}

Test(emulator_mistakes, shared_memory_that_nobody_wrote)
{
    array<float> dst(64);
    must_say(PV_LAUNCH(never_written, 1, 64, 0, nullptr, dst.device), {"of tile, which nobody has written yet"});
}

/* The first block writes, the second one reads what it left. */
__global__ void left_by_another_block(float *dst)
{
    __shared__ float kept;
    if (blockIdx.x == 1)
        kept = 1;
    __syncthreads();
    dst[blockIdx.x] = kept;
}

Test(emulator_mistakes, shared_memory_of_another_block)
{
    array<float> dst(2);
    must_say(PV_LAUNCH(left_by_another_block, 2, 1, 0, nullptr, dst.device),
             {"block (0,0,0)", "nobody has written yet"});
}

template <bool WAIT, bool BARRIER> __global__ void copy_carelessly(float *dst, const float *src)
{
    float *const tile = (float *)pv_shared;
    pv_cp_async_16(tile + 4 * threadIdx.x, src + 4 * threadIdx.x, true);
    pv_cp_async_commit();
    if (WAIT)
        pv_cp_async_wait<0>();
    if (BARRIER)
        __syncthreads();
    dst[threadIdx.x] = tile[4 * (threadIdx.x ^ 1)];
}

Test(emulator_mistakes, cp_async_that_nobody_waits_for)
{
    array<float> dst(32), src(128);
    must_say(PV_LAUNCH((copy_carelessly<false, true>), 1, 32, 512, nullptr, dst.device, src.device),
             {"cp.async is on its way"});
}

Test(emulator_mistakes, cp_async_of_another_thread_without_a_barrier)
{
    array<float> dst(32), src(128);
    must_say(PV_LAUNCH((copy_carelessly<true, false>), 1, 32, 512, nullptr, dst.device, src.device),
             {"dynamic shared memory"});
}

/* ---- streams ---- */

__global__ void set_all(float *dst, float value)
{
    dst[threadIdx.x] = value;
}

__global__ void copy_all(float *dst, const float *src)
{
    dst[threadIdx.x] = src[threadIdx.x];
}

/* Three streams that know nothing of each other, and an event. */
struct several {
    cudaStream_t stream[3];
    cudaEvent_t event;

    several()
    {
        for (cudaStream_t &s : stream)
            cudaStreamCreateWithFlags(&s, cudaStreamNonBlocking);
        cudaEventCreateWithFlags(&event, cudaEventDisableTiming);
    }
    ~several()
    {
        for (cudaStream_t s : stream)
            cudaStreamDestroy(s);
        cudaEventDestroy(event);
    }
    /* What comes on `later` comes after all that `earlier` has been asked for. */
    void put_after(int later, int earlier)
    {
        cudaEventRecord(event, stream[earlier]);
        cudaStreamWaitEvent(stream[later], event, 0);
    }
};

/* The streams happen to work in the right order: the first one is waited for, but only after the second was asked. */
Test(emulator_mistakes, reading_what_another_stream_writes)
{
    several s;
    array<float> a(32), b(32);
    PV_LAUNCH(set_all, 1, 32, 0, s.stream[0], a.device, 1.0f);
    const int code = PV_LAUNCH(copy_all, 1, 32, 0, s.stream[1], b.device, a.device);
    cudaStreamSynchronize(s.stream[0]);
    must_say(code, {"kernel copy_all", "reads byte 0 of an allocation of 128",
                    "another stream wrote, and nothing puts one before the other", "test_mistakes.cu:", "set_all"});
}

Test(emulator_mistakes, writing_what_another_stream_writes)
{
    several s;
    array<float> a(32);
    PV_LAUNCH(set_all, 1, 32, 0, s.stream[0], a.device, 1.0f);
    s.put_after(1, 0);
    PV_LAUNCH(set_all, 1, 32, 0, s.stream[0], a.device, 2.0f); /* after the event */
    const int code = PV_LAUNCH(set_all, 1, 32, 0, s.stream[1], a.device, 3.0f);
    cudaStreamSynchronize(s.stream[0]);
    must_say(code, {"writes byte 0", "another stream wrote"});
}

/* Two streams read, one of them is waited for. */
Test(emulator_mistakes, writing_what_one_of_two_streams_still_reads)
{
    for (int late = 0; late < 2; late++) {
        several s;
        array<float> a(std::vector<float>(32, 1.0f)), b(32), c(32);
        PV_LAUNCH(copy_all, 1, 32, 0, s.stream[0], b.device, a.device);
        PV_LAUNCH(copy_all, 1, 32, 0, s.stream[1], c.device, a.device);
        s.put_after(2, late);
        const int code = PV_LAUNCH(set_all, 1, 32, 0, s.stream[2], a.device, 2.0f);
        cudaStreamSynchronize(s.stream[0]);
        cudaStreamSynchronize(s.stream[1]);
        must_say(code, {"kernel set_all", "writes byte 0", "another stream read", "copy_all"});
    }
}

Test(emulator_mistakes, copies_that_streams_do_not_wait_for)
{
    several s;
    float *pinned;
    array<float> a(32), b(32);
    cudaMallocHost(&pinned, 128);
    PV_LAUNCH(set_all, 1, 32, 0, s.stream[0], a.device, 1.0f);
    cudaMemcpyAsync(pinned, a.device, 128, cudaMemcpyDeviceToHost, s.stream[1]);
    cudaStreamSynchronize(s.stream[0]);
    must_say(0, {"a copy reads what a kernel of another stream wrote", "set_all"});

    cudaMemcpyAsync(pinned, b.device, 128, cudaMemcpyDeviceToHost, s.stream[0]);
    cudaMemsetAsync(b.device, 0, 128, s.stream[1]);
    cudaStreamSynchronize(s.stream[0]);
    must_say(0, {"a copy writes what a copy of another stream read"});

    cudaMemcpyAsync(b.device, pinned, 128, cudaMemcpyHostToDevice, s.stream[0]);
    const int code = PV_LAUNCH(copy_all, 1, 32, 0, s.stream[1], a.device, b.device);
    cudaStreamSynchronize(s.stream[0]);
    must_say(code, {"kernel copy_all", "reads byte 0", "a copy of another stream wrote"});
    cudaFreeHost(pinned);
}

/* ---- alignment ---- */

__global__ void vector_off_its_place(float *dst, const float *src)
{
    const float4 v = *(const float4 *)(src + 1 + 4 * threadIdx.x);
    dst[threadIdx.x] = v.x + v.y + v.z + v.w;
}

Test(emulator_mistakes, misaligned_vector)
{
    array<float> dst(8), src(64);
    must_say(PV_LAUNCH(vector_off_its_place, 1, 8, 0, nullptr, dst.device, src.device), {"float4", "16 bytes"});
}

__global__ void matrix_off_its_place(float *dst)
{
    uint16_t *const tile = (uint16_t *)pv_shared;
    for (unsigned i = threadIdx.x; i < 512; i += 32)
        tile[i] = 0;
    __syncthreads();
    uint32_t r[4];
    pv_ldmatrix_x4(r, tile + threadIdx.x * 12); /* rows of 24 bytes */
    dst[threadIdx.x] = (float)r[0];
}

Test(emulator_mistakes, misaligned_row_of_ldmatrix)
{
    array<float> dst(32);
    must_say(PV_LAUNCH(matrix_off_its_place, 1, 32, 1024, nullptr, dst.device), {"ldmatrix", "16 bytes"});
}
