/* collective.cpp: what the lanes of a warp do together: shuffles, votes, matrix fragments; and copies that arrive
 * later. The last lane to come computes for all, from the lanes' slots into the lanes' slots. */
#include "machine.h"

namespace pv_emulator
{

static lane_slot &my_slot()
{
    const int n = device.current->number;
    return device.group[n / LANES].lane[n % LANES];
}

/* ---- barrier, shuffles, votes ---- */

void warp_barrier(unsigned mask, const char *file, int line)
{
    meet(SYNC, mask, {file, line}, [](warp &w, unsigned lanes) {
        w.met = tick();
        check_warp_met(w, lanes);
    });
}

/* The lane to read from; its own when the shuffle points outside of its part of width lanes. */
static int shuffle_source(collective kind, int lane, int operand, int width)
{
    const int first = lane & ~(width - 1), end = first + width;
    int from = lane;
    switch (kind) {
    case SHUFFLE: return first + (operand & (width - 1));
    case SHUFFLE_UP: from = lane - operand; break;
    case SHUFFLE_DOWN: from = lane + operand; break;
    default: from = lane ^ operand; return from < end ? from : lane; /* an earlier part may be read, a later one not */
    }
    return from >= first && from < end ? from : lane;
}

uint64_t shuffle(collective kind, unsigned mask, uint64_t value, int operand, int width, const char *file, int line)
{
    const int n = device.current->number, lane = n % LANES;
    warp &w = device.group[n / LANES];
    if (width < 1 || width > LANES || (width & (width - 1)) != 0)
        fault(nullptr, "a shuffle of width %d at %s", width, describe({file, line}).c_str());
    const int from = shuffle_source(kind, lane, operand, width);
    if (from < 0 || from >= LANES || !(mask >> from & 1))
        fault(nullptr, "a shuffle with mask %08x reads lane %d at %s", mask, from, describe({file, line}).c_str());
    w.lane[lane].value = value;
    w.lane[lane].operand = from;
    meet(kind, mask, {file, line}, [](warp &all, unsigned lanes) {
        for (unsigned left = lanes; left; left &= left - 1) {
            lane_slot &s = all.lane[__builtin_ctz(left)];
            s.shuffled = all.lane[s.operand].value;
        }
    });
    return w.lane[lane].shuffled;
}

unsigned ballot(unsigned mask, bool predicate, const char *file, int line)
{
    my_slot().value = predicate;
    meet(VOTE, mask, {file, line}, [](warp &w, unsigned lanes) {
        unsigned votes = 0;
        for (unsigned left = lanes; left; left &= left - 1)
            votes |= (unsigned)w.lane[__builtin_ctz(left)].value << __builtin_ctz(left);
        for (unsigned left = lanes; left; left &= left - 1)
            w.lane[__builtin_ctz(left)].shuffled = votes;
    });
    return (unsigned)my_slot().shuffled;
}

/* ---- matrices ---- */

static uint16_t matrix_element(const warp &w, int matrix, int row, int column)
{
    uint16_t bits;
    memcpy(&bits, (const char *)w.lane[matrix * 8 + row].row + column * 2, sizeof bits);
    return bits;
}

static void complete_load(warp &w, unsigned)
{
    const int count = w.lane[0].operand;
    const bool transposed = w.lane[0].value != 0;
    for (int matrix = 0; matrix < count; matrix++)
        for (int lane = 0; lane < LANES; lane++) {
            const int g = lane / 4, t = lane % 4 * 2;
            const unsigned low = transposed ? matrix_element(w, matrix, t, g) : matrix_element(w, matrix, g, t);
            const unsigned high =
                transposed ? matrix_element(w, matrix, t + 1, g) : matrix_element(w, matrix, g, t + 1);
            w.lane[lane].a.word[matrix] = low | high << 16;
        }
}

words load_matrices(const void *row, int count, bool transposed, const char *file, int line)
{
    const site at = {file, line};
    lane_slot &mine = my_slot();
    if (device.current->number % LANES < count * 8) {
        if ((uintptr_t)row % 16 != 0)
            fault(nullptr, "ldmatrix of a row at %p, which is not on 16 bytes, at %s", row, describe(at).c_str());
        check_shared_read(row, at);
    }
    mine.row = row;
    mine.operand = count;
    mine.value = transposed;
    meet(LDMATRIX, ~0u, at, complete_load);
    return mine.a;
}

static float float_of(unsigned bf16)
{
    const unsigned bits = bf16 << 16;
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static void complete_multiply(warp &w, unsigned)
{
    float a[16][16], b[16][8], d[16][8];
    for (int lane = 0; lane < LANES; lane++) {
        const lane_slot &s = w.lane[lane];
        const int g = lane / 4, t = lane % 4 * 2;
        for (int i = 0; i < 4; i++) {
            const int row = g + i % 2 * 8, column = t + i / 2 * 8;
            a[row][column] = float_of(s.a.word[i] & 0xffff);
            a[row][column + 1] = float_of(s.a.word[i] >> 16);
            d[g + i / 2 * 8][t + i % 2] = s.d.sum[i];
        }
        for (int i = 0; i < 2; i++) {
            const unsigned pair = (unsigned)(s.value >> 32 * i);
            b[t + i * 8][g] = float_of(pair & 0xffff);
            b[t + i * 8 + 1][g] = float_of(pair >> 16);
        }
    }
    for (int m = 0; m < 16; m++)
        for (int k = 0; k < 16; k++)
            for (int n = 0; n < 8; n++)
                d[m][n] += a[m][k] * b[k][n];
    for (int lane = 0; lane < LANES; lane++)
        for (int i = 0; i < 4; i++)
            w.lane[lane].d.sum[i] = d[lane / 4 + i / 2 * 8][lane % 4 * 2 + i % 2];
}

sums multiply(sums d, words a, uint64_t b, const char *file, int line)
{
    lane_slot &mine = my_slot();
    mine.d = d;
    mine.a = a;
    mine.value = b;
    meet(MMA, ~0u, {file, line}, complete_multiply);
    return mine.d;
}

/* ---- atomics and copies ---- */

void atomic_access(const void *address, size_t bytes, const char *file, int line)
{
    check_atomic(address, bytes, {file, line});
}

void copy_later(void *to, const void *from, bool valid, const char *file, int line)
{
    const site at = {file, line};
    if ((uintptr_t)to % 16 != 0 || (valid && (uintptr_t)from % 16 != 0))
        fault(nullptr, "cp.async from %p to %p, not both on 16 bytes, at %s", from, to, describe(at).c_str());
    if (valid)
        check_global_read(from, at);
    check_copy_begins(to, 16, at);
    device.current->copies.push_back({to, valid ? from : nullptr, device.current->copy_group});
}

void copy_commit()
{
    device.current->copy_group++;
}

void copy_wait(int groups_left)
{
    thread &t = *device.current;
    size_t kept = 0;
    for (const async_copy &c : t.copies) {
        if (c.group >= t.copy_group - groups_left) {
            t.copies[kept++] = c;
            continue;
        }
        if (c.global)
            memcpy(c.shared, c.global, 16);
        else
            memset(c.shared, 0, 16);
        check_copy_ends(c.shared, 16);
    }
    t.copies.resize(kept);
}

} // namespace pv_emulator
