/* memory.cpp: device memory: a range of addresses in which every allocation starts on a page of its own and no address
 * is used twice, so that an address tells at once which allocation it belongs to, and a freed one stays freed. */
#include <sys/mman.h>

#include <cstdlib>

#include "machine.h"

namespace pv_emulator
{

constexpr size_t DEVICE_BYTES = (size_t)8 << 30; /* what cudaMemGetInfo says */
constexpr size_t ALLOCATIONS_MAX = 1 << 20;

uintptr_t arena_low;

static std::mutex allocating;
allocation *allocations; /* [ALLOCATIONS_MAX] */
uint32_t *page_owner;
static size_t used_pages, allocation_count = 1, used_bytes;

/* Addresses; memory comes when they are touched. */
static void *reserve(size_t bytes, int protection)
{
    void *memory = mmap(nullptr, bytes, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return memory == MAP_FAILED ? nullptr : memory;
}

static bool open_arena()
{
    if (arena_low)
        return true;
    allocations = (allocation *)reserve(ALLOCATIONS_MAX * sizeof *allocations, PROT_READ | PROT_WRITE);
    page_owner = (uint32_t *)reserve(ARENA_BYTES / PAGE_BYTES * sizeof *page_owner, PROT_READ | PROT_WRITE);
    void *arena = reserve(ARENA_BYTES, PROT_NONE);
    if (!allocations || !page_owner || !arena)
        return false;
    arena_low = (uintptr_t)arena;
    return true;
}

static bool in_arena(uintptr_t address)
{
    return arena_low && address - arena_low < ARENA_BYTES;
}

bool is_device_memory(const void *memory, size_t bytes)
{
    const uintptr_t address = (uintptr_t)memory;
    if (!in_arena(address))
        return false;
    const allocation *a = allocation_at(address);
    return a && address >= a->low && bytes <= a->bytes && address - a->low <= a->bytes - bytes;
}

bool can_copy(const void *dst, const void *src, size_t bytes, cudaMemcpyKind kind)
{
    const bool to_device = is_device_memory(dst, bytes), from_device = is_device_memory(src, bytes);
    if (bytes == 0)
        return true;
    if ((in_arena((uintptr_t)dst) && !to_device) || (in_arena((uintptr_t)src) && !from_device))
        return false;
    return kind == cudaMemcpyDefault ||
           (to_device == (kind == cudaMemcpyHostToDevice || kind == cudaMemcpyDeviceToDevice) &&
            from_device == (kind == cudaMemcpyDeviceToHost || kind == cudaMemcpyDeviceToDevice));
}

cudaError_t allocate(void **memory, size_t bytes)
{
    const std::lock_guard<std::mutex> lock(allocating);
    *memory = nullptr;
    if (bytes == 0)
        return cudaSuccess;
    const size_t pages = bytes / PAGE_BYTES + 2; /* the last one is never touched */
    if (bytes > DEVICE_BYTES - used_bytes || !open_arena() || used_pages + pages > ARENA_BYTES / PAGE_BYTES ||
        allocation_count == ALLOCATIONS_MAX)
        return cudaErrorMemoryAllocation;
    const uintptr_t low = arena_low + used_pages * PAGE_BYTES;
    if (mprotect((void *)low, (pages - 1) * PAGE_BYTES, PROT_READ | PROT_WRITE) != 0)
        return cudaErrorMemoryAllocation;
    for (size_t i = 0; i < pages; i++)
        page_owner[used_pages + i] = (uint32_t)allocation_count;
    allocations[allocation_count++] = {low, bytes};
    used_pages += pages;
    used_bytes += bytes;
    *memory = (void *)low;
    memset(*memory, 0xff, bytes);
    return cudaSuccess;
}

cudaError_t release(void *memory)
{
    const std::lock_guard<std::mutex> lock(allocating);
    const uintptr_t low = (uintptr_t)memory;
    if (!memory)
        return cudaSuccess;
    if (!in_arena(low))
        return cudaErrorInvalidValue;
    allocation *a = &allocations[page_owner[(low - arena_low) / PAGE_BYTES]];
    if (a->low != low || a->bytes == 0)
        return cudaErrorInvalidValue;
    const size_t bytes = (a->bytes / PAGE_BYTES + 1) * PAGE_BYTES;
    madvise(memory, bytes, MADV_DONTNEED);
    mprotect(memory, bytes, PROT_NONE);
    used_bytes -= a->bytes;
    a->bytes = 0;
    return cudaSuccess;
}

void memory_info(size_t *available, size_t *total)
{
    const std::lock_guard<std::mutex> lock(allocating);
    *available = DEVICE_BYTES - used_bytes;
    *total = DEVICE_BYTES;
}

} // namespace pv_emulator
