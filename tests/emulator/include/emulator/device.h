/* device.h: what kernels see: qualifiers, the place of a thread, barriers, warp collectives, atomics, intrinsics.
 *
 * Calls at which threads meet take the place in the source as hidden last arguments, so that a fault can name it.
 * Shared memory is thread_local storage of the host thread that runs the launch: `thread_local` is the one C++ keyword
 * that fits both `__shared__ float tile[32]` in a function and `extern __shared__ ...`. Dynamic shared memory has one
 * name everywhere: extern __shared__ __align__(16) unsigned char pv_shared[]; */
#ifndef PV_EMULATOR_DEVICE_H
#define PV_EMULATOR_DEVICE_H

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>

#define __global__
#define __device__
#define __host__
#define __shared__   thread_local
#define __align__(n) __attribute__((aligned(n)))
#define __launch_bounds__(...)
#define __grid_constant__
#define __forceinline__     inline __attribute__((always_inline))
#define PV_EMULATOR_SITE_   const char *file = __builtin_FILE(), int line = __builtin_LINE()
#define PV_EMULATOR_OPAQUE_ __attribute__((no_sanitize("thread,undefined")))

constexpr int warpSize = 32;

namespace pv_emulator
{
/* Of a call, in the source. */
struct site {
    const char *file;
    int line;
};

/* Constant within a thread, so the compiler may ask once. */
__attribute__((const)) uint3 thread_index();
__attribute__((const)) uint3 block_index();
__attribute__((const)) dim3 block_size();
__attribute__((const)) dim3 grid_size();

enum collective {
    SYNC,
    SHUFFLE,
    SHUFFLE_UP,
    SHUFFLE_DOWN,
    SHUFFLE_XOR,
    VOTE,
    LDMATRIX,
    MMA,
    WGMMA_FENCE,
    WGMMA,
    WGMMA_COMMIT,
    WGMMA_WAIT
};

void block_barrier(const char *file, int line);
void warp_barrier(unsigned mask, const char *file, int line);
uint64_t shuffle(collective kind, unsigned mask, uint64_t value, int operand, int width, const char *file, int line);
unsigned ballot(unsigned mask, bool predicate, const char *file, int line);
unsigned active_lanes();
[[noreturn]] void trap(const char *file, int line);
/* Refuses what an ordinary access there would be refused, and remembers that the element is accessed atomically. */
void atomic_access(const void *address, size_t bytes, const char *file, int line);

template <class T>
T shuffle_value(collective kind, unsigned mask, T value, int operand, int width, const char *file, int line)
{
    static_assert(sizeof(T) <= sizeof(uint64_t), "shuffles move up to 8 bytes");
    uint64_t bits = 0;
    memcpy(&bits, &value, sizeof value);
    bits = shuffle(kind, mask, bits, operand, width, file, line);
    memcpy(&value, &bits, sizeof value);
    return value;
}

template <class T, class F> PV_EMULATOR_OPAQUE_ T atomic_update(T *address, F update, const char *file, int line)
{
    atomic_access(address, sizeof *address, file, line);
    const T old = *address;
    *address = update(old);
    return old;
}
} // namespace pv_emulator

#define threadIdx pv_emulator::thread_index()
#define blockIdx  pv_emulator::block_index()
#define blockDim  pv_emulator::block_size()
#define gridDim   pv_emulator::grid_size()

/* ---- meeting ---- */

inline void __syncthreads(PV_EMULATOR_SITE_)
{
    pv_emulator::block_barrier(file, line);
}

inline void __syncwarp(unsigned mask = 0xffffffffu, PV_EMULATOR_SITE_)
{
    pv_emulator::warp_barrier(mask, file, line);
}

template <class T> T __shfl_sync(unsigned mask, T value, int lane, int width = warpSize, PV_EMULATOR_SITE_)
{
    return pv_emulator::shuffle_value(pv_emulator::SHUFFLE, mask, value, lane, width, file, line);
}

template <class T> T __shfl_up_sync(unsigned mask, T value, unsigned by, int width = warpSize, PV_EMULATOR_SITE_)
{
    return pv_emulator::shuffle_value(pv_emulator::SHUFFLE_UP, mask, value, (int)by, width, file, line);
}

template <class T> T __shfl_down_sync(unsigned mask, T value, unsigned by, int width = warpSize, PV_EMULATOR_SITE_)
{
    return pv_emulator::shuffle_value(pv_emulator::SHUFFLE_DOWN, mask, value, (int)by, width, file, line);
}

template <class T> T __shfl_xor_sync(unsigned mask, T value, int with, int width = warpSize, PV_EMULATOR_SITE_)
{
    return pv_emulator::shuffle_value(pv_emulator::SHUFFLE_XOR, mask, value, with, width, file, line);
}

inline unsigned __ballot_sync(unsigned mask, int predicate, PV_EMULATOR_SITE_)
{
    return pv_emulator::ballot(mask, predicate != 0, file, line);
}

