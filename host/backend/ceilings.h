/* ceilings.h: what a device reaches at best through the ops of its backend. */
#ifndef PV_BACKEND_CEILINGS_H
#define PV_BACKEND_CEILINGS_H

#include <prevue/measure.h>

#include "backend/op.h"

/* Fills all members but struct_size. */
pv_status pv_backend_measure_ceilings(struct pv_backend *backend, pv_ceilings *ceilings, struct pv_error *error);

#endif
