/* The scale (and offset) of least squared error for each block: see scale_search.py. */
#include "kernels.h"

#include <math.h>
#include <stdlib.h>

#include "floats.h"

enum { LANES = 8, STACK = 512, TRIES = 24, MOST_EVENTS = 1 << 16, ALL_OFFSETS = 15 };

/* Magnitudes, in units of a power of two near the largest: of `up` items that are positive, then of those that are
   negative (or of all, where the codes are symmetric). Each kind is padded with zeros to whole lanes. */
typedef struct {
    double *a, *w;
    int64_t up, n, items;
} block_t;

/* Scales with codes (bits as an integer) from `low` to `high`, offsets from `first` to `last`. */
typedef struct {
    int64_t low, high, first, last;
} node_t;

typedef struct {
    int64_t scale, offset;
    double error;
} choice_t;

typedef struct {
    double at, load, step;
} event_t;

typedef struct {
    int kind, low, high;
    double unit; /* what the magnitudes are multiples of */
    block_t block;
    choice_t best;
    event_t *events, *spare;
} search_t;

static double value_of(const search_t *search, int64_t code) {
    return number_of_code(search->kind, (uint64_t)code) / search->unit;
}

static int64_t code_of(const search_t *search, double value) {
    return (int64_t)code_of_number(search->kind, value * search->unit);
}

/* Sums over the items, one of each for each lane. With `d` what is left of an item when its code times `s` is taken
   away: */
typedef struct {
    double error[LANES];  /* d d, of all items */
    double kept[LANES];   /* d d, code d and code code of those whose code is the same at all scales of the node */
    double slope[LANES];
    double square[LANES];
    double rest[LANES];   /* of the others, the square of what they are apart at least from any code at any scale */
    double others[LANES]; /* how many these are */
} sums_t;

/* Of the scales not below `least` and not farther from `s` than `reach`. No multiple k s' of one is farther than
   k `reach` from k s, and a code stays the nearest while that does not take it farther off than half a scale. */
#define MEASURE(name, load)                                                                                           \
    INLINED void name(const double *a, const double *w, int64_t n, double cap, double s, double least, double reach,  \
                      sums_t *into) {                                                                                 \
        const double per = 1.0 / s, most = 1.0 / least, half = 0.5 * least;                                           \
        sums_t sums = *into;                                                                                          \
        (void)w;                                                                                                      \
        for (int64_t i = 0; i < n; i += LANES)                                                                        \
            for (int l = 0; l < LANES; l++) {                                                                         \
                double x = a[i + l], by = load, k = x * per, far = x * most + 0.5;                                    \
                k = k < cap ? k : cap;                                                                                \
                k = (k + 0x1.8p52) - 0x1.8p52;                                                                        \
                far = far < cap ? far : cap;                                                                          \
                double d = x - k * s, apart = fabs(d), off = k < cap ? apart : -d, rest = apart - far * reach;        \
                double other = off + k * reach < half ? 0.0 : 1.0, same = by * (1.0 - other);                         \
                rest = rest > 0.0 ? rest : 0.0;                                                                       \
                sums.error[l] += by * (d * d);                                                                        \
                sums.kept[l] += same * (d * d);                                                                       \
                sums.slope[l] += same * (k * d);                                                                      \
                sums.square[l] += same * (k * k);                                                                     \
                sums.rest[l] += (by * other) * (rest * rest);                                                         \
                sums.others[l] += other;                                                                              \
            }                                                                                                         \
        *into = sums;                                                                                                 \
    }

MEASURE(measure_plain, 1.0)
MEASURE(measure_weighted, w[i + l])

FOR_EACH_PROCESSOR static void measure_part(const double *a, const double *w, int64_t n, double cap, double s,
                                            double least, double reach, sums_t *sums) {
    if (w) measure_weighted(a, w, n, cap, s, least, reach, sums);
    else measure_plain(a, w, n, cap, s, least, reach, sums);
}

static double added(double *lane) {
    for (int half = LANES / 2; half; half /= 2)
        for (int l = 0; l < half; l++) lane[l] += lane[l + half];
    return lane[0];
}

/* The error at `s`, and a bound of what it is around it, with the codes that any offset from `first` to `last` allows;
   and how many of them may change. */
static double measure(const search_t *search, double s, double least, double reach, int64_t first, int64_t last,
                      double *bound, double *others) {
    const block_t *block = &search->block;
    sums_t sums = {0};
    const double *w = block->w;
    measure_part(block->a, w, block->up, (double)(search->high - first), s, least, reach, &sums);
    measure_part(block->a + block->up, w ? w + block->up : w, block->n - block->up, (double)(last - search->low), s,
                 least, reach, &sums);
    double slope = added(sums.slope), square = added(sums.square), step = square > 0.0 ? slope / square : 0.0;
    step = step > reach ? reach : step < -reach ? -reach : step;
    *bound = added(sums.kept) - step * (2.0 * slope - step * square) + added(sums.rest);
    *others = added(sums.others);
    return added(sums.error);
}

