/* block.cpp: runs the blocks of a launch: prepares a fiber a thread, lets them run until they meet, says who is missing
 * when they cannot. A fiber runs until it has to wait, so everything happens in one fixed order. */
#include <sys/mman.h>

#include <cstdio>
#include <cstdlib>

#include "locate.h"
#include "machine.h"

namespace pv_emulator
{

machine device;

/* ---- faults ---- */

void fault(const void *code, const char *format, ...)
{
    char text[1024];
    va_list list;
    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    if (!on_fiber()) {
        fprintf(stderr, "emulator: %s %s\n", text, code ? locate(code).c_str() : "");
        abort();
    }
    device.fault = text;
    device.fault_address = code;
    device.failed = true;
    fiber_switch(device.current->context, device.scheduler);
    abort(); /* a failed launch is never gone on with */
}

static std::string beside(const void *kernel)
{
    return kernel ? "; the other one is kernel " + function_name(kernel) : "";
}

void fault_of_copy(const std::string &text, const void *kernel)
{
    device.fault = text + beside(kernel);
    device.failed = true;
}

std::string describe(site s)
{
    const std::string file = s.file;
    return file.substr(file.rfind('/') + 1) + ":" + std::to_string(s.line);
}

static const char *collective_name(collective kind)
{
    static const char *const name[] = {"__syncwarp",      "__shfl_sync", "__shfl_up_sync", "__shfl_down_sync",
                                       "__shfl_xor_sync", "vote",        "ldmatrix",       "mma",
                                       "wgmma.fence",     "wgmma",       "wgmma.commit",   "wgmma.wait"};
    return name[kind];
}

static std::string thread_doing(const thread &t)
{
    const std::string who = "thread " + std::to_string(t.number);
    char mask[32];
    switch (t.now) {
    case state::AT_WARP:
        snprintf(mask, sizeof mask, " with mask %08x", device.group[t.number / LANES].mask[t.number % LANES]);
        return who + " waits in " + collective_name(device.group[t.number / LANES].kind[t.number % LANES]) + mask +
               " at " + describe(t.at);
    case state::AT_BLOCK: return who + " waits in __syncthreads at " + describe(t.at);
    case state::AT_BARRIER: return who + " waits for " + barrier_state(t.barrier) + ", at " + describe(t.at);
    case state::DONE: return who + " has returned";
    default: return who + " runs";
    }
}

/* Nobody can go on and not everybody has returned: names a thread that waits and one that it misses. */
static void report_stuck()
{
    const thread *waits = nullptr, *missing = nullptr;
    for (int i = 0; i < device.threads && !waits; i++) {
        if (device.one[i].now != state::AT_WARP)
            continue;
        waits = &device.one[i];
        const warp &w = device.group[i / LANES];
        for (int lane = 0; lane < LANES && !missing; lane++) {
            const int other = i / LANES * LANES + lane;
            if (!(w.mask[i % LANES] >> lane & 1))
                continue;
            if (other >= device.threads) {
                device.fault = thread_doing(*waits) + ", but the block has no thread " + std::to_string(other);
                return;
            }
            if (!(w.waiting >> lane & 1) || w.kind[lane] != w.kind[i % LANES] || w.mask[lane] != w.mask[i % LANES])
                missing = &device.one[other];
        }
    }
    for (int i = 0; i < device.threads && !waits; i++)
        if (device.one[i].now == state::AT_BARRIER) {
            device.fault = thread_doing(device.one[i]) + ", and nobody can go on";
            return;
        }
    for (int i = 0; i < device.threads && !missing; i++) {
        if (!waits && device.one[i].now == state::AT_BLOCK)
            waits = &device.one[i];
        if (device.one[i].now == state::DONE)
            missing = &device.one[i];
    }
    device.fault = thread_doing(*waits) + ", but " + (missing ? thread_doing(*missing) : "others never come");
}

/* ---- going from fiber to fiber ---- */

static thread *next_ready()
{
    const int first = device.current ? device.current->number / LANES : 0;
    for (int i = 0; i < device.warps; i++) {
        const int w = first + i < device.warps ? first + i : first + i - device.warps;
        if (device.group[w].ready)
            return &device.one[w * LANES + __builtin_ctz(device.group[w].ready)];
    }
    return nullptr;
}

static void go_on_with(fiber &from, thread *t)
{
    device.group[t->number / LANES].ready &= ~(1u << t->number % LANES);
    t->now = state::READY;
    device.current = t;
    device.stack = (uintptr_t)t->stack;
    fiber_switch(from, t->context);
}

/* The current thread waits or has returned: another one's turn. */
static void give_way()
{
    thread *me = device.current, *next = next_ready();
    while (!next && finish_a_copy())
        next = next_ready();
    if (next == me) {
        device.group[me->number / LANES].ready &= ~(1u << me->number % LANES);
        me->now = state::READY;
    } else if (next)
        go_on_with(me->context, next);
    else
        fiber_switch(me->context, device.scheduler);
}

static void fiber_entry()
{
    device.running->call();
    thread *me = device.current;
    if (!me->at_work.empty())
        fault(nullptr, "returns while a wgmma is at work on its registers");
    me->now = state::DONE;
    device.live--;
    device.group[me->number / LANES].live &= ~(1u << me->number % LANES);
    give_way();
    abort(); /* nobody goes on with a thread that has returned */
}

/* ---- meeting ---- */

uint64_t tick()
{
    if (device.clock == CLOCK_MAX)
        fault(nullptr, "a block whose threads meet %d times is more than the clock can count", CLOCK_MAX / 2);
    return ++device.clock;
}

void block_barrier(const char *file, int line)
{
    thread *me = device.current;
    me->at = {file, line};
    if (device.waiting_at_block == 0)
        device.barrier = me->at;
    else if (device.barrier.line != line || device.barrier.file != file)
        fault(nullptr, "waits in __syncthreads at %s while others wait in the one at %s", describe(me->at).c_str(),
              describe(device.barrier).c_str());
    me->now = state::AT_BLOCK;
    if (++device.waiting_at_block < device.threads) {
        give_way();
        return;
    }
    device.waiting_at_block = 0;
    device.block_met = tick();
    for (int w = 0; w < device.warps; w++)
        device.group[w].ready = device.group[w].live;
    device.group[me->number / LANES].ready &= ~(1u << me->number % LANES);
    me->now = state::READY;
}

void meet(collective kind, unsigned mask, site at, void (*complete)(warp &w, unsigned mask))
{
    thread *me = device.current;
    const int lane = me->number % LANES;
    warp &w = device.group[me->number / LANES];
    if (!(mask >> lane & 1))
        fault(nullptr, "%s with mask %08x at %s, in which its own lane %d is missing", collective_name(kind), mask,
              describe(at).c_str(), lane);
    me->now = state::AT_WARP;
    me->at = at;
    w.kind[lane] = kind;
    w.mask[lane] = mask;
    w.waiting |= 1u << lane;
    bool all_here = (w.waiting & mask) == mask;
    for (unsigned left = mask; all_here && left; left &= left - 1)
        all_here = w.kind[__builtin_ctz(left)] == kind && w.mask[__builtin_ctz(left)] == mask;
    if (!all_here) {
        give_way();
        return;
    }
    complete(w, mask);
    w.waiting &= ~mask;
    w.ready |= mask & ~(1u << lane);
    me->now = state::READY;
}

void wait_at_barrier(int barrier, site at)
{
    device.current->now = state::AT_BARRIER;
    device.current->at = at;
    device.current->barrier = barrier;
    give_way();
}

/* Calls visit(thread) for all that wait there. */
template <class F> static void each_at_barrier(int barrier, F visit)
{
    for (int i = 0; i < device.threads; i++)
        if (device.one[i].now == state::AT_BARRIER && device.one[i].barrier == barrier)
            visit(device.one[i]);
}

void wake_at_barrier(int barrier)
{
    each_at_barrier(barrier, [](thread &t) {
        t.now = state::READY;
        device.group[t.number / LANES].ready |= 1u << t.number % LANES;
    });
}

bool is_waited_for(int barrier)
{
    bool somebody = false;
    each_at_barrier(barrier, [&](thread &) { somebody = true; });
    return somebody;
}

/* ---- launches ---- */

uint3 thread_index()
{
    return device.current->index;
}

uint3 block_index()
{
    return device.block;
}

dim3 block_size()
{
    return device.running->block;
}

dim3 grid_size()
{
    return device.running->grid;
}

unsigned active_lanes()
{
    return 1u << device.current->number % LANES; /* one lane at a time; code that needs more asks with a mask */
}

void trap(const char *file, int line)
{
    fault(nullptr, "__trap at %s", describe({file, line}).c_str());
}

/* Stacks with a page between them that cannot be touched. */
static void make_stacks()
{
    const size_t bytes = (size_t)THREADS_MAX * STACK_BYTES;
    void *memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) {
        perror("emulator: stacks");
        abort();
    }
    for (int i = 0; i < THREADS_MAX; i++) {
        device.one[i].stack = (char *)memory + (size_t)i * STACK_BYTES;
        mprotect(device.one[i].stack, PAGE_BYTES, PROT_NONE);
    }
    device.stacks = (char *)memory;
}

