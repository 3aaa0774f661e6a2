/* launch.cuh: the one spelling of a launch, and loops over many elements.
 *
 * PV_LAUNCH(kernel, grid, block, shared_bytes, stream, arguments...) is an expression: the runtime's code, 0 when the
 * kernel is on its way. Under PV_EMULATOR the tests' emulator defines it, and all of CUDA that kernels use. */
#ifndef PV_LAUNCH_CUH
#define PV_LAUNCH_CUH

#ifdef PV_EMULATOR
#include "emulator.h"
#define PV_PROBE(kernel) 0
#define PV_ALLOW(kernel, threads, shared_bytes)                                                                        \
    (int)cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, shared_bytes)
#else
#include <cuda_runtime.h>
#define PV_LAUNCH(kernel, grid, block, shared_bytes, stream, ...)                                                      \
    pv_launch((kernel), (grid), (block), (shared_bytes), (stream), __VA_ARGS__)

template <typename... P, typename... A>
static inline int pv_launch(void (*kernel)(P...), dim3 grid, dim3 block, size_t shared_bytes, void *stream, A... values)
{
    cudaLaunchConfig_t config = {};
    config.gridDim = grid;
    config.blockDim = block;
    config.dynamicSmemBytes = shared_bytes;
    config.stream = (cudaStream_t)stream;
    return (int)cudaLaunchKernelEx(&config, kernel, values...);
}

/* The code of looking for the kernel's image for the current device. */
#define PV_PROBE(kernel)                        pv_probe((const void *)(kernel))

static inline int pv_probe(const void *kernel)
{
    struct cudaFuncAttributes attributes;
    const cudaError_t code = cudaFuncGetAttributes(&attributes, kernel);
    cudaGetLastError(); /* not an error of the next launch */
    return (int)code;
}

/* Lets a kernel be launched with so much dynamic shared memory, and more than one block of it share a multiprocessor:
 * the code of that. A kernel that only some targets have code for takes fewer threads elsewhere. */
#define PV_ALLOW(kernel, threads, shared_bytes) pv_allow((const void *)(kernel), (threads), (shared_bytes))

static inline int pv_allow(const void *kernel, int threads, int shared_bytes)
{
    struct cudaFuncAttributes attributes;
    cudaError_t code = cudaFuncGetAttributes(&attributes, kernel);
    if (code == cudaSuccess && attributes.maxThreadsPerBlock < threads)
        code = cudaErrorNoKernelImageForDevice;
    if (code == cudaSuccess)
        code = cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, shared_bytes);
    if (code == cudaSuccess)
        code = cudaFuncSetAttribute(kernel, cudaFuncAttributePreferredSharedMemoryCarveout,
                                    cudaSharedmemCarveoutMaxShared);
    cudaGetLastError();
    return (int)code;
}
#endif

#include <stddef.h>
#include <stdint.h>

#include "kernels.h"

enum { PV_THREADS = 256 }; /* of a block of elementwise work */

/* Blocks for count elements, a thread each; beyond a million blocks threads go round. 0 = nothing to do. */
static inline unsigned pv_blocks(size_t count)
{
    const size_t blocks = (count + PV_THREADS - 1) / PV_THREADS;
    return (unsigned)(blocks < (1u << 20) ? blocks : 1u << 20);
}

/* a = whole * b + rest. A division of 64 bits is a hundred instructions, and places beyond 32 bits are rare. */
struct division {
    size_t whole, rest;
};

__device__ inline division divide(size_t a, size_t b)
{
    if (((a | b) >> 32) == 0) {
        const uint32_t whole = (uint32_t)a / (uint32_t)b;
        return {whole, (uint32_t)a - whole * (uint32_t)b};
    }
    return {a / b, a % b};
}

/* for every element i that is this thread's */
#define PV_FOR_EACH(i, count)                                                                                          \
    for (size_t i = (size_t)blockIdx.x * PV_THREADS + threadIdx.x; i < (count); i += (size_t)gridDim.x * PV_THREADS)

/* Elementwise kernels are launched like this; nothing is launched for nothing. */
#define PV_LAUNCH_EACH(kernel, count, stream, ...)                                                                     \
    ((count) == 0 ? 0 : PV_LAUNCH(kernel, dim3(pv_blocks(count)), dim3(PV_THREADS), 0, stream, __VA_ARGS__))

#endif
