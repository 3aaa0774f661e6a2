/* runtime.h: what the runtime's calls share. */
#ifndef PV_EMULATOR_RUNTIME_H
#define PV_EMULATOR_RUNTIME_H

#include <functional>

#include "machine.h"

namespace pv_emulator
{

using work = std::function<cudaError_t()>;

/* cudaErrorLaunchFailure after a fault: nothing works any more. */
cudaError_t health();
/* Remembers it for cudaGetLastError, and returns it. */
cudaError_t leave_error(cudaError_t error);
/* Does it now, or writes it down for the graph that the stream is captured into. */
cudaError_t enqueue(cudaStream_t stream, work w);
/* For calls that wait for the device, or may: they are refused while a stream is captured, and spoil the capture; a
 * capture of mode "thread local" minds only its own thread, a relaxed one nobody. Otherwise as health. */
cudaError_t refuse_while_capturing();

} // namespace pv_emulator

#endif
