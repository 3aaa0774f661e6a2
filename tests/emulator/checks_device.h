/* checks_device.h: what device memory remembers of every byte: who wrote and who read it last, in which block of which
 * launch. Blocks of one launch never wait for each other, so what one writes no other one may touch; only blocks that
 * have both used atomics on device memory may know of each other. Launches, and copies, of two streams may touch the
 * same only where something puts one before the other, whatever the order they happen to run in here. Part of
 * checks.cpp, for speed. */
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
static uint16_t *other_reader;                    /* of each byte: the launch of one more reader, 0 = none */
static bool other_readers;                        /* there is one somewhere */
static uint32_t launch_number;                    /* of the running launch, or copy */
static uint32_t block_stamp;                      /* of the running block: the upper half of its stamps */
static std::unordered_set<uint32_t> with_atomics; /* block_stamps of this launch's blocks that have used some */

/* Launches since the past was forgotten. */
static struct {
    unsigned stream, count; /* the count-th work of that stream */
    const void *kernel;     /* NULL: a copy */
} launched[LAUNCH_MAX + 1];
static bool is_over[LAUNCH_MAX + 1]; /* whether it must be, before the running one begins; there is no launch 0 */

static void *forgotten(void *memory, size_t bytes)
{
    if (memory) {
        madvise(memory, bytes, MADV_DONTNEED);
        return memory;
    }
    memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) {
        perror("emulator: the past of device memory");
        abort();
    }
    return memory;
}

static void start_launch(const void *kernel)
{
    if (!device_past || launch_number == LAUNCH_MAX) {
        device_past = (device_history *)forgotten(device_past, ARENA_BYTES * sizeof *device_past);
        other_reader = (uint16_t *)forgotten(other_reader, ARENA_BYTES * sizeof *other_reader);
        other_readers = false;
        launch_number = 0;
    }
    const moment &now = *device.now;
    is_over[0] = true;
    for (uint32_t i = 1; i <= launch_number; i++)
        is_over[i] = launched[i].stream < now.before.size() && launched[i].count <= now.before[launched[i].stream];
    launch_number++;
    launched[launch_number] = {now.stream, now.before[now.stream], kernel};
    is_over[launch_number] = false;
    with_atomics.clear();
}

