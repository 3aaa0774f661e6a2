/* runtime.cpp: the CUDA runtime's calls but for streams and graphs: launches, errors, the device, memory. */
#include <cuda.h>

#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>

#include "runtime.h"

using namespace pv_emulator;

static thread_local cudaError_t last_error;
static std::map<const void *, int> shared_limit; /* of kernels that were allowed more; under device.busy */

cudaError_t pv_emulator::leave_error(cudaError_t error)
{
    if (error != cudaSuccess)
        last_error = error;
    return error;
}

cudaError_t pv_emulator::health()
{
    return device.failed ? cudaErrorLaunchFailure : cudaSuccess;
}

/* ---- launches ---- */

static cudaError_t check_launch(const launch &l)
{
    const unsigned long long threads = (unsigned long long)l.block.x * l.block.y * l.block.z;
    if (threads == 0 || threads > THREADS_MAX || l.block.z > 64)
        return cudaErrorInvalidConfiguration;
    if (l.grid.x == 0 || l.grid.y == 0 || l.grid.z == 0 || l.grid.x > INT32_MAX || l.grid.y > UINT16_MAX ||
        l.grid.z > UINT16_MAX)
        return cudaErrorInvalidConfiguration;
    const auto allowed = shared_limit.find(l.kernel_address);
    const size_t most = allowed == shared_limit.end() ? (size_t)SHARED_BYTES_PLAIN : (size_t)allowed->second;
    return l.shared_bytes > most ? cudaErrorInvalidValue : cudaSuccess;
}

cudaError_t pv_emulator::submit(launch *l, cudaStream_t stream)
{
    const std::shared_ptr<launch> owned(l);
    {
        const std::lock_guard<std::mutex> lock(device.busy);
        const cudaError_t error = check_launch(*owned);
        if (error != cudaSuccess)
            return leave_error(error);
    }
    return enqueue(stream, [owned] {
        const std::lock_guard<std::mutex> lock(device.busy);
        run_launch(*owned);
    });
}

cudaError_t cudaFuncSetAttribute(const void *kernel, cudaFuncAttribute attribute, int value)
{
    if (attribute != cudaFuncAttributeMaxDynamicSharedMemorySize || value < 0 || value > SHARED_BYTES_MAX)
        return leave_error(cudaErrorInvalidValue);
    const std::lock_guard<std::mutex> lock(device.busy);
    shared_limit[kernel] = value;
    return cudaSuccess;
}

/* ---- errors ---- */

cudaError_t cudaGetLastError()
{
    const cudaError_t error = health() != cudaSuccess ? health() : last_error;
    last_error = cudaSuccess;
    return error;
}

cudaError_t cudaPeekAtLastError()
{
    return health() != cudaSuccess ? health() : last_error;
}

static const struct {
    cudaError_t code;
    const char *name, *text;
} errors[] = {
    {cudaSuccess, "cudaSuccess", "no error"},
    {cudaErrorInvalidValue, "cudaErrorInvalidValue", "invalid argument"},
    {cudaErrorMemoryAllocation, "cudaErrorMemoryAllocation", "out of memory"},
    {cudaErrorInvalidConfiguration, "cudaErrorInvalidConfiguration", "invalid configuration of grid or block"},
    {cudaErrorNotReady, "cudaErrorNotReady", "not done yet"},
    {cudaErrorInvalidDevice, "cudaErrorInvalidDevice", "invalid device"},
    {cudaErrorInvalidResourceHandle, "cudaErrorInvalidResourceHandle", "invalid stream, event or graph"},
    {cudaErrorIllegalState, "cudaErrorIllegalState", "not in this state"},
    {cudaErrorStreamCaptureUnsupported, "cudaErrorStreamCaptureUnsupported", "not while a stream is captured"},
    {cudaErrorStreamCaptureInvalidated, "cudaErrorStreamCaptureInvalidated",
     "something was done while the stream was captured that no capture allows"},
};

