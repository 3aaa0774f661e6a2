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
    start_order();
    product_reads.clear();
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
    if (address - (uintptr_t)device.current->stack < STACK_BYTES) {
        for (const range &r : device.current->at_work)
            if (address < r.low + r.bytes && r.low < address + bytes)
                report(o, "%s registers that a wgmma is at work on", how == READ ? "reads" : "writes");
        return;
    }
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
        return device.registers_at_work == 0;
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

void check_barrier_begins(const void *place, site from)
{
    start_knowing();
    shared_access(WRITE, (uintptr_t)place - shared.low, 8, now_by(A_BARRIER), {nullptr, from});
}

/* ---- copies of boxes and products: another way to memory than that of threads ---- */

void proxy_fence()
{
    fences[device.current->number].push_back((unsigned)tick());
}

/* What a thread wrote there it has told copies and products of, and the current thread knows that. */
static void check_told(uintptr_t offset, size_t bytes, const char *verb, origin o)
{
    for (size_t i = 0; i < bytes; i++) {
        const stamp written = writer_of(past[offset + i]);
        const unsigned who = who_of(written), when = clock_of(written);
        if (who >= OF_WARP || when < device.block_started)
            continue;
        const std::vector<unsigned> &told = fences[who];
        const auto fence = std::upper_bound(told.begin(), told.end(), when);
        if (fence == told.end() || !knows_of((int)who, *fence))
            report(o, "%s %s, which thread %u wrote with no pv_proxy_fence and barrier in between", verb,
                   place_of(offset + i).c_str(), who);
    }
}

void check_box_read(const char *address, size_t bytes, site from)
{
    any_access(READ, address, bytes, nullptr, from);
}

void check_box_begins(void *address, size_t bytes, site from)
{
    const origin o = {nullptr, from};
    const uintptr_t offset = (uintptr_t)address - shared.low;
    if (offset >= shared.bytes)
        report(o, "copies a box to %p, which is not shared memory", address);
    if (!has_room(offset, bytes))
        report_range(offset, bytes, WRITE, o);
    check_told(offset, bytes, "copies a box to", o);
    shared_access(WRITE, offset, bytes, now_by(BOX_ON_ITS_WAY), o);
    const auto over = [=](const product_read &r) { return r.offset >= offset && r.offset + r.bytes <= offset + bytes; };
    product_reads.erase(std::remove_if(product_reads.begin(), product_reads.end(), over), product_reads.end());
}

void check_box_ends(void *address, size_t bytes, int barrier)
{
    const uintptr_t offset = (uintptr_t)address - shared.low;
    for (size_t i = 0; i < bytes; i++)
        past[offset + i] = both_of(now_by(BY_COPY + (unsigned)barrier), reader_of(past[offset + i]));
    arrive_at(barrier, (size_t)(device.threads + barrier));
}

void check_product_read(const char *address, site from)
{
    const origin o = {nullptr, from};
    const uintptr_t offset = (uintptr_t)address - shared.low;
    const size_t bytes = 16;
    if (!has_room(offset, bytes))
        report_range(offset, bytes, READ, o);
    check_told(offset, bytes, "multiplies", o);
    for (size_t i = 0; i < bytes; i++)
        check_byte(writer_of(past[offset + i]), 0, READ, offset + i, o);
}

void check_product_begins(const char *address, size_t bytes, int group)
{
    const int warp = device.current->number / LANES;
    const uintptr_t offset = (uintptr_t)address - shared.low;
    for (const product_read &r : product_reads)
        if (r.offset == offset && r.bytes == bytes && r.warp == warp && r.group == group)
            return;
    product_reads.push_back({offset, bytes, warp, group, 0});
}

void check_products_end(int end)
{
    const uint64_t now = device.clock;
    tick();
    /* What the whole block knows to be done is forgotten. */
    const auto old = [](const product_read &r) { return r.done && r.done < device.block_met; };
    product_reads.erase(std::remove_if(product_reads.begin(), product_reads.end(), old), product_reads.end());
    for (product_read &r : product_reads)
        if (r.warp == device.current->number / LANES && r.group < end && !r.done)
            r.done = now;
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
