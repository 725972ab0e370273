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

/* The centres of runs, rounded, and the weighted squared error of points that take the nearest; the number of centres. */
int64_t optc_centres(const double *points, const double *weights, const int64_t *bounds, int64_t k,
                     const rounding_t *rounding, double *centres, double *error);

/* The distinct values of less than 2**32 floats of 16 bits (kind 2 or 3), ascending, -0 as 0, and how often each occurs:
   their number, -1 if one is not finite. The arrays have room for as many as there are items, 65,536 at the most; `times`
   has 65,536 zeros, before and after, and `present` room for one more. */
int64_t optc_count_halves(int kind, const uint16_t *codes, int64_t n, uint32_t *times, uint16_t *present,
                          double *points, double *counts);

/* The codes that occur, ascending, and how often; both arrays have 65,536 items. Their number. */
int64_t optc_count_codes(const uint16_t *codes, int64_t n, uint16_t *present, int64_t *counts);

/* The entry of each item's place among ascending borders. Kinds: 2 float16, 3 bfloat16, 4 float32, 8 float64.
   False if an item is not finite. */
int optc_assign(int kind, const void *items, int64_t n, const double *borders, int steps, const uint8_t *entry,
                uint8_t *out);

/* The distinct values among `n` floats, ascending, and how often each occurs, in the place of the items (as bits, -0 as
   0) and of `spare`. Their number. */
int64_t optc_count_singles(uint32_t *items, uint32_t *spare, int64_t n);

/* Values of `bits` bits to and from a stream of bits. */
void optc_pack(const uint8_t *values, int64_t n, int bits, uint8_t *out);
void optc_unpack(const uint8_t *data, int64_t n, int bits, int has_sign, uint8_t *out);

/* Entries of `size` bytes (vectors of `vector` of them) for `rows * inner` indices; each `run` of indices has a table,
   which begins at an entry of its own. */
void optc_look_up(int size, const uint8_t *indices, int64_t rows, int64_t inner, int64_t run, const int64_t *bases,
                  const void *table, int64_t vector, void *out);
void optc_look_up_codes(const uint16_t *codes, int64_t n, const uint8_t *table, uint8_t *out);

/* The items (of `size` bytes) where the mask is not 0, `most` at most; and the reverse, with zeros elsewhere. */
int64_t optc_keep(int size, const void *items, const uint8_t *mask, int64_t n, int64_t most, void *out);
void optc_scatter(int size, const void *values, int64_t count, const uint8_t *mask, int64_t n, void *out);

/* Adds the squares of `a - b` and of `a` to 64 sums each, and keeps the largest differences. False if an item is not
   finite. Kinds as for `optc_assign`. */
int optc_apart(int kind, const void *a, const void *b, int64_t n, double *noise, double *signal, double *largest);

/* For each of `n` vectors of length `d` (at most 16), the nearest of `k` centres and how far it is, squared; `w` has a
   weight for each component, or is null. */
void optc_nearest_vectors(const float *x, const float *w, int64_t n, int64_t d, int64_t k, const float *centres,
                          uint8_t *codes, float *apart);

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

/* scale * (code - offset) for blocks of `size` codes with a sign or without, computed in float (kinds 2, 3 and 4, which
   are what is written) or double (8). Each `strip` blocks, a divisor of their number, lie side by side: the first codes
   of all come first. */
void optc_dequantize(int kind, int has_sign, const uint8_t *codes, int64_t blocks, int64_t size, int64_t strip,
                     const void *scale, const void *offset, void *out);

/* Scales (numbers that the kind has) and offsets of less squared error than those given; `w`, or null, has a weight for
   each item. Nonzero if there is no memory. */
int optc_search_scales(int kind, const double *x, const double *w, int64_t blocks, int64_t size, int low, int high,
                       int symmetric, double *scale, int64_t *offset);

#endif
