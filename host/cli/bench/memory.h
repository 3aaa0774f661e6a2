/* memory.h: the most memory this process has had, of which a test can have its own. */
#ifndef PV_CLI_BENCH_MEMORY_H
#define PV_CLI_BENCH_MEMORY_H

#include <stdint.h>

/* From here on the peak counts anew, from what is in use now. Where the system cannot, it goes on counting. */
void pv_peak_memory_restart(void);
/* Bytes; 0 = the system does not tell. */
int64_t pv_peak_memory(void);

#endif
