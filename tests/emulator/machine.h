/* machine.h: the emulated device: one block at a time, its threads as fibers, its memory, and the first fault.
 *
 * Time is a clock that ticks whenever threads have met. An access of one thread is ordered before one of another only
 * when the block, or the warp of both, met in between; checks.cpp finds races with it. */
#ifndef PV_EMULATOR_MACHINE_H
#define PV_EMULATOR_MACHINE_H

#include <cstdarg>
#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include "emulator.h"
#include "emulator/ptx.cuh"
#include "fiber.h"

extern __shared__ __align__(16) unsigned char pv_shared[]; /* dynamic shared memory */

namespace pv_emulator
{

enum {
    LANES = 32,
    THREADS_MAX = 1024,
    WARPS_MAX = THREADS_MAX / LANES,
    STACK_BYTES = 128 << 10,
    CLOCK_MAX = (1 << 21) - 1,     /* of one block's clock; the clock starts again before it gets half as far */
    SHARED_BYTES_MAX = 227 << 10,  /* what a block of sm_90 may ask for; sm_80: 163 KiB, sm_89: 99 KiB */
    SHARED_BYTES_PLAIN = 48 << 10, /* more needs cudaFuncSetAttribute */
    BARRIERS_MAX = 64              /* in the shared memory of a block; CUDA has no such limit */
};

enum class state : uint8_t { READY, AT_WARP, AT_BLOCK, AT_BARRIER, DONE };

struct async_copy {
    void *shared;
    const void *global; /* NULL: zeros */
    int group;
};

struct range {
    uintptr_t low, bytes;
};

struct thread {
    fiber context;
    char *stack;
    uint3 index;
    int number; /* in the block */
    state now;
    site at;        /* while it waits */
    int copy_group; /* of copies not committed yet */
    std::vector<async_copy> copies;
    int barrier;                /* AT_BARRIER: its number */
    bool may_begin;             /* a wgmma: a fence stands behind what was done to registers */
    std::vector<range> at_work; /* registers that a wgmma works on */
};

/* What a lane brings to a collective and takes from it. */
struct lane_slot {
    uint64_t value, shuffled;
    int operand;
    const void *row;
    words a;
    sums d;
};

struct warp {
    unsigned ready, waiting, live; /* lanes: can go on, wait for others of the warp, have not returned */
    uint64_t met;                  /* the clock when the warp last met */
    unsigned mask[LANES];          /* of lanes that wait: with whom */
    collective kind[LANES];        /* and in what */
    lane_slot lane[LANES];
};

struct allocation {
    uintptr_t low, bytes; /* bytes 0: freed */
};

/* Of each stream, by its number, how many pieces of its work are known to be over before something. */
using past_work = std::vector<unsigned>;

/* A piece of work of a stream; it is the last one of its stream that `before` counts. */
struct moment {
    unsigned stream;
    past_work before;
};

struct machine {
    std::mutex busy; /* one launch at a time: shared variables, stacks and shadow are there once */

    const moment *now; /* the work that is done */

    /* the running launch */
    const launch *running;
    uint3 block;
    int threads, warps, waiting_at_block, live;
    site barrier; /* where the first thread waits */
    uint64_t clock, block_started, block_met;
    thread *current;       /* NULL: no kernel runs */
    uintptr_t stack;       /* of current */
    int registers_at_work; /* how often a wgmma works on a warp's */
    thread one[THREADS_MAX];
    warp group[WARPS_MAX];
    fiber scheduler;
    char *stacks;

