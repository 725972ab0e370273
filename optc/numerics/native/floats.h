/* Floats by their bits, in ways that compilers make vectors of. */
#ifndef OPTC_FLOATS_H
#define OPTC_FLOATS_H

#include <stdint.h>
#include <string.h>

#if defined(__x86_64__) && defined(__gnu_linux__) && defined(__GNUC__) && !defined(__clang__)
#define FOR_EACH_PROCESSOR __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define FOR_EACH_PROCESSOR
#endif
#if defined(_MSC_VER)
#define THREAD_LOCAL __declspec(thread)
#else
#define THREAD_LOCAL _Thread_local
#endif
#if defined(__GNUC__)
#define INLINED static inline __attribute__((always_inline))
#else
#define INLINED static inline
#endif

INLINED float single_of_bits(uint32_t bits) {
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

INLINED uint32_t bits_of_single(float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

INLINED double double_of_bits(uint64_t bits) {
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

INLINED uint64_t bits_of_double(double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

/* float16, subnormals included; infinities and NaN become finite, so that callers look for them first. */
INLINED float single_of_half(uint16_t code) {
    float magnitude = single_of_bits((uint32_t)(code & 0x7fff) << 13) * 0x1p112f;
    return single_of_bits(bits_of_single(magnitude) | (uint32_t)(code & 0x8000) << 16);
}

INLINED float single_of_brain(uint16_t code) { return single_of_bits((uint32_t)code << 16); }

/* The bits of a float rounded to nearest even at bit `cut`; of no use for infinities and NaN. */
INLINED uint32_t cut_single(uint32_t bits, int cut) {
    return (bits + (((uint32_t)1 << (cut - 1)) - 1) + ((bits >> cut) & 1)) & ~(((uint32_t)1 << cut) - 1);
}

/* The nearest float16 of a number that is not negative, infinite if it is too large: its bits. */
INLINED uint16_t half_of_double(double x) {
    if (!(x < 65520.0)) return 0x7c00;
    if (x < 0x1p-14) return (uint16_t)(bits_of_double(x + 0x1p28) - bits_of_double(0x1p28));
    uint64_t bits = bits_of_double(x);
    bits += (((uint64_t)1 << 41) - 1) + ((bits >> 42) & 1);
    return (uint16_t)((bits >> 42) - ((uint64_t)1008 << 10));
}

/* The nearest float16 and bfloat16, infinite if it is too large; not for NaN. */
INLINED uint16_t half_of_single(float x) {
    uint32_t bits = bits_of_single(x), sign = bits >> 16 & 0x8000, rest = bits & 0x7fffffff;
    uint32_t small = bits_of_single(single_of_bits(rest) + 0.5f) - bits_of_single(0.5f);
    uint32_t whole = (cut_single(rest, 13) >> 13) - (112u << 10);
    whole = whole > 0x7c00 ? 0x7c00 : whole;
    uint32_t tiny = (uint32_t)0 - (rest < 0x38800000); /* a mask: compilers would make a branch of a choice */
    return (uint16_t)((small & tiny) | (whole & ~tiny) | sign);
}

INLINED uint16_t brain_of_single(float x) { return (uint16_t)(cut_single(bits_of_single(x), 16) >> 16); }

/* The nearest bfloat16 by way of float, as NumPy's cast goes. */
INLINED uint16_t brain_of_double(double x) {
    return brain_of_single((float)x);
}

INLINED uint32_t single_of_double(double x) { return bits_of_single((float)x); }

/* A float of a kind (2 float16, 3 bfloat16, 4 float32, 8 float64) as a number, and the nearest to a number that is not
   negative, as bits. */
INLINED double number_of_code(int kind, uint64_t code) {
    switch (kind) {
    case 2: return (double)single_of_half((uint16_t)code);
    case 3: return (double)single_of_brain((uint16_t)code);
    case 4: return (double)single_of_bits((uint32_t)code);
    default: return double_of_bits(code);
    }
}

INLINED uint64_t code_of_number(int kind, double number) {
    switch (kind) {
    case 2: return half_of_double(number);
    case 3: return brain_of_double(number);
    case 4: return single_of_double(number);
    default: return bits_of_double(number);
    }
}

INLINED int64_t first_infinite(int kind) {
    return kind == 2 ? 0x7c00 : kind == 3 ? 0x7f80 : kind == 4 ? 0x7f800000 : 0x7ff0000000000000;
}

#endif
