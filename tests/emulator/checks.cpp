/* checks.cpp: sees every memory access of a kernel. g++ is told to instrument for its race detector and its alignment
 * and bounds checks; these are the functions that it then calls, in place of those of its own libraries.
 *
 * A kernel may touch its own stack, its arguments (to read), device memory that is allocated, and its shared memory.
 * For every byte of shared memory two stamps say who wrote and who read it last, and when. */
#include <cstdio>

#include "machine.h"

namespace pv_emulator
{

/* ---- where an access was made ---- */

struct origin {
    const void *code; /* or NULL: */
    site from;
};

template <class... A> [[noreturn]] static void report(origin o, const char *format, A... argument)
{
    char text[512];
    snprintf(text, sizeof text, format, argument...);
    if (o.code)
        fault(o.code, "%s", text);
    fault(nullptr, "%s at %s", text, describe(o.from).c_str());
}

/* ---- shared memory ---- */

/* A stamp: clock << WHO_BITS | who. who: a thread, or one of these. */
using stamp = uint32_t;
enum {
    WHO_BITS = 11,
    OF_WARP = THREADS_MAX,           /* + warp: several threads of it */
    EVERYBODY = OF_WARP + WARPS_MAX, /* threads of several warps */
    ATOMIC,                          /* whoever, atomically */
    ON_ITS_WAY,                      /* a copy that has not arrived */
    CLOCK_MAX = (1 << (32 - WHO_BITS)) - 1
};

static std::vector<stamp> wrote, read_by; /* a byte of shared memory each */

void checks_start_block()
{
    if (wrote.size() == shared.bytes && device.clock < CLOCK_MAX / 2)
        return;
    wrote.assign(shared.bytes, 0);
    read_by.assign(shared.bytes, 0);
    device.clock = 0;
}

static stamp now_by(unsigned who)
{
    if (device.clock > CLOCK_MAX)
        fault(nullptr, "a block that meets more than %d times is more than the checks can follow", CLOCK_MAX / 2);
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

/* Whether the current thread has met whoever left the stamp since then. */
static bool is_ordered(stamp s)
{
    const unsigned who = who_of(s), when = clock_of(s);
    if (when < device.block_met)
        return true;
    const unsigned me = (unsigned)device.current->number, my_warp = me / LANES;
    if (who == me)
        return true;
    const unsigned its_warp = who < OF_WARP ? who / LANES : who - OF_WARP;
    return who < EVERYBODY && its_warp == my_warp && when < device.group[my_warp].met;
}

/* The stamp of a reader that comes after others. */
static stamp joined_reader(stamp s)
{
    const unsigned me = (unsigned)device.current->number, who = who_of(s), my_warp = me / LANES;
    if (is_ordered(s))
        return now_by(me);
    const unsigned its_warp = who < OF_WARP ? who / LANES : who - OF_WARP;
    return now_by(who < EVERYBODY && its_warp == my_warp ? OF_WARP + my_warp : (unsigned)EVERYBODY);
}

static std::string name_of(stamp s)
{
    const unsigned who = who_of(s);
    if (who < OF_WARP)
        return "thread " + std::to_string(who);
    if (who < EVERYBODY)
        return "threads of warp " + std::to_string(who - OF_WARP);
    return who == ATOMIC ? "an atomic of some thread" : "threads of several warps";
}

/* "byte 12 of tile" */
static std::string place_of(uintptr_t offset)
{
    const shared_memory::variable &v = shared.all[shared.owner[offset] - 1u];
    return "byte " + std::to_string(offset - v.offset) + " of " + v.name;
}

enum access { READ, WRITE, UPDATE };

/* One byte, or several that have the same stamps. */
static inline void check_stamps(stamp written, stamp read, access how, uintptr_t offset, origin o)
{
    static const char *const verb[] = {"reads", "writes", "updates"};
    if (how != WRITE && clock_of(written) < device.block_started)
        report(o, "%s %s, which nobody has written yet in this block", verb[how], place_of(offset).c_str());
    if (who_of(written) == ON_ITS_WAY && clock_of(written) >= device.block_started)
        report(o, "%s %s, to which a cp.async is on its way", verb[how], place_of(offset).c_str());
    if (!is_ordered(written) && !(how == UPDATE && who_of(written) == ATOMIC))
        report(o, "%s %s, which %s wrote with no barrier in between", verb[how], place_of(offset).c_str(),
               name_of(written).c_str());
    if (how != READ && !is_ordered(read))
        report(o, "%s %s, which %s read with no barrier in between", verb[how], place_of(offset).c_str(),
               name_of(read).c_str());
}

static void check_shared_range(uintptr_t offset, size_t bytes, access how, origin o)
{
    const unsigned owner = shared.owner[offset];
    const char *const verb = how == READ ? "reads" : "writes";
    if (!owner)
        report(o, "%s memory between shared variables", verb);
    const shared_memory::variable &v = shared.all[owner - 1];
    const size_t size = shared.low + v.offset == shared.dynamic ? device.running->shared_bytes : v.bytes;
    if (offset - v.offset + bytes > size)
        report(o, "%s %zu bytes at byte %zu of %s, which has %zu", verb, bytes, (size_t)(offset - v.offset),
               v.name.c_str(), size);
}

template <access HOW> static inline void shared_access(uintptr_t offset, size_t bytes, stamp left, origin o)
{
    check_shared_range(offset, bytes, HOW, o);
    stamp *const written = &wrote[offset], *const read = &read_by[offset];
    stamp differ = 0;
    for (size_t i = 1; i < bytes; i++)
        differ |= (written[i] ^ written[0]) | (read[i] ^ read[0]);
    for (size_t i = 0; i < (differ ? bytes : 1); i++)
        check_stamps(written[i], read[i], HOW, offset + i, o);
    if (HOW == READ && !differ)
        left = joined_reader(read[0]);
    for (size_t i = 0; i < bytes; i++) {
        if (HOW != READ)
            written[i] = left;
        else
            read[i] = differ ? joined_reader(read[i]) : left;
    }
}

/* ---- device memory, and everything else ---- */

static void global_access(uintptr_t address, size_t bytes, access how, origin o)
{
    const char *const verb = how == READ ? "reads" : "writes";
    const allocation *a = allocation_at(address);
    if (!a)
        report(o, "%s %zu bytes at %p, where no memory was ever allocated", verb, bytes, (void *)address);
    if (a->bytes == 0)
        report(o, "%s %zu bytes at %p, in memory that was freed", verb, bytes, (void *)address);
    if (address - a->low + bytes > a->bytes)
        report(o, "%s %zu bytes at byte %zu of an allocation of %zu", verb, bytes, (size_t)(address - a->low),
               (size_t)a->bytes);
}

template <access HOW> static inline void any_access(const void *memory, size_t bytes, origin o)
{
    const uintptr_t address = (uintptr_t)memory;
    const bool to_device = address - arena_low < ARENA_BYTES && arena_low;
    if (!on_fiber()) {
        if (to_device)
            fault(o.code, "code of the host touches device memory");
        return;
    }
    const thread &me = *device.current;
    if (address - (uintptr_t)me.stack < STACK_BYTES)
        return;
    if (address - shared.low < shared.bytes) {
        shared_access<HOW>(address - shared.low, bytes,
                           HOW == READ ? 0 : now_by(HOW == UPDATE ? (unsigned)ATOMIC : (unsigned)me.number), o);
        return;
    }
    if (to_device) {
        global_access(address, bytes, HOW, o);
        return;
    }
    if (HOW == READ && address - (uintptr_t)device.running < device.running->own_bytes)
        return;
    report(o, "%s %zu bytes at %p, which is memory of the host", HOW == READ ? "reads" : "writes", bytes, memory);
}

void check_shared_read(const void *address, size_t bytes, site from)
{
    if ((uintptr_t)address - shared.low >= shared.bytes)
        report({nullptr, from}, "reads a matrix at %p, which is not shared memory", address);
    any_access<READ>(address, bytes, {nullptr, from});
}

void check_global_read(const void *address, size_t bytes, site from)
{
    any_access<READ>(address, bytes, {nullptr, from});
}

void check_copy_begins(void *address, size_t bytes, site from)
{
    if ((uintptr_t)address - shared.low >= shared.bytes)
        report({nullptr, from}, "copies to %p, which is not shared memory", address);
    shared_access<WRITE>((uintptr_t)address - shared.low, bytes, now_by(ON_ITS_WAY), {nullptr, from});
}

void check_copy_ends(void *address, size_t bytes)
{
    const uintptr_t offset = (uintptr_t)address - shared.low;
    for (size_t i = 0; i < bytes; i++)
        wrote[offset + i] = now_by((unsigned)device.current->number);
}

void check_atomic(const void *address, size_t bytes, site from)
{
    any_access<UPDATE>(address, bytes, {nullptr, from});
}

} // namespace pv_emulator

/* ---- what instrumented code calls ---- */

using namespace pv_emulator;

#define PV_HOOKS(bytes)                                                                                                \
    void __tsan_read##bytes(void *memory)                                                                              \
    {                                                                                                                  \
        any_access<READ>(memory, bytes, {__builtin_return_address(0), {}});                                            \
    }                                                                                                                  \
    void __tsan_write##bytes(void *memory)                                                                             \
    {                                                                                                                  \
        any_access<WRITE>(memory, bytes, {__builtin_return_address(0), {}});                                           \
    }                                                                                                                  \
    void __tsan_unaligned_read##bytes(void *memory)                                                                    \
    {                                                                                                                  \
        any_access<READ>(memory, bytes, {__builtin_return_address(0), {}});                                            \
    }                                                                                                                  \
    void __tsan_unaligned_write##bytes(void *memory)                                                                   \
    {                                                                                                                  \
        any_access<WRITE>(memory, bytes, {__builtin_return_address(0), {}});                                           \
    }

/* As the compiler describes places and types to its sanitizers. */
struct source_place {
    const char *file;
    uint32_t line, column;
};
struct type_name {
    uint16_t kind, info;
    char text[1]; /* longer */
};
struct mismatch {
    source_place place;
    const type_name *type;
    unsigned char log_alignment, kind;
};
struct bad_index {
    source_place place;
    const type_name *array, *index;
};

extern "C" {
PV_HOOKS(1)
PV_HOOKS(2)
PV_HOOKS(4)
PV_HOOKS(8)
PV_HOOKS(16)

void __tsan_read_range(void *memory, size_t bytes)
{
    any_access<READ>(memory, bytes, {__builtin_return_address(0), {}});
}

void __tsan_write_range(void *memory, size_t bytes)
{
    any_access<WRITE>(memory, bytes, {__builtin_return_address(0), {}});
}

void __tsan_init()
{
}

void __tsan_vptr_update(void *, void *)
{
}

void __ubsan_handle_type_mismatch_v1(mismatch *m, uintptr_t address)
{
    const std::string at = describe({m->place.file, (int)m->place.line});
    if (address % (1u << m->log_alignment) != 0)
        fault(nullptr, "accesses %s at %p, which is not on %d bytes, at %s", m->type->text, (void *)address,
              1 << m->log_alignment, at.c_str());
    fault(nullptr, "accesses %s at %p, beyond the end of the variable, at %s", m->type->text, (void *)address,
          at.c_str());
}

void __ubsan_handle_out_of_bounds(bad_index *b, uintptr_t index)
{
    fault(nullptr, "uses index %jd of %s at %s", (intmax_t)index, b->array->text,
          describe({b->place.file, (int)b->place.line}).c_str());
}
}
