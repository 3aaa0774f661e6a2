/* cuda_runtime.h: the runtime as C++ sees it, and what kernels see. */
#ifndef PV_EMULATOR_CUDA_RUNTIME_H
#define PV_EMULATOR_CUDA_RUNTIME_H

#include "cuda_runtime_api.h"

template <class T> cudaError_t cudaMalloc(T **memory, size_t bytes)
{
    return cudaMalloc((void **)memory, bytes);
}

template <class T> cudaError_t cudaMallocHost(T **memory, size_t bytes)
{
    return cudaMallocHost((void **)memory, bytes);
}

template <class R, class... P>
cudaError_t cudaFuncSetAttribute(R (*kernel)(P...), cudaFuncAttribute attribute, int value)
{
    return cudaFuncSetAttribute((const void *)kernel, attribute, value);
}

#include "emulator/device.h"
#include "emulator/launch.h"

#endif
