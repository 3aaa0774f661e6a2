/* counts.h: what memory would have to do for a kernel: how many banks and sectors its accesses need. Only in the
 * checked build, and only when the environment's PV_EMULATOR_COUNTS names a file, to which a table is added when the
 * program ends. */
#ifndef PV_EMULATOR_COUNTS_H
#define PV_EMULATOR_COUNTS_H

#include "machine.h"

namespace pv_emulator
{

extern const bool counting;

/* An access of the current thread. code: a return address; or NULL, and from says where. */
void count_access(bool to_shared, bool write, uintptr_t address, size_t bytes, const void *code, site from);
/* The threads of a block have returned. */
void count_block();
/* What will be written: a row for each kernel, line and kind of access: requests, rounds or sectors, the least. */
std::string counts_table();

} // namespace pv_emulator

#endif
