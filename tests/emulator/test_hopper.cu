/* test_hopper.cu: barriers in shared memory, copies of boxes of tensors, and products of four warps: what they do
 * against plain C++, and every mistake with them that the emulator must name. */
#include <cuda.h>
#include <cuda_bf16.h>
#include <emulator/ptx.cuh>

#include "array.h"

TestSuite(emulator_hopper, .timeout = 120);

extern __shared__ __align__(16) unsigned char pv_shared[];

enum { LINE = 64, LINE_BYTES = 128 }; /* elements of bf16 */

static float small_number(size_t i)
{
    return (float)((int)(i * 2654435761u >> 7) % 17 - 8);
}

static std::vector<float> small_numbers(size_t count, size_t first)
{
    std::vector<float> x(count);
    for (size_t i = 0; i < count; i++)
        x[i] = small_number(first + i);
    return x;
}

static std::vector<__nv_bfloat16> narrow(const std::vector<float> &value)
{
    std::vector<__nv_bfloat16> h(value.size());
    for (size_t i = 0; i < h.size(); i++)
        h[i] = __float2bfloat16(value[i]);
    return h;
}

/* ---- products ---- */

/* As the PTX ISA has the bits: begin, leading and stride offset in units of 16 bytes, a swizzle of 128 bytes. */
static uint64_t descriptor(const void *matrix)
{
    return pv_shared_address(matrix) / 16 | 1ull << 16 | (uint64_t)(1024 / 16) << 32 | 1ull << 62;
}

enum by_hand { RIGHT, NO_PROXY_FENCE, NO_BLOCK_BARRIER, NO_WGMMA_FENCE, FENCED_TOO_EARLY };

/* d [64][128] = a [64][64] b^T, b [128][64], twice over, the second time added. Threads lay the matrices. */
template <by_hand HOW> __global__ void multiply_by_hand(float *dst, const __nv_bfloat16 *a, const __nv_bfloat16 *b)
{
    auto *const left = (__nv_bfloat16 *)pv_shared, *const right = left + 64 * LINE;
    for (unsigned i = threadIdx.x; i < 64 * LINE; i += 128)
        left[i / LINE * LINE + ((i % LINE / 8) ^ (i / LINE % 8)) * 8 + i % 8] = a[i];
    if (HOW == FENCED_TOO_EARLY)
        pv_proxy_fence();
    for (unsigned i = threadIdx.x; i < 128 * LINE; i += 128)
        right[i / LINE * LINE + ((i % LINE / 8) ^ (i / LINE % 8)) * 8 + i % 8] = b[i];
    if (HOW != NO_PROXY_FENCE && HOW != FENCED_TOO_EARLY)
        pv_proxy_fence();
    if (HOW != NO_BLOCK_BARRIER)
        __syncthreads();
    float sum[64];
    if (HOW != NO_WGMMA_FENCE)
        pv_wgmma_fence();
    for (unsigned k = 0; k < 8; k++)
        pv_wgmma_64x128x16(sum, descriptor(left) + k % 4 * 2, descriptor(right) + k % 4 * 2, k > 0);
    pv_wgmma_commit();
    pv_wgmma_finish(sum);
    for (unsigned i = 0; i < 64; i++) {
        const unsigned lane = threadIdx.x % 32, row = threadIdx.x / 32 * 16 + i / 2 % 2 * 8 + lane / 4;
        dst[row * 128 + i / 4 * 8 + lane % 4 * 2 + i % 2] = sum[i];
    }
}

static int launch_by_hand(void (*kernel)(float *, const __nv_bfloat16 *, const __nv_bfloat16 *),
                          std::vector<float> *got = nullptr)
{
    array<__nv_bfloat16> a(narrow(small_numbers(64 * LINE, 0))), b(narrow(small_numbers(128 * LINE, 9999)));
    array<float> dst(64 * 128);
    const int code = PV_LAUNCH(kernel, 1, 128, 3 * 64 * LINE_BYTES, nullptr, dst.device, a.device, b.device);
    cudaDeviceSynchronize();
    if (got)
        *got = dst.read();
    return code;
}

Test(emulator_hopper, wgmma_is_the_plain_product)
{
    std::vector<float> got;
    must_run(launch_by_hand(multiply_by_hand<RIGHT>, &got));
    const std::vector<float> a = small_numbers(64 * LINE, 0), b = small_numbers(128 * LINE, 9999);
    for (size_t m = 0; m < 64; m++)
        for (size_t n = 0; n < 128; n++) {
            float sum = 0;
            for (size_t k = 0; k < LINE; k++)
                sum += 2 * a[m * LINE + k] * b[n * LINE + k];
            cr_assert_eq(got[m * 128 + n], sum, "row %zu, column %zu: %g, not %g", m, n, (double)got[m * 128 + n],
                         (double)sum);
        }
}

