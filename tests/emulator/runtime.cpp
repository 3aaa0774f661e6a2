/* runtime.cpp: the CUDA runtime's calls: errors, devices, streams, events, graphs. Work is done when it is asked for,
 * unless its stream is being captured: then it waits in the graph for every launch of that. */
#include <time.h>

#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <memory>

#include "machine.h"

using namespace pv_emulator;

using work = std::function<cudaError_t()>;

struct CUgraph_st {
    std::vector<work> steps;
};
struct CUgraphExec_st {
    std::vector<work> steps;
};
struct CUstream_st {
    std::unique_ptr<CUgraph_st> captured; /* while capturing */
};
struct CUevent_st {
    double seconds;
    bool recorded;
};

static thread_local cudaError_t last_error;
static std::map<const void *, int> shared_limit; /* of kernels that were allowed more; under device.busy */

static cudaError_t leave_error(cudaError_t error)
{
    if (error != cudaSuccess)
        last_error = error;
    return error;
}

/* After a fault nothing works any more. */
static cudaError_t health()
{
    return device.failed ? cudaErrorLaunchFailure : cudaSuccess;
}

static bool is_named(cudaStream_t stream)
{
    return stream && stream != cudaStreamLegacy && stream != cudaStreamPerThread;
}

static bool is_capturing(cudaStream_t stream)
{
    return is_named(stream) && stream->captured;
}

/* Does it now, or writes it down. */
static cudaError_t enqueue(cudaStream_t stream, work w)
{
    if (health() != cudaSuccess)
        return leave_error(health());
    if (is_capturing(stream)) {
        stream->captured->steps.push_back(std::move(w));
        return cudaSuccess;
    }
    return leave_error(w());
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
        return health();
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
    {cudaErrorInvalidDevice, "cudaErrorInvalidDevice", "invalid device"},
    {cudaErrorInvalidResourceHandle, "cudaErrorInvalidResourceHandle", "invalid stream, event or graph"},
    {cudaErrorIllegalState, "cudaErrorIllegalState", "not in this state"},
    {cudaErrorStreamCaptureUnsupported, "cudaErrorStreamCaptureUnsupported", "not while a stream is captured"},
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
    p->major = 8;
    p->minor = 0;
    p->multiProcessorCount = 4;
    p->warpSize = LANES;
    p->maxThreadsPerBlock = THREADS_MAX;
    return cudaSuccess;
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

cudaError_t cudaMemGetInfo(size_t *available, size_t *total)
{
    memory_info(available, total);
    return cudaSuccess;
}

cudaError_t cudaDeviceSynchronize()
{
    return leave_error(health());
}

/* ---- memory ---- */

cudaError_t cudaMalloc(void **memory, size_t bytes)
{
    return leave_error(health() != cudaSuccess ? health() : allocate(memory, bytes));
}

cudaError_t cudaFree(void *memory)
{
    return leave_error(release(memory));
}

cudaError_t cudaMallocHost(void **memory, size_t bytes)
{
    *memory = aligned_alloc(PAGE_BYTES, (bytes + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES);
    return leave_error(*memory ? cudaSuccess : cudaErrorMemoryAllocation);
}

cudaError_t cudaHostAlloc(void **memory, size_t bytes, unsigned)
{
    return cudaMallocHost(memory, bytes);
}

cudaError_t cudaFreeHost(void *memory)
{
    free(memory);
    return cudaSuccess;
}

cudaError_t cudaMemcpyAsync(void *dst, const void *src, size_t bytes, cudaMemcpyKind kind, cudaStream_t stream)
{
    return enqueue(stream, [=] { return copy_memory(dst, src, bytes, kind); });
}

cudaError_t cudaMemcpy(void *dst, const void *src, size_t bytes, cudaMemcpyKind kind)
{
    return cudaMemcpyAsync(dst, src, bytes, kind, nullptr);
}

cudaError_t cudaMemsetAsync(void *dst, int byte, size_t bytes, cudaStream_t stream)
{
    return enqueue(stream, [=] { return set_memory(dst, byte, bytes); });
}

cudaError_t cudaMemset(void *dst, int byte, size_t bytes)
{
    return cudaMemsetAsync(dst, byte, bytes, nullptr);
}

/* ---- streams and events ---- */

cudaError_t cudaStreamCreate(cudaStream_t *stream)
{
    *stream = new CUstream_st;
    return leave_error(health());
}

cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned)
{
    return cudaStreamCreate(stream);
}

cudaError_t cudaStreamDestroy(cudaStream_t stream)
{
    if (!is_named(stream))
        return leave_error(cudaErrorInvalidResourceHandle);
    delete stream;
    return cudaSuccess;
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream)
{
    return leave_error(is_capturing(stream) ? cudaErrorStreamCaptureUnsupported : health());
}

cudaError_t cudaStreamQuery(cudaStream_t stream)
{
    return cudaStreamSynchronize(stream);
}

cudaError_t cudaStreamWaitEvent(cudaStream_t, cudaEvent_t, unsigned)
{
    return leave_error(health());
}

cudaError_t cudaEventCreate(cudaEvent_t *event)
{
    *event = new CUevent_st{0, false};
    return leave_error(health());
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t *event, unsigned)
{
    return cudaEventCreate(event);
}

cudaError_t cudaEventDestroy(cudaEvent_t event)
{
    delete event;
    return cudaSuccess;
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream)
{
    return enqueue(stream, [event] {
        timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        event->seconds = (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
        event->recorded = true;
        return cudaSuccess;
    });
}

cudaError_t cudaEventSynchronize(cudaEvent_t)
{
    return leave_error(health());
}

cudaError_t cudaEventElapsedTime(float *milliseconds, cudaEvent_t start, cudaEvent_t end)
{
    if (!start->recorded || !end->recorded)
        return leave_error(cudaErrorInvalidResourceHandle);
    *milliseconds = (float)(1e3 * (end->seconds - start->seconds));
    return leave_error(health());
}

/* ---- graphs ---- */

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode)
{
    if (!is_named(stream)) /* the default stream cannot be captured */
        return leave_error(cudaErrorStreamCaptureUnsupported);
    if (stream->captured)
        return leave_error(cudaErrorIllegalState);
    stream->captured = std::make_unique<CUgraph_st>();
    return leave_error(health());
}

cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t *graph)
{
    *graph = nullptr;
    if (!is_capturing(stream))
        return leave_error(cudaErrorIllegalState);
    *graph = stream->captured.release();
    return leave_error(health());
}

cudaError_t cudaStreamIsCapturing(cudaStream_t stream, cudaStreamCaptureStatus *status)
{
    *status = is_capturing(stream) ? cudaStreamCaptureStatusActive : cudaStreamCaptureStatusNone;
    return cudaSuccess;
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t *exec, cudaGraph_t graph, unsigned long long)
{
    *exec = new CUgraphExec_st{graph->steps};
    return leave_error(health());
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t exec, cudaStream_t stream)
{
    if (is_capturing(stream))
        return leave_error(cudaErrorStreamCaptureUnsupported);
    for (const work &w : exec->steps) {
        const cudaError_t error = enqueue(stream, w);
        if (error != cudaSuccess)
            return error;
    }
    return leave_error(health());
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t exec)
{
    delete exec;
    return cudaSuccess;
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph)
{
    delete graph;
    return cudaSuccess;
}