const char *cudaGetErrorName(cudaError_t error)
{
    for (const auto &e : errors)
        if (e.code == error)
            return e.name;
    return error == cudaErrorLaunchFailure ? "cudaErrorLaunchFailure" : "unknown error";
}

const char *cudaGetErrorString(cudaError_t error)
{
    for (const auto &e : errors)
        if (e.code == error)
            return e.text;
    return error == cudaErrorLaunchFailure ? device.fault.c_str() : "unknown error";
}

const char *pv_emulator_fault()
{
    return device.fault.c_str();
}

void pv_emulator_reset()
{
    device.failed = false;
    device.fault.clear();
    last_error = cudaSuccess;
}

/* ---- the device ---- */

cudaError_t cudaRuntimeGetVersion(int *version)
{
    *version = CUDART_VERSION;
    return cudaSuccess;
}

cudaError_t cudaDriverGetVersion(int *version)
{
    *version = CUDART_VERSION;
    return cudaSuccess;
}

cudaError_t cudaGetDeviceCount(int *count)
{
    *count = 1;
    return cudaSuccess;
}

cudaError_t cudaSetDevice(int number)
{
    return leave_error(number == 0 ? cudaSuccess : cudaErrorInvalidDevice);
}

cudaError_t cudaGetDevice(int *number)
{
    *number = 0;
    return cudaSuccess;
}

cudaError_t cudaGetDeviceProperties(cudaDeviceProp *p, int number)
{
    if (number != 0)
        return leave_error(cudaErrorInvalidDevice);
    *p = {};
    snprintf(p->name, sizeof p->name, "emulator");
    size_t available;
    memory_info(&available, &p->totalGlobalMem);
    p->sharedMemPerBlock = SHARED_BYTES_PLAIN;
    p->sharedMemPerBlockOptin = SHARED_BYTES_MAX;
    const char *const capability = getenv("PV_EMULATOR_CAPABILITY");
    p->major = 8;
    if (capability)
        sscanf(capability, "%d.%d", &p->major, &p->minor);
    const char *const wanted = getenv("PV_EMULATOR_MULTIPROCESSORS");
    p->multiProcessorCount = wanted ? std::max(1, atoi(wanted)) : 4;
    p->warpSize = LANES;
    p->maxThreadsPerBlock = THREADS_MAX;
    return cudaSuccess;
}

cudaError_t cudaDeviceGetPCIBusId(char *id, int bytes, int number)
{
    snprintf(id, (size_t)bytes, "0000:00:00.0");
    return leave_error(number == 0 ? cudaSuccess : cudaErrorInvalidDevice);
}

cudaError_t cudaDeviceGetAttribute(int *value, cudaDeviceAttr attribute, int number)
{
    cudaDeviceProp p;
    const cudaError_t error = cudaGetDeviceProperties(&p, number);
    if (error != cudaSuccess)
        return error;
    switch (attribute) {
    case cudaDevAttrMultiProcessorCount: *value = p.multiProcessorCount; return cudaSuccess;
    case cudaDevAttrComputeCapabilityMajor: *value = p.major; return cudaSuccess;
    case cudaDevAttrComputeCapabilityMinor: *value = p.minor; return cudaSuccess;
    case cudaDevAttrMaxSharedMemoryPerBlockOptin: *value = (int)p.sharedMemPerBlockOptin; return cudaSuccess;
    }
    return leave_error(cudaErrorInvalidValue);
}

cudaError_t cudaGetDriverEntryPoint(const char *symbol, void **function, unsigned long long,
                                    cudaDriverEntryPointQueryResult *found)
{
    const bool known = strcmp(symbol, "cuTensorMapEncodeTiled") == 0;
    *function = known ? (void *)cuTensorMapEncodeTiled : nullptr;
    *found = known ? cudaDriverEntryPointSuccess : cudaDriverEntryPointSymbolNotFound;
    return cudaSuccess;
}

cudaError_t cudaMemGetInfo(size_t *available, size_t *total)
{
    memory_info(available, total);
    return cudaSuccess;
}

/* ---- memory ---- */

static std::mutex pinning;
static std::map<uintptr_t, size_t> pinned; /* host memory that the device reads and writes by itself; under pinning */

