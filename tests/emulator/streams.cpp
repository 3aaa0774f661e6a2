/* streams.cpp: streams and events. A device works on its own time; here it works as late as it may: when somebody
 * waits. What was not waited for is then seen to be missing.
 *
 * Late is one order of many. So every piece of work also knows which others are over before it in all of them: its
 * stream's, what its stream waited for, and what the host had waited for when it asked. checks_device.h looks there. */
#include <time.h>

#include <algorithm>

#include "runtime.h"

using namespace pv_emulator;

/* Records are numbered; what waits for one waits for that and no later one. */
struct event_state {
    cudaStream_t stream; /* of the last record */
    unsigned asked, done;
    double seconds;
    past_work past; /* before the last record */
};
struct CUevent_st {
    std::shared_ptr<event_state> state; /* work may outlive the event */
};

static std::recursive_mutex working; /* all streams, and what is done for them */
static CUstream_st default_stream = {true, 0, {}, {}, nullptr, cudaStreamCaptureModeRelaxed, {}, false};
static std::vector<cudaStream_t> streams; /* but for the default one */
static unsigned stream_count = 1;         /* that there ever were */
static past_work host_past;               /* what a thread of the host has waited for, all of them know */

static void learn(past_work &who, const past_work &what)
{
    if (who.size() < what.size())
        who.resize(what.size());
    for (size_t i = 0; i < what.size(); i++)
        who[i] = std::max(who[i], what[i]);
}

static CUstream_st &named(cudaStream_t stream)
{
    return stream && stream != cudaStreamLegacy && stream != cudaStreamPerThread ? *stream : default_stream;
}

/* One piece of work; false: there was none. */
static bool work_once(CUstream_st &s)
{
    if (s.waiting.empty())
        return false;
    const asked next = std::move(s.waiting.front());
    s.waiting.pop_front();
    if (health() != cudaSuccess)
        return true;
    device.now = &next.when;
    next.what();
    return true;
}

static void work_off(CUstream_st &s)
{
    while (work_once(s))
        ;
}

void pv_emulator::finish(cudaStream_t stream)
{
    const std::lock_guard<std::recursive_mutex> lock(working);
    work_off(named(stream));
    learn(host_past, named(stream).past);
}

void pv_emulator::finish_all()
{
    const std::lock_guard<std::recursive_mutex> lock(working);
    work_off(default_stream);
    learn(host_past, default_stream.past);
    for (const cudaStream_t s : streams) {
        work_off(*s);
        learn(host_past, s->past);
    }
}

cudaError_t pv_emulator::enqueue(cudaStream_t stream, work w)
{
    const std::lock_guard<std::recursive_mutex> lock(working);
    CUstream_st &s = named(stream);
    if (health() != cudaSuccess)
        return leave_error(health());
    if (s.captured) {
        s.captured->steps.push_back(std::move(w));
        return cudaSuccess;
    }
    learn(s.past, host_past);
    if (&s != &default_stream && s.waits_for_default) {
        work_off(default_stream);
        learn(s.past, default_stream.past);
    }
    for (const cudaStream_t other : streams)
        if (&s == &default_stream && other->waits_for_default) {
            work_off(*other);
            learn(s.past, other->past);
        }
    if (s.past.size() <= s.number)
        s.past.resize(s.number + 1);
    s.past[s.number]++;
    s.waiting.push_back({std::move(w), {s.number, s.past}});
    return cudaSuccess;
}

/* ---- streams ---- */

cudaError_t cudaStreamCreateWithFlags(cudaStream_t *stream, unsigned flags)
{
    const std::lock_guard<std::recursive_mutex> lock(working);
    *stream = new CUstream_st{
        flags != cudaStreamNonBlocking, stream_count++, {}, {}, nullptr, cudaStreamCaptureModeRelaxed, {}, false};
    streams.push_back(*stream);
    return leave_error(health());
}

cudaError_t cudaStreamCreate(cudaStream_t *stream)
{
    return cudaStreamCreateWithFlags(stream, cudaStreamDefault);
}

cudaError_t cudaStreamDestroy(cudaStream_t stream)
{
    const std::lock_guard<std::recursive_mutex> lock(working);
    if (&named(stream) == &default_stream)
        return leave_error(cudaErrorInvalidResourceHandle);
    stop_capturing(stream);
    work_off(*stream);
    streams.erase(std::remove(streams.begin(), streams.end(), stream), streams.end());
    delete stream;
    return cudaSuccess;
}

cudaError_t cudaStreamSynchronize(cudaStream_t stream)
{
    const cudaError_t error =
        is_capturing(stream) || &named(stream) == &default_stream ? refuse_while_capturing() : health();
    if (error != cudaSuccess)
        return leave_error(error);
    finish(stream);
    return leave_error(health());
}

cudaError_t cudaStreamQuery(cudaStream_t stream)
{
    return cudaStreamSynchronize(stream);
}

cudaError_t cudaDeviceSynchronize()
{
    const cudaError_t error = refuse_while_capturing(true);
    if (error != cudaSuccess)
        return error;
    finish_all();
    return leave_error(health());
}

/* ---- events ---- */

/* Until that record is done; its stream may be gone, and then it is. */
static void wait_for(const event_state &e, cudaStream_t stream, unsigned record)
{
    while (e.done < record &&
           (&named(stream) == &default_stream || std::find(streams.begin(), streams.end(), stream) != streams.end()))
        if (!work_once(named(stream)))
            return;
}

cudaError_t cudaEventCreate(cudaEvent_t *event)
{
    *event = new CUevent_st{std::make_shared<event_state>(event_state{nullptr, 0, 0, 0, {}})};
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
    const std::lock_guard<std::recursive_mutex> lock(working);
    const std::shared_ptr<event_state> e = event->state;
    e->stream = stream;
    const unsigned record = ++e->asked;
    const cudaError_t error = enqueue(stream, [e, record] {
        timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        e->seconds = (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
        e->done = record;
    });
    e->past = named(stream).past;
    return error;
}

cudaError_t cudaEventSynchronize(cudaEvent_t event)
{
    const std::lock_guard<std::recursive_mutex> lock(working);
    wait_for(*event->state, event->state->stream, event->state->asked);
    learn(host_past, event->state->past);
    return leave_error(health());
}

cudaError_t cudaEventElapsedTime(float *milliseconds, cudaEvent_t start, cudaEvent_t end)
{
    const event_state &a = *start->state, &b = *end->state;
    if (a.asked == 0 || b.asked == 0)
        return leave_error(cudaErrorInvalidResourceHandle);
    if (a.done < a.asked || b.done < b.asked)
        return leave_error(cudaErrorNotReady);
    *milliseconds = (float)(1e3 * (b.seconds - a.seconds));
    return leave_error(health());
}

cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned)
{
    const std::lock_guard<std::recursive_mutex> lock(working);
    if (is_capturing(stream)) /* of several streams together: prevue has no use for it */
        return leave_error(cudaErrorStreamCaptureUnsupported);
    const std::shared_ptr<event_state> e = event->state;
    learn(named(stream).past, e->past);
    return enqueue(stream, [e, of = e->stream, record = e->asked] { wait_for(*e, of, record); });
}
