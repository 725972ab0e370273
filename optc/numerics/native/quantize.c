/* Affine quantization in blocks that lie one after another: see affine.py. */
#include "kernels.h"

#include <math.h>

#include "floats.h"

/* At most so many blocks are looked at twice in a row, and about so many items, so that they are still in a cache. */
enum { BATCH = 64, NEAR = 1 << 15 };

/* The least and greatest code; symmetric ones stand for 0 in their middle. */
typedef struct {
    int low, high, symmetric;
} limits_t;

/* The codes that stand for 0, when `-below` to `above` is mapped onto the codes. */
INLINED void zeros(const double *below, const double *above, int64_t blocks, const limits_t *to, int *code) {
    const double low = to->low, high = to->high;
    for (int64_t b = 0; b < blocks; b++) {
        double peak = above[b] > below[b] ? above[b] : below[b];
        peak = peak == 0.0 ? 1.0 : peak; /* so that neither products nor the width overflow */
        double up = above[b] / peak, down = below[b] / peak;
        double zero = (low * up + high * down) / (up + down == 0.0 ? 1.0 : up + down);
        zero = zero < low ? low : zero;
        zero = zero > high ? high : zero;
        code[b] = (int)((zero + 0x1.8p52) - 0x1.8p52); /* to the nearest, of halves the even one */
    }
}

#define SAME(x) (x)

/* For items with bits of type `word` (`whole` with a sign), computed with as `real`: `value` makes a real of them,
   `stored` the bits of a double, `cut` rounds a quotient to the items' type, whose unit in the last place of 1 is
   `unit`. Bits as integers with a sign, those of negative numbers inverted, are ordered as the floats are. */
