/* fresh_seed.h: a seed nobody chose, for tests that draw what they try. It is printed, and PV_TEST_SEED=n repeats it.
 */
#ifndef PV_TESTS_FRESH_SEED_H
#define PV_TESTS_FRESH_SEED_H

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static inline uint64_t fresh_seed(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    const char *chosen = getenv("PV_TEST_SEED");
    const uint64_t fresh = ((uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000) >> 4;
    const uint64_t seed = chosen ? strtoull(chosen, NULL, 0) : fresh;
    fprintf(stderr, "seed: PV_TEST_SEED=%" PRIu64 "\n", seed);
    return seed;
}

#endif
