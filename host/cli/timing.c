/* timing.c: a clock and a logarithmic histogram. */
#include "timing.h"

#include <math.h>
#include <time.h>

static const double growth = 1.01;
static const double first_ns = 1000;

uint64_t pv_now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

void pv_durations_add(struct pv_durations *durations, uint64_t ns)
{
    double bin = (double)ns > first_ns ? log((double)ns / first_ns) / log(growth) : 0;
    if (bin > PV_DURATION_BINS - 1)
        bin = PV_DURATION_BINS - 1;
    durations->bins[(int)bin]++;
    durations->total++;
}

double pv_durations_quantile(const struct pv_durations *durations, double part)
{
    if (durations->total == 0)
        return 0;
    uint64_t rank = (uint64_t)ceil(part * (double)durations->total), seen = 0;
    if (rank == 0)
        rank = 1;
    int bin = 0;
    for (; bin < PV_DURATION_BINS - 1; bin++) {
        seen += durations->bins[bin];
        if (seen >= rank)
            break;
    }
    return first_ns * pow(growth, bin + 0.5) / 1e6; /* the middle of the bin */
}
