/* Counting and assigning values: see histogram.py and palette.py. */
#include "kernels.h"

#include <math.h>
#include "floats.h"

enum { TOGETHER = 8 };

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

/* The codes that occur among 16 that begin at `first`, appended to `present`, from the last or from the first on: without
   branches, as which occur cannot be guessed. */
INLINED int64_t list_codes(const uint32_t *times, int32_t first, int backwards, uint16_t *present, int64_t found) {
    uint32_t some = 0;
    for (int32_t at = 0; at < 16; at++) some |= times[first + at];
    if (!some) return found;
    for (int32_t at = 0; at < 16; at++) {
        int32_t code = first + (backwards ? 15 - at : at);
        present[found] = (uint16_t)code;
        found += times[code] != 0;
    }
    return found;
}

int64_t optc_count_halves(int kind, const uint16_t *codes, int64_t n, uint32_t *times, uint16_t *present,
                          double *points, double *counts) {
    int64_t found = 0;
    for (int64_t i = 0; i < n; i++) times[codes[i]]++;
    times[0] += times[0x8000];
    times[0x8000] = 0;
    for (int32_t first = 0xfff0; first >= 0x8000; first -= 16) found = list_codes(times, first, 1, present, found);
    for (int32_t first = 0; first < 0x8000; first += 16) found = list_codes(times, first, 0, present, found);
    int32_t infinite = kind == 2 ? 0x7c00 : 0x7f80;
    int wrong = found && ((present[0] & 0x7fff) >= infinite || (present[found - 1] & 0x7fff) >= infinite);
    for (int64_t i = 0; i < found; i++) {
        uint16_t code = present[i];
        points[i] = kind == 2 ? (double)single_of_half(code) : (double)single_of_brain(code);
        counts[i] = (double)times[code];
        times[code] = 0;
    }
    return wrong ? -1 : found;
}

/* Sorted by 11, 11 and 10 bits of a number whose order is that of the floats. */
int64_t optc_count_singles(uint32_t *items, uint32_t *spare, int64_t n) {
    static const int SHIFTS[] = {0, 11, 22};
    int64_t places[3][1 << 11] = {{0}};
    for (int64_t i = 0; i < n; i++) {
        uint32_t bits = items[i] == 0x80000000 ? 0 : items[i];
        items[i] = bits = bits >> 31 ? ~bits : bits | 0x80000000;
        for (int digit = 0; digit < 3; digit++) places[digit][bits >> SHIFTS[digit] & 0x7ff]++;
    }
    for (int digit = 0; digit < 3; digit++) {
        int64_t before = 0;
        for (int value = 0; value < 1 << 11; value++) {
            int64_t count = places[digit][value];
            places[digit][value] = before;
            before += count;
        }
        for (int64_t i = 0; i < n; i++) spare[places[digit][items[i] >> SHIFTS[digit] & 0x7ff]++] = items[i];
        uint32_t *held = items;
        items = spare;
        spare = held;
    }
    int64_t found = 0; /* after three exchanges, the sorted items lie in what was `spare` */
    for (int64_t i = 0; i < n;) {
        int64_t next = i + 1;
        while (next < n && items[next] == items[i]) next++;
        uint32_t bits = items[i];
        items[found] = (uint32_t)(next - i);
        spare[found++] = bits >> 31 ? bits & 0x7fffffff : ~bits;
        i = next;
    }
    return found;
}

/* `borders` has 2**steps - 1 items, padded with infinity; `entry` has an item for each place between them. Many items take
   each step together, so that none waits for its own last one. */
#define ASSIGN(name, type, not_finite, value)                                                                          \
    INLINED int name(const type *items, int64_t n, const double *borders, int steps, const uint8_t *entry,             \
                     uint8_t *out) {                                                                                   \
        int wrong = 0;                                                                                                 \
        for (int64_t i = 0; i < n; i += TOGETHER) {                                                                    \
            int64_t count = n - i < TOGETHER ? n - i : TOGETHER;                                                       \
            double x[TOGETHER] = {0};                                                                                  \
            int64_t place[TOGETHER] = {0};                                                                             \
            for (int64_t l = 0; l < count; l++) {                                                                      \
                type item = items[i + l];                                                                              \
                wrong |= (not_finite);                                                                                 \
                x[l] = (value);                                                                                        \
            }                                                                                                          \
            for (int64_t step = 1 << steps >> 1; step; step >>= 1)                                                     \
                for (int l = 0; l < TOGETHER; l++) place[l] += borders[place[l] + step - 1] < x[l] ? step : 0;         \
            for (int64_t l = 0; l < count; l++) out[i + l] = entry[place[l]];                                          \
        }                                                                                                              \
        return !wrong;                                                                                                 \
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
