/* product.cpp: products of four warps (PTX's wgmma): operands in shared memory, named by descriptors, sums in
 * registers. A product is made as late as it may be, when its group is waited for; until then its registers hold a
 * pattern that nobody may see or change, and its operands may not be written. */
#include "machine.h"

namespace pv_emulator
{

enum { ROWS = 16, DEPTH = 16, GROUP_WARPS = 4 }; /* of a warp */
constexpr uint32_t AT_WORK = 0x7fa5a5a5;         /* what registers hold in the meantime: a NaN */

struct operands {
    uint64_t a, b;
    int columns;
    bool add;

    bool operator!=(const operands &o) const
    {
        return a != o.a || b != o.b || columns != o.columns || add != o.add;
    }
};

/* The registers of a product: the same number of floats in every lane. */
struct registers {
    float *lane[LANES];
    int columns, products;  /* at work on them */
    std::vector<float> sum; /* [ROWS][columns] */
};

struct product {
    operands of;
    float *d; /* lane 0's */
    int group;
};

struct warp_products {
    std::vector<product> waiting;
    std::vector<registers> held;
    int group; /* the one that is not committed yet */
    size_t begun;
};

static warp_products of_warp[WARPS_MAX];
static std::vector<operands> begun_by_group[WARPS_MAX / GROUP_WARPS]; /* what its first warp to come has begun */

void products_start_block()
{
    for (warp_products &w : of_warp) {
        w.waiting.clear();
        w.held.clear();
        w.group = 0;
        w.begun = 0;
    }
    for (std::vector<operands> &g : begun_by_group)
        g.clear();
}

std::string products_left()
{
    for (int w = 0; w < WARPS_MAX; w++) {
        const size_t group_begun = begun_by_group[w / GROUP_WARPS].size();
        if (of_warp[w].begun < group_begun)
            return "warp " + std::to_string(w) + " has begun " + std::to_string(of_warp[w].begun) +
                   " wgmma, others of its four warps " + std::to_string(group_begun);
    }
    return "";
}

static warp_products &mine()
{
    return of_warp[device.current->number / LANES];
}

static lane_slot &my_slot()
{
    return device.group[device.current->number / LANES].lane[device.current->number % LANES];
}

/* ---- registers ---- */

static registers *held_at(warp_products &w, int lane, const float *d)
{
    for (registers &r : w.held)
        if (r.lane[lane] == d)
            return &r;
    return nullptr;
}

/* Fragment D of 8 columns, again and again. */
template <class F> static void each_sum(const registers &r, F visit)
{
    for (int lane = 0; lane < LANES; lane++)
        for (int i = 0; i < r.columns / 2; i++)
            visit(r.lane[lane][i], (lane / 4 + i / 2 % 2 * 8) * r.columns + i / 4 * 8 + lane % 4 * 2 + i % 2);
}

static void hold(warp_products &all, const warp &w, int columns)
{
    registers r = {};
    r.columns = columns;
    r.sum.resize((size_t)(ROWS * columns));
    for (int lane = 0; lane < LANES; lane++)
        r.lane[lane] = (float *)w.lane[lane].row;
    each_sum(r, [&](float &x, int at) {
        r.sum[(size_t)at] = x;
        memcpy(&x, &AT_WORK, sizeof x);
    });
    for (int lane = 0; lane < LANES; lane++) {
        thread &t = device.one[device.current->number / LANES * LANES + lane];
        t.at_work.push_back({(uintptr_t)r.lane[lane], (uintptr_t)columns / 2 * sizeof(float)});
    }
    all.held.push_back(r);
    device.registers_at_work++;
}

static void give_back(warp_products &all, registers *r)
{
    each_sum(*r, [&](float &x, int at) {
        if (memcmp(&x, &AT_WORK, sizeof x) != 0)
            fault(nullptr, "has written to registers that a wgmma was at work on");
        x = r->sum[(size_t)at];
    });
    for (int lane = 0; lane < LANES; lane++) {
        thread &t = device.one[device.current->number / LANES * LANES + lane];
        for (size_t i = t.at_work.size(); i-- > 0;)
            if (t.at_work[i].low == (uintptr_t)r->lane[lane])
                t.at_work.erase(t.at_work.begin() + (ptrdiff_t)i);
        t.may_begin = false;
    }
    all.held.erase(all.held.begin() + (r - all.held.data()));
    device.registers_at_work--;
}

/* ---- operands ---- */

uint32_t shared_address(const void *memory, site at)
{
    const uintptr_t offset = (uintptr_t)memory - (uintptr_t)pv_shared;
    if (offset >= SHARED_BYTES_MAX)
        fault(nullptr, "asks where %p lies in dynamic shared memory, at %s", memory, describe(at).c_str());
    return (uint32_t)offset;
}

/* Refuses what the emulator does not know. */
static void check_descriptor(uint64_t m, site at)
{
    const uint64_t field = 0x3fff, known = field | field << 16 | field << 32 | (uint64_t)3 << 62;
    if (m & ~known)
        fault(nullptr, "wgmma with descriptor %016jx, in which bits are set that mean nothing, or a base offset, at %s",
              (uintmax_t)m, describe(at).c_str());
    if (m >> 62 != 1)
        fault(nullptr, "wgmma with descriptor %016jx: only matrices swizzled by 128 bytes are emulated, at %s",
              (uintmax_t)m, describe(at).c_str());
    if ((m & field) << 4 & 0x380)
        fault(nullptr, "wgmma with descriptor %016jx: the matrix does not begin on 1024 bytes, at %s", (uintmax_t)m,
              describe(at).c_str());
}

/* Where eight elements of a row lie, k 0 or 8: lines of 128 bytes, eight of them, then the stride to the next eight. */
static const char *chunk_at(uint64_t m, int row, int k)
{
    const uintptr_t start = (m & 0x3fff) << 4, stride = (m >> 32 & 0x3fff) << 4;
    const uintptr_t address = start + (uintptr_t)(row / 8) * stride + (uintptr_t)(row % 8) * 128 + (uintptr_t)k * 2;
    return (const char *)pv_shared + (address ^ (address >> 3 & 0x70));
}

/* Every lane looks at some rows of b and of the warp's part of a: all must know that they are there. */
static void check_operands(const operands &o, site at)
{
    const int n = device.current->number, first = n / LANES % GROUP_WARPS * ROWS;
    for (int row = n % LANES; row < o.columns; row += LANES)
        for (int k = 0; k < DEPTH; k += 8)
            check_product_read(chunk_at(o.b, row, k), at);
    for (int row = n % LANES; row < ROWS; row += LANES)
        for (int k = 0; k < DEPTH; k += 8)
            check_product_read(chunk_at(o.a, first + row, k), at);
}

static void load(float *to, uint64_t m, int first, int rows)
{
    for (int row = 0; row < rows; row++)
        for (int k = 0; k < DEPTH; k += 8) {
            uint16_t bits[8];
            memcpy(bits, chunk_at(m, first + row, k), sizeof bits);
            for (int i = 0; i < 8; i++) {
                const uint32_t wide = (uint32_t)bits[i] << 16;
                memcpy(&to[row * DEPTH + k + i], &wide, sizeof wide);
            }
        }
}

static void multiply(registers &r, const operands &o, int warp)
{
    static float a[ROWS * DEPTH], b[256 * DEPTH], turned[DEPTH * 256];
    load(a, o.a, warp % GROUP_WARPS * ROWS, ROWS);
    load(b, o.b, 0, o.columns);
    for (int n = 0; n < o.columns; n++)
        for (int k = 0; k < DEPTH; k++)
            turned[k * o.columns + n] = b[n * DEPTH + k];
    if (!o.add)
        std::fill(r.sum.begin(), r.sum.end(), 0.0f);
    for (int m = 0; m < ROWS; m++)
        for (int k = 0; k < DEPTH; k++)
            for (int n = 0; n < o.columns; n++)
                r.sum[(size_t)(m * o.columns + n)] += a[m * DEPTH + k] * turned[k * o.columns + n];
}

/* ---- instructions ---- */

void product_fence(site at)
{
    device.current->may_begin = true;
    meet(WGMMA_FENCE, ~0u, at, [](warp &, unsigned) {});
}

static operands asked(const lane_slot &s)
{
    return {s.value, s.shuffled, s.operand / 2, s.operand % 2 != 0};
}

static void begin_product(warp &w, unsigned)
{
    const int number = device.current->number / LANES;
    warp_products &all = of_warp[number];
    const site at = device.current->at;
    const operands o = asked(w.lane[0]);
    for (int lane = 1; lane < LANES; lane++)
        if (asked(w.lane[lane]) != o)
            fault(nullptr, "wgmma with other operands in lane %d than in lane 0, at %s", lane, describe(at).c_str());
    std::vector<operands> &group = begun_by_group[number / GROUP_WARPS];
    if (all.begun == group.size())
        group.push_back(o);
    else if (group[all.begun] != o)
        fault(nullptr, "wgmma with other operands than another of its four warps, at %s", describe(at).c_str());
    all.begun++;
    float *const d = (float *)w.lane[0].row;
    if (!held_at(all, 0, d))
        hold(all, w, o.columns);
    held_at(all, 0, d)->products++;
    const auto bytes_of = [](uint64_t m, int rows) {
        return (size_t)(rows / 8 - 1) * ((m >> 32 & 0x3fff) << 4) + 1024;
    };
    const uint64_t line = ~(uint64_t)7; /* a matrix may begin inside of its lines */
    check_product_begins(chunk_at(o.a & line, 0, 0), bytes_of(o.a, ROWS * GROUP_WARPS), all.group);
    check_product_begins(chunk_at(o.b & line, 0, 0), bytes_of(o.b, o.columns), all.group);
    all.waiting.push_back({o, d, all.group});
}

void product_begin(float *d, int columns, uint64_t a, uint64_t b, bool add, site at)
{
    const operands o = {a, b, columns, add};
    check_descriptor(a, at);
    check_descriptor(b, at);
    if (!device.current->may_begin && !held_at(mine(), device.current->number % LANES, d))
        fault(nullptr, "wgmma with no pv_wgmma_fence since its registers were the thread's, at %s",
              describe(at).c_str());
    check_operands(o, at);
    lane_slot &s = my_slot();
    s.row = d;
    s.value = a;
    s.shuffled = b;
    s.operand = columns * 2 + add;
    meet(WGMMA, ~0u, at, begin_product);
}

void product_commit(site at)
{
    meet(WGMMA_COMMIT, ~0u, at, [](warp &, unsigned) { mine().group++; });
}

static void finish_products(warp &w, unsigned)
{
    warp_products &all = mine();
    const int number = device.current->number / LANES, end = all.group - w.lane[0].operand;
    size_t done = 0;
    for (; done < all.waiting.size() && all.waiting[done].group < end; done++) {
        const product &p = all.waiting[done];
        registers *const r = held_at(all, 0, p.d);
        multiply(*r, p.of, number);
        if (--r->products == 0)
            give_back(all, r);
    }
    all.waiting.erase(all.waiting.begin(), all.waiting.begin() + (ptrdiff_t)done);
    check_products_end(end);
}

void product_wait(int groups_left, site at)
{
    my_slot().operand = groups_left;
    meet(WGMMA_WAIT, ~0u, at, finish_products);
}

} // namespace pv_emulator