static void offer(search_t *search, int64_t scale, int64_t offset, double error) {
    if (error < search->best.error) search->best = (choice_t){scale, offset, error};
}

static void attempt(search_t *search, int64_t scale, int64_t offset) {
    double s = value_of(search, scale), bound, others;
    offer(search, scale, offset, measure(search, s, s, 0.0, offset, offset, &bound, &others));
}

static double nearest_code(double x, double per, double cap) {
    double k = x * per;
    k = k < cap ? k : cap;
    return (k + 0x1.8p52) - 0x1.8p52;
}

/* By falling scale; equal ones stay in order. */
static event_t *sorted(event_t *events, event_t *spare, int64_t n) {
    for (int64_t run = 1; run < n; run *= 2) {
        for (int64_t start = 0; start < n; start += 2 * run) {
            int64_t middle = start + run < n ? start + run : n, end = start + 2 * run < n ? start + 2 * run : n;
            int64_t i = start, j = middle;
            for (int64_t at = start; at < end; at++)
                spare[at] = j >= end || (i < middle && events[i].at >= events[j].at) ? events[i++] : events[j++];
        }
        event_t *kept = events;
        events = spare;
        spare = kept;
    }
    return events;
}

static int64_t most_events(const search_t *search) {
    int64_t some = search->block.items / 32 + 16;
    return some < MOST_EVENTS ? some : MOST_EVENTS;
}

/* Tries the best scale of all that lie where codes change few times; 0 if they change too often to say. */
static int sweep(search_t *search, double least, double most, int64_t offset) {
    const block_t *block = &search->block;
    const double per = 1.0 / most, end = 1.0 / least;
    const int64_t limit = most_events(search);
    double products[LANES] = {0}, squares[LANES] = {0};
    int64_t count = 0;
    for (int64_t i = 0; i < block->n; i++) {
        double cap = (double)(i < block->up ? search->high - offset : offset - search->low), x = block->a[i];
        double k = nearest_code(x, per, cap), last = nearest_code(x, end, cap), by = block->w ? block->w[i] : 1.0;
        products[i % LANES] += by * (k * x);
        squares[i % LANES] += by * (k * k);
        if (last - k > (double)(limit - count)) return 0;
        for (; k < last; k++) search->events[count++] = (event_t){x / (k + 0.5), by * x, by * (2.0 * k + 1.0)};
    }
    event_t *events = sorted(search->events, search->spare, count);
    double product = added(products), square = added(squares);
    double score = square > 0.0 ? product * product / square : 0.0, found = square > 0.0 ? product / square : 0.0;
    for (int64_t e = 0; e < count; e++) {
        product += events[e].load;
        square += events[e].step;
        double now = square > 0.0 ? product * product / square : 0.0;
        if (now > score) score = now, found = product / square;
    }
    int64_t code = code_of(search, found);
    if (found > 0.0 && code > 0 && code < first_infinite(search->kind)) attempt(search, code, offset);
    return 1;
}

/* Looks at the middle of a node, and adds what is left to look at to the stack. */
static int64_t look(search_t *search, const node_t node, node_t *stack, int64_t depth) {
    int64_t middle = node.low + (node.high - node.low) / 2;
    double least = value_of(search, node.low), s = value_of(search, middle), most = value_of(search, node.high);
    double reach = most - s > s - least ? most - s : s - least, bound, others;
    double error = measure(search, s, least, reach, node.first, node.last, &bound, &others);
    if (node.first == node.last) offer(search, middle, node.first, error);
    if (bound >= search->best.error) return depth;
    if (node.first < node.last) {
        int64_t split = node.first + (node.last - node.first) / 2;
        if (node.low == node.high ||
            (double)(node.last - node.first) * s > (most - least) * (search->high - search->low) / 2.0) {
            stack[depth++] = (node_t){node.low, node.high, node.first, split};
            stack[depth++] = (node_t){node.low, node.high, split + 1, node.last};
        } else {
            stack[depth++] = (node_t){node.low, middle, node.first, node.last};
            stack[depth++] = (node_t){middle + 1, node.high, node.first, node.last};
        }
        return depth;
    }
    int few = search->kind >= 4 && node.low < node.high && others <= (double)most_events(search);
    if (few && sweep(search, least, most, node.first)) return depth;
    if (node.low < middle) stack[depth++] = (node_t){node.low, middle - 1, node.first, node.last};
    if (middle < node.high) stack[depth++] = (node_t){middle + 1, node.high, node.first, node.last};
    return depth;
}

