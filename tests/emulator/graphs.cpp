/* graphs.cpp: streams are captured into graphs, and graphs are launched: their work is the stream's, every time anew.
 */
#include <algorithm>
#include <atomic>
#include <cstdlib>

#include "runtime.h"

using namespace pv_emulator;

struct CUgraphExec_st {
    std::vector<work> steps;
};

static std::mutex capturing;
static std::vector<cudaStream_t> captures; /* under capturing */

static bool is_default(cudaStream_t stream)
{
    return !stream || stream == cudaStreamLegacy || stream == cudaStreamPerThread;
}

bool pv_emulator::is_capturing(cudaStream_t stream)
{
    return !is_default(stream) && stream->captured;
}

cudaError_t pv_emulator::refuse_while_capturing(bool all)
{
    const std::lock_guard<std::mutex> lock(capturing);
    cudaError_t error = cudaSuccess;
    for (const cudaStream_t stream : captures)
        if (all || stream->mode == cudaStreamCaptureModeGlobal ||
            (stream->mode == cudaStreamCaptureModeThreadLocal && stream->by == std::this_thread::get_id())) {
            stream->spoilt = true;
            error = cudaErrorStreamCaptureUnsupported;
        }
    return leave_error(error != cudaSuccess ? error : health());
}

void pv_emulator::stop_capturing(cudaStream_t stream)
{
    const std::lock_guard<std::mutex> lock(capturing);
    captures.erase(std::remove(captures.begin(), captures.end(), stream), captures.end());
}

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode mode)
{
    if (is_default(stream))
        return leave_error(cudaErrorStreamCaptureUnsupported);
    if (stream->captured)
        return leave_error(cudaErrorIllegalState);
    stream->captured = std::make_unique<CUgraph_st>();
    stream->mode = mode;
    stream->by = std::this_thread::get_id();
    stream->spoilt = false;
    const std::lock_guard<std::mutex> lock(capturing);
    captures.push_back(stream);
    return leave_error(health());
}

cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t *graph)
{
    *graph = nullptr;
    if (!is_capturing(stream))
        return leave_error(cudaErrorIllegalState);
    stop_capturing(stream);
    if (stream->spoilt) {
        stream->captured.reset();
        return leave_error(cudaErrorStreamCaptureInvalidated);
    }
    *graph = stream->captured.release();
    return leave_error(health());
}

cudaError_t cudaStreamIsCapturing(cudaStream_t stream, cudaStreamCaptureStatus *status)
{
    *status = is_capturing(stream) ? cudaStreamCaptureStatusActive : cudaStreamCaptureStatusNone;
    return cudaSuccess;
}

/* PV_EMULATOR_GRAPHS: after so many there is no memory for another. */
cudaError_t cudaGraphInstantiate(cudaGraphExec_t *exec, cudaGraph_t graph, unsigned long long)
{
    static std::atomic<int> made;
    const char *const most = getenv("PV_EMULATOR_GRAPHS");
    *exec = nullptr;
    if (most && made++ >= atoi(most))
        return leave_error(cudaErrorMemoryAllocation);
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
