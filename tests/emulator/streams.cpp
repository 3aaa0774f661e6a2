/* streams.cpp: streams, events and graphs. Work is done when it is asked for, unless its stream is being captured: then
 * it waits in the graph for every launch of that. */
#include <time.h>

#include <algorithm>
#include <memory>
#include <thread>

#include "runtime.h"

using namespace pv_emulator;

struct CUgraph_st {
    std::vector<work> steps;
};
struct CUgraphExec_st {
    std::vector<work> steps;
};
struct CUstream_st {
    std::unique_ptr<CUgraph_st> captured; /* while capturing */
    cudaStreamCaptureMode mode;
    std::thread::id by;
    bool spoilt; /* by a call that no capture allows */
};
struct CUevent_st {
    double seconds;
    bool recorded;
};

static std::mutex capturing;
static std::vector<cudaStream_t> captures; /* under capturing */

static bool is_named(cudaStream_t stream)
{
    return stream && stream != cudaStreamLegacy && stream != cudaStreamPerThread;
}

static bool is_capturing(cudaStream_t stream)
{
    return is_named(stream) && stream->captured;
}

/* For calls that wait for the device, or may: they are refused while a stream is captured, and end the capture; a
 * capture of mode "thread local" minds only its own thread, a relaxed one nobody. */
cudaError_t pv_emulator::refuse_while_capturing()
{
    const std::lock_guard<std::mutex> lock(capturing);
    cudaError_t error = cudaSuccess;
    for (const cudaStream_t stream : captures)
        if (stream->mode == cudaStreamCaptureModeGlobal ||
            (stream->mode == cudaStreamCaptureModeThreadLocal && stream->by == std::this_thread::get_id())) {
            stream->spoilt = true;
            error = cudaErrorStreamCaptureUnsupported;
        }
    return leave_error(error != cudaSuccess ? error : health());
}

static void stop_capturing(cudaStream_t stream)
{
    const std::lock_guard<std::mutex> lock(capturing);
    captures.erase(std::remove(captures.begin(), captures.end(), stream), captures.end());
}

cudaError_t pv_emulator::enqueue(cudaStream_t stream, work w)
{
    if (health() != cudaSuccess)
        return leave_error(health());
    if (is_capturing(stream)) { /* by whoever: the stream is one thread's at a time */
        stream->captured->steps.push_back(std::move(w));
        return cudaSuccess;
    }
    return leave_error(w());
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
    stop_capturing(stream);
    delete stream;
    return cudaSuccess;
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream)
{
    if (is_named(stream) && !stream->captured)
        return leave_error(health());
    return refuse_while_capturing();
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

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode mode)
{
    if (!is_named(stream)) /* the default stream cannot be captured */
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
