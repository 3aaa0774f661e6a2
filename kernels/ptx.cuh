/* ptx.cuh: every instruction that CUDA C++ has no word for, one a function; the emulator has its own versions.
 *
 * Fragments, with g = lane / 4 and t = lane % 4, the lower half of a register first (PTX ISA, mma.m16n8k16):
 *   A 16x16 (a[4])  row g, g+8, g, g+8; columns 2t, 2t+1, in a[2] and a[3] 8 further
 *   B 16x8  (b[2])  column g; rows 2t, 2t+1, in b[1] 8 further
 *   D 16x8  (d[4])  row g, columns 2t, 2t+1; then the same of row g+8 */
#ifndef PV_PTX_CUH
#define PV_PTX_CUH

#include "launch.cuh"

#ifdef PV_EMULATOR
#include "emulator/ptx.cuh"
#else

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

#endif
#endif
