/* statistics.h: what is said about many values: never only their mean. */
#ifndef PV_EVAL_STATISTICS_H
#define PV_EVAL_STATISTICS_H

#include <stdbool.h>
#include <stddef.h>

/* Values that come one by one. Start with all zero. */
struct pv_values {
    double *value;
    size_t count, room;
};

/* NAN is left out: nothing was measured. false when there is no memory. */
bool pv_values_add(struct pv_values *values, double value);
void pv_values_free(struct pv_values *values);

/* NAN when there are none. */
double pv_values_mean(const struct pv_values *values);
/* part: 0 = least, .5 = median, 1 = greatest; between two values in proportion (definition 7 of Hyndman and Fan 1996,
 * that of numpy). NAN when there are none, or no memory to sort them. */
double pv_values_quantile(const struct pv_values *values, double part);

/* Continuous ranked probability score of takes against what came, 0 = perfect, in the unit of the values. The fair
 * estimate, whose mean does not depend on the number of takes (Ferro 2014, "Fair scores for ensemble forecasts"):
 *     mean |take - truth| - sum over pairs |take - take'| / (n (n - 1))
 * One take: |take - truth|. */
double pv_crps(const double *takes, int count, double truth);

/* Standard deviation of takes (n - 1 in the divisor); NAN for fewer than two. */
double pv_spread(const double *takes, int count);

#endif