Test(emulator_hopper, what_threads_wrote_needs_a_fence_before_wgmma_reads_it)
{
    must_say(launch_by_hand(multiply_by_hand<NO_PROXY_FENCE>), {"multiplies", "no pv_proxy_fence", "test_hopper.cu:"});
    must_say(launch_by_hand(multiply_by_hand<FENCED_TOO_EARLY>), {"multiplies", "no pv_proxy_fence"});
    must_say(launch_by_hand(multiply_by_hand<NO_BLOCK_BARRIER>), {"reads", "which nobody has written"});
}

Test(emulator_hopper, wgmma_needs_a_fence_behind_its_registers)
{
    must_say(launch_by_hand(multiply_by_hand<NO_WGMMA_FENCE>), {"no pv_wgmma_fence", "test_hopper.cu:"});
}

/* ---- maps ---- */

/* Of [rows][columns], by boxes. */
static CUresult encode(CUtensorMap *map, const void *address, uint64_t columns, uint64_t rows, uint64_t row_bytes,
                       uint32_t box_columns, uint32_t box_rows, CUtensorMapSwizzle swizzle)
{
    const cuuint64_t size[] = {columns, rows}, stride[] = {row_bytes};
    const cuuint32_t box[] = {box_columns, box_rows}, step[] = {1, 1};
    void *found;
    cudaDriverEntryPointQueryResult result;
    cr_assert_eq(cudaGetDriverEntryPoint("cuTensorMapEncodeTiled", &found, cudaEnableDefault, &result), cudaSuccess);
    cr_assert_eq(result, cudaDriverEntryPointSuccess);
    return ((decltype(&cuTensorMapEncodeTiled))found)(
        map, CU_TENSOR_MAP_DATA_TYPE_BFLOAT16, 2, (void *)address, size, stride, box, step,
        CU_TENSOR_MAP_INTERLEAVE_NONE, swizzle, CU_TENSOR_MAP_L2_PROMOTION_L2_128B, CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE);
}

Test(emulator_hopper, maps_are_refused_as_the_driver_refuses_them)
{
    CUtensorMap map;
    char *const place = (char *)(uintptr_t)4096;
    const CUtensorMapSwizzle most = CU_TENSOR_MAP_SWIZZLE_128B;
    cr_assert_eq(encode(&map, place, 96, 10, 192, 64, 128, most), CUDA_SUCCESS);
    cr_assert_eq(encode(&map, place + 8, 96, 10, 192, 64, 128, most), CUDA_ERROR_INVALID_VALUE, "address");
    cr_assert_eq(encode(&map, place, 100, 10, 200, 64, 128, most), CUDA_ERROR_INVALID_VALUE, "stride");
    cr_assert_eq(encode(&map, place, 96, 0, 192, 64, 128, most), CUDA_ERROR_INVALID_VALUE, "size");
    cr_assert_eq(encode(&map, place, 96, 10, 192, 64, 257, most), CUDA_ERROR_INVALID_VALUE, "box");
    cr_assert_eq(encode(&map, place, 96, 10, 192, 4, 16, most), CUDA_ERROR_INVALID_VALUE, "8 bytes");
    cr_assert_eq(encode(&map, place, 96, 10, 192, 72, 16, most), CUDA_ERROR_INVALID_VALUE, "beyond the swizzle");
    cr_assert_eq(encode(&map, place, 96, 10, 192, 40, 16, CU_TENSOR_MAP_SWIZZLE_64B), CUDA_ERROR_INVALID_VALUE);
    cr_assert_eq(encode(&map, place, 96, 10, 192, 72, 16, CU_TENSOR_MAP_SWIZZLE_NONE), CUDA_SUCCESS);
    cr_assert_eq(encode((CUtensorMap *)((char *)&map + 16), place, 96, 10, 192, 64, 128, most),
                 CUDA_ERROR_INVALID_VALUE, "where the map lies");
}

/* The bytes of one box as they lie. */
__global__ void copy_box(uint16_t *dst, const __grid_constant__ CUtensorMap map, int x, int y, int count)
{
    __shared__ uint64_t here;
    if (threadIdx.x == 0) {
        pv_barrier_init(&here, 1);
        pv_barrier_init_fence();
        pv_barrier_arrive_expect(&here, count * 2);
        pv_tensor_copy_2d(pv_shared, &map, x, y, &here);
    }
    __syncthreads();
    pv_barrier_wait(&here, 0);
    for (unsigned i = threadIdx.x; i < (unsigned)count; i += blockDim.x)
        dst[i] = ((const uint16_t *)pv_shared)[i];
}