inline int __any_sync(unsigned mask, int predicate, PV_EMULATOR_SITE_)
{
    return pv_emulator::ballot(mask, predicate != 0, file, line) != 0;
}

inline int __all_sync(unsigned mask, int predicate, PV_EMULATOR_SITE_)
{
    return pv_emulator::ballot(mask, predicate != 0, file, line) == mask;
}

inline unsigned __activemask()
{
    return pv_emulator::active_lanes();
}

[[noreturn]] inline void __trap(PV_EMULATOR_SITE_)
{
    pv_emulator::trap(file, line);
}

/* One thread runs at a time and sees every earlier write. */
inline void __threadfence()
{
}

inline void __threadfence_block()
{
}

/* ---- atomics: int, unsigned, unsigned long long, float ---- */

template <class T> T atomicAdd(T *address, std::common_type_t<T> value, PV_EMULATOR_SITE_)
{
    return pv_emulator::atomic_update(
        address, [=](T old) { return (T)(old + value); }, file, line);
}

template <class T> T atomicMax(T *address, std::common_type_t<T> value, PV_EMULATOR_SITE_)
{
    return pv_emulator::atomic_update(
        address, [=](T old) { return std::max<T>(old, value); }, file, line);
}

template <class T> T atomicMin(T *address, std::common_type_t<T> value, PV_EMULATOR_SITE_)
{
    return pv_emulator::atomic_update(
        address, [=](T old) { return std::min<T>(old, value); }, file, line);
}

template <class T> T atomicExch(T *address, std::common_type_t<T> value, PV_EMULATOR_SITE_)
{
    return pv_emulator::atomic_update(
        address, [=](T) { return value; }, file, line);
}

template <class T>
T atomicCAS(T *address, std::common_type_t<T> expected, std::common_type_t<T> value, PV_EMULATOR_SITE_)
{
    return pv_emulator::atomic_update(
        address, [=](T old) { return old == expected ? value : old; }, file, line);
}

/* ---- intrinsics; the fast ones are exact here ---- */

#define __expf   expf /* macros: the C library reserves these names for itself */
#define __exp10f exp10f
#define __logf   logf
#define __log2f  log2f
#define __sinf   sinf
#define __cosf   cosf
#define __tanf   tanf
#define __powf   powf

template <class T> T __ldg(const T *address)
{
    return *address;
}

inline float rsqrtf(float x)
{
    return 1.0f / sqrtf(x);
}

inline float __fdividef(float x, float y)
{
    return x / y;
}

inline float __frcp_rn(float x)
{
    return 1.0f / x;
}

inline float __fmaf_rn(float x, float y, float z)
{
    return fmaf(x, y, z);
}

/* Never fused into one operation with another: that is what they are for. */
inline __attribute__((noinline)) float __fmul_rn(float x, float y)
{
    return x * y;
}

inline __attribute__((noinline)) float __fadd_rn(float x, float y)
{
    return x + y;
}

inline float __saturatef(float x)
{
    return x > 0.0f ? fminf(x, 1.0f) : 0.0f;
}

inline int __float2int_rn(float x)
{
    return (int)nearbyintf(x);
}

inline int __float2int_rz(float x)
{
    return (int)x;
}

inline unsigned __umulhi(unsigned x, unsigned y)
{
    return (unsigned)((uint64_t)x * y >> 32);
}

inline int __popc(unsigned x)
{
    return __builtin_popcount(x);
}

inline int __clz(int x)
{
    return x ? __builtin_clz((unsigned)x) : 32;
}

inline int __ffs(int x)
{
    return __builtin_ffs(x);
}

template <class To, class From> To pv_emulator_bits(From from)
{
    static_assert(sizeof(To) == sizeof(From), "bits are kept");
    To to;
    memcpy(&to, &from, sizeof to);
    return to;
}

inline unsigned __float_as_uint(float x)
{
    return pv_emulator_bits<unsigned>(x);
}

inline int __float_as_int(float x)
{
    return pv_emulator_bits<int>(x);
}

inline float __uint_as_float(unsigned x)
{
    return pv_emulator_bits<float>(x);
}

inline float __int_as_float(int x)
{
    return pv_emulator_bits<float>(x);
}

#define PV_MIN_MAX(type)                                                                                               \
    inline type min(type a, type b)                                                                                    \
    {                                                                                                                  \
        return a < b ? a : b;                                                                                          \
    }                                                                                                                  \
    inline type max(type a, type b)                                                                                    \
    {                                                                                                                  \
        return a > b ? a : b;                                                                                          \
    }
PV_MIN_MAX(int)
PV_MIN_MAX(unsigned)
PV_MIN_MAX(long)
PV_MIN_MAX(unsigned long)
PV_MIN_MAX(long long)
PV_MIN_MAX(unsigned long long)
#undef PV_MIN_MAX

inline float min(float a, float b)
{
    return fminf(a, b);
}

inline float max(float a, float b)
{
    return fmaxf(a, b);
}

#endif
