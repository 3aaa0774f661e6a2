/* barrier.cpp: barriers in shared memory (PTX's mbarrier): a phase ends when so many threads have arrived and all bytes
 * that they said to expect have come. */
#include "machine.h"

namespace pv_emulator
{

struct barrier {
    const void *place;
    int by; /* the thread that has initialised it */
    uint64_t when;
    bool copies_know; /* of the initialisation */
    int arrivals, missing;
    int64_t bytes;   /* expected and not here yet */
    unsigned phases; /* that have ended */
};

static std::vector<barrier> barriers; /* of the running block */

enum { ARRIVALS_MAX = (1 << 20) - 1, BYTES_MAX = (1 << 20) - 1 };

void barriers_start_block()
{
    barriers.clear();
}

/* The number of the barrier there, which the current thread knows of. */
static int number_of(const void *place, const char *doing, site at)
{
    for (size_t i = 0; i < barriers.size(); i++) {
        const barrier &b = barriers[i];
        if (b.place != place)
            continue;
        if (!knows_of(b.by, b.when))
            fault(nullptr, "%s %s, a barrier that thread %d has initialised with no barrier in between, at %s", doing,
                  shared_place(place).c_str(), b.by, describe(at).c_str());
        return (int)i;
    }
    fault(nullptr, "%s %s, a barrier that nobody has initialised, at %s", doing, shared_place(place).c_str(),
          describe(at).c_str());
}

void barrier_init(uint64_t *place, int arrivals, site at)
{
    if ((uintptr_t)place % sizeof *place != 0 || !is_shared_memory(place))
        fault(nullptr, "initialises a barrier at %p, which is not shared memory on 8 bytes, at %s", (void *)place,
              describe(at).c_str());
    if (arrivals < 1 || arrivals > ARRIVALS_MAX)
        fault(nullptr, "initialises a barrier with %d arrivals at %s", arrivals, describe(at).c_str());
    if (barriers.size() == BARRIERS_MAX)
        fault(nullptr, "a block with more than %d barriers at %s", BARRIERS_MAX, describe(at).c_str());
    for (const barrier &b : barriers)
        if (b.place == place)
            fault(nullptr, "initialises %s, which is a barrier already, at %s", shared_place(place).c_str(),
                  describe(at).c_str());
    check_barrier_begins(place, at);
    barriers.push_back({place, device.current->number, device.clock, false, arrivals, arrivals, 0, 0});
}

void barrier_init_fence()
{
    for (barrier &b : barriers)
        b.copies_know |= b.by == device.current->number;
}

int barrier_of_copy(const void *place, site at)
{
    const int number = number_of(place, "copies to", at);
    if (!barriers[(size_t)number].copies_know)
        fault(nullptr, "copies to %s, a barrier with no pv_barrier_init_fence behind its initialisation, at %s",
              shared_place(place).c_str(), describe(at).c_str());
    return number;
}

/* Of barrier, when nothing is missing any more. */
static void end_phase(int number)
{
    barrier &b = barriers[(size_t)number];
    if (b.missing > 0 || b.bytes != 0)
        return;
    b.missing = b.arrivals;
    b.phases++;
    check_phase_ends(number);
    wake_at_barrier(number);
}

void barrier_arrive(uint64_t *place, int bytes, site at)
{
    const int number = number_of(place, "arrives at", at);
    barrier &b = barriers[(size_t)number];
    if (b.missing == 0)
        fault(nullptr, "arrives at %s once more than the %d times of a phase, at %s", shared_place(place).c_str(),
              b.arrivals, describe(at).c_str());
    if (bytes < 0 || b.bytes + bytes > BYTES_MAX)
        fault(nullptr, "expects %jd bytes at %s, at %s", (intmax_t)(b.bytes + bytes), shared_place(place).c_str(),
              describe(at).c_str());
    check_arrival(number);
    b.bytes += bytes;
    b.missing--;
    end_phase(number);
}

void bytes_arrive(int number, int64_t bytes)
{
    barriers[(size_t)number].bytes -= bytes;
    end_phase(number);
}

void barrier_wait(uint64_t *place, int parity, site at)
{
    const int number = number_of(place, "waits for", at);
    if (parity != 0 && parity != 1)
        fault(nullptr, "waits for a phase of parity %d at %s", parity, describe(at).c_str());
    const unsigned before = barriers[(size_t)number].phases;
    if ((int)(before % 2) == parity) {
        wait_at_barrier(number, at);
        if (barriers[(size_t)number].phases != before + 1)
            fault(nullptr, "waits for %s, where two phases end before it can see the first one, at %s",
                  shared_place(place).c_str(), describe(at).c_str());
    }
    check_phase_seen(number);
}

std::string barrier_state(int number)
{
    const barrier &b = barriers[(size_t)number];
    return shared_place(b.place) + ", which misses " + std::to_string(b.missing) + " of " + std::to_string(b.arrivals) +
           " arrivals and " + std::to_string(b.bytes) + " bytes";
}

} // namespace pv_emulator