    /* the first fault; every later call fails with it */
    bool failed;
    std::string fault;
    const void *fault_address; /* in the code, to be turned into a line; NULL = the text has it */
    const void *fault_kernel;  /* another kernel that has its share; NULL = there is none */
};
extern machine device;

/* Ends the launch. From a fiber it does not return; elsewhere it aborts the program: the mistake is the host's.
 * code: where in the program, or NULL when the text says it. */
[[noreturn]] __attribute__((format(printf, 2, 3))) void fault(const void *code, const char *format, ...);
/* Of what no kernel does. kernel: one that has its share, or NULL. */
void fault_of_copy(const std::string &text, const void *kernel);

/* Waits until all lanes of mask are at the same collective with the same mask; the last one completes it for all. */
void meet(collective kind, unsigned mask, site at, void (*complete)(warp &w, unsigned mask));
/* The current thread waits until a phase of the barrier ends: until wake_at_barrier. */
void wait_at_barrier(int barrier, site at);
void wake_at_barrier(int barrier);
bool is_waited_for(int barrier);
/* Threads have met. */
uint64_t tick();
/* All blocks of it, or up to the first fault. The caller holds device.busy. */
void run_launch(const launch &l);

/* Whoever asks: other host threads run while one has a launch. */
inline bool on_fiber()
{
    const uintptr_t here = (uintptr_t)__builtin_frame_address(0);
    return device.stacks && here - (uintptr_t)device.stacks < (uintptr_t)THREADS_MAX * STACK_BYTES;
}

/* ---- barrier.cpp ---- */

void barriers_start_block();
/* The number of a barrier to which copies may bring bytes. */
int barrier_of_copy(const void *place, site at);
void bytes_arrive(int barrier, int64_t bytes);
/* Which it is, and what it misses. */
std::string barrier_state(int barrier);

/* ---- tensor.cpp ---- */

void copies_start_block();
bool copies_are_left();
/* One that some thread waits for; false: there is none. */
bool finish_a_copy();

/* ---- product.cpp ---- */

void products_start_block();
/* What four warps have not done together, or "". */
std::string products_left();

/* ---- launches.cpp ---- */

void remember_launch(const void *kernel);

/* ---- memory.cpp ---- */

enum { PAGE_BYTES = 4096 };
constexpr uintptr_t ARENA_BYTES = (uintptr_t)64 << 30;
extern uintptr_t arena_low;     /* device memory is in arena_low + [0, ARENA_BYTES); 0 before the first cudaMalloc */
extern allocation *allocations; /* 0 is nobody */
extern uint32_t *page_owner;    /* of each page of the arena, an index of allocations */

/* The allocation that owns the page of an address in the arena, or NULL. */
inline const allocation *allocation_at(uintptr_t address)
{
    const uint32_t owner = page_owner[(address - arena_low) / PAGE_BYTES];
    return owner ? &allocations[owner] : nullptr;
}

/* Whether all bytes lie in one allocation. */
bool is_device_memory(const void *memory, size_t bytes);

cudaError_t allocate(void **memory, size_t bytes);
cudaError_t release(void *memory);
/* Whether the pointers are what kind says; host memory is everything that is not the device's. */
bool can_copy(const void *dst, const void *src, size_t bytes, cudaMemcpyKind kind);
void memory_info(size_t *available, size_t *total);

/* ---- shared.cpp ---- */

/* Static shared variables of all kernels and the dynamic memory lie in one block of thread_local storage. */
struct shared_memory {
    uintptr_t low, bytes; /* low: of the host thread that has the launch */
    uintptr_t dynamic_offset;
    struct variable {
        uintptr_t offset, bytes;
        std::string name;
    };
    std::vector<variable> all;
    std::vector<uint16_t> owner; /* of each byte: index of all + 1; 0 = none */
    std::vector<uint32_t> room;  /* from each byte to the end of its variable */
};
extern shared_memory shared;
/* For the calling host thread. */
void shared_find();
/* New block: NaN everywhere. */
void shared_poison(size_t dynamic_bytes);
bool is_shared_memory(const void *memory);
/* "byte 12 of tile" */
std::string shared_place(const void *memory);

/* ---- checks.cpp, or checks_none.cpp in the plain build ---- */

void checks_start_launch();
/* Before the clock ticks for a new block. */
void checks_start_block();
void checks_finish_block();
/* Accesses of the current thread that no hook sees; reads are of 16 bytes. */
void check_shared_read(const void *address, site from);
void check_global_read(const void *address, site from);
void check_copy_begins(void *shared_address, size_t bytes, site from);
void check_copy_ends(void *shared_address, size_t bytes);
void check_atomic(const void *address, size_t bytes, site from);
/* A copy, or with src NULL a fill; what lies on the host is passed over. False: it was a fault. The caller holds
 * device.busy. */
bool check_copy(const void *dst, const void *src, size_t bytes);
/* All lanes of the mask have met at __syncwarp. */
void check_warp_met(const warp &w, unsigned mask);

/* Whether the current thread has met the other one since that time. */
bool knows_of(int thread, uint64_t when);
void check_barrier_begins(const void *place, site from);
void check_arrival(int barrier);
void check_phase_ends(int barrier);
/* The current thread has waited for all phases that have ended. */
void check_phase_seen(int barrier);

/* A copy of a box: reads an element, writes; and its bytes come. */
void check_box_read(const char *address, size_t bytes, site from);
void check_box_begins(void *shared_address, size_t bytes, site from);
void check_box_ends(void *shared_address, size_t bytes, int barrier);

/* A wgmma of the current thread's warp: 16 bytes that it will read; a range, until its group ends; groups before end
 * have ended. */
void check_product_read(const char *shared_address, site from);
void check_product_begins(const char *shared_address, size_t bytes, int group);
void check_products_end(int end);

/* "file.cu:12" */
std::string describe(site s);

} // namespace pv_emulator

#endif
