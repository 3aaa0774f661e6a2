/* runtime.h: what the runtime's calls share: errors, and streams with work that has not been done yet. */
#ifndef PV_EMULATOR_RUNTIME_H
#define PV_EMULATOR_RUNTIME_H

#include <deque>
#include <functional>
#include <memory>
#include <thread>

#include "machine.h"

namespace pv_emulator
{

using work = std::function<void()>;

/* cudaErrorLaunchFailure after a fault: nothing works any more. */
cudaError_t health();
/* Remembers it for cudaGetLastError, and returns it. */
cudaError_t leave_error(cudaError_t error);

/* Leaves the work to the stream: it is done when somebody waits for it, and no earlier; or it is written down for the
 * graph that the stream is captured into. */
cudaError_t enqueue(cudaStream_t stream, work w);
/* Waits. */
void finish(cudaStream_t stream);
void finish_all();
bool is_capturing(cudaStream_t stream);

/* For calls that wait for the device, or may: they are refused while a stream is captured, and spoil the capture; a
 * capture of mode "thread local" minds only its own thread, a relaxed one nobody. all: but a call that certainly waits
 * for what is captured spoils it whatever its mode and thread. Otherwise as health. */
cudaError_t refuse_while_capturing(bool all = false);
void stop_capturing(cudaStream_t stream);

} // namespace pv_emulator

struct asked {
    pv_emulator::work what;
    pv_emulator::moment when;
};

struct CUgraph_st {
    std::vector<pv_emulator::work> steps;
};

struct CUstream_st {
    bool waits_for_default; /* and the default stream for it */
    unsigned number;
    pv_emulator::past_work past; /* what comes next may count on it */
    std::deque<asked> waiting;

    std::unique_ptr<CUgraph_st> captured; /* while capturing */
    cudaStreamCaptureMode mode;
    std::thread::id by;
    bool spoilt; /* by a call that no capture allows */
};

#endif
