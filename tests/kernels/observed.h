/* observed.h: what tests of rollouts on a device begin with: the backend that PV_TEST_BACKEND names, and a rollout that
 * has seen a few frames. */
#ifndef PV_TESTS_KERNELS_OBSERVED_H
#define PV_TESTS_KERNELS_OBSERVED_H

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

#include "model/golden.h"

enum { SIDE = 32, FRAME_BYTES = SIDE * SIDE * 3, SENT = 3 };

static uint8_t observed[SENT * FRAME_BYTES];

static inline const char *tested_backend(void)
{
    const char *name = getenv("PV_TEST_BACKEND");
    cr_assert_not_null(name, "PV_TEST_BACKEND is not set");
    return name;
}

static inline pv_rollout *start(pv_model *model)
{
    pv_rollout_params params;
    pv_rollout_params_init(&params);
    params.seed = 11;
    params.width = params.height = SIDE;
    pv_rollout *r;
    cr_assert(pv_rollout_open(model, &params, &r) == PV_OK, "%s", pv_rollout_message(r));
    for (int i = 0; i < SENT * FRAME_BYTES; i++)
        observed[i] = (uint8_t)(128 + 100 * sin(0.013 * i + 0.7 * (i / FRAME_BYTES)));
    for (size_t i = 0; i < SENT; i++)
        golden_send(r, observed, i, NULL);
    return r;
}

#endif
