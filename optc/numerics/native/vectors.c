/* The nearest of a few centres to each of many vectors: see vector_palette.py. */
#include "kernels.h"

#include <math.h>

#include "floats.h"

enum { LANES = 16, DEPTH = 16 };

/* `LANES` vectors at a time, one per lane, so that no sum is taken across lanes: each distance is added up over the
   components in order. Of equally near centres the first. A vector longer than `DEPTH` is laid out anew per centre. */
#define NEAREST(name, real, place)                                                                                    \
    INLINED void name##_block(const float *x, const float *w, int64_t d, int64_t stride, int64_t k,                   \
                              const real *centres, real *near, place *who) {                                          \
        real lane[DEPTH][LANES], load[DEPTH][LANES];                                                                  \
        for (int64_t j = 0; j < d; j++)                                                                               \
            for (int l = 0; l < LANES; l++) {                                                                         \
                lane[j][l] = (real)x[l * stride + j];                                                                 \
                if (w) load[j][l] = (real)w[l * stride + j];                                                          \
            }                                                                                                         \
        for (int l = 0; l < LANES; l++) near[l] = (real)INFINITY, who[l] = 0;                                         \
        for (int64_t c = 0; c < k; c++) {                                                                             \
            real sum[LANES] = {0};                                                                                    \
            for (int64_t j = 0; j < d; j++) {                                                                         \
                real at = centres[c * d + j];                                                                         \
                for (int l = 0; l < LANES; l++) {                                                                     \
                    real apart = lane[j][l] - at;                                                                     \
                    sum[l] += w ? load[j][l] * (apart * apart) : apart * apart;                                       \
                }                                                                                                     \
            }                                                                                                         \
            for (int l = 0; l < LANES; l++) {                                                                         \
                int nearer = sum[l] < near[l];                                                                        \
                near[l] = nearer ? sum[l] : near[l];                                                                  \
                who[l] = nearer ? (place)c : who[l];                                                                  \
            }                                                                                                         \
        }                                                                                                             \
    }                                                                                                                 \
    INLINED void name##_of(const float *x, const float *w, int64_t n, int64_t d, int64_t k, const real *centres,      \
                           uint8_t *codes, double *apart) {                                                           \
        real near[LANES];                                                                                             \
        place who[LANES];                                                                                             \
        for (int64_t i = 0; i < n; i += LANES) {                                                                      \
            int64_t count = n - i < LANES ? n - i : LANES;                                                            \
            float rest[LANES * DEPTH], rest_w[LANES * DEPTH];                                                         \
            const float *from = x + i * d, *load = w ? w + i * d : 0;                                                 \
            if (count < LANES) { /* the last vectors, and copies of the first of them */                              \
                for (int64_t t = 0; t < LANES * d; t++) {                                                             \
                    rest[t] = from[t < count * d ? t : t % d];                                                        \
                    if (w) rest_w[t] = load[t < count * d ? t : t % d];                                               \
                }                                                                                                     \
                from = rest;                                                                                          \
                load = w ? rest_w : 0;                                                                                \
            }                                                                                                         \
            name##_block(from, load, d, d, k, centres, near, who);                                                    \
            for (int l = 0; l < count; l++) codes[i + l] = (uint8_t)who[l], apart[i + l] = (double)near[l];           \
        }                                                                                                             \
    }                                                                                                                 \
    FOR_EACH_PROCESSOR static void name(const float *x, const float *w, int64_t n, int64_t d, int64_t k,              \
                                        const real *centres, uint8_t *codes, double *apart) {                         \
        if (!w && d == 2) name##_of(x, 0, n, 2, k, centres, codes, apart);                                            \
        else if (!w && d == 4) name##_of(x, 0, n, 4, k, centres, codes, apart);                                       \
        else if (!w && d == 8) name##_of(x, 0, n, 8, k, centres, codes, apart);                                       \
        else if (!w) name##_of(x, 0, n, d, k, centres, codes, apart);                                                 \
        else name##_of(x, w, n, d, k, centres, codes, apart);                                                         \
    }

NEAREST(nearest_single, float, int32_t)
NEAREST(nearest_double, double, int64_t)

void optc_nearest_vectors(int kind, const float *x, const float *w, int64_t n, int64_t d, int64_t k,
                          const void *centres, uint8_t *codes, double *apart) {
    if (kind == 4) nearest_single(x, w, n, d, k, centres, codes, apart);
    else nearest_double(x, w, n, d, k, centres, codes, apart);
}

void optc_add_vectors(const float *x, const float *w, int64_t n, int64_t d, const uint8_t *codes, double *sums,
                      double *loads) {
    for (int64_t i = 0; i < n; i++) {
        double *sum = sums + codes[i] * d, *load = loads + codes[i] * d;
        for (int64_t j = 0; j < d; j++) {
            double by = w ? (double)w[i * d + j] : 1.0;
            sum[j] += by * (double)x[i * d + j];
            load[j] += by;
        }
    }
}
