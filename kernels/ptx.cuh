/* ptx.cuh: every instruction that CUDA C++ has no word for, one a function; the emulator has its own versions.
 *
 * Fragments, with g = lane / 4 and t = lane % 4, the lower half of a register first (PTX ISA, mma.m16n8k16):
 *   A 16x16 (a[4])  row g, g+8, g, g+8; columns 2t, 2t+1, in a[2] and a[3] 8 further
 *   B 16x8  (b[2])  column g; rows 2t, 2t+1, in b[1] 8 further
 *   D 16x8  (d[4])  row g, columns 2t, 2t+1; then the same of row g+8
 *
 * The second half is Hopper's: products of four warps together, whose operands lie in shared memory, copies of boxes
 * of tensors, and the barriers that both are waited for with. It is code for sm_90a and for nothing else: kernels use
 * it where PV_HOPPER says so, and stop elsewhere. */
#ifndef PV_PTX_CUH
#define PV_PTX_CUH

#include "launch.cuh"

#if defined(PV_EMULATOR) || defined(__CUDA_ARCH_FEAT_SM90_ALL)
#define PV_HOPPER 1
#else
#define PV_HOPPER 0
#endif

#ifdef PV_EMULATOR
#include "emulator/ptx.cuh"
#else
#include <cuda.h>

/* d += a b: bf16 products, float sums. */
__device__ inline void pv_mma_bf16_16816(float d[4], const uint32_t a[4], const uint32_t b[2])
{
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 "
                 "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
                 : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

/* Two floats -> two of bf16, the first in the lower half: to nearest, ties to even; infinities stay, NaN becomes
 * 0x7fff. */
__device__ inline uint32_t pv_pack_bf16(float low, float high)
{
    uint32_t pair;
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(high), "f"(low));
    return pair;
}

/* 2^x, off by up to 2^-22 of what it is; what is no normal number is 0. */
__device__ inline float pv_exp2_approx(float x)
{
    float y;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
    return y;
}

/* 1 / x, off by up to 2^-23 of what it is; of infinity it is 0. */
__device__ inline float pv_reciprocal_approx(float x)
{
    float y;
    asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
    return y;
}

__device__ inline uint32_t pv_shared_address(const void *shared)
{
    return (uint32_t)__cvta_generic_to_shared(shared);
}

/* Matrices of 8 rows of 8 elements of 2 bytes. Lanes 8i .. 8i+7 give the rows of matrix i (16 bytes, aligned); register
 * i gets elements 2t, 2t+1 of row g, or, transposed, of column g. */
__device__ inline void pv_ldmatrix_x4(uint32_t r[4], const void *shared_row)
{
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                 : "r"(pv_shared_address(shared_row))
                 : "memory");
}

__device__ inline void pv_ldmatrix_x4_trans(uint32_t r[4], const void *shared_row)
{
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                 : "r"(pv_shared_address(shared_row))
                 : "memory");
}

/* 16 bytes on their way to shared memory, both sides aligned; zeros when not valid, and global is not looked at. */
__device__ inline void pv_cp_async_16(void *shared, const void *global, bool valid)
{
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;"
                 :
                 : "r"(pv_shared_address(shared)), "l"(global), "r"(valid ? 16 : 0)
                 : "memory");
}

__device__ inline void pv_cp_async_commit()
{
    asm volatile("cp.async.commit_group;" ::: "memory");
}

/* Waits until at most N committed groups of this thread are still on their way. */
template <int N> __device__ inline void pv_cp_async_wait()
{
    asm volatile("cp.async.wait_group %0;" : : "n"(N) : "memory");
}

/* ---- Hopper: barriers ---- */

/* A barrier goes through phases: one ends when so many have arrived, and the bytes that they said to expect have, too.
 * Initialised by one thread, which then says so to copies, and to the block. */
__device__ inline void pv_barrier_init(uint64_t *barrier, int arrivals)
{
    asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;"
                 :
                 : "r"(pv_shared_address(barrier)), "r"(arrivals)
                 : "memory");
}

__device__ inline void pv_barrier_init_fence()
{
    asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
    asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
}

__device__ inline void pv_barrier_arrive(uint64_t *barrier)
{
    asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" : : "r"(pv_shared_address(barrier)) : "memory");
}

/* Arrives, and the phase waits for so many bytes of copies, too. */
__device__ inline void pv_barrier_arrive_expect(uint64_t *barrier, int bytes)
{
    asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;"
                 :
                 : "r"(pv_shared_address(barrier)), "r"(bytes)
                 : "memory");
}

