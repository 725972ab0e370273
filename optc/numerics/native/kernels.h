/* The kernels: plain functions on arrays, without Python. Each gives the bits of its NumPy counterpart. */
#ifndef OPTC_KERNELS_H
#define OPTC_KERNELS_H

#include <stdint.h>

/* What centres are rounded to: floats of `precision` bits, at least `step` apart; or, for precision 0, the multiples
   `low` to `high` of `step`. */
typedef struct {
    int precision;
    double step, low, high;
} rounding_t;

int optc_best_split(const double *points, const double *weights, int64_t n, int64_t k, const rounding_t *rounding,
                    int64_t *bounds, double *gap);

#endif