#define KIND(kind, word, whole, real, magic, bits_of, value, stored, cut, infinite, unit)                             \
    INLINED whole kind##_most(const word *x, int64_t size) {                                                          \
        whole most = 0;                                                                                               \
        for (int64_t i = 0; i < size; i++) {                                                                          \
            whole item = (whole)(x[i] & (word)((word)-1 >> 1));                                                       \
            most = item > most ? item : most;                                                                         \
        }                                                                                                             \
        return most;                                                                                                  \
    }                                                                                                                 \
    /* Of the greatest item, and of the least with its sign turned; neither is below 0. */                            \
    INLINED void kind##_extremes(const word *x, int64_t size, whole *least, whole *greatest) {                        \
        whole low = 0, high = 0;                                                                                      \
        for (int64_t i = 0; i < size; i++) {                                                                          \
            whole item = (whole)x[i];                                                                                 \
            item = (whole)(item ^ (word)((word)(item < 0 ? -1 : 0) >> 1));                                            \
            low = item < low ? item : low;                                                                            \
            high = item > high ? item : high;                                                                         \
        }                                                                                                             \
        *least = low < 0 ? (whole)~low : 0;                                                                           \
        *greatest = high;                                                                                             \
    }                                                                                                                 \
    /* Quotients are rounded to the items' type first, unless they are to be `exact`. */                              \
    INLINED void kind##_codes(const word *x, int64_t size, real step, int shift, const limits_t *to, int exact,       \
                              uint8_t *out) {                                                                         \
        const real low = (real)(to->low - shift), high = (real)(to->high - shift);                                    \
        for (int64_t i = 0; i < size; i++) {                                                                          \
            real code = (real)value(x[i]) / step;                                                                     \
            if (!exact) code = cut(code);                                                                             \
            code = code < low ? low : code;                                                                           \
            code = code > high ? high : code;                                                                         \
            out[i] = (uint8_t)(bits_of(code + (real)magic) + (unsigned)shift);                                        \
        }                                                                                                             \
    }                                                                                                                 \
    INLINED void kind##_scales(const double *width, int64_t blocks, word *scale) {                                    \
        for (int64_t b = 0; b < blocks; b++) {                                                                        \
            word made = (word)stored(width[b]);                                                                       \
            /* Rounding down by more than that happens among subnormals only. */                                      \
            made = (word)(made + ((double)value(made) < width[b] * (1.0 - unit)));                                    \
            scale[b] = width[b] == 0.0 ? (word)stored(1.0) : made;                                                    \
        }                                                                                                             \
    }                                                                                                                 \
    INLINED int kind##_batch(const word *x, int64_t blocks, int64_t size, const limits_t *to, int symmetric,          \
                             word *scale, uint8_t *offset, uint8_t *codes) {                                          \
        whole least[BATCH], greatest[BATCH], most = 0;                                                                \
        double below[BATCH], above[BATCH], width[BATCH];                                                              \
        int shift[BATCH];                                                                                             \
        for (int64_t b = 0; b < blocks; b++) {                                                                        \
            if (symmetric) greatest[b] = kind##_most(x + b * size, size);                                             \
            else kind##_extremes(x + b * size, size, &least[b], &greatest[b]);                                        \
        }                                                                                                             \
        for (int64_t b = 0; b < blocks; b++) {                                                                        \
            most = greatest[b] > most ? greatest[b] : most;                                                           \
            if (!symmetric) most = least[b] > most ? least[b] : most;                                                 \
        }                                                                                                             \
        if (most >= (whole)infinite) return 0;                                                                        \
        for (int64_t b = 0; b < blocks; b++) {                                                                        \
            above[b] = (double)value((word)greatest[b]);                                                              \
            below[b] = symmetric ? above[b] : (double)value((word)least[b]);                                          \
            width[b] = above[b] / (to->high - to->low) + below[b] / (to->high - to->low);                             \
            shift[b] = (to->low + to->high) / 2;                                                                      \
        }                                                                                                             \
        if (!symmetric) zeros(below, above, blocks, to, shift);                                                       \
        for (int64_t b = 0; b < blocks; b++) offset[b] = (uint8_t)shift[b];                                           \
        kind##_scales(width, blocks, scale);                                                                          \
        for (int64_t b = 0; b < blocks; b++)                                                                          \
            kind##_codes(x + b * size, size, (real)value(scale[b]), shift[b], to, 0, codes + b * size);               \
        return 1;                                                                                                     \
    }                                                                                                                 \
    FOR_EACH_PROCESSOR static int kind##_quantize(const word *x, int64_t blocks, int64_t size, const limits_t *to,    \
                                                  word *scale, uint8_t *offset, uint8_t *codes) {                     \
        const int64_t room = 1 + NEAR / size, batch = room < BATCH ? room : BATCH;                                    \
        for (int64_t b = 0; b < blocks; b += batch) {                                                                 \
            const word *from = x + b * size;                                                                          \
            uint8_t *out = codes + b * size;                                                                          \
            int64_t n = blocks - b < batch ? blocks - b : batch;                                                      \
            int done;                                                                                                 \
            if (to->symmetric && size == 32) done = kind##_batch(from, n, 32, to, 1, scale + b, offset + b, out);     \
            else if (to->symmetric) done = kind##_batch(from, n, size, to, 1, scale + b, offset + b, out);            \
            else if (size == 32) done = kind##_batch(from, n, 32, to, 0, scale + b, offset + b, out);                 \
            else done = kind##_batch(from, n, size, to, 0, scale + b, offset + b, out);                               \
            if (!done) return 0;                                                                                      \
        }                                                                                                             \
        return 1;                                                                                                     \
    }                                                                                                                 \
    FOR_EACH_PROCESSOR static void kind##_encode(const word *x, int64_t blocks, int64_t size, const limits_t *to,     \
                                                 const word *scale, const uint8_t *offset, uint8_t *codes) {          \
        for (int64_t b = 0; b < blocks; b++) {                                                                        \
            int shift = to->low < 0 ? (int)(int8_t)offset[b] : (int)offset[b];                                        \
            kind##_codes(x + b * size, size, (real)value(scale[b]), shift, to, 1, codes + b * size);                  \
        }                                                                                                             \
    }

#define CUT_HALF(q) single_of_bits(cut_single(bits_of_single(q), 13))
#define CUT_BRAIN(q) single_of_bits(cut_single(bits_of_single(q), 16))

#define NARROW(kind, value, stored, cut, infinite, unit)                                                              \
    KIND(kind, uint16_t, int16_t, float, 0x1.8p23f, bits_of_single, value, stored, cut, infinite, unit)

NARROW(half, single_of_half, half_of_double, CUT_HALF, 0x7c00, 0x1p-10)
NARROW(brain, single_of_brain, brain_of_double, CUT_BRAIN, 0x7f80, 0x1p-7)
KIND(single, uint32_t, int32_t, float, 0x1.8p23f, bits_of_single, single_of_bits, single_of_double, SAME, 0x7f800000,
     0x1p-23)
