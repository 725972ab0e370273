/* Counting and assigning values: see histogram.py and palette.py. */
#include "kernels.h"

#include <math.h>

#include "floats.h"

int64_t optc_count_codes(const uint16_t *codes, int64_t n, uint16_t *present, int64_t *counts) {
    static const int64_t ALL = 1 << 16;
    memset(counts, 0, (size_t)ALL * sizeof *counts);
    for (int64_t i = 0; i < n; i++) counts[codes[i]]++;
    int64_t found = 0;
    for (int64_t code = 0; code < ALL; code++) {
        if (!counts[code]) continue;
        present[found] = (uint16_t)code;
        counts[found++] = counts[code];
    }
    return found;
}

/* `borders` has 2**steps - 1 items, padded with infinity; `entry` has an item for each place between them. */
#define ASSIGN(name, type, not_finite, value)                                                                         \
    static int name(const type *items, int64_t n, const double *borders, int steps, const uint8_t *entry,             \
                    uint8_t *out) {                                                                                   \
        int wrong = 0;                                                                                                \
        for (int64_t i = 0; i < n; i++) {                                                                             \
            type item = items[i];                                                                                     \
            wrong |= (not_finite);                                                                                    \
            double x = (value);                                                                                       \
            int place = 0;                                                                                            \
            for (int step = 1 << steps >> 1; step; step >>= 1) place += borders[place + step - 1] < x ? step : 0;     \
            out[i] = entry[place];                                                                                    \
        }                                                                                                             \
        return !wrong;                                                                                                \
    }

ASSIGN(assign_half, uint16_t, (item & 0x7c00) == 0x7c00, single_of_half(item))
ASSIGN(assign_brain, uint16_t, (item & 0x7f80) == 0x7f80, single_of_brain(item))
ASSIGN(assign_single, float, !isfinite(item), item)
ASSIGN(assign_double, double, !isfinite(item), item)

int optc_assign(int kind, const void *items, int64_t n, const double *borders, int steps, const uint8_t *entry,
                uint8_t *out) {
    switch (kind) {
    case 2: return assign_half(items, n, borders, steps, entry, out);
    case 3: return assign_brain(items, n, borders, steps, entry, out);
    case 4: return assign_single(items, n, borders, steps, entry, out);
    default: return assign_double(items, n, borders, steps, entry, out);
    }
}
