/* checks.cpp: sees every memory access of a kernel. g++ is told to instrument for its race detector and its alignment
 * and bounds checks; these are the functions that it then calls, in place of those of its own libraries.
 *
 * A kernel may touch its own stack, its arguments (to read), device memory that is allocated, and its shared memory. */
#include "checks_device.h"
#include "counts.h"

namespace pv_emulator
{

void checks_start_block()
{
    start_shared_block();
    start_device_block();
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
        device_access(address, bytes, how, o);
        return;
    }
    if (how == READ && address - (uintptr_t)device.running < device.running->own_bytes)
        return;
    report(o, "%s %zu bytes at %p, which is memory of the host", how == READ ? "reads" : "writes", bytes, memory);
}

/* What almost every access is. */
template <access HOW, size_t BYTES>
static inline __attribute__((always_inline)) bool access_is_plain(const void *memory)
{
    const uintptr_t address = (uintptr_t)memory;
    if (address - device.stack < STACK_BYTES) /* its own variables: no other code has addresses there */
        return true;
    if (!device.current || !on_fiber())
        return false;
    if (address - shared.low < shared.bytes)
        return shared_access_is_plain<HOW, BYTES>(address - shared.low);
    return arena_low && address - arena_low < ARENA_BYTES && device_access_is_plain<HOW, BYTES>(address);
}

/* Of a thread, to memory of either kind; else nothing. */
static void count(access how, const void *memory, size_t bytes, const void *code, site from)
{
    const uintptr_t address = (uintptr_t)memory;
    const bool to_shared = address - shared.low < shared.bytes;
    if (device.current && on_fiber() && (to_shared || (arena_low && address - arena_low < ARENA_BYTES)))
        count_access(to_shared, how != READ, address, bytes, code, from);
}

template <access HOW, size_t BYTES>
static inline __attribute__((always_inline)) void see(const void *memory, const void *code)
{
    if (counting)
        count(HOW, memory, BYTES, code, {});
    if (!access_is_plain<HOW, BYTES>(memory))
        any_access(HOW, memory, BYTES, code, {});
}

void checks_finish_block()
{
    if (counting)
        count_block();
}

void check_shared_read(const void *address, site from)
{
    if ((uintptr_t)address - shared.low >= shared.bytes)
        report({nullptr, from}, "reads a matrix at %p, which is not shared memory", address);
    if (counting)
        count(READ, address, 16, nullptr, from);
    if (!access_is_plain<READ, 16>(address))
        any_access(READ, address, 16, nullptr, from);
}

void check_global_read(const void *address, site from)
{
    if (counting)
        count(READ, address, 16, nullptr, from);
    if (!access_is_plain<READ, 16>(address))
        any_access(READ, address, 16, nullptr, from);
}

void check_copy_begins(void *address, size_t bytes, site from)
{
    if ((uintptr_t)address - shared.low >= shared.bytes)
        report({nullptr, from}, "copies to %p, which is not shared memory", address);
    if (counting)
        count(WRITE, address, bytes, nullptr, from);
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
        see<READ, bytes>(memory, __builtin_return_address(0));                                                         \
    }                                                                                                                  \
    void __tsan_write##bytes(void *memory)                                                                             \
    {                                                                                                                  \
        see<WRITE, bytes>(memory, __builtin_return_address(0));                                                        \
    }                                                                                                                  \
    void __tsan_unaligned_read##bytes(void *memory)                                                                    \
    {                                                                                                                  \
        see<READ, bytes>(memory, __builtin_return_address(0));                                                         \
    }                                                                                                                  \
    void __tsan_unaligned_write##bytes(void *memory)                                                                   \
    {                                                                                                                  \
        see<WRITE, bytes>(memory, __builtin_return_address(0));                                                        \
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
