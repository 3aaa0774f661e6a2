/* checks_none.cpp: the plain build: kernels are not instrumented, and nothing looks at their accesses. What meets whom
 * is still checked (block.cpp), and what reaches beyond an allocation by more than a page ends the program. */
#include "machine.h"

namespace pv_emulator
{

void checks_start_launch()
{
}

void checks_start_block()
{
    device.clock = 0;
}

void checks_finish_block()
{
}

void check_shared_read(const void *, site)
{
}

void check_global_read(const void *, site)
{
}

void check_copy_begins(void *, size_t, site)
{
}

void check_copy_ends(void *, size_t)
{
}

void check_atomic(const void *, size_t, site)
{
}

bool check_copy(const void *, const void *, size_t)
{
    return true;
}

void check_warp_met(const warp &, unsigned)
{
}

bool knows_of(int, uint64_t)
{
    return true;
}

void check_barrier_begins(const void *, site)
{
}

void check_arrival(int)
{
}

void check_phase_ends(int)
{
}

void check_phase_seen(int)
{
}

void proxy_fence()
{
}

void check_box_read(const char *, size_t, site)
{
}

void check_box_begins(void *, size_t, site)
{
}

void check_box_ends(void *, size_t, int)
{
}

void check_product_read(const char *, site)
{
}

void check_product_begins(const char *, size_t, int)
{
}

void check_products_end(int)
{
}

} // namespace pv_emulator
