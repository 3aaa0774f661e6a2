/* Means, quantiles and scores of takes, against values worked out by hand. */
#include <criterion/criterion.h>

#include <math.h>

#include "base/fresh_seed.h"
#include "base/random.h"
#include "eval/statistics.h"

Test(eval_statistics, quantiles_lie_between_values)
{
    struct pv_values v = {0};
    cr_expect(isnan(pv_values_mean(&v)) && isnan(pv_values_quantile(&v, 0.5)));
    const double values[] = {7, 1, 3, NAN, 2};
    for (int i = 0; i < 5; i++)
        cr_assert(pv_values_add(&v, values[i]));
    cr_expect_eq(v.count, 4, "NAN is not a value");
    cr_expect_float_eq(pv_values_mean(&v), 3.25, 1e-12);
    cr_expect_float_eq(pv_values_quantile(&v, 0), 1, 1e-12);
    cr_expect_float_eq(pv_values_quantile(&v, 0.5), 2.5, 1e-12);
    cr_expect_float_eq(pv_values_quantile(&v, 0.1), 1.3, 1e-12); /* place .3 between 1 and 2 */
    cr_expect_float_eq(pv_values_quantile(&v, 0.9), 5.8, 1e-12); /* place 2.7 between 3 and 7 */
    cr_expect_float_eq(pv_values_quantile(&v, 1), 7, 1e-12);
    pv_values_free(&v);
}

/* Takes 1, 2, 6 and truth 3: errors 2, 1, 3 (mean 2), pairs 1, 5, 4 (10), divided by 3 x 2. */
Test(eval_statistics, fair_crps_by_hand)
{
    cr_expect_float_eq(pv_crps((double[]){1, 2, 6}, 3, 3), 2 - 10 / 6.0, 1e-12);
    cr_expect_float_eq(pv_crps((double[]){5}, 1, 3), 2, 1e-12);
    cr_expect_float_eq(pv_crps((double[]){4, 4}, 2, 4), 0, 1e-12);
}

/* A normal forecast of deviation s, truth at its mean: the score is s (2 phi(0) - 1 / sqrt(pi)) = .23370 s (Gneiting
 * and Raftery 2007, equation 21), for any number of takes: that is what fair means. */
Test(eval_statistics, fair_crps_does_not_depend_on_the_number_of_takes)
{
    enum { ROUNDS = 20000 };
    const uint32_t key[2] = {(uint32_t)fresh_seed(), 7};
    static const int sizes[] = {2, 8};
    for (int k = 0; k < 2; k++) {
        double mean = 0;
        for (uint32_t round = 0; round < ROUNDS; round++) {
            double takes[8];
            for (uint32_t i = 0; i < 8; i += 4) {
                uint32_t bits[4];
                float pair[4];
                pv_philox((uint32_t[]){round, i, (uint32_t)k, 0}, key, bits);
                pv_normal_from_bits(bits[0], bits[1], pair);
                pv_normal_from_bits(bits[2], bits[3], pair + 2);
                for (int j = 0; j < 4; j++)
                    takes[(int)i + j] = 3 * (double)pair[j];
            }
            mean += pv_crps(takes, sizes[k], 0) / ROUNDS;
        }
        /* With two takes a round has a deviation of about 3: six of .02 are never seen. */
        cr_expect_float_eq(mean, 3 * 0.233695, 0.13, "%d takes: %f", sizes[k], mean);
    }
}

Test(eval_statistics, spread_is_a_sample_deviation)
{
    cr_expect_float_eq(pv_spread((double[]){2, 4, 4, 4, 5, 5, 7, 9}, 8), sqrt(32.0 / 7), 1e-12);
    cr_expect(isnan(pv_spread((double[]){2}, 1)));
}