cudaError_t cudaMalloc(void **memory, size_t bytes)
{
    const cudaError_t error = refuse_while_capturing();
    return error != cudaSuccess ? error : leave_error(allocate(memory, bytes));
}

/* Waits for everything. Works after a fault, so that tests can clean up. */
cudaError_t cudaFree(void *memory)
{
    const cudaError_t error = refuse_while_capturing();
    if (error == cudaErrorStreamCaptureUnsupported)
        return error;
    finish_all();
    return leave_error(release(memory));
}

cudaError_t cudaMallocHost(void **memory, size_t bytes)
{
    *memory = aligned_alloc(PAGE_BYTES, (bytes + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES);
    if (!*memory)
        return leave_error(cudaErrorMemoryAllocation);
    const std::lock_guard<std::mutex> lock(pinning);
    pinned[(uintptr_t)*memory] = bytes;
    return cudaSuccess;
}

cudaError_t cudaHostAlloc(void **memory, size_t bytes, unsigned)
{
    return cudaMallocHost(memory, bytes);
}

cudaError_t cudaFreeHost(void *memory)
{
    finish_all();
    const std::lock_guard<std::mutex> lock(pinning);
    pinned.erase((uintptr_t)memory);
    free(memory);
    return cudaSuccess;
}

static bool is_pinned(const void *memory)
{
    const std::lock_guard<std::mutex> lock(pinning);
    auto after = pinned.upper_bound((uintptr_t)memory);
    return after != pinned.begin() && (uintptr_t)memory - (--after)->first < after->second;
}

static void copy_now(void *dst, const void *src, size_t bytes)
{
    const std::lock_guard<std::mutex> lock(device.busy);
    if (check_copy(dst, src, bytes))
        memmove(dst, src, bytes);
}

/* Memory of the host that is not pinned goes through the driver's own: on the way to the device it is read before the
 * call returns, though the device may get it later; on the way back the call waits. A graph reads it when it runs. */
cudaError_t cudaMemcpyAsync(void *dst, const void *src, size_t bytes, cudaMemcpyKind kind, cudaStream_t stream)
{
    if (!can_copy(dst, src, bytes, kind))
        return leave_error(cudaErrorInvalidValue);
    const bool to_device = is_device_memory(dst, bytes), from_device = is_device_memory(src, bytes);
    if (is_capturing(stream) || bytes == 0 || from_device || is_pinned(src)) {
        const cudaError_t error = enqueue(stream, [=] { copy_now(dst, src, bytes); });
        if (error == cudaSuccess && !is_capturing(stream) && !to_device && !is_pinned(dst))
            finish(stream);
        return leave_error(error != cudaSuccess ? error : health());
    }
    const std::vector<char> read((const char *)src, (const char *)src + bytes);
    return enqueue(stream, [=] { copy_now(dst, read.data(), bytes); });
}

cudaError_t cudaMemcpy(void *dst, const void *src, size_t bytes, cudaMemcpyKind kind)
{
    cudaError_t error = refuse_while_capturing();
    if (error == cudaSuccess)
        error = cudaMemcpyAsync(dst, src, bytes, kind, nullptr);
    if (error == cudaSuccess && (is_pinned(src) || is_pinned(dst)))
        finish(nullptr);
    return leave_error(error != cudaSuccess ? error : health());
}

cudaError_t cudaMemsetAsync(void *dst, int byte, size_t bytes, cudaStream_t stream)
{
    if (bytes > 0 && !is_device_memory(dst, bytes))
        return leave_error(cudaErrorInvalidValue);
    return enqueue(stream, [=] {
        const std::lock_guard<std::mutex> lock(device.busy);
        if (check_copy(dst, nullptr, bytes))
            memset(dst, byte, bytes);
    });
}

cudaError_t cudaMemset(void *dst, int byte, size_t bytes)
{
    const cudaError_t error = refuse_while_capturing();
    return error != cudaSuccess ? error : cudaMemsetAsync(dst, byte, bytes, nullptr);
}
