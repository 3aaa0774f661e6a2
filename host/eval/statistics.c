/* statistics.c: see statistics.h. */
#include "eval/statistics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

bool pv_values_add(struct pv_values *values, double value)
{
    if (isnan(value))
        return true;
    if (values->count == values->room) {
        const size_t room = values->room ? 2 * values->room : 64;
        double *more = realloc(values->value, room * sizeof *more);
        if (!more)
            return false;
        values->value = more;
        values->room = room;
    }
    values->value[values->count++] = value;
    return true;
}

void pv_values_free(struct pv_values *values)
{
    free(values->value);
    *values = (struct pv_values){0};
}

double pv_values_mean(const struct pv_values *values)
{
    double sum = 0;
    for (size_t i = 0; i < values->count; i++)
        sum += values->value[i];
    return values->count ? sum / (double)values->count : NAN;
}

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double pv_values_quantile(const struct pv_values *values, double part)
{
    if (values->count == 0)
        return NAN;
    double *sorted = malloc(values->count * sizeof *sorted);
    if (!sorted)
        return NAN;
    memcpy(sorted, values->value, values->count * sizeof *sorted);
    qsort(sorted, values->count, sizeof *sorted, compare);
    const double place = part * (double)(values->count - 1);
    const size_t below = (size_t)place;
    const size_t above = below + 1 < values->count ? below + 1 : below;
    const double result = sorted[below] + (place - (double)below) * (sorted[above] - sorted[below]);
    free(sorted);
    return result;
}

double pv_crps(const double *takes, int count, double truth)
{
    double error = 0, apart = 0;
    for (int i = 0; i < count; i++) {
        error += fabs(takes[i] - truth) / count;
        for (int j = 0; j < i; j++)
            apart += fabs(takes[i] - takes[j]);
    }
    return count > 1 ? error - apart / ((double)count * (count - 1)) : error;
}

double pv_spread(const double *takes, int count)
{
    if (count < 2)
        return NAN;
    double mean = 0, square = 0;
    for (int i = 0; i < count; i++)
        mean += takes[i] / count;
    for (int i = 0; i < count; i++)
        square += (takes[i] - mean) * (takes[i] - mean);
    return sqrt(square / (count - 1));
}
