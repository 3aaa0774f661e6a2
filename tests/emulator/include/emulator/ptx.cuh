/* ptx.cuh: the instructions of kernels/ptx.cuh, emulated: fragments lie in the lanes as the PTX ISA says.
 *
 * With g = lane / 4 and t = lane % 4, register by register, the lower half first:
 *   A 16x16 (a[4])  row g, g+8, g, g+8; columns 2t, 2t+1, in a[2] and a[3] 8 further
 *   B 16x8  (b[2])  column g; rows 2t, 2t+1, in b[1] 8 further
 *   D 16x8  (d[4])  row g, columns 2t, 2t+1; then the same of row g+8
 * ldmatrix: lanes 8i .. 8i+7 give the addresses of the rows of matrix i, 8 rows of 8 elements of 2 bytes; register i
 * gets elements 2t, 2t+1 of row g, or, transposed, of column g. */
#ifndef PV_EMULATOR_PTX_CUH
#define PV_EMULATOR_PTX_CUH

#include <cuda_runtime.h>

#include "hopper.cuh"

namespace pv_emulator
{
struct words {
    uint32_t word[4];
};
struct sums {
    float sum[4];
};

words load_matrices(const void *row, int count, bool transposed, const char *file, int line);
sums multiply(sums d, words a, uint64_t b, const char *file, int line);
/* Bytes arrive no earlier than the thread waits for them. */
void copy_later(void *shared, const void *global, bool valid, const char *file, int line);
void copy_commit();
void copy_wait(int groups_left);
} // namespace pv_emulator

/* d += a b: bf16 products, float sums. */
inline void pv_mma_bf16_16816(float d[4], const uint32_t a[4], const uint32_t b[2], PV_EMULATOR_SITE_)
{
    const pv_emulator::sums r = pv_emulator::multiply({{d[0], d[1], d[2], d[3]}}, {{a[0], a[1], a[2], a[3]}},
                                                      b[0] | (uint64_t)b[1] << 32, file, line);
    for (int i = 0; i < 4; i++)
        d[i] = r.sum[i];
}

inline void pv_ldmatrix_x4(uint32_t r[4], const void *smem_row, PV_EMULATOR_SITE_)
{
    const pv_emulator::words w = pv_emulator::load_matrices(smem_row, 4, false, file, line);
    for (int i = 0; i < 4; i++)
        r[i] = w.word[i];
}

inline void pv_ldmatrix_x4_trans(uint32_t r[4], const void *smem_row, PV_EMULATOR_SITE_)
{
    const pv_emulator::words w = pv_emulator::load_matrices(smem_row, 4, true, file, line);
    for (int i = 0; i < 4; i++)
        r[i] = w.word[i];
}

inline void pv_ldmatrix_x2(uint32_t r[2], const void *smem_row, PV_EMULATOR_SITE_)
{
    const pv_emulator::words w = pv_emulator::load_matrices(smem_row, 2, false, file, line);
    r[0] = w.word[0];
    r[1] = w.word[1];
}

inline void pv_ldmatrix_x2_trans(uint32_t r[2], const void *smem_row, PV_EMULATOR_SITE_)
{
    const pv_emulator::words w = pv_emulator::load_matrices(smem_row, 2, true, file, line);
    r[0] = w.word[0];
    r[1] = w.word[1];
}

/* cvt.rn.bf16x2.f32, one half of it. */
inline uint32_t pv_round_bf16(float x)
{
    const uint32_t bits = __float_as_uint(x);
    return (bits & 0x7fffffffu) > 0x7f800000u ? 0x7fffu : (bits + 0x7fffu + (bits >> 16 & 1u)) >> 16;
}

inline uint32_t pv_pack_bf16(float low, float high)
{
    return pv_round_bf16(low) | pv_round_bf16(high) << 16;
}

/* ex2.approx.ftz.f32 and rcp.approx.ftz.f32, as far off as the PTX ISA lets them be, one way or the other as the last bit
 * of x is. */
inline float pv_exp2_approx(float x)
{
    const float y = exp2f(x) * (1 + (__float_as_uint(x) & 1u ? 0x1p-22f : -0x1p-22f));
    return y < 0x1p-126f ? 0 : y;
}

inline float pv_reciprocal_approx(float x)
{
    const float y = 1 / x * (1 + (__float_as_uint(x) & 1u ? 0x1p-23f : -0x1p-23f));
    return y < 0x1p-126f && y > -0x1p-126f ? 0 : y;
}

/* 16 bytes, zeros when not valid. */
inline void pv_cp_async_16(void *smem, const void *global, bool valid, PV_EMULATOR_SITE_)
{
    pv_emulator::copy_later(smem, global, valid, file, line);
}

inline void pv_cp_async_commit()
{
    pv_emulator::copy_commit();
}

/* Waits until at most N committed groups are still on their way. */
template <int N> void pv_cp_async_wait()
{
    pv_emulator::copy_wait(N);
}

#endif
