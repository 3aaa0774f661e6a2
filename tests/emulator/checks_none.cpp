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

} // namespace pv_emulator
