/* timing.h: how long things take, in constant memory however many there are. */
#ifndef PV_CLI_TIMING_H
#define PV_CLI_TIMING_H

#include <stdint.h>

/* Nanoseconds since some fixed moment. */
uint64_t pv_now_ns(void);

/* Counts of durations in bins that grow by 1 %, from 1 microsecond to about 3 hours: quantiles are right to 1 %. */
enum { PV_DURATION_BINS = 2320 };
struct pv_durations {
    uint64_t total;
    uint64_t bins[PV_DURATION_BINS];
};

void pv_durations_add(struct pv_durations *durations, uint64_t ns);

/* The duration, in milliseconds, that the given part (0 to 1) of all durations does not exceed; 0 when there are none.
 */
double pv_durations_quantile(const struct pv_durations *durations, double part);

#endif
