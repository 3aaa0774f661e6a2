/* test_math.c: how far vector_math.h's functions are from the true values, in units of the last place. */
#include <criterion/criterion.h>
#include <math.h>

#include "backend/cpu/vector_math.h"

/* Distance in units of the last place of a float near wanted. */
static double ulps(float got, double wanted)
{
    const float near = (float)fabs(wanted);
    return fabs(got - wanted) / ((double)nextafterf(near, INFINITY) - near);
}

/* Every float of a stride through [low, high]: a prime number of steps, so that no binary pattern repeats. */
#define WORST(low, high, function, truth, worst)                                                                       \
    do {                                                                                                               \
        enum { STEPS = 1000003 };                                                                                      \
        for (int i_ = 0; i_ <= STEPS; i_++) {                                                                          \
            const float x = (float)((low) + ((high) - (low)) * i_ / STEPS);                                            \
            worst = fmax(worst, ulps(function(x), truth((double)x)));                                                  \
        }                                                                                                              \
    } while (0)

Test(vector_math, exp)
{
    double worst = 0;
    WORST(-87.3, 88.3, math_exp, exp, worst);
    WORST(-1.0, 1.0, math_exp, exp, worst);
    cr_assert(worst <= 2, "%g ulp", worst);
    cr_assert(math_exp(-1e30f) > 0 && math_exp(-INFINITY) < 2e-38f && isfinite(math_exp(INFINITY)));
    cr_assert(isnan(math_exp(NAN)));
    cr_assert_eq(math_exp(0), 1);
}

Test(vector_math, tanh)
{
    double worst = 0;
    WORST(-12.0, 12.0, math_tanh, tanh, worst);
    WORST(-1e-3, 1e-3, math_tanh, tanh, worst);
    cr_assert(worst <= 3, "%g ulp", worst);
    cr_assert_eq(math_tanh(0), 0);
    cr_assert_eq(math_tanh(INFINITY), 1);
    cr_assert_eq(math_tanh(-50), -1);
    cr_assert(isnan(math_tanh(NAN)));
}

Test(vector_math, log)
{
    double worst = 0;
    WORST(0x1p-24, 1.0, math_log, log, worst);
    WORST(0x1p-24, 0x1p-14, math_log, log, worst);
    cr_assert(worst <= 2, "%g ulp", worst);
    cr_assert_eq(math_log(1), 0);
}

Test(vector_math, sincos)
{
    double worst = 0;
    for (int i = -800000; i <= 800000; i++) {
        const float x = (float)i * 1e-5f;
        float sine, cosine;
        math_sincos(x, &sine, &cosine);
        worst = fmax(worst, fmax(fabs(sine - sin((double)x)), fabs(cosine - cos((double)x))));
    }
    cr_assert(worst <= 1e-7, "%g", worst);
}