Test(emulator_hopper, boxes_come_swizzled_and_with_zeros_around)
{
    enum { COLUMNS = 72, ROWS = 21, BOX_ROWS = 20 };
    const struct {
        CUtensorMapSwizzle swizzle;
        int columns, chunks; /* of a box; 16-byte chunks of which the places are mixed */
    } way[] = {{CU_TENSOR_MAP_SWIZZLE_NONE, 24, 1},
               {CU_TENSOR_MAP_SWIZZLE_32B, 16, 2},
               {CU_TENSOR_MAP_SWIZZLE_64B, 32, 4},
               {CU_TENSOR_MAP_SWIZZLE_128B, 64, 8}};
    const std::vector<float> value = small_numbers(COLUMNS * ROWS, 5);
    const std::vector<__nv_bfloat16> bits = narrow(value);
    array<__nv_bfloat16> src(bits);
    for (const auto &w : way)
        for (const int x : {0, 32, -8})
            for (const int y : {0, 9, -3}) {
                CUtensorMap map;
                cr_assert_eq(
                    encode(&map, src.device, COLUMNS, ROWS, COLUMNS * 2, (uint32_t)w.columns, BOX_ROWS, w.swizzle),
                    CUDA_SUCCESS);
                const int count = w.columns * BOX_ROWS;
                array<uint16_t> dst((size_t)count);
                must_run(PV_LAUNCH(copy_box, 1, 64, (size_t)count * 2, nullptr, dst.device, map, x, y, count));
                const std::vector<uint16_t> got = dst.read();
                for (int r = 0; r < BOX_ROWS; r++)
                    for (int c = 0; c < w.columns; c++) {
                        const bool inside = x + c >= 0 && x + c < COLUMNS && y + r >= 0 && y + r < ROWS;
                        const int line = (r * w.columns + c) / LINE; /* of 128 bytes */
                        const int at = r * w.columns + (((c / 8) ^ (line % w.chunks)) * 8) + c % 8;
                        cr_assert_eq(got[(size_t)at],
                                     inside ? __bfloat16_as_ushort(bits[(size_t)((y + r) * COLUMNS + x + c)]) : 0,
                                     "swizzle %d, box at (%d, %d), row %d, column %d", (int)w.swizzle, x, y, r, c);
                    }
            }
}

/* ---- all of it together ---- */

enum mistake {
    NONE,
    NO_INIT,
    INIT_WITHOUT_FENCE,
    INIT_WITHOUT_BLOCK_BARRIER,
    INIT_TWICE,
    TOUCHED_BARRIER,
    FOREIGN_MAP,
    MISPLACED_BOX,
    MISPLACED_MATRIX,
    TOO_FEW_BYTES,
    TOO_MANY_BYTES,
    NO_WAIT_FOR_BOX,
    ONE_THREAD_WAITS_FOR_BOX,
    NO_WAIT_FOR_ROOM,
    EARLY_ARRIVAL,
    ONE_WARP_ARRIVES,
    ALL_THREADS_ARRIVE,
    PARITY_THAT_STAYS,
    THREE_WARPS,
    OTHER_OPERANDS,
    EARLY_READ,
    EARLY_WRITE,
    NO_COMMIT,
    NO_WAIT_AT_THE_END,
    BOX_THAT_NOBODY_WAITS_FOR
};

enum { STAGES = 2, BOX_BYTES = 64 * LINE_BYTES, STAGE_BYTES = 3 * BOX_BYTES, CONSUMERS = 128 };