/* Until the phase of this parity has ended. The first phase has parity 0; of the one before it, 1, nobody waits long.
 */
__device__ inline void pv_barrier_wait(uint64_t *barrier, int parity)
{
    asm volatile("{\n"
                 ".reg .pred done;\n"
                 "again:\n"
                 "mbarrier.try_wait.parity.shared::cta.b64 done, [%0], %1;\n"
                 "@!done bra again;\n"
                 "}"
                 :
                 : "r"(pv_shared_address(barrier)), "r"(parity)
                 : "memory");
}

/* ---- Hopper: copies of boxes ---- */

/* The box of the map's tensor that begins at (x, y), on its way to shared memory, on 1024 bytes, and all its bytes
 * to the barrier; zeros where the tensor ends. One thread asks. map: a __grid_constant__ parameter of the kernel. */
__device__ inline void pv_tensor_copy_2d(void *shared, const CUtensorMap *map, int x, int y, uint64_t *barrier)
{
    asm volatile(
        "cp.async.bulk.tensor.2d.shared::cluster.global.tile.mbarrier::complete_tx::bytes [%0], [%1, {%2, %3}], [%4];"
        :
        : "r"(pv_shared_address(shared)), "l"(map), "r"(x), "r"(y), "r"(pv_shared_address(barrier))
        : "memory");
}

/* ---- Hopper: products of four warps ---- */

/* What this thread wrote to shared memory may be read by products and written by copies, once they know of it. */
__device__ inline void pv_proxy_fence()
{
    asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
}

/* What was done to registers comes before the products that follow. */
__device__ inline void pv_wgmma_fence()
{
    asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
}

__device__ inline void pv_wgmma_commit()
{
    asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
}

#define PV_EIGHT(d, i)                                                                                                 \
    "+f"(d[i]), "+f"(d[i + 1]), "+f"(d[i + 2]), "+f"(d[i + 3]), "+f"(d[i + 4]), "+f"(d[i + 5]), "+f"(d[i + 6]),        \
        "+f"(d[i + 7])
#define PV_SIXTY_FOUR(d)                                                                                               \
    PV_EIGHT(d, 0), PV_EIGHT(d, 8), PV_EIGHT(d, 16), PV_EIGHT(d, 24), PV_EIGHT(d, 32), PV_EIGHT(d, 40),                \
        PV_EIGHT(d, 48), PV_EIGHT(d, 56)

/* d += a b, or d = a b: 64 rows of a, 128 columns of b, 16 deep, bf16 with float sums; the matrices as
 * pv_wgmma_matrix names them, the same for all four warps. Warp w has rows 16w .. 16w+15, d[4i .. 4i+3] as the fragment
 * D of columns 8i .. 8i+7. The sums are there, and the matrices free, when their group has been waited for. */
__device__ inline void pv_wgmma_64x128x16(float d[64], uint64_t a, uint64_t b, bool add)
{
    asm volatile("{\n"
                 ".reg .pred add;\n"
                 "setp.ne.b32 add, %66, 0;\n"
                 "wgmma.mma_async.sync.aligned.m64n128k16.f32.bf16.bf16 "
                 "{%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, "
                 "%16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31, "
                 "%32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47, "
                 "%48, %49, %50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63}, "
                 "%64, %65, add, 1, 1, 0, 0;\n"
                 "}"
                 : PV_SIXTY_FOUR(d)
                 : "l"(a), "l"(b), "r"((int)add));
}

/* Waits until at most N committed groups are still at work. */
template <int N> __device__ inline void pv_wgmma_wait()
{
    asm volatile("wgmma.wait_group.sync.aligned %0;" : : "n"(N) : "memory");
}

/* Waits for all. d, the sums, is named so that nothing of what uses them comes before. */
__device__ inline void pv_wgmma_finish(float d[64])
{
    asm volatile("wgmma.wait_group.sync.aligned 0;" : PV_SIXTY_FOUR(d) : : "memory");
}

#endif

/* The name of a matrix in shared memory for a product (PTX ISA, matrix descriptor): rows of 64 elements along k, 128
 * bytes, every eight of them 1024 bytes on 1024 bytes, and the 16-byte chunks of row r at their place xor r % 8: as a
 * tensor map with a swizzle of 128 bytes lays them. 16 elements further along k is 2 more. */
__device__ inline uint64_t pv_wgmma_matrix(const void *shared)
{
    const uint64_t unused = 1, eight_rows = 1024 >> 4, swizzle_128 = 1;
    return (pv_shared_address(shared) & 0x3ffff) >> 4 | unused << 16 | eight_rows << 32 | swizzle_128 << 62;
}

#endif