KIND(twice, uint64_t, int64_t, double, 0x1.8p52, bits_of_double, double_of_bits, bits_of_double, SAME,
     0x7ff0000000000000, 0x1p-52)

int optc_quantize(int kind, const void *x, int64_t blocks, int64_t size, int low, int high, int symmetric, void *scale,
                  uint8_t *offset, uint8_t *codes) {
    limits_t to = {low, high, symmetric};
    switch (kind) {
    case 2: return half_quantize(x, blocks, size, &to, scale, offset, codes);
    case 3: return brain_quantize(x, blocks, size, &to, scale, offset, codes);
    case 4: return single_quantize(x, blocks, size, &to, scale, offset, codes);
    default: return twice_quantize(x, blocks, size, &to, scale, offset, codes);
    }
}

void optc_encode(int kind, const void *x, int64_t blocks, int64_t size, int low, int high, const void *scale,
                 const uint8_t *offset, uint8_t *codes) {
    const limits_t to = {low, high, 0};
    switch (kind) {
    case 2: half_encode(x, blocks, size, &to, scale, offset, codes); break;
    case 3: brain_encode(x, blocks, size, &to, scale, offset, codes); break;
    case 4: single_encode(x, blocks, size, &to, scale, offset, codes); break;
    default: twice_encode(x, blocks, size, &to, scale, offset, codes);
    }
}

/* Codes of type `code` as `real`, written as `word`. */
#define DENSE(name, code, real, word, written)                                                                        \
    INLINED void name##_block(const code *from, int64_t size, real step, real shift, word *out) {                     \
        for (int64_t i = 0; i < size; i++) out[i] = (word)written(step * ((real)from[i] - shift));                    \
    }                                                                                                                 \
    FOR_EACH_PROCESSOR static void name(const code *codes, int64_t blocks, int64_t size, int64_t strip,               \
                                        const real *scale, const real *offset, word *out) {                           \
        for (int64_t b = 0; strip == 1 && b < blocks; b++) {                                                          \
            if (size == 32) name##_block(codes + b * 32, 32, scale[b], offset[b], out + b * 32);                      \
            else name##_block(codes + b * size, size, scale[b], offset[b], out + b * size);                           \
        }                                                                                                             \
        for (int64_t row = 0; strip > 1 && row < blocks / strip * size; row++) {                                      \
            const real *steps = scale + row / size * strip, *shifts = offset + row / size * strip;                    \
            const code *from = codes + row * strip;                                                                   \
            word *to = out + row * strip;                                                                             \
            for (int64_t i = 0; i < strip; i++) to[i] = (word)written(steps[i] * ((real)from[i] - shifts[i]));        \
        }                                                                                                             \
    }
#define DENSE_OF(code, sign)                                                                                          \
    DENSE(half_of_##sign, code, float, uint16_t, half_of_single)                                                      \
    DENSE(brain_of_##sign, code, float, uint16_t, brain_of_single)                                                    \
    DENSE(single_of_##sign, code, float, float, SAME)                                                                 \
    DENSE(twice_of_##sign, code, double, double, SAME)                                                                \
    static void dense_of_##sign(int kind, const code *codes, int64_t blocks, int64_t size, int64_t strip,             \
                                const void *scale, const void *offset, void *out) {                                   \
        switch (kind) {                                                                                               \
        case 2: half_of_##sign(codes, blocks, size, strip, scale, offset, out); break;                                       \
        case 3: brain_of_##sign(codes, blocks, size, strip, scale, offset, out); break;                                      \
        case 4: single_of_##sign(codes, blocks, size, strip, scale, offset, out); break;                                     \
        default: twice_of_##sign(codes, blocks, size, strip, scale, offset, out);                                            \
        }                                                                                                             \
    }

DENSE_OF(int8_t, signed)
DENSE_OF(uint8_t, unsigned)

void optc_dequantize(int kind, int has_sign, const uint8_t *codes, int64_t blocks, int64_t size, int64_t strip,
                     const void *scale, const void *offset, void *out) {
    if (has_sign) dense_of_signed(kind, (const int8_t *)codes, blocks, size, strip, scale, offset, out);
    else dense_of_unsigned(kind, codes, blocks, size, strip, scale, offset, out);
}
