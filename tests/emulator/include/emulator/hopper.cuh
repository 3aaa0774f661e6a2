/* hopper.cuh: the second half of kernels/ptx.cuh, emulated: barriers, copies of boxes of tensors, products of four
 * warps. What takes its time there takes as long as it may here: bytes of a copy come when nobody can go on without
 * them, sums of a product when they are waited for. */
#ifndef PV_EMULATOR_HOPPER_CUH
#define PV_EMULATOR_HOPPER_CUH

#include <cuda.h>
#include <cuda_runtime.h>

namespace pv_emulator
{
void barrier_init(uint64_t *barrier, int arrivals, site at);
void barrier_init_fence();
/* bytes: that the phase expects, too. */
void barrier_arrive(uint64_t *barrier, int bytes, site at);
void barrier_wait(uint64_t *barrier, int parity, site at);

void tensor_copy(void *shared, const CUtensorMap *map, const int *begin, int rank, uint64_t *barrier, site at);

uint32_t shared_address(const void *shared, site at);
void proxy_fence();
void product_fence(site at);
/* 64 rows, so many columns, 16 deep. */
void product_begin(float *d, int columns, uint64_t a, uint64_t b, bool add, site at);
void product_commit(site at);
void product_wait(int groups_left, site at);
} // namespace pv_emulator

inline void pv_barrier_init(uint64_t *barrier, int arrivals, PV_EMULATOR_SITE_)
{
    pv_emulator::barrier_init(barrier, arrivals, {file, line});
}

inline void pv_barrier_init_fence()
{
    pv_emulator::barrier_init_fence();
}

inline void pv_barrier_arrive(uint64_t *barrier, PV_EMULATOR_SITE_)
{
    pv_emulator::barrier_arrive(barrier, 0, {file, line});
}

inline void pv_barrier_arrive_expect(uint64_t *barrier, int bytes, PV_EMULATOR_SITE_)
{
    pv_emulator::barrier_arrive(barrier, bytes, {file, line});
}

inline void pv_barrier_wait(uint64_t *barrier, int parity, PV_EMULATOR_SITE_)
{
    pv_emulator::barrier_wait(barrier, parity, {file, line});
}

inline void pv_tensor_copy_2d(void *shared, const CUtensorMap *map, int x, int y, uint64_t *barrier, PV_EMULATOR_SITE_)
{
    const int begin[] = {x, y};
    pv_emulator::tensor_copy(shared, map, begin, 2, barrier, {file, line});
}

inline uint32_t pv_shared_address(const void *shared, PV_EMULATOR_SITE_)
{
    return pv_emulator::shared_address(shared, {file, line});
}

inline void pv_proxy_fence()
{
    pv_emulator::proxy_fence();
}

inline void pv_wgmma_fence(PV_EMULATOR_SITE_)
{
    pv_emulator::product_fence({file, line});
}

inline void pv_wgmma_commit(PV_EMULATOR_SITE_)
{
    pv_emulator::product_commit({file, line});
}

inline void pv_wgmma_64x128x16(float d[64], uint64_t a, uint64_t b, bool add, PV_EMULATOR_SITE_)
{
    pv_emulator::product_begin(d, 128, a, b, add, {file, line});
}

template <int N> void pv_wgmma_wait(PV_EMULATOR_SITE_)
{
    pv_emulator::product_wait(N, {file, line});
}

inline void pv_wgmma_finish(float *, PV_EMULATOR_SITE_)
{
    pv_emulator::product_wait(0, {file, line});
}

#endif
