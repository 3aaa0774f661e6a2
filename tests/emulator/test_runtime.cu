/* test_runtime.cu: what the emulator promises code of the host: launches, memory, streams and graphs as CUDA has them.
 */
#include <thread>

#include "array.h"

TestSuite(emulator_runtime, .timeout = 60);

/* ---- launches ---- */

__global__ void write_nothing(int *)
{
}

Test(emulator_runtime, launches_that_no_device_takes_are_refused)
{
    int *const none = nullptr;
    cr_assert_eq(PV_LAUNCH(write_nothing, 1, 1025, 0, nullptr, none), cudaErrorInvalidConfiguration);
    cr_assert_eq(PV_LAUNCH(write_nothing, 0, 32, 0, nullptr, none), cudaErrorInvalidConfiguration);
    cr_assert_eq(PV_LAUNCH(write_nothing, dim3(1, 65536), 32, 0, nullptr, none), cudaErrorInvalidConfiguration);
    cr_assert_eq(PV_LAUNCH(write_nothing, 1, 32, (48 << 10) + 1, nullptr, none), cudaErrorInvalidValue);
    cr_assert_eq(cudaFuncSetAttribute(write_nothing, cudaFuncAttributeMaxDynamicSharedMemorySize, 64 << 10),
                 cudaSuccess);
    cr_assert_eq(PV_LAUNCH(write_nothing, 1, 32, 64 << 10, nullptr, none), 0);
    cr_assert_eq(PV_LAUNCH(write_nothing, 1, 32, (64 << 10) + 1, nullptr, none), cudaErrorInvalidValue);
}

/* ---- memory ---- */

Test(emulator_runtime, copies_say_which_way_they_go)
{
    float host[16] = {};
    array<float> a(16);
    cr_assert_eq(cudaMemcpy(a.device, host, sizeof host, cudaMemcpyDeviceToHost), cudaErrorInvalidValue);
    cr_assert_eq(cudaMemcpy(host, host, sizeof host, cudaMemcpyHostToDevice), cudaErrorInvalidValue);
    cr_assert_eq(cudaMemcpy(a.device + 1, host, sizeof host, cudaMemcpyHostToDevice), cudaErrorInvalidValue);
    cr_assert_eq(cudaMemset(a.device, 0, sizeof host + 1), cudaErrorInvalidValue);
    cr_assert_eq(cudaFree(a.device + 1), cudaErrorInvalidValue);
    cr_assert_eq(cudaGetLastError(), cudaErrorInvalidValue);
    cr_assert_eq(cudaGetLastError(), cudaSuccess);
}

/* ---- streams ---- */

__global__ void add_number(float *dst, float number, unsigned count)
{
    const unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < count)
        dst[i] = dst[i] * 2 + number;
}

