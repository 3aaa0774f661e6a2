/* extrapolate.c: least squares with polynomials that are orthogonal over the frames, so that each coefficient is a
 * quotient of two sums. */
#include "eval/forecast.h"

enum { DEGREE_MAX = 2 };

/* 1, t and t^2 - (mean of t^2), t counted from the middle of the frames. */
static double basis(int degree, double t, double mean_square)
{
    return degree == 0 ? 1 : degree == 1 ? t : t * t - mean_square;
}

double pv_extrapolate(const double *values, int count, int degree, double ahead)
{
    const double middle = (count - 1) / 2.0;
    double mean_square = 0, result = 0;
    for (int i = 0; i < count; i++)
        mean_square += (i - middle) * (i - middle) / count;
    if (degree > DEGREE_MAX)
        degree = DEGREE_MAX;
    for (int d = 0; d <= degree && d < count; d++) {
        double product = 0, square = 0;
        for (int i = 0; i < count; i++) {
            const double p = basis(d, i - middle, mean_square);
            product += p * values[i];
            square += p * p;
        }
        result += product / square * basis(d, count - 1 - middle + ahead, mean_square);
    }
    return result;
}
