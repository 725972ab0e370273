/* The nearest of a few centres to each of many vectors: see vector_palette.py. */
#include "kernels.h"

#include <math.h>

#include "floats.h"

/* Several vectors at a time, one per lane, so that no sum is taken across lanes: each distance is added up over the
   components in order, and is the same for any number of lanes. */
#if defined(__GNUC__)
#define UNROLLED _Pragma("GCC unroll 4")
enum { LANES = 16, GROUPS = 4 };
typedef float reals __attribute__((vector_size(64)));
typedef int32_t places __attribute__((vector_size(64)));
#define PICK(where, a, b) (((places)(a) & (where)) | ((places)(b) & ~(where)))
#define PICK_REALS(where, a, b) ((reals)PICK(where, a, b))
#else
#define UNROLLED
enum { LANES = 1, GROUPS = 64 };
typedef float reals;
typedef int32_t places;
#define PICK(where, a, b) ((where) ? (a) : (b))
#define PICK_REALS(where, a, b) PICK(where, a, b)
#endif

enum { BATCH = LANES * GROUPS, DEPTH = 16 };

typedef struct {
    float at[DEPTH][BATCH], weight[DEPTH][BATCH];
} batch_t;

/* Component by component; the last batch is filled up with copies of its first vector. */
INLINED void lay_out(batch_t *batch, const float *x, const float *w, int64_t count, int64_t d) {
    for (int64_t j = 0; j < d; j++)
        for (int64_t l = 0; l < BATCH; l++) {
            int64_t from = (l < count ? l : 0) * d + j;
            batch->at[j][l] = x[from];
            if (w) batch->weight[j][l] = w[from];
        }
}

/* Of equally near centres the first. */
INLINED void search(const batch_t *batch, int weighted, int64_t d, int64_t k, const float *centres, reals *near,
                    places *who) {
    places zero = {0};
    for (int g = 0; g < GROUPS; g++) near[g] = (reals)zero + INFINITY, who[g] = zero;
    for (int64_t c = 0; c < k; c++) {
        UNROLLED
        for (int g = 0; g < GROUPS; g++) {
            reals sum = (reals)zero;
            for (int64_t j = 0; j < d; j++) {
                reals apart, weight;
                memcpy(&apart, batch->at[j] + g * LANES, sizeof apart);
                apart = apart - centres[c * d + j];
                apart = apart * apart;
                if (weighted) {
                    memcpy(&weight, batch->weight[j] + g * LANES, sizeof weight);
                    apart = weight * apart;
                }
                sum = sum + apart;
            }
            places nearer = sum < near[g];
            near[g] = PICK_REALS(nearer, sum, near[g]);
            who[g] = PICK(nearer, zero + (int32_t)c, who[g]);
        }
    }
}

INLINED void nearest_of(const float *x, const float *w, int64_t n, int64_t d, int64_t k, const float *centres,
                        uint8_t *codes, float *apart) {
    batch_t batch;
    for (int64_t i = 0; i < n; i += BATCH) {
        int64_t count = n - i < BATCH ? n - i : BATCH;
        reals near[GROUPS];
        places who[GROUPS];
        int32_t found[BATCH];
        if (count == BATCH) lay_out(&batch, x + i * d, w ? w + i * d : 0, BATCH, d);
        else lay_out(&batch, x + i * d, w ? w + i * d : 0, count, d);
        search(&batch, w != 0, d, k, centres, near, who);
        memcpy(found, who, sizeof found);
        memcpy(apart + i, near, (size_t)count * sizeof *apart);
        for (int64_t l = 0; l < count; l++) codes[i + l] = (uint8_t)found[l];
    }
}

FOR_EACH_PROCESSOR void optc_nearest_vectors(const float *x, const float *w, int64_t n, int64_t d, int64_t k,
                                             const float *centres, uint8_t *codes, float *apart) {
    if (!w && d == 2) nearest_of(x, 0, n, 2, k, centres, codes, apart);
    else if (!w && d == 4) nearest_of(x, 0, n, 4, k, centres, codes, apart);
    else if (!w && d == 8) nearest_of(x, 0, n, 8, k, centres, codes, apart);
    else if (!w) nearest_of(x, 0, n, d, k, centres, codes, apart);
    else nearest_of(x, w, n, d, k, centres, codes, apart);
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
