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

/* The codes that occur, ascending, and how often; both arrays have 65,536 items. Their number. */
int64_t optc_count_codes(const uint16_t *codes, int64_t n, uint16_t *present, int64_t *counts);

/* The entry of each item's place among ascending borders. Kinds: 2 float16, 3 bfloat16, 4 float32, 8 float64.
   False if an item is not finite. */
int optc_assign(int kind, const void *items, int64_t n, const double *borders, int steps, const uint8_t *entry,
                uint8_t *out);

/* For each of `n` vectors of length `d` (at most 16), the nearest of `k` centres and how far it is, squared; `w` has a
   weight for each component, or is null. Computes in float (kind 4, which is the type of the centres) or double (8). */
void optc_nearest_vectors(int kind, const float *x, const float *w, int64_t n, int64_t d, int64_t k,
                          const void *centres, uint8_t *codes, double *apart);

/* Adds each vector, times its weights, to the sum of its code, and the weights to the load. */
void optc_add_vectors(const float *x, const float *w, int64_t n, int64_t d, const uint8_t *codes, double *sums,
                      double *loads);

/* Blocks of `size` items that lie one after another (kinds as for `optc_assign`): scales of the items' type, offsets
   and codes from `low` to `high` by the extremes of each. False if an item is not finite. */
int optc_quantize(int kind, const void *x, int64_t blocks, int64_t size, int low, int high, int symmetric, void *scale,
                  uint8_t *offset, uint8_t *codes);

/* The nearest codes for given scales and offsets. */
void optc_encode(int kind, const void *x, int64_t blocks, int64_t size, int low, int high, const void *scale,
                 const uint8_t *offset, uint8_t *codes);

/* scale * (code - offset) for blocks of codes with a sign or without, computed in float (kinds 2, 3 and 4, which are
   what is written) or double (8). */
void optc_dequantize(int kind, int has_sign, const uint8_t *codes, int64_t blocks, int64_t size, const void *scale,
                     const void *offset, void *out);

/* Scales (numbers that the kind has) and offsets of less squared error than those given; `w`, or null, has a weight for
   each item. Nonzero if there is no memory. */
int optc_search_scales(int kind, const double *x, const double *w, int64_t blocks, int64_t size, int low, int high,
                       int symmetric, double *scale, int64_t *offset);

#endif
