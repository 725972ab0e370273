/* Streams of values of 1 to 8 bits, least significant bit first: see packing.py. */
#include "floats.h"
#include "kernels.h"

/* Eight values make `bits` whole bytes. */
#define PACK(bits)                                                                                                     \
    case bits:                                                                                                         \
        for (int64_t g = 0; g < n / 8; g++) {                                                                          \
            uint64_t word = 0;                                                                                         \
            for (int l = 0; l < 8; l++) word |= (uint64_t)(values[8 * g + l] & ((1u << bits) - 1)) << (bits * l);      \
            for (int b = 0; b < bits; b++) out[bits * g + b] = (uint8_t)(word >> 8 * b);                               \
        }                                                                                                              \
        break;

#define UNPACK(bits)                                                                                                   \
    case bits:                                                                                                         \
        for (int64_t g = 0; g < n / 8; g++) {                                                                          \
            uint64_t word = 0;                                                                                         \
            for (int b = 0; b < bits; b++) word |= (uint64_t)data[bits * g + b] << 8 * b;                              \
            for (int l = 0; l < 8; l++) out[8 * g + l] = (uint8_t)(word >> (bits * l) & ((1u << bits) - 1));           \
        }                                                                                                              \
        break;

FOR_EACH_PROCESSOR void optc_pack(const uint8_t *values, int64_t n, int bits, uint8_t *out) {
    switch (bits) {
        PACK(1) PACK(2) PACK(3) PACK(4) PACK(5) PACK(6) PACK(7) PACK(8)
    }
    if (n % 8) { /* the last values, and zeros */
        uint8_t rest[8] = {0}, bytes[8];
        for (int64_t l = 0; l < n % 8; l++) rest[l] = values[n / 8 * 8 + l];
        optc_pack(rest, 8, bits, bytes);
        for (int64_t b = 0; b < (n % 8 * bits + 7) / 8; b++) out[n / 8 * bits + b] = bytes[b];
    }
}

FOR_EACH_PROCESSOR void optc_unpack(const uint8_t *data, int64_t n, int bits, int has_sign, uint8_t *out) {
    switch (bits) {
        UNPACK(1) UNPACK(2) UNPACK(3) UNPACK(4) UNPACK(5) UNPACK(6) UNPACK(7) UNPACK(8)
    }
    if (n % 8) {
        uint8_t bytes[8] = {0}, rest[8];
        for (int64_t b = 0; b < (n % 8 * bits + 7) / 8; b++) bytes[b] = data[n / 8 * bits + b];
        optc_unpack(bytes, 8, bits, 0, rest);
        for (int64_t l = 0; l < n % 8; l++) out[n / 8 * 8 + l] = rest[l];
    }
    uint8_t sign = (uint8_t)(1u << (bits - 1));
    if (has_sign)
        for (int64_t i = 0; i < n; i++) out[i] = (uint8_t)((out[i] ^ sign) - sign);
}