/* Two streams that do not wait for each other: what one has been given is not there for the other one. */
Test(emulator_runtime, streams_work_no_earlier_than_they_are_waited_for)
{
    array<float> a(std::vector<float>(64, 1.0f));
    float *pinned, host = 5;
    cudaStream_t first, second;
    cudaEvent_t event;
    cr_assert_eq(cudaMallocHost(&pinned, 8), cudaSuccess);
    cr_assert_eq(cudaStreamCreateWithFlags(&first, cudaStreamNonBlocking), cudaSuccess);
    cr_assert_eq(cudaStreamCreateWithFlags(&second, cudaStreamNonBlocking), cudaSuccess);
    cr_assert_eq(cudaEventCreate(&event), cudaSuccess);

    cr_assert_eq(PV_LAUNCH(add_number, 1, 64, 0, first, a.device, 1.0f, 64u), 0);
    cr_assert_eq(cudaMemcpyAsync(pinned, a.device, 4, cudaMemcpyDeviceToHost, second), cudaSuccess);
    cr_assert_eq(cudaStreamSynchronize(second), cudaSuccess);
    cr_assert_eq(pinned[0], 1, "the second stream waited for the first one");
    cr_assert_eq(cudaStreamSynchronize(first), cudaErrorLaunchFailure, "and nothing was said");
    pv_emulator_reset();

    cr_assert_eq(PV_LAUNCH(add_number, 1, 64, 0, first, a.device, 1.0f, 64u), 0);
    cr_assert_eq(cudaEventRecord(event, first), cudaSuccess);
    cr_assert_eq(cudaStreamWaitEvent(second, event, 0), cudaSuccess);
    cr_assert_eq(cudaMemcpyAsync(pinned, a.device, 4, cudaMemcpyDeviceToHost, second), cudaSuccess);
    cr_assert_eq(pinned[0], 1, "a copy to pinned memory came early");
    cr_assert_eq(cudaStreamSynchronize(second), cudaSuccess);
    cr_assert_eq(pinned[0], 3);

    /* Ordinary memory is read at once, and nothing overtakes within a stream. */
    cr_assert_eq(cudaMemcpyAsync(a.device, &host, 4, cudaMemcpyHostToDevice, first), cudaSuccess);
    host = 6;
    cr_assert_eq(PV_LAUNCH(add_number, 1, 64, 0, first, a.device, 1.0f, 64u), 0);
    cr_assert_eq(cudaMemcpyAsync(&host, a.device, 4, cudaMemcpyDeviceToHost, first), cudaSuccess);
    cr_assert_eq(host, 11);
    cudaEventDestroy(event);
    cudaStreamDestroy(first);
    cudaStreamDestroy(second);
    cudaFreeHost(pinned);
}

/* What waits is not said to be a mistake: by way of a third stream, of the host, of a graph. */
Test(emulator_runtime, streams_that_wait_share_memory)
{
    array<float> a(std::vector<float>(64, 1.0f)), b(64);
    cudaStream_t stream[3];
    cudaEvent_t event[2];
    cudaGraph_t graph;
    cudaGraphExec_t exec;
    for (cudaStream_t &s : stream)
        cr_assert_eq(cudaStreamCreateWithFlags(&s, cudaStreamNonBlocking), cudaSuccess);
    for (cudaEvent_t &e : event)
        cr_assert_eq(cudaEventCreate(&e), cudaSuccess);
    cr_assert_eq(cudaStreamBeginCapture(stream[2], cudaStreamCaptureModeThreadLocal), cudaSuccess);
    cr_assert_eq(PV_LAUNCH(add_number, 1, 64, 0, stream[2], a.device, 1.0f, 64u), 0);
    cr_assert_eq(cudaMemcpyAsync(b.device, a.device, 256, cudaMemcpyDeviceToDevice, stream[2]), cudaSuccess);
    cr_assert_eq(cudaStreamEndCapture(stream[2], &graph), cudaSuccess);
    cr_assert_eq(cudaGraphInstantiate(&exec, graph, 0), cudaSuccess);
    for (int round = 0; round < 3; round++) {
        cr_assert_eq(PV_LAUNCH(add_number, 1, 64, 0, stream[0], a.device, 1.0f, 64u), 0);
        cr_assert_eq(cudaEventRecord(event[0], stream[0]), cudaSuccess);
        cr_assert_eq(cudaStreamWaitEvent(stream[1], event[0], 0), cudaSuccess);
        cr_assert_eq(cudaEventRecord(event[1], stream[1]), cudaSuccess);
        cr_assert_eq(cudaStreamWaitEvent(stream[2], event[1], 0), cudaSuccess);
        cr_assert_eq(cudaGraphLaunch(exec, stream[2]), cudaSuccess);
        cr_assert_eq(round ? cudaStreamSynchronize(stream[2]) : cudaDeviceSynchronize(), cudaSuccess, "%s",
                     pv_emulator_fault());
    }
    cr_assert_eq(b.read()[63], 64 + 63, "%g", (double)b.read()[63]);
    cudaGraphExecDestroy(exec);
    cudaGraphDestroy(graph);
    for (cudaEvent_t e : event)
        cudaEventDestroy(e);
    for (cudaStream_t s : stream)
        cudaStreamDestroy(s);
}

