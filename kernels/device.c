/* device.c: the CUDA runtime behind device.h. It is linked into the module: a machine needs the driver and nothing
 * else.
 */
#include "device.h"

#include <cuda_runtime_api.h>
#include <stdio.h>

#include "kernels.h"

pv_status pv_device_count(int *count, struct pv_error *error)
{
    *count = 0;
    int driver = 0;
    if (cudaDriverGetVersion(&driver) != cudaSuccess || driver == 0)
        return pv_fail(error, PV_ERR_DEVICE, "there is no NVIDIA driver on this machine");
    const cudaError_t code = cudaGetDeviceCount(count);
    if (code == cudaErrorInsufficientDriver)
        return pv_fail(error, PV_ERR_DEVICE,
                       "the NVIDIA driver knows CUDA %d.%d, this build needs %d.%d: update the driver", driver / 1000,
                       driver % 1000 / 10, CUDART_VERSION / 1000, CUDART_VERSION % 1000 / 10);
    if (code == cudaErrorNoDevice || (code == cudaSuccess && *count == 0))
        return pv_fail(error, PV_ERR_DEVICE, "the NVIDIA driver finds no device that this process may use");
    if (code != cudaSuccess)
        return pv_fail(error, PV_ERR_DEVICE, "the NVIDIA driver failed: %s", cudaGetErrorString(code));
    return PV_OK;
}

static cudaError_t probe(int device)
{
    const int before = pv_device_use(device);
    const cudaError_t code = (cudaError_t)pv_kernel_probe();
    pv_device_use(before);
    return code;
}

int pv_device_describe(int device, pv_device_info *info)
{
    struct cudaDeviceProp properties;
    cudaError_t code = cudaGetDeviceProperties(&properties, device);
    if (code != cudaSuccess)
        return (int)code;
    snprintf(info->name, sizeof info->name, "%s", properties.name);
    info->compute_major = properties.major;
    info->compute_minor = properties.minor;
    info->memory_bytes = properties.totalGlobalMem;
    if (cudaDeviceGetPCIBusId(info->bus_id, sizeof info->bus_id, device) != cudaSuccess)
        info->bus_id[0] = '\0';
    code = properties.major < 8 ? cudaSuccess : probe(device);
    if (properties.major < 8)
        snprintf(info->reason, sizeof info->reason,
                 "compute capability %d.%d is too old: the kernels need 8.0 or later", properties.major,
                 properties.minor);
    else if (code == cudaErrorNoKernelImageForDevice)
        snprintf(info->reason, sizeof info->reason,
                 "this build has no kernels for compute capability %d.%d: configure with CMAKE_CUDA_ARCHITECTURES=%d%d",
                 properties.major, properties.minor, properties.major, properties.minor);
    else if (code != cudaSuccess)
        snprintf(info->reason, sizeof info->reason, "the device failed: %s", cudaGetErrorString(code));
    return 0;
}

int pv_device_multiprocessors(int device)
{
    int count = 0;
    cudaDeviceGetAttribute(&count, cudaDevAttrMultiProcessorCount, device);
    return count > 0 ? count : 1;
}

void *pv_device_tensor_maps(int device)
{
    static const char name[] = "cuTensorMapEncodeTiled";
    int major = 0, minor = 0;
    cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device);
    cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, device);
    if (major != 9 || minor != 0)
        return NULL;
    void *function = NULL;
    enum cudaDriverEntryPointQueryResult found;
#if CUDART_VERSION >= 12050
    const cudaError_t code = cudaGetDriverEntryPointByVersion(name, &function, 12000, cudaEnableDefault, &found);
#else
    const cudaError_t code = cudaGetDriverEntryPoint(name, &function, cudaEnableDefault, &found);
#endif
    if (code == cudaSuccess && found == cudaDriverEntryPointSuccess)
        return function;
    cudaGetLastError(); /* not an error of the next launch */
    return NULL;
}

int pv_device_use(int device)
{
    int before = 0;
    cudaGetDevice(&before);
    if (before != device)
        cudaSetDevice(device);
    return before;
}

/* What is waited for here and below is a queue that only this thread has: to wait for the device ends what any other
 * thread is recording. */
