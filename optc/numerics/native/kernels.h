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

/* The best split of n points into k runs: `k + 1` bounds, `n + 1` potentials, the gap and the penalty that was used. */
int optc_best_split(const double *points, const double *weights, int64_t n, int64_t k, const rounding_t *rounding,
                    int64_t *bounds, double *potentials, double *gap, double *used);

/* The codes that occur, ascending, and how often; both arrays have 65,536 items. Their number. */
int64_t optc_count_codes(const uint16_t *codes, int64_t n, uint16_t *present, int64_t *counts);

/* The entry of each item's place among ascending borders. Kinds: 2 float16, 3 bfloat16, 4 float32, 8 float64.
   False if an item is not finite. */
int optc_assign(int kind, const void *items, int64_t n, const double *borders, int steps, const uint8_t *entry,
                uint8_t *out);

/* For each of `n` vectors of length `d` (at most 16), the nearest of `k` centres and how far it is, squared; `w` has a
   weight for each component, or is null. */
void optc_nearest_vectors(const float *x, const float *w, int64_t n, int64_t d, int64_t k, const float *centres,
                          uint8_t *codes, float *apart);

/* Adds each vector, times its weights, to the sum of its code, and the weights to the load. */
void optc_add_vectors(const float *x, const float *w, int64_t n, int64_t d, const uint8_t *codes, double *sums,
                      double *loads);

#endif