static void start_block(uint3 block)
{
    const dim3 size = device.running->block;
    device.block = block;
    device.waiting_at_block = 0;
    device.live = device.threads;
    device.registers_at_work = 0;
    barriers_start_block();
    copies_start_block();
    products_start_block();
    checks_start_block();
    device.block_started = device.block_met = tick();
    device.current = nullptr;
    for (int w = 0; w < device.warps; w++) {
        const int lanes = std::min<int>(LANES, device.threads - w * LANES);
        warp &g = device.group[w];
        g.live = g.ready = lanes == LANES ? ~0u : (1u << lanes) - 1;
        g.waiting = 0;
        g.met = device.clock;
    }
    for (int i = 0; i < device.threads; i++) {
        thread &t = device.one[i];
        const unsigned n = (unsigned)i;
        t.index = {n % size.x, n / size.x % size.y, n / size.x / size.y};
        t.number = i;
        t.now = state::READY;
        t.copy_group = 0;
        t.copies.clear();
        t.may_begin = false;
        t.at_work.clear();
        /* Tops at different places of a page: stacks that used the same cache lines would push each other out. */
        fiber_prepare(t.context, t.stack, STACK_BYTES - i % 32 * 192, fiber_entry);
    }
}

/* What needs more than a fiber's stack: who, and where in the source. */
static void complete_fault()
{
    const uint3 b = device.block;
    char place[128], of_thread[64] = "";
    snprintf(place, sizeof place, ", block (%u,%u,%u)", b.x, b.y, b.z);
    if (device.current) {
        const uint3 t = device.current->index;
        snprintf(of_thread, sizeof of_thread, ", thread (%u,%u,%u)", t.x, t.y, t.z);
    }
    device.fault = "kernel " + function_name(device.running->kernel_address) + place + of_thread + ": " + device.fault;
    if (device.fault_address)
        device.fault += " at " + locate(device.fault_address);
    device.fault += beside(device.fault_kernel);
    device.fault_address = device.fault_kernel = nullptr;
}

