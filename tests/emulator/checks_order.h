/* checks_order.h: when an access comes before another one: stamps of time and thread, and what threads know of each
 * other. Part of checks.cpp, for speed. */
#ifndef PV_EMULATOR_CHECKS_ORDER_H
#define PV_EMULATOR_CHECKS_ORDER_H

#include <algorithm>

#include "machine.h"

namespace pv_emulator
{

/* ---- stamps ---- */

/* A stamp: clock << WHO_BITS | who. who: a thread, or one of these. */
using stamp = uint32_t;
enum {
    WHO_BITS = 11,
    OF_WARP = THREADS_MAX,           /* + warp: several threads of it */
    EVERYBODY = OF_WARP + WARPS_MAX, /* threads of several warps */
    ATOMIC,                          /* whoever, atomically */
    ON_ITS_WAY,                      /* a cp.async that has not arrived */
    BOX_ON_ITS_WAY,                  /* the copy of a box */
    A_BARRIER,                       /* the bytes are one */
    BY_COPY                          /* + barrier: bytes that a copy has brought, and told that barrier of */
};

/* Of each byte: who wrote it last (the upper half), and who has read it since. */
static std::vector<uint64_t> past;

static stamp writer_of(uint64_t both)
{
    return (stamp)(both >> 32);
}

static stamp reader_of(uint64_t both)
{
    return (stamp)both;
}

static uint64_t both_of(stamp writer, stamp reader)
{
    return (uint64_t)writer << 32 | reader;
}

static void start_shared_block()
{
    if (past.size() == shared.bytes && device.clock < CLOCK_MAX / 2)
        return;
    past.assign(shared.bytes, 0);
    device.clock = 0;
}

static_assert(BY_COPY + BARRIERS_MAX < 1 << WHO_BITS, "a stamp holds everybody");
static_assert(CLOCK_MAX < 1 << (32 - WHO_BITS), "a stamp holds every time");

static inline stamp now_by(unsigned who)
{
    return (stamp)device.clock << WHO_BITS | who;
}

static unsigned who_of(stamp s)
{
    return s & ((1u << WHO_BITS) - 1);
}

static unsigned clock_of(stamp s)
{
    return s >> WHO_BITS;
}

/* ---- what is known through barriers in shared memory ---- */

/* known[thread][source]: what the source did before that time the thread knows of, because it has waited for a barrier
 * at which the source, or one that knew of it, had arrived. Sources are the block's threads, then the copies of each
 * barrier. Empty while the block has no barrier; barriers of the whole block and of warps need no table. */
static std::vector<unsigned> known;
static std::vector<unsigned> arrived[BARRIERS_MAX],
    ended[BARRIERS_MAX];                          /* known to those who have arrived; have waited */
static std::vector<unsigned> fences[THREADS_MAX]; /* when the thread has told copies and products of what it wrote */

static size_t sources()
{
    return (size_t)device.threads + BARRIERS_MAX;
}

static unsigned *known_by(int thread)
{
    return &known[(size_t)thread * sources()];
}

static void learn(unsigned *to, const unsigned *from)
{
    for (size_t i = 0, count = sources(); i < count; i++)
        to[i] = std::max(to[i], from[i]);
}

static void start_order()
{
    known.clear();
    for (int i = 0; i < device.threads; i++)
        fences[i].clear();
}

static void start_knowing()
{
    if (!known.empty())
        return;
    known.assign((size_t)device.threads * sources(), 0);
    for (int i = 0; i < BARRIERS_MAX; i++) {
        arrived[i].assign(sources(), 0);
        ended[i].assign(sources(), 0);
    }
}

/* For bytes that have just been stamped, or by a thread for all that it did. */
static void arrive_at(int barrier, size_t source)
{
    arrived[barrier][source] = (unsigned)tick();
}

void check_arrival(int barrier)
{
    const int me = device.current->number, first = me / LANES * LANES;
    unsigned *const to = arrived[barrier].data(), *const mine = known_by(me);
    learn(to, mine);
    for (size_t i = 0; i < sources(); i++)
        to[i] = std::max(to[i], (unsigned)device.block_met);
    for (int i = first; i < std::min(first + LANES, device.threads); i++)
        to[i] = std::max(to[i], (unsigned)device.group[me / LANES].met);
    arrive_at(barrier, (size_t)me);
}

void check_phase_ends(int barrier)
{
    learn(ended[barrier].data(), arrived[barrier].data());
}

void check_phase_seen(int barrier)
{
    learn(known_by(device.current->number), ended[barrier].data());
}

void check_warp_met(const warp &w, unsigned mask)
{
    if (known.empty())
        return;
    const int first = (int)(&w - device.group) * LANES;
    std::vector<unsigned> all(sources(), 0);
    for (unsigned left = mask; left; left &= left - 1)
        learn(all.data(), known_by(first + __builtin_ctz(left)));
    for (unsigned left = mask; left; left &= left - 1)
        learn(known_by(first + __builtin_ctz(left)), all.data());
}

/* Whether the current thread knows through barriers in shared memory of what the stamp says. */
static bool is_known(unsigned who, unsigned when)
{
    if (known.empty())
        return false;
    const unsigned *const mine = known_by(device.current->number);
    const int threads = device.threads;
    if (who >= BY_COPY)
        return when < mine[threads + (int)(who - BY_COPY)];
    if (who < OF_WARP)
        return when < mine[who];
    if (who > EVERYBODY)
        return false;
    const int first = who == EVERYBODY ? 0 : (int)(who - OF_WARP) * LANES;
    const int end = who == EVERYBODY ? threads : std::min(first + LANES, threads);
    return std::all_of(mine + first, mine + end, [=](unsigned time) { return when < time; });
}

/* Whether it knows that one lane of the warp has come that far: what a warp does together. */
static bool is_known_of_warp(int warp, uint64_t when)
{
    const int me = device.current->number, first = warp * LANES, end = std::min(first + LANES, device.threads);
    if (when < device.block_met || me / LANES == warp)
        return true;
    return !known.empty() &&
           std::any_of(known_by(me) + first, known_by(me) + end, [=](unsigned t) { return when < t; });
}

/* Whether the current thread has met whoever left the stamp since then. */
static inline bool is_ordered(stamp s)
{
    const unsigned who = who_of(s), when = clock_of(s);
    if (when < device.block_met)
        return true;
    const unsigned me = (unsigned)device.current->number, my_warp = me / LANES;
    if (who == me)
        return true;
    const unsigned its_warp = who < OF_WARP ? who / LANES : who - OF_WARP;
    if (who < EVERYBODY && its_warp == my_warp && when < device.group[my_warp].met)
        return true;
    return is_known(who, when);
}

bool knows_of(int thread, uint64_t when)
{
    return is_ordered((stamp)when << WHO_BITS | (stamp)thread);
}

/* The stamp of a reader that comes after others. */
static inline stamp joined_reader(stamp s)
{
    const unsigned me = (unsigned)device.current->number, who = who_of(s), my_warp = me / LANES;
    if (s == now_by(EVERYBODY))
        return s;
    if (is_ordered(s))
        return now_by(me);
    const unsigned its_warp = who < OF_WARP ? who / LANES : who - OF_WARP;
    return now_by(who < EVERYBODY && its_warp == my_warp ? OF_WARP + my_warp : (unsigned)EVERYBODY);
}

} // namespace pv_emulator

#endif