/* Finds what is better than `search->best` of all scales, with offsets from `first` to `last`. */
static void find(search_t *search, int64_t first, int64_t last) {
    node_t stack[STACK];
    const int64_t start = search->best.scale, cut = code_of(search, value_of(search, start) / 16.0);
    int64_t low = code_of(search, 0x1p-1000), high = code_of(search, 4.0), depth = 0;
    low = low > 1 ? low : 1;
    high = high < first_infinite(search->kind) ? high : first_infinite(search->kind) - 1;
    const int64_t cuts[] = {low - 1, cut, start, high};
    for (int i = 0; i < 3; i++)
        if (low - 1 <= cuts[i] && cuts[i] < cuts[i + 1] && cuts[i + 1] <= high)
            stack[depth++] = (node_t){cuts[i] + 1, cuts[i + 1], first, last};
    while (depth) {
        depth--;
        depth = look(search, stack[depth], stack, depth);
    }
}

/* Better scales for the offset, and better offsets for the scale (in which the error is convex), in turns. */
static void descend(search_t *search) {
    double before;
    do {
        before = search->best.error;
        find(search, search->best.offset, search->best.offset);
        for (int64_t by = -1; by <= 1; by += 2) {
            int64_t next;
            do {
                next = search->best.offset + by;
                if (search->low <= next && next <= search->high) attempt(search, search->best.scale, next);
            } while (search->best.offset == next);
        }
    } while (search->best.error < before);
}

/* From the min-max choice, some smaller scales, so that there is something good to compare with. */
static void start(search_t *search) {
    const choice_t given = search->best;
    search->best.error = INFINITY;
    attempt(search, given.scale, given.offset);
    for (int j = 1; j <= TRIES; j++) {
        int64_t code = code_of(search, value_of(search, given.scale) * (1.0 - j / 32.0));
        if (code > 0) attempt(search, code, given.offset);
    }
}

/* Puts the items that are positive (`sign` 1), negative (-1) or not 0 (0) behind those that are there. */
static void gather(block_t *block, const double *x, const double *w, int64_t size, int sign, double unit) {
    for (int64_t i = 0; i < size; i++) {
        if (sign ? sign * x[i] <= 0.0 : x[i] == 0.0) continue;
        if (block->w) block->w[block->n] = w[i];
        block->a[block->n++] = fabs(x[i]) / unit;
        block->items++;
    }
    for (; block->n % LANES; block->n++) {
        block->a[block->n] = 0.0;
        if (block->w) block->w[block->n] = 0.0;
    }
}

static void search_block(search_t *search, const double *x, const double *w, int64_t size, int symmetric) {
    double most = 0.0;
    int power;
    for (int64_t i = 0; i < size; i++) most = fabs(x[i]) > most ? fabs(x[i]) : most;
    if (most == 0.0) return;
    frexp(most, &power);
    search->unit = ldexp(1.0, power > -1000 ? power - 1 : -1000);
    search->block.n = search->block.items = 0;
    gather(&search->block, x, w, size, symmetric ? 0 : 1, search->unit);
    search->block.up = search->block.n;
    if (!symmetric) gather(&search->block, x, w, size, -1, search->unit);
    start(search);
    if (symmetric) find(search, search->best.offset, search->best.offset);
    else if (search->high - search->low <= ALL_OFFSETS) find(search, search->low, search->high);
    else descend(search);
}

int optc_search_scales(int kind, const double *x, const double *w, int64_t blocks, int64_t size, int low, int high,
                       int symmetric, double *scale, int64_t *offset) {
    search_t search = {.kind = kind, .low = low, .high = high};
    const int64_t room = size + 2 * LANES, events = kind < 4 ? 1 : MOST_EVENTS;
    search.block.a = malloc((size_t)room * sizeof(double));
    search.block.w = w ? malloc((size_t)room * sizeof(double)) : NULL;
    search.events = malloc((size_t)events * sizeof(event_t));
    search.spare = malloc((size_t)events * sizeof(event_t));
    int failed = !search.block.a || (w && !search.block.w) || !search.events || !search.spare;
    for (int64_t b = 0; b < blocks && !failed; b++) {
        search.best = (choice_t){(int64_t)code_of_number(kind, scale[b]), offset[b], 0.0};
        search_block(&search, x + b * size, w ? w + b * size : NULL, size, symmetric);
        scale[b] = number_of_code(kind, (uint64_t)search.best.scale);
        offset[b] = search.best.offset;
    }
    free(search.block.a);
    free(search.block.w);
    free(search.events);
    free(search.spare);
    return failed;
}
