/* Looking up in tables, and the values that a mask keeps: see lut.py and sparsity.py. */
#include "kernels.h"

#include <string.h>

/* Rows of `inner` indices become `vector` rows each. Each run of `run` indices has a table of its own, which begins at
   entry `bases[run]`; runs and rows begin together, or one of them is made of whole others. */
#define LOOK_UP(name, type)                                                                                            \
    static void name(const uint8_t *indices, int64_t rows, int64_t inner, int64_t run, const int64_t *bases,           \
                     const type *table, int64_t vector, type *out) {                                                   \
        int64_t step = run < inner ? run : inner;                                                                      \
        for (int64_t row = 0; row < rows; row++)                                                                       \
            for (int64_t at = 0; at < inner; at += step) {                                                             \
                const uint8_t *from = indices + row * inner + at;                                                      \
                const type *entries = table + bases[(row * inner + at) / run] * vector;                                \
                for (int64_t v = 0; v < vector; v++) {                                                                 \
                    type *to = out + (row * vector + v) * inner + at;                                                  \
                    for (int64_t i = 0; i < step; i++) to[i] = entries[from[i] * vector + v];                          \
                }                                                                                                      \
            }                                                                                                          \
    }

LOOK_UP(look_up_bytes, uint8_t)
LOOK_UP(look_up_halves, uint16_t)
LOOK_UP(look_up_singles, uint32_t)
LOOK_UP(look_up_doubles, uint64_t)

void optc_look_up(int size, const uint8_t *indices, int64_t rows, int64_t inner, int64_t run, const int64_t *bases,
                  const void *table, int64_t vector, void *out) {
    switch (size) {
    case 1: look_up_bytes(indices, rows, inner, run, bases, table, vector, out); break;
    case 2: look_up_halves(indices, rows, inner, run, bases, table, vector, out); break;
    case 4: look_up_singles(indices, rows, inner, run, bases, table, vector, out); break;
    default: look_up_doubles(indices, rows, inner, run, bases, table, vector, out);
    }
}

void optc_look_up_codes(const uint16_t *codes, int64_t n, const uint8_t *table, uint8_t *out) {
    for (int64_t i = 0; i < n; i++) out[i] = table[codes[i]];
}

/* One more item than are kept may be written, so that nothing depends on the mask but where to. */
#define KEEP(type)                                                                                                     \
    {                                                                                                                  \
        const type *from = items;                                                                                      \
        type *to = out;                                                                                                \
        for (int64_t i = 0; i < n && kept < most; i++) {                                                               \
            to[kept] = from[i];                                                                                        \
            kept += mask[i] != 0;                                                                                      \
        }                                                                                                              \
        break;                                                                                                         \
    }

int64_t optc_keep(int size, const void *items, const uint8_t *mask, int64_t n, int64_t most, void *out) {
    int64_t kept = 0;
    switch (size) {
    case 1: KEEP(uint8_t)
    case 2: KEEP(uint16_t)
    case 4: KEEP(uint32_t)
    default: KEEP(uint64_t)
    }
    return kept;
}

#define SCATTER(type)                                                                                                  \
    {                                                                                                                  \
        const type *from = values;                                                                                     \
        type *to = out;                                                                                                \
        for (int64_t i = 0; i < n; i++) {                                                                              \
            type keep = (type)-(type)(mask[i] != 0), value = from[used < count ? used : count - 1];                    \
            to[i] = value & keep;                                                                                      \
            used += mask[i] != 0;                                                                                      \
        }                                                                                                              \
        break;                                                                                                         \
    }

void optc_scatter(int size, const void *values, int64_t count, const uint8_t *mask, int64_t n, void *out) {
    int64_t used = 0;
    if (!count) {
        memset(out, 0, (size_t)n * (size_t)size);
        return;
    }
    switch (size) {
    case 1: SCATTER(uint8_t)
    case 2: SCATTER(uint16_t)
    case 4: SCATTER(uint32_t)
    default: SCATTER(uint64_t)
    }
}
