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
    ON_ITS_WAY                       /* a copy that has not arrived */
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

void checks_start_block()
{
    if (past.size() == shared.bytes && device.clock < CLOCK_MAX / 2)
        return;
    past.assign(shared.bytes, 0);
    device.clock = 0;
}

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
    return who < EVERYBODY && its_warp == my_warp && when < device.group[my_warp].met;
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

static void check_byte(stamp written, stamp read, access how, uintptr_t offset, origin o)
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

[[noreturn]] static void report_range(uintptr_t offset, size_t bytes, access how, origin o)
{
    const char *const verb = how == READ ? "reads" : "writes";
    if (!shared.owner[offset])
        report(o, "%s memory between shared variables", verb);
    const shared_memory::variable &v = shared.all[shared.owner[offset] - 1u];
    const size_t size = v.offset == shared.dynamic_offset ? device.running->shared_bytes : v.bytes;
    report(o, "%s %zu bytes at byte %zu of %s, which has %zu", verb, bytes, (size_t)(offset - v.offset), v.name.c_str(),
           size);
}

static inline bool has_room(uintptr_t offset, size_t bytes)
{
    const uintptr_t dynamic = offset - shared.dynamic_offset;
    return bytes <= shared.room[offset] &&
           (dynamic >= SHARED_BYTES_MAX || dynamic + bytes <= device.running->shared_bytes);
}

/* left: the stamp of a writer. */
static void shared_access(access how, uintptr_t offset, size_t bytes, stamp left, origin o)
{
    if (!has_room(offset, bytes))
        report_range(offset, bytes, how, o);
    for (size_t i = 0; i < bytes; i++) {
        const stamp written = writer_of(past[offset + i]), read = reader_of(past[offset + i]);
        check_byte(written, read, how, offset + i, o);
        past[offset + i] = how == READ ? both_of(written, joined_reader(read)) : both_of(left, read);
    }
}

/* The same, where it is quickly seen that all is well: all bytes have one past, and the last to write them has met this
 * thread since or was it. False: not so quickly. */
template <access HOW, size_t BYTES> static inline bool shared_access_is_plain(uintptr_t offset)
{
    if (!has_room(offset, BYTES))
        return false;
    uint64_t *const at = &past[offset];
    const uint64_t before = at[0];
    uint64_t differ = 0;
    for (size_t i = 1; i < BYTES; i++)
        differ |= at[i] ^ before;
    const stamp mine = (stamp)device.clock << WHO_BITS | (stamp)device.current->number;
    const stamp met = (stamp)device.block_met << WHO_BITS, written = writer_of(before), read = reader_of(before);
    if (differ || (written >= met && written != mine) || who_of(written) == ON_ITS_WAY)
        return false;
    if (HOW == WRITE ? read >= met && read != mine : written < (stamp)device.block_started << WHO_BITS)
        return false;
    const stamp reader = HOW == WRITE || read == mine ? read : joined_reader(read);
    const uint64_t after = both_of(HOW == WRITE ? mine : written, reader);
    for (size_t i = 0; i < BYTES && after != before; i++)
        at[i] = after;
    return true;
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

static __attribute__((noinline)) void any_access(access how, const void *memory, size_t bytes, const void *code,
                                                 site from)
{
    const origin o = {code, from};
    const uintptr_t address = (uintptr_t)memory;
    const bool to_device = address - arena_low < ARENA_BYTES && arena_low;
    if (!on_fiber()) {
        if (to_device)
            fault(o.code, "code of the host touches device memory");
        return;
    }
    if (address - (uintptr_t)device.current->stack < STACK_BYTES)
        return;
    if (address - shared.low < shared.bytes) {
        const unsigned who = how == UPDATE ? (unsigned)ATOMIC : (unsigned)device.current->number;
        shared_access(how, address - shared.low, bytes, how == READ ? 0 : now_by(who), o);
        return;
    }
    if (to_device) {
        global_access(address, bytes, how, o);
        return;
    }
    if (how == READ && address - (uintptr_t)device.running < device.running->own_bytes)
        return;
    report(o, "%s %zu bytes at %p, which is memory of the host", how == READ ? "reads" : "writes", bytes, memory);
}

/* What almost every access is, inlined into its hook. */
template <access HOW, size_t BYTES>
static inline __attribute__((always_inline)) void hook(const void *memory, const void *code)
{
    const uintptr_t address = (uintptr_t)memory;
    if (address - device.stack < STACK_BYTES) /* its own variables: no other code has addresses there */
        return;
    if (address - shared.low < shared.bytes && device.current && on_fiber() &&
        shared_access_is_plain<HOW, BYTES>(address - shared.low))
        return;
    if (arena_low && address - arena_low < ARENA_BYTES && on_fiber()) {
        const allocation *a = allocation_at(address);
        if (a && address - a->low + BYTES <= a->bytes)
            return;
    }
    any_access(HOW, memory, BYTES, code, {});
}

void check_shared_read(const void *address, size_t bytes, site from)
{
    if ((uintptr_t)address - shared.low >= shared.bytes)
        report({nullptr, from}, "reads a matrix at %p, which is not shared memory", address);
    any_access(READ, address, bytes, nullptr, from);
}

void check_global_read(const void *address, size_t bytes, site from)
{
    any_access(READ, address, bytes, nullptr, from);
}

void check_copy_begins(void *address, size_t bytes, site from)
{
    if ((uintptr_t)address - shared.low >= shared.bytes)
        report({nullptr, from}, "copies to %p, which is not shared memory", address);
    shared_access(WRITE, (uintptr_t)address - shared.low, bytes, now_by(ON_ITS_WAY), {nullptr, from});
}

void check_copy_ends(void *address, size_t bytes)
{
    const uintptr_t offset = (uintptr_t)address - shared.low;
    for (size_t i = 0; i < bytes; i++)
        past[offset + i] = both_of(now_by((unsigned)device.current->number), reader_of(past[offset + i]));
}

void check_atomic(const void *address, size_t bytes, site from)
{
    any_access(UPDATE, address, bytes, nullptr, from);
}

} // namespace pv_emulator

/* ---- what instrumented code calls ---- */

using namespace pv_emulator;

#define PV_HOOKS(bytes)                                                                                                \
    void __tsan_read##bytes(void *memory)                                                                              \
    {                                                                                                                  \
        hook<READ, bytes>(memory, __builtin_return_address(0));                                                        \
    }                                                                                                                  \
    void __tsan_write##bytes(void *memory)                                                                             \
    {                                                                                                                  \
        hook<WRITE, bytes>(memory, __builtin_return_address(0));                                                       \
    }                                                                                                                  \
    void __tsan_unaligned_read##bytes(void *memory)                                                                    \
    {                                                                                                                  \
        hook<READ, bytes>(memory, __builtin_return_address(0));                                                        \
    }                                                                                                                  \
    void __tsan_unaligned_write##bytes(void *memory)                                                                   \
    {                                                                                                                  \
        hook<WRITE, bytes>(memory, __builtin_return_address(0));                                                       \
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
    any_access(READ, memory, bytes, __builtin_return_address(0), {});
}

void __tsan_write_range(void *memory, size_t bytes)
{
    any_access(WRITE, memory, bytes, __builtin_return_address(0), {});
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
