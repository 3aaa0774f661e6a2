/* checks_shared.h: what shared memory remembers of every byte: who wrote and who read it last, and when; and what
 * follows for the next access. Part of checks.cpp, for speed. */
#ifndef PV_EMULATOR_CHECKS_SHARED_H
#define PV_EMULATOR_CHECKS_SHARED_H

#include <cstdio>

#include "checks_order.h"

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

static std::string name_of(stamp s)
{
    const unsigned who = who_of(s);
    if (who < OF_WARP)
        return "thread " + std::to_string(who);
    if (who < EVERYBODY)
        return "threads of warp " + std::to_string(who - OF_WARP);
    if (who >= BY_COPY)
        return "a copy of a box";
    return who == ATOMIC ? "an atomic of some thread" : "threads of several warps";
}

static std::string place_of(uintptr_t offset)
{
    return shared_place((const void *)(shared.low + offset));
}

enum access { READ, WRITE, UPDATE };

static void check_byte(stamp written, stamp read, access how, uintptr_t offset, origin o)
{
    static const char *const verb[] = {"reads", "writes", "updates"};
    if (how != WRITE && clock_of(written) < device.block_started)
        report(o, "%s %s, which nobody has written yet in this block", verb[how], place_of(offset).c_str());
    if (who_of(written) == ON_ITS_WAY && clock_of(written) >= device.block_started)
        report(o, "%s %s, to which a cp.async is on its way", verb[how], place_of(offset).c_str());
    if (who_of(written) == BOX_ON_ITS_WAY && clock_of(written) >= device.block_started)
        report(o, "%s %s, to which a box is on its way", verb[how], place_of(offset).c_str());
    if (who_of(written) == A_BARRIER && clock_of(written) >= device.block_started)
        report(o, "%s %s, which is a barrier", verb[how], place_of(offset).c_str());
    if (!is_ordered(written) && who_of(written) >= BY_COPY)
        report(o, "%s %s, which a copy of a box wrote whose barrier the thread has not waited for", verb[how],
               place_of(offset).c_str());
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

/* ---- what products read, until they have read it ---- */

struct product_read {
    uintptr_t offset, bytes;
    int warp, group;
    uint64_t done; /* when the warp had waited for it; 0: it has not yet */
};

static std::vector<product_read> product_reads; /* that somebody might not know to be done */

static void check_products(uintptr_t offset, size_t bytes, access how, origin o)
{
    static const char *const verb[] = {"reads", "writes", "updates"};
    for (const product_read &r : product_reads) {
        if (offset >= r.offset + r.bytes || r.offset >= offset + bytes)
            continue;
        const std::string place = place_of(std::max(offset, r.offset));
        if (!r.done)
            report(o, "%s %s, which a wgmma of warp %d still reads", verb[how], place.c_str(), r.warp);
        if (!is_known_of_warp(r.warp, r.done))
            report(o, "%s %s, which a wgmma of warp %d has read, with no barrier since its end", verb[how],
                   place.c_str(), r.warp);
    }
}

/* left: the stamp of a writer. */
static void shared_access(access how, uintptr_t offset, size_t bytes, stamp left, origin o)
{
    if (!has_room(offset, bytes))
        report_range(offset, bytes, how, o);
    if (how != READ)
        check_products(offset, bytes, how, o);
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
    if (differ || (written >= met && written != mine) || who_of(written) >= ON_ITS_WAY)
        return false;
    if (HOW == WRITE && !product_reads.empty())
        return false;
    if (HOW == WRITE ? read >= met && read != mine : written < (stamp)device.block_started << WHO_BITS)
        return false;
    const stamp reader = HOW == WRITE || read == mine ? read : joined_reader(read);
    const uint64_t after = both_of(HOW == WRITE ? mine : written, reader);
    for (size_t i = 0; i < BYTES && after != before; i++)
        at[i] = after;
    return true;
}

} // namespace pv_emulator

#endif