void checks_start_launch()
{
    start_launch(device.running->kernel_address);
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

static inline uint32_t launch_of(long_stamp s)
{
    return block_of(s) >> BLOCK_BITS;
}

static inline bool is_of_this_launch(long_stamp s)
{
    return launch_of(s) == launch_number;
}

/* Whether the current thread may know what happened there. */
static inline bool is_past(long_stamp s)
{
    if (block_of(s) == block_stamp)
        return is_ordered((stamp)s);
    return is_over[launch_of(s)] ||
           (is_of_this_launch(s) && with_atomics.count(block_of(s)) && with_atomics.count(block_stamp));
}

/* A reader of another stream that may still be reading stays known when one of this launch takes its place. Of a third
 * stream there is no room. */
static void keep_other_reader(uintptr_t offset, long_stamp read)
{
    uint16_t &kept = other_reader[offset];
    if (is_over[launch_of(read)] || is_of_this_launch(read))
        return;
    if (is_over[kept] || launched[kept].stream == launched[launch_of(read)].stream)
        kept = (uint16_t)launch_of(read);
    other_readers = true;
}

static inline long_stamp joined_device_reader(long_stamp s)
{
    if (block_of(s) == block_stamp)
        return long_stamp_of(block_stamp, joined_reader((stamp)s));
    if (is_of_this_launch(s))
        return long_stamp_of(launch_number << BLOCK_BITS | MANY_BLOCKS, 0);
    return long_stamp_of(block_stamp, now_by((unsigned)device.current->number));
}

/* Whose accesses these are, as the end of a sentence. */
static std::string doings_of(uint32_t launch, const char *did)
{
    return (launched[launch].kernel ? "a kernel" : "a copy") + std::string(" of another stream ") + did +
           ", and nothing puts one before the other";
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

static inline long_stamp of_launch(uint32_t launch)
{
    return long_stamp_of(launch << BLOCK_BITS | MANY_BLOCKS, 0);
}

/* An access that does not know of the one that left the stamp. */
[[noreturn]] static void report_race(origin o, const char *verb, size_t at, size_t bytes, long_stamp s, const char *did)
{
    std::string whose;
    if (block_of(s) == block_stamp) {
        whose = name_of((stamp)s) + " " + did + " with no barrier in between";
    } else if (is_of_this_launch(s)) {
        whose = name_of(s) + " " + did + " in this launch";
    } else {
        whose = doings_of(launch_of(s), did);
        device.fault_kernel = launched[launch_of(s)].kernel;
    }
    report(o, "%s byte %zu of an allocation of %zu, which %s", verb, at, bytes, whose.c_str());
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
    for (size_t i = 0; i < bytes; i++) {
        device_history &h = device_past[address - arena_low + i];
        const size_t at = address - a->low + i;
        const bool both_atomic = how == UPDATE && who_of((stamp)h.wrote) == ATOMIC;
        if (!is_past(h.wrote) && !both_atomic)
            report_race(o, verb, at, a->bytes, h.wrote, "wrote");
        if (how != READ && !is_past(h.read))
            report_race(o, verb, at, a->bytes, h.read, "read");
        if (how != READ && !is_over[other_reader[address - arena_low + i]])
            report_race(o, verb, at, a->bytes, of_launch(other_reader[address - arena_low + i]), "read");
        if (how == READ) {
            keep_other_reader(address - arena_low + i, h.read);
            h.read = joined_device_reader(h.read);
        } else {
            other_reader[address - arena_low + i] = 0;
            h.wrote =
                long_stamp_of(block_stamp, now_by(how == UPDATE ? (unsigned)ATOMIC : (unsigned)device.current->number));
        }
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
    if (differ || (!is_over[launch_of(wrote)] && wrote != mine))
        return false;
    if (HOW == WRITE) {
        if (!is_over[launch_of(read)] && read != mine)
            return false;
        for (size_t i = 0; i < BYTES && other_readers; i++)
            if (other_reader[address - arena_low + i])
                return false;
        for (size_t i = 0; i < BYTES; i++)
            at[i].wrote = mine;
        return true;
    }
    if (!is_over[launch_of(read)] && !is_of_this_launch(read))
        return false;
    const long_stamp reader = read == mine ? read : joined_device_reader(read);
    for (size_t i = 0; i < BYTES && reader != read; i++)
        at[i].read = reader;
    return true;
}

/* ---- copies ---- */

static bool copy_reads(const void *src, size_t bytes)
{
    const uintptr_t first = (uintptr_t)src - arena_low;
    for (size_t i = first; i < first + bytes; i++) {
        const uint32_t writer = launch_of(device_past[i].wrote);
        if (!is_over[writer] && writer != launch_number) {
            fault_of_copy("a copy reads what " + doings_of(writer, "wrote"), launched[writer].kernel);
            return false;
        }
        keep_other_reader(i, device_past[i].read);
        device_past[i].read = of_launch(launch_number);
    }
    return true;
}

static bool copy_writes(const void *dst, size_t bytes)
{
    const uintptr_t first = (uintptr_t)dst - arena_low;
    for (size_t i = first; i < first + bytes; i++) {
        const uint32_t seen[] = {launch_of(device_past[i].wrote), launch_of(device_past[i].read), other_reader[i]};
        for (const uint32_t &other : seen)
            if (!is_over[other] && other != launch_number) {
                fault_of_copy("a copy writes what " + doings_of(other, &other == seen ? "wrote" : "read"),
                              launched[other].kernel);
                return false;
            }
        other_reader[i] = 0;
        device_past[i].wrote = of_launch(launch_number);
    }
    return true;
}

bool check_copy(const void *dst, const void *src, size_t bytes)
{
    start_launch(nullptr);
    return (!src || !is_device_memory(src, bytes) || copy_reads(src, bytes)) &&
           (!is_device_memory(dst, bytes) || copy_writes(dst, bytes));
}

} // namespace pv_emulator

#endif
