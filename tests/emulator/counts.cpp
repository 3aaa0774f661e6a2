/* counts.cpp: accesses of a warp at one place in the code, the n-th time each lane was there, are one request, as if
 * the lanes had gone side by side.
 *
 * Shared memory has 32 banks of 4 bytes and answers a request in as many rounds as the fullest bank has words; of
 * accesses of 8 or 16 bytes, 16 or 8 lanes at a time. Device memory answers in sectors of 32 bytes. The least that
 * would do is the bytes that are asked for, over 128 or 32. */
#include "counts.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <tuple>

#include "locate.h"

namespace pv_emulator
{

const bool counting = getenv("PV_EMULATOR_COUNTS") != nullptr;

enum { BANKS = 32, BANK_BYTES = 4, SECTOR_BYTES = 32 };

/* A place in a kernel. */
struct place {
    const void *kernel;
    const void *code; /* or NULL: */
    const char *file; /* a literal */
    int line;
    bool to_shared, write;

    auto key() const
    {
        return std::make_tuple(kernel, code, file, line, to_shared, write);
    }
    bool operator<(const place &other) const
    {
        return key() < other.key();
    }
};

struct total {
    uint64_t requests, rounds, least; /* rounds: or sectors */
};

struct seen {
    int warp, place;
    unsigned turn; /* the lane's n-th access there */
    int lane;
    uintptr_t address;
    size_t bytes;
};

static std::map<place, int> places;
static std::vector<total> totals;        /* of each place */
static std::vector<seen> block_accesses; /* of the running block */
static std::vector<unsigned> turns;      /* [place][THREADS_MAX] */

static void write_table();

static int place_number(bool to_shared, bool write, const void *code, site from)
{
    const place p = {device.running->kernel_address, code, from.file, from.line, to_shared, write};
    const auto found = places.find(p);
    if (found != places.end())
        return found->second;
    if (places.empty())
        atexit(write_table);
    const int number = (int)places.size();
    places[p] = number;
    totals.push_back({0, 0, 0});
    turns.resize(totals.size() * THREADS_MAX, 0);
    return number;
}

void count_access(bool to_shared, bool write, uintptr_t address, size_t bytes, const void *code, site from)
{
    const int thread = device.current->number, place = place_number(to_shared, write, code, from);
    block_accesses.push_back(
        {thread / LANES, place, turns[(size_t)place * THREADS_MAX + (size_t)thread]++, thread % LANES, address, bytes});
}

/* Distinct units of so many bytes that the accesses touch. */
static std::vector<uintptr_t> units(const seen *begin, const seen *end, uintptr_t unit)
{
    std::vector<uintptr_t> all;
    for (const seen *s = begin; s < end; s++)
        for (uintptr_t u = s->address / unit; u <= (s->address + s->bytes - 1) / unit; u++)
            all.push_back(u);
    std::sort(all.begin(), all.end());
    all.erase(std::unique(all.begin(), all.end()), all.end());
    return all;
}

static uint64_t rounds(const seen *begin, const seen *end)
{
    const int together = begin->bytes <= 4 ? LANES : begin->bytes <= 8 ? LANES / 2 : LANES / 4;
    uint64_t sum = 0;
    while (begin < end) {
        const seen *next = begin;
        while (next < end && next->lane / together == begin->lane / together)
            next++;
        int words[BANKS] = {};
        for (const uintptr_t word : units(begin, next, BANK_BYTES))
            words[word % BANKS]++;
        sum += (uint64_t)*std::max_element(words, words + BANKS);
        begin = next;
    }
    return sum;
}

static void count_request(bool to_shared, const seen *begin, const seen *end)
{
    const uint64_t bytes = units(begin, end, 1).size(), at_once = to_shared ? BANKS * BANK_BYTES : SECTOR_BYTES;
    total &t = totals[(size_t)begin->place];
    t.requests++;
    t.rounds += to_shared ? rounds(begin, end) : units(begin, end, SECTOR_BYTES).size();
    t.least += (bytes + at_once - 1) / at_once;
}

void count_block()
{
    std::vector<bool> to_shared(places.size());
    for (const auto &p : places)
        to_shared[(size_t)p.second] = p.first.to_shared;
    std::sort(block_accesses.begin(), block_accesses.end(), [](const seen &a, const seen &b) {
        return std::tie(a.warp, a.place, a.turn, a.lane) < std::tie(b.warp, b.place, b.turn, b.lane);
    });
    const seen *const end = block_accesses.data() + block_accesses.size();
    for (const seen *s = block_accesses.data(); s < end;) {
        const seen *next = s;
        while (next < end && next->warp == s->warp && next->place == s->place && next->turn == s->turn)
            next++;
        count_request(to_shared[(size_t)s->place], s, next);
        s = next;
    }
    block_accesses.clear();
    std::fill(turns.begin(), turns.end(), 0);
}

/* Whatever the compiler made of a line of a kernel, together. */
std::string counts_table()
{
    std::map<std::string, total> lines;
    for (const auto &[at, number] : places) {
        const std::string where = at.code ? locate(at.code) : describe({at.file, at.line});
        const std::string kind = std::string(at.to_shared ? "shared" : "device") + (at.write ? "-write" : "-read");
        std::string kernel = function_name(at.kernel);
        kernel.erase(std::remove(kernel.begin(), kernel.end(), ' '), kernel.end());
        total &sum = lines[kernel + " " + where + " " + kind];
        const total &t = totals[(size_t)number];
        sum = {sum.requests + t.requests, sum.rounds + t.rounds, sum.least + t.least};
    }
    std::string text = "# kernel, line, access, requests, rounds (shared) or sectors (device), the least possible\n";
    for (const auto &[line, t] : lines)
        text += line + " " + std::to_string(t.requests) + " " + std::to_string(t.rounds) + " " +
                std::to_string(t.least) + "\n";
    return text;
}

static void write_table()
{
    const std::string text = counts_table();
    const int file = open(getenv("PV_EMULATOR_COUNTS"), O_WRONLY | O_CREAT | O_APPEND, 0644);
    if (file < 0 || write(file, text.data(), text.size()) != (ssize_t)text.size())
        perror("emulator: PV_EMULATOR_COUNTS");
    if (file >= 0)
        close(file);
}

} // namespace pv_emulator
