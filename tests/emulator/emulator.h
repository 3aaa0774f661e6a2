/* emulator.h: what a kernel file includes in place of CUDA when PV_EMULATOR is defined, and what tests ask. */
#ifndef PV_EMULATOR_H
#define PV_EMULATOR_H

#include <cuda_runtime.h>

/* The first fault of a kernel since the last reset, or "". */
const char *pv_emulator_fault();
/* The device works again. */
void pv_emulator_reset();

#endif