/* dst [64][128] = a [64][depth] b [128][depth]^T: one thread fetches boxes, four warps multiply. */
template <mistake WHAT>
__global__ void pipeline(float *dst, const __grid_constant__ CUtensorMap a, const __grid_constant__ CUtensorMap b,
                         int depth)
{
    __shared__ uint64_t full[STAGES], empty[STAGES];
    const int thread = (int)threadIdx.x, warp = thread / 32, steps = (depth + LINE - 1) / LINE;
    if (thread == 0 && WHAT != NO_INIT) {
        for (int i = 0; i < STAGES; i++) {
            pv_barrier_init(&full[i], 1);
            pv_barrier_init(&empty[i], CONSUMERS / 32);
        }
        if (WHAT == INIT_TWICE)
            pv_barrier_init(&full[0], 1);
        if (WHAT != INIT_WITHOUT_FENCE)
            pv_barrier_init_fence();
    }
    if (WHAT != INIT_WITHOUT_BLOCK_BARRIER)
        __syncthreads();
    if (thread >= CONSUMERS) {
        for (int step = 0; thread == CONSUMERS && step < steps; step++) {
            const int stage = step % STAGES, turn = step / STAGES % 2;
            unsigned char *const left = pv_shared + stage * STAGE_BYTES + (WHAT == MISPLACED_BOX ? 512 : 0);
            if (WHAT != NO_WAIT_FOR_ROOM)
                pv_barrier_wait(&empty[stage], WHAT == PARITY_THAT_STAYS ? 1 : 1 - turn);
            pv_barrier_arrive_expect(&full[stage], WHAT == TOO_FEW_BYTES    ? BOX_BYTES
                                                   : WHAT == TOO_MANY_BYTES ? 4 * BOX_BYTES
                                                                            : STAGE_BYTES);
            const CUtensorMap nothing = {};
            pv_tensor_copy_2d(left, WHAT == FOREIGN_MAP ? &nothing : &a, step * LINE, 0, &full[stage]);
            pv_tensor_copy_2d(left + BOX_BYTES, &b, step * LINE, 0, &full[stage]);
        }
        return;
    }
    if (WHAT == TOUCHED_BARRIER)
        dst[thread] = (float)full[0];
    if (WHAT == THREE_WARPS && warp == 3)
        return;
    float sum[64], other = 0;
    for (int step = 0; step < steps; step++) {
        const int stage = step % STAGES;
        const unsigned char *const left = pv_shared + stage * STAGE_BYTES + (WHAT == MISPLACED_MATRIX ? 512 : 0);
        const bool leaves = WHAT == BOX_THAT_NOBODY_WAITS_FOR && step == steps - 1;
        if (leaves)
            break;
        if (WHAT != NO_WAIT_FOR_BOX && (WHAT != ONE_THREAD_WAITS_FOR_BOX || thread == 0))
            pv_barrier_wait(&full[stage], step / STAGES % 2);
        pv_wgmma_fence();
        for (unsigned k = 0; k < 4; k++) {
            const unsigned at = WHAT == OTHER_OPERANDS && warp == 2 ? 3 - k : k;
            pv_wgmma_64x128x16(sum, descriptor(left) + at * 2, descriptor(left + BOX_BYTES) + at * 2,
                               step + (int)k > 0);
        }
        if (WHAT == EARLY_WRITE)
            sum[3] = 1;
        if (WHAT != NO_COMMIT)
            pv_wgmma_commit();
        if (WHAT == EARLY_ARRIVAL && thread % 32 == 0)
            pv_barrier_arrive(&empty[stage]);
        if (WHAT == EARLY_READ)
            other += sum[0];
        if (WHAT != NO_WAIT_AT_THE_END)
            pv_wgmma_finish(sum);
        const bool arrives = WHAT == ONE_WARP_ARRIVES ? thread < 4 : WHAT == ALL_THREADS_ARRIVE || thread % 32 == 0;
        if (WHAT != EARLY_ARRIVAL && arrives)
            pv_barrier_arrive(&empty[stage]);
    }
    if (WHAT == NO_WAIT_AT_THE_END)
        return;
    for (unsigned i = 0; i < 64; i++) {
        const unsigned lane = threadIdx.x % 32, row = threadIdx.x / 32 * 16 + i / 2 % 2 * 8 + lane / 4;
        dst[row * 128 + i / 4 * 8 + lane % 4 * 2 + i % 2] = sum[i] + other;
    }
}

enum { DEPTH = 5 * LINE - 8 }; /* every stage more than once, and the last one not whole */

static int launch_pipeline(void (*kernel)(float *, CUtensorMap, CUtensorMap, int), std::vector<float> *got = nullptr)
{
    array<__nv_bfloat16> a(narrow(small_numbers(64 * DEPTH, 0))), b(narrow(small_numbers(128 * DEPTH, 9999)));
    array<float> dst(64 * 128);
    CUtensorMap of_a, of_b;
    cr_assert_eq(encode(&of_a, a.device, DEPTH, 64, DEPTH * 2, LINE, 64, CU_TENSOR_MAP_SWIZZLE_128B), CUDA_SUCCESS);
    cr_assert_eq(encode(&of_b, b.device, DEPTH, 128, DEPTH * 2, LINE, 128, CU_TENSOR_MAP_SWIZZLE_128B), CUDA_SUCCESS);
    cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, STAGES * STAGE_BYTES + 1024);
    const int code =
        PV_LAUNCH(kernel, 1, CONSUMERS + 32, STAGES * STAGE_BYTES + 1024, nullptr, dst.device, of_a, of_b, (int)DEPTH);
    cudaDeviceSynchronize();
    if (got)
        *got = dst.read();
    return code;
}