/* ---- graphs ---- */

Test(emulator_runtime, a_graph_repeats_what_was_captured_in_order)
{
    array<float> a(std::vector<float>(100, 1.0f)), b(100);
    cudaStream_t stream;
    cudaGraph_t graph;
    cudaGraphExec_t exec;
    cr_assert_eq(cudaStreamCreate(&stream), cudaSuccess);
    cr_assert_eq(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal), cudaSuccess);
    float number = 3;
    cr_assert_eq(PV_LAUNCH(add_number, 2, 64, 0, stream, a.device, number, 100u), 0);
    number = 5; /* the graph has its own copy of what was given */
    cr_assert_eq(PV_LAUNCH(add_number, 2, 64, 0, stream, a.device, number, 100u), 0);
    cr_assert_eq(cudaMemcpyAsync(b.device, a.device, 400, cudaMemcpyDeviceToDevice, stream), cudaSuccess);
    cr_assert_eq(cudaStreamEndCapture(stream, &graph), cudaSuccess);
    cr_assert_eq(a.read()[99], 1, "a captured launch ran");
    cr_assert_eq(cudaGraphInstantiate(&exec, graph, 0), cudaSuccess);
    cr_assert_eq(cudaGraphDestroy(graph), cudaSuccess);
    for (int i = 0; i < 2; i++)
        cr_assert_eq(cudaGraphLaunch(exec, stream), cudaSuccess);
    cr_assert_eq(b.read()[99], 4 * (4 + 11) + 11);
    cudaGraphExecDestroy(exec);
    cudaStreamDestroy(stream);
}

Test(emulator_runtime, a_capture_does_not_survive_what_waits_or_allocates)
{
    array<float> a(std::vector<float>(100, 1.0f));
    float *more;
    cudaStream_t stream;
    cudaGraph_t graph;
    cr_assert_eq(cudaStreamCreate(&stream), cudaSuccess);
    for (int i = 0; i < 3; i++) {
        cr_assert_eq(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal), cudaSuccess);
        cr_assert_eq(PV_LAUNCH(add_number, 2, 64, 0, stream, a.device, 1.0f, 100u), 0);
        cr_assert_eq(i == 0   ? cudaMalloc(&more, 4)
                     : i == 1 ? cudaStreamSynchronize(stream)
                              : cudaMemset(a.device, 0, 4),
                     cudaErrorStreamCaptureUnsupported);
        cr_assert_eq(cudaStreamEndCapture(stream, &graph), cudaErrorStreamCaptureInvalidated);
        cr_assert_null(graph);
    }
    cr_assert_eq(cudaStreamBeginCapture(stream, cudaStreamCaptureModeRelaxed), cudaSuccess);
    cr_assert_eq(cudaMalloc(&more, 4), cudaSuccess);
    cr_assert_eq(cudaStreamEndCapture(stream, &graph), cudaSuccess);
    cudaGraphDestroy(graph);
    for (const cudaStreamCaptureMode mode : {cudaStreamCaptureModeThreadLocal, cudaStreamCaptureModeRelaxed}) {
        cr_assert_eq(cudaStreamBeginCapture(stream, mode), cudaSuccess);
        std::thread([] { cr_assert_eq(cudaDeviceSynchronize(), cudaErrorStreamCaptureUnsupported); }).join();
        cr_assert_eq(cudaStreamEndCapture(stream, &graph), cudaErrorStreamCaptureInvalidated, "mode %d", (int)mode);
    }
    cudaFree(more);
    cudaStreamDestroy(stream);
    cr_assert_eq(a.read()[0], 1, "a captured launch ran");
}