/* By threads that have all returned. */
static std::string left_undone()
{
    return copies_are_left() ? "its threads have returned while a box is on its way to shared memory" : products_left();
}

static void run_block(uint3 block)
{
    start_block(block);
    shared_poison(device.running->shared_bytes);
    go_on_with(device.scheduler, next_ready()); /* comes back when nobody can go on */
    if (!device.failed && device.live > 0)
        report_stuck();
    else if (!device.failed)
        device.fault = left_undone();
    if (!device.failed && !device.fault.empty()) {
        device.failed = true;
        device.current = nullptr;
    }
    if (device.failed)
        complete_fault();
    else
        checks_finish_block();
    device.current = nullptr;
}

void run_launch(const launch &l)
{
    if (!device.stacks)
        make_stacks();
    device.running = &l;
    device.threads = (int)(l.block.x * l.block.y * l.block.z);
    device.warps = (device.threads + LANES - 1) / LANES;
    remember_launch(l.kernel_address);
    shared_find();
    checks_start_launch();
    /* Last block first: who relies on an order of blocks relies on the other one. */
    for (unsigned z = l.grid.z; z-- > 0 && !device.failed;)
        for (unsigned y = l.grid.y; y-- > 0 && !device.failed;)
            for (unsigned x = l.grid.x; x-- > 0 && !device.failed;)
                run_block({x, y, z});
    device.running = nullptr;
}

} // namespace pv_emulator
