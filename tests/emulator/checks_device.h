/* checks_device.h: what device memory remembers of every byte: who wrote and who read it last, in which block of which
 * launch. Blocks of one launch never wait for each other, so what one writes no other one may touch; only blocks that
 * have both used atomics on device memory may know of each other. Part of checks.cpp, for speed. */
#ifndef PV_EMULATOR_CHECKS_DEVICE_H
#define PV_EMULATOR_CHECKS_DEVICE_H

#include <sys/mman.h>

#include <cstdlib>
#include <unordered_set>

#include "checks_shared.h"

namespace pv_emulator
{

/* launch << BLOCK_BITS | block, then the stamp of shared memory. */
using long_stamp = uint64_t;
enum {
    BLOCK_BITS = 20,
    LAUNCH_MAX = (1 << (32 - BLOCK_BITS)) - 1,
    MANY_BLOCKS = (1 << BLOCK_BITS) - 1, /* in place of a block; of more blocks than that some share a number */
};

struct device_history {
    long_stamp wrote, read;
};

static device_history *device_past;               /* of each byte of the arena; memory comes when it is touched */
static uint32_t launch_number;                    /* of the running launch */
static uint32_t block_stamp;                      /* of the running block: the upper half of its stamps */
static std::unordered_set<uint32_t> with_atomics; /* block_stamps of this launch's blocks that have used some */

static void forget_device_past()
{
    const size_t bytes = ARENA_BYTES * sizeof *device_past;
    if (device_past) {
        madvise(device_past, bytes, MADV_DONTNEED);
        return;
    }
    void *const memory =
        mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) {
        perror("emulator: the past of device memory");
        abort();
    }
    device_past = (device_history *)memory;
}

void checks_start_launch()
{
    if (!device_past || launch_number == LAUNCH_MAX) {
        forget_device_past();
        launch_number = 0;
    }
    launch_number++;
    with_atomics.clear();
}

static void start_device_block()
{
    const dim3 grid = device.running->grid;
    const uint3 b = device.block;
    const uint64_t number = b.x + (uint64_t)grid.x * (b.y + (uint64_t)grid.y * b.z);
    block_stamp = launch_number << BLOCK_BITS | (uint32_t)(number % MANY_BLOCKS);
}

static inline long_stamp long_stamp_of(uint32_t block, stamp s)
{
    return (long_stamp)block << 32 | s;
}

static inline uint32_t block_of(long_stamp s)
{
    return (uint32_t)(s >> 32);
}

static inline bool is_of_this_launch(long_stamp s)
{
    return block_of(s) >> BLOCK_BITS == launch_number;
}

/* Whether the current thread may know what happened there. */
static inline bool is_past(long_stamp s)
{
    if (block_of(s) == block_stamp)
        return is_ordered((stamp)s);
    return !is_of_this_launch(s) || (with_atomics.count(block_of(s)) && with_atomics.count(block_stamp));
}

static inline long_stamp joined_device_reader(long_stamp s)
{
    if (block_of(s) == block_stamp)
        return long_stamp_of(block_stamp, joined_reader((stamp)s));
    if (is_of_this_launch(s))
        return long_stamp_of(launch_number << BLOCK_BITS | MANY_BLOCKS, 0);
    return long_stamp_of(block_stamp, now_by((unsigned)device.current->number));
}

static std::string name_of(long_stamp s)
{
    if (block_of(s) == block_stamp)
        return name_of((stamp)s);
    const uint32_t block = block_of(s) & MANY_BLOCKS;
    const dim3 grid = device.running->grid;
    if (block == MANY_BLOCKS)
        return "several blocks";
    return "block (" + std::to_string(block % grid.x) + "," + std::to_string(block / grid.x % grid.y) + "," +
           std::to_string(block / grid.x / grid.y) + ")";
}

static void device_access(uintptr_t address, size_t bytes, access how, origin o)
{
    static const char *const verbs[] = {"reads", "writes", "updates"};
    const char *const verb = verbs[how];
    const allocation *a = allocation_at(address);
    if (!a)
        report(o, "%s %zu bytes at %p, where no memory was ever allocated", verb, bytes, (void *)address);
    if (a->bytes == 0)
        report(o, "%s %zu bytes at %p, in memory that was freed", verb, bytes, (void *)address);
    if (address - a->low + bytes > a->bytes)
        report(o, "%s %zu bytes at byte %zu of an allocation of %zu", verb, bytes, (size_t)(address - a->low),
               (size_t)a->bytes);
    const char *const between = " with no barrier in between";
    for (size_t i = 0; i < bytes; i++) {
        device_history &h = device_past[address - arena_low + i];
        const size_t at = address - a->low + i;
        const bool both_atomic = how == UPDATE && who_of((stamp)h.wrote) == ATOMIC;
        if (!is_past(h.wrote) && !both_atomic)
            report(o, "%s byte %zu of an allocation of %zu, which %s wrote%s", verb, at, (size_t)a->bytes,
                   name_of(h.wrote).c_str(), block_of(h.wrote) == block_stamp ? between : " in this launch");
        if (how != READ && !is_past(h.read))
            report(o, "%s byte %zu of an allocation of %zu, which %s read%s", verb, at, (size_t)a->bytes,
                   name_of(h.read).c_str(), block_of(h.read) == block_stamp ? between : " in this launch");
        if (how == READ)
            h.read = joined_device_reader(h.read);
        else
            h.wrote =
                long_stamp_of(block_stamp, now_by(how == UPDATE ? (unsigned)ATOMIC : (unsigned)device.current->number));
    }
    if (how == UPDATE)
        with_atomics.insert(block_stamp);
}

/* The same, where it is quickly seen that all is well. False: not so quickly. */
template <access HOW, size_t BYTES> static inline bool device_access_is_plain(uintptr_t address)
{
    const allocation *a = allocation_at(address);
    if (!a || address - a->low + BYTES > a->bytes)
        return false;
    device_history *const at = &device_past[address - arena_low];
    const long_stamp wrote = at[0].wrote, read = at[0].read;
    long_stamp differ = 0;
    for (size_t i = 1; i < BYTES; i++)
        differ |= (at[i].wrote ^ wrote) | (at[i].read ^ read);
    const long_stamp mine = long_stamp_of(block_stamp, now_by((unsigned)device.current->number));
    if (differ || (is_of_this_launch(wrote) && wrote != mine))
        return false;
    if (HOW == WRITE) {
        if (is_of_this_launch(read) && read != mine)
            return false;
        for (size_t i = 0; i < BYTES; i++)
            at[i].wrote = mine;
        return true;
    }
    const long_stamp reader = read == mine ? read : joined_device_reader(read);
    for (size_t i = 0; i < BYTES && reader != read; i++)
        at[i].read = reader;
    return true;
}

} // namespace pv_emulator

#endif