int pv_device_alloc(void **memory, size_t bytes)
{
    *memory = NULL;
    cudaError_t code = cudaMalloc(memory, bytes ? bytes : 1);
    if (code == cudaSuccess)
        code = cudaMemsetAsync(*memory, 0, bytes ? bytes : 1, cudaStreamPerThread);
    if (code == cudaSuccess)
        code = cudaStreamSynchronize(cudaStreamPerThread);
    if (code != cudaSuccess) {
        cudaFree(*memory);
        *memory = NULL;
        cudaGetLastError(); /* not an error of the next launch */
    }
    return (int)code;
}

int pv_device_free(void *memory)
{
    return (int)cudaFree(memory);
}

int pv_device_host_alloc(void **memory, size_t bytes)
{
    const cudaError_t code = cudaMallocHost(memory, bytes ? bytes : 1);
    if (code != cudaSuccess) {
        *memory = NULL;
        cudaGetLastError(); /* not an error of the next launch */
    }
    return (int)code;
}

int pv_device_host_free(void *memory)
{
    return (int)cudaFreeHost(memory);
}

int pv_device_upload_now(void *dst, const void *host_src, size_t bytes)
{
    const cudaError_t code = cudaMemcpyAsync(dst, host_src, bytes, cudaMemcpyHostToDevice, cudaStreamPerThread);
    return (int)(code == cudaSuccess ? cudaStreamSynchronize(cudaStreamPerThread) : code);
}

int pv_device_queue_open(void **queue)
{
    return (int)cudaStreamCreateWithFlags((cudaStream_t *)queue, cudaStreamNonBlocking);
}

int pv_device_queue_close(void *queue)
{
    return (int)cudaStreamDestroy(queue);
}

int pv_device_queue_wait(void *queue)
{
    return (int)cudaStreamSynchronize(queue);
}

int pv_device_upload(void *dst, const void *host_src, size_t bytes, void *queue)
{
    return (int)cudaMemcpyAsync(dst, host_src, bytes, cudaMemcpyHostToDevice, queue);
}

int pv_device_download(void *host_dst, const void *src, size_t bytes, void *queue)
{
    return (int)cudaMemcpyAsync(host_dst, src, bytes, cudaMemcpyDeviceToHost, queue);
}

int pv_device_copy(void *dst, const void *src, size_t bytes, void *queue)
{
    return (int)cudaMemcpyAsync(dst, src, bytes, cudaMemcpyDeviceToDevice, queue);
}

int pv_device_zero(void *dst, size_t bytes, void *queue)
{
    return (int)cudaMemsetAsync(dst, 0, bytes, queue);
}

int pv_device_mark_open(void **mark)
{
    return (int)cudaEventCreateWithFlags((cudaEvent_t *)mark, cudaEventDisableTiming);
}

int pv_device_mark_close(void *mark)
{
    return mark ? (int)cudaEventDestroy(mark) : 0;
}

int pv_device_mark_set(void *mark, void *queue)
{
    return (int)cudaEventRecord(mark, queue);
}

int pv_device_mark_wait(void *mark)
{
    return (int)cudaEventSynchronize(mark);
}

int pv_device_queue_after(void *queue, void *mark)
{
    return (int)cudaStreamWaitEvent(queue, mark, 0);
}

/* Relaxed: whoever is called back meanwhile may allocate. */
int pv_device_record_begin(void *queue)
{
    const cudaError_t code = cudaStreamBeginCapture(queue, cudaStreamCaptureModeRelaxed);
    cudaGetLastError(); /* not an error of the next launch, here and below */
    return (int)code;
}

int pv_device_record_end(void *queue, void **graph)
{
    cudaGraph_t recorded = NULL;
    cudaGraphExec_t ready = NULL;
    cudaError_t code = cudaStreamEndCapture(queue, &recorded);
    if (code == cudaSuccess && graph)
        code = cudaGraphInstantiate(&ready, recorded, 0);
    if (recorded)
        cudaGraphDestroy(recorded);
    if (graph)
        *graph = code == cudaSuccess ? ready : NULL;
    cudaGetLastError();
    return (int)code;
}

int pv_device_replay(void *graph, void *queue)
{
    return (int)cudaGraphLaunch(graph, queue);
}

int pv_device_record_free(void *graph)
{
    return graph ? (int)cudaGraphExecDestroy(graph) : 0;
}

const char *pv_device_error_text(int code)
{
    return cudaGetErrorString((cudaError_t)code);
}
