/* How far two arrays are apart: see distance.py. */
#include "floats.h"
#include "kernels.h"

enum { LANES = 64 };

/* Squares are added up in `LANES` sums, item `i` in sum `i % LANES`, so that the order is the same everywhere. */
#define APART(name, type, finite, number)                                                                              \
    INLINED int name(const type *a, const type *b, int64_t n, double *noise, double *signal, double *largest) {        \
        int wrong = 0;                                                                                                 \
        for (int64_t i = 0; i < n; i += LANES) {                                                                       \
            int64_t count = n - i < LANES ? n - i : LANES;                                                             \
            for (int64_t l = 0; l < count; l++) {                                                                      \
                double x = number(a[i + l]), apart = x - number(b[i + l]);                                             \
                wrong |= !finite(a[i + l]) | !finite(b[i + l]);                                                        \
                signal[l] += x * x;                                                                                    \
                noise[l] += apart * apart;                                                                             \
                apart = apart < 0 ? -apart : apart;                                                                    \
                largest[l] = apart > largest[l] ? apart : largest[l];                                                  \
            }                                                                                                          \
        }                                                                                                              \
        return !wrong;                                                                                                 \
    }

#define PLAIN(x) ((double)(x))
#define HALF(x) ((double)single_of_half(x))
#define BRAIN(x) ((double)single_of_brain(x))
#define FINITE(x) ((x) - (x) == 0)
#define FINITE_HALF(x) (((x) & 0x7c00) != 0x7c00)
#define FINITE_BRAIN(x) (((x) & 0x7f80) != 0x7f80)
APART(apart_halves, uint16_t, FINITE_HALF, HALF)
APART(apart_brains, uint16_t, FINITE_BRAIN, BRAIN)
APART(apart_singles, float, FINITE, PLAIN)
APART(apart_doubles, double, FINITE, PLAIN)

FOR_EACH_PROCESSOR int optc_apart(int kind, const void *a, const void *b, int64_t n, double *noise, double *signal,
                                  double *largest) {
    switch (kind) {
    case 2: return apart_halves(a, b, n, noise, signal, largest);
    case 3: return apart_brains(a, b, n, noise, signal, largest);
    case 4: return apart_singles(a, b, n, noise, signal, largest);
    default: return apart_doubles(a, b, n, noise, signal, largest);
    }
}