Test(emulator_hopper, boxes_barriers_and_products_work_together)
{
    std::vector<float> got;
    must_run(launch_pipeline(pipeline<NONE>, &got));
    const std::vector<float> a = small_numbers(64 * DEPTH, 0), b = small_numbers(128 * DEPTH, 9999);
    for (size_t m = 0; m < 64; m++)
        for (size_t n = 0; n < 128; n++) {
            float sum = 0;
            for (size_t k = 0; k < DEPTH; k++)
                sum += a[m * DEPTH + k] * b[n * DEPTH + k];
            cr_assert_eq(got[m * 128 + n], sum);
        }
}

Test(emulator_hopper, mistakes_with_barriers)
{
    must_say(launch_pipeline(pipeline<NO_INIT>), {"byte 0 of empty", "nobody has initialised", "test_hopper.cu:"});
    must_say(launch_pipeline(pipeline<INIT_WITHOUT_FENCE>), {"byte 0 of full", "no pv_barrier_init_fence"});
    must_say(launch_pipeline(pipeline<INIT_WITHOUT_BLOCK_BARRIER>), {"thread 0 has initialised with no barrier"});
    must_say(launch_pipeline(pipeline<INIT_TWICE>), {"byte 0 of full", "a barrier already"});
    must_say(launch_pipeline(pipeline<TOUCHED_BARRIER>), {"reads byte 0 of full, which is a barrier"});
    must_say(launch_pipeline(pipeline<ALL_THREADS_ARRIVE>),
             {"waits for byte 0 of empty, where two phases end before it can see"});
}

Test(emulator_hopper, mistakes_with_boxes)
{
    must_say(launch_pipeline(pipeline<FOREIGN_MAP>), {"cuTensorMapEncodeTiled has not made"});
    must_say(launch_pipeline(pipeline<MISPLACED_BOX>), {"not on 1024 bytes", "test_hopper.cu:"});
    must_say(launch_pipeline(pipeline<TOO_FEW_BYTES>),
             {"waits for byte 0 of full, which misses 0 of 1 arrivals and -16384 bytes"});
    must_say(launch_pipeline(pipeline<TOO_MANY_BYTES>),
             {"waits for byte 0 of full, which misses 0 of 1 arrivals and 8192 bytes"});
    must_say(launch_pipeline(pipeline<NO_WAIT_FOR_BOX>), {"reads", "to which a box is on its way"});
    must_say(launch_pipeline(pipeline<ONE_THREAD_WAITS_FOR_BOX>), {"a box"});
    must_say(launch_pipeline(pipeline<BOX_THAT_NOBODY_WAITS_FOR>), {"returned while a box is on its way"});
}

Test(emulator_hopper, mistakes_with_room_for_the_next_box)
{
    must_say(launch_pipeline(pipeline<NO_WAIT_FOR_ROOM>), {"arrives at byte 0 of full once more than the 1 times"});
    must_say(launch_pipeline(pipeline<EARLY_ARRIVAL>), {"writes", "which a wgmma of warp", "no barrier since its end"});
    must_say(launch_pipeline(pipeline<ONE_WARP_ARRIVES>), {"writes", "which a wgmma of warp"});
    must_say(launch_pipeline(pipeline<PARITY_THAT_STAYS>), {"arrives at byte 0 of full once more"});
}

Test(emulator_hopper, mistakes_with_products)
{
    must_say(launch_pipeline(pipeline<MISPLACED_MATRIX>), {"does not begin on 1024 bytes"});
    must_say(launch_pipeline(pipeline<THREE_WARPS>), {"waits for byte"});
    must_say(launch_pipeline(pipeline<OTHER_OPERANDS>), {"other operands than another of its four warps"});
    must_say(launch_pipeline(pipeline<EARLY_READ>), {"reads registers that a wgmma is at work on", "test_hopper.cu:"});
    must_say(launch_pipeline(pipeline<EARLY_WRITE>), {"writes registers that a wgmma is at work on"});
    must_say(launch_pipeline(pipeline<NO_COMMIT>), {"which a wgmma of warp", "still reads"});
    must_say(launch_pipeline(pipeline<NO_WAIT_AT_THE_END>), {"which a wgmma of warp", "still reads"});
}
