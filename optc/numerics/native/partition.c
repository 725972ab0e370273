/* The best split of points on a line into k runs: see partition.py, which this follows operation by operation, so that
   both give the same bits. No operation may be fused or reordered: compile without -ffast-math, with -ffp-contract=off.
*/
#include "floats.h"
#include "kernels.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double FOR_NORMAL = 5.441398092702653;
static const double EPSILON = 2.220446049250313e-16;
enum { CUBIC_STEPS = 6, ROUGH_STEPS = 8, CELLS_PER_RUN = 16, LEAST_CELLS = 256 };

typedef struct {
    int64_t count; /* positions are 0 to count, both included */
    double *mass, *first, *first_rest, *second, *second_rest;
    double pivot;
    const rounding_t *rounding;
} sums_t;

typedef struct {
    int64_t runs;
    double penalty, cost;
    int64_t *bounds; /* runs + 1 positions, or NULL for the two splits that need no search */
} split_t;

typedef struct {
    double *least, *at_start, penalty; /* the first and the last as the last penalised split left them */
    int64_t *previous, *candidate, *start;
} work_t;

/* Adding this number, and taking it away again, rounds one below 2**51 to a whole number: half to even, as rint does. */
static const double WHOLE = 6755399441055744.0;

/* How centres are rounded: not at all; to floats of few bits, without a branch; or in another way. */
enum { EXACT, FLOATS, OTHERS };
enum { LANES = 4 }; /* how many costs are worked out together */

INLINED double nearest_float(const rounding_t *rounding, double centre) {
    double unit = rounding->step; /* or a power of two, found by its bits */
    int64_t exponent = (int64_t)(bits_of_double(centre) >> 52 & 0x7ff) + 1 - rounding->precision;
    double own = double_of_bits((uint64_t)(exponent > 0 ? exponent : 0) << 52);
    double far = WHOLE * (own > unit ? own : unit);
    return (centre + far) - far;
}

static double nearest_other(const rounding_t *rounding, double centre) {
    double unit = rounding->step;
    if (rounding->precision) {
        int exponent;
        frexp(centre, &exponent);
        unit = ldexp(1.0, exponent - rounding->precision);
        if (unit < rounding->step) unit = rounding->step;
        return rint(centre / unit) * unit;
    }
    double code = centre / unit;
    if (code < rounding->low) code = rounding->low;
    if (code > rounding->high) code = rounding->high;
    return ((code + WHOLE) - WHOLE) * unit;
}

static int kind_of(const rounding_t *rounding) {
    if (!rounding) return EXACT;
    return rounding->precision && rounding->precision <= 50 ? FLOATS : OTHERS;
}

static double rounded(const rounding_t *rounding, double centre) {
    return kind_of(rounding) == FLOATS ? nearest_float(rounding, centre) : nearest_other(rounding, centre);
}

INLINED double cost_of(const sums_t *s, int kind, int64_t i, int64_t j) {
    double mass = s->mass[j] - s->mass[i];
    double first = (s->first[j] - s->first[i]) + (s->first_rest[j] - s->first_rest[i]);
    double second = (s->second[j] - s->second[i]) + (s->second_rest[j] - s->second_rest[i]);
    double mean = first / mass;
    double cost = second - first * mean;
    cost = cost < 0.0 ? 0.0 : cost;
    if (kind != EXACT) {
        double centre = s->pivot + mean;
        double near = kind == FLOATS ? nearest_float(s->rounding, centre) : nearest_other(s->rounding, centre);
        double error = centre - near;
        cost = cost + mass * error * error;
    }
    return cost;
}

static double run_cost(const sums_t *s, int64_t i, int64_t j) {
    switch (kind_of(s->rounding)) {
    case EXACT: return cost_of(s, EXACT, i, j);
    case FLOATS: return cost_of(s, FLOATS, i, j);
    default: return cost_of(s, OTHERS, i, j);
    }
}

/* The arrays of `s` are padded. */
INLINED double penalised_by(const sums_t *s, int kind, double penalty, work_t *w) {
    double *least = w->least, *at_start = w->at_start; /* the latter: the cost through a candidate at its start */
    int64_t *candidate = w->candidate, *start = w->start, n = s->count;
    int64_t head = 0, tail = 1; /* all candidates but the first start at positions to come */
    w->penalty = penalty;
    least[0] = 0.0;
    candidate[0] = 0;
    start[0] = 1;
#define THROUGH(i, j) (least[i] + cost_of(s, kind, i, j))
    for (int64_t j = 1; j <= n; j++) {
        head += head + 1 < tail && start[head + 1] == j;
        int64_t best = candidate[head];
        least[j] = THROUGH(best, j) + penalty;
        w->previous[j] = best;
        if (j == n) break;
        int64_t low = j + 1, high = n + 1; /* the older is as good at `low`, the newer better at `high` */
        double there = NAN;                /* the newer's cost at `high` */
        while (tail - 1 > head) {
            low = start[tail - 1];
            double own = THROUGH(j, low);
            if (!(own < at_start[tail - 1])) break;
            high = low;
            there = own;
            tail--;
        }
        if (tail - 1 == head) {
            low = j + 1;
            if (THROUGH(j, low) < THROUGH(best, low)) {
                candidate[head] = j;
                start[head] = low;
                continue;
            }
        }
        int64_t other = candidate[tail - 1], step = 0, older = 1;
        double own[LANES], old[LANES]; /* most often the newer takes over soon after the last takeover */
#pragma GCC unroll 1
        for (int64_t t = 0; t < LANES; t++) own[t] = THROUGH(j, low + 1 + t);
#pragma GCC unroll 1
        for (int64_t t = 0; t < LANES; t++) old[t] = THROUGH(other, low + 1 + t);
        for (int64_t t = 0; t < LANES; t++) /* a count without a branch */
            step += older &= !(own[t] < old[t]);
        if (step < LANES) {
            if (low + 1 + step < high) {
                high = low + 1 + step;
                there = own[step];
            }
        } else if (low + LANES < high) {
            low += LANES;
            double one;
#define TAKES_OVER(position) ((one = THROUGH(j, position)) < THROUGH(other, position))
            for (int64_t reach = 1; low + reach < high; reach *= 2) {
                if (TAKES_OVER(low + reach)) {
                    high = low + reach;
                    there = one;
                    break;
                }
                low += reach;
            }
            while (high - low > 1) {
                int64_t middle = low + (high - low) / 2;
                if (TAKES_OVER(middle)) {
                    high = middle;
                    there = one;
                } else
                    low = middle;
            }
#undef TAKES_OVER
        }
        if (high <= n) {
            candidate[tail] = j;
            at_start[tail] = there;
            start[tail++] = high;
        }
    }
#undef THROUGH
    return least[n];
}

FOR_EACH_PROCESSOR static double penalised(const sums_t *s, double penalty, work_t *w) {
    switch (kind_of(s->rounding)) {
    case EXACT: return penalised_by(s, EXACT, penalty, w);
    case FLOATS: return penalised_by(s, FLOATS, penalty, w);
    default: return penalised_by(s, OTHERS, penalty, w);
    }
}

static int read_split(const sums_t *s, const work_t *w, double penalty, split_t *out) {
    int64_t runs = 0;
    for (int64_t j = s->count; j > 0; j = w->previous[j]) runs++;
    out->bounds = malloc((size_t)(runs + 1) * sizeof(int64_t));
    if (!out->bounds) return -1;
    int64_t at = s->count;
    for (int64_t t = runs; t >= 0; t--) {
        out->bounds[t] = at;
        if (t) at = w->previous[at];
    }
    out->runs = runs;
    out->penalty = penalty;
    out->cost = 0.0;
    for (int64_t t = 0; t < runs; t++) out->cost += run_cost(s, out->bounds[t], out->bounds[t + 1]);
    return 0;
}

static int64_t bound(const split_t *split, int64_t t, int64_t count) {
    if (split->bounds) return split->bounds[t];
    return split->runs == 1 ? (t ? count : 0) : t;
}

static void splice(const split_t *few, const split_t *many, int64_t k, int64_t count, int64_t *bounds) {
    int64_t more = k - few->runs, j = 1;
    while (bound(many, j + more, count) > bound(few, j, count)) j++;
    for (int64_t t = 0; t < j + more; t++) bounds[t] = bound(many, t, count);
    for (int64_t t = j; t <= few->runs; t++) bounds[t + more] = bound(few, t, count);
}

static double cost_of_singles(const sums_t *s) {
    double cost = 0.0;
    for (int64_t i = 0; s->rounding && i < s->count; i++) cost += run_cost(s, i, i + 1);
    return cost;
}

/* Fills `bounds` (unless rough) and `*penalty`; `*dual` is the lower bound. -1 without memory. */
static int search(const sums_t *s, int64_t k, double *penalty, int rough, work_t *w, int64_t *bounds, double *dual) {
    int64_t n = s->count;
    split_t few = {1, INFINITY, run_cost(s, 0, n), NULL}, many = {n, 0.0, 0.0, NULL}, found;
    double size = (double)k, lambda = *penalty;
    if (!(lambda > 0.0)) lambda = FOR_NORMAL * few.cost / (size * size * size);
    int chord = 0, failed = 0;
    for (int64_t step = 0;; step++) {
        double lagrangian = penalised(s, lambda, w);
        *dual = lagrangian - size * lambda;
        if (read_split(s, w, lambda, &found)) {
            failed = -1;
            break;
        }
        if (found.runs == k || (rough && step == ROUGH_STEPS)) {
            if (!rough) memcpy(bounds, found.bounds, (size_t)(k + 1) * sizeof(int64_t));
            free(found.bounds);
            break;
        }
        int64_t runs = found.runs;
        int stuck = chord && (!(few.runs < runs && runs < many.runs) ||
                              !(found.cost + lambda * (double)runs < few.cost + lambda * (double)few.runs));
        if (!stuck) {
            split_t *side = runs < k ? &few : &many;
            if (runs < k ? lambda < few.penalty : lambda > many.penalty) {
                free(side->bounds);
                *side = found;
            } else
                free(found.bounds);
            double ratio = (double)runs / size;
            double guess = lambda * ratio * ratio * ratio;
            if (step < CUBIC_STEPS && many.penalty < guess && guess < few.penalty) {
                chord = 0;
                lambda = guess;
            } else {
                chord = 1;
                if (!many.bounds) many.cost = cost_of_singles(s);
                lambda = (few.cost - many.cost) / (double)(many.runs - few.runs);
                stuck = !(many.penalty < lambda && lambda < few.penalty);
            }
        } else
            free(found.bounds);
        if (stuck) {
            if (!rough) splice(&few, &many, k, n, bounds);
            break;
        }
    }
    free(few.bounds);
    free(many.bounds);
    *penalty = lambda;
    return failed;
}

static double unit_of(double magnitude) {
    int exponent;
    frexp(magnitude, &exponent);
    double unit = ldexp(1.0, exponent - 51);
    return unit == 0.0 ? ldexp(1.0, -1074) : unit;
}

/* Fills the sums of both moments, side by side, as each addition waits for the one before it; the magnitude of the second. */
static double fill_moments(const double *points, const double *mass, const sums_t *s) {
    const int64_t n = s->count;
    double first = 0.0, second = 0.0;
    for (int64_t i = 0; i < n; i++) {
        double apart = points[i] - s->pivot, term = mass[i] * apart;
        s->first[i + 1] = term;
        s->second[i + 1] = term * apart;
        first += fabs(term);
        second += fabs(term * apart);
    }
    const double unit = unit_of(first), square = unit_of(second);
    double high = 0.0, low = 0.0, high_square = 0.0, low_square = 0.0;
    s->first[0] = s->first_rest[0] = s->second[0] = s->second_rest[0] = 0.0;
    for (int64_t i = 1; i <= n; i++) {
        double term = s->first[i], part = ((term / unit + WHOLE) - WHOLE) * unit;
        s->first[i] = high += part;
        s->first_rest[i] = low += term - part;
        term = s->second[i];
        part = ((term / square + WHOLE) - WHOLE) * square;
        s->second[i] = high_square += part;
        s->second_rest[i] = low_square += term - part;
    }
    return second;
}

/* Costs at positions beyond the last are worked out, and not used. */
static void pad(const sums_t *s) {
    double *const arrays[] = {s->mass, s->first, s->first_rest, s->second, s->second_rest};
    for (int a = 0; a < 5; a++) memset(arrays[a] + s->count + 1, 0, LANES * sizeof(double));
}

/* The points at which a coarse search may cut; the number of cells. */
static int64_t coarse_cells(const double *points, const double *mass, int64_t n, int64_t cells, double *measure,
                            int64_t *edges) {
    measure[0] = 0.0;
    for (int64_t i = 0; i + 1 < n; i++) measure[i + 1] = measure[i] + sqrt(mass[i] * (points[i + 1] - points[i]));
    double width = measure[n - 1] / (double)cells;
    int64_t count = 0, at = 0;
    edges[0] = 0;
    for (int64_t step = 1; step < cells; step++) {
        double limit = (double)step * width;
        while (at < n && measure[at] < limit) at++;
        if (at < n && at > edges[count]) edges[++count] = at;
    }
    edges[++count] = n;
    return count;
}

int optc_best_split(const double *points, const double *weights, int64_t n, int64_t k, const rounding_t *rounding,
                    int64_t *bounds, double *potentials, double *gap, double *used) {
    int64_t cells = CELLS_PER_RUN * k > LEAST_CELLS ? CELLS_PER_RUN * k : LEAST_CELLS;
    int coarse = 2 * cells < n, failed = -1;
    int64_t size = n + 1 + LANES, small = coarse ? cells + 1 + LANES : 0;
    double *memory = malloc((size_t)(9 * size + 5 * small) * sizeof(double));
    int64_t *places = malloc((size_t)(3 * (n + 1) + small) * sizeof(int64_t));
    if (!memory || !places) goto done;
    double *measure = memory, *mass = memory + size, *block = memory + 2 * size;
    sums_t s = {n, block, block + size, block + 2 * size, block + 3 * size, block + 4 * size, 0.0, rounding};
    work_t w = {block + 5 * size, block + 6 * size, 0.0, places, places + (n + 1), places + 2 * (n + 1)};

    double total = 0.0;
    for (int64_t i = 0; i < n; i++) total += weights[i];
    int exponent;
    frexp(total, &exponent);
    double unit = ldexp(1.0, exponent - 51), moment = 0.0;
    s.mass[0] = 0.0;
    for (int64_t i = 0; i < n; i++) {
        mass[i] = ((weights[i] / unit + WHOLE) - WHOLE) * unit;
        if (mass[i] < unit) mass[i] = unit;
        s.mass[i + 1] = s.mass[i] + mass[i];
        moment += mass[i] * (points[i] - points[0]);
    }
    s.pivot = points[0] + moment / s.mass[n];
    double spread = fill_moments(points, mass, &s);

    pad(&s);
    double penalty = 0.0, dual = 0.0;
    if (coarse) {
        double *at = memory + 9 * size;
        int64_t *edges = places + 3 * (n + 1);
        int64_t count = coarse_cells(points, mass, n, cells, measure, edges);
        sums_t grid = {count, at, at + small, at + 2 * small, at + 3 * small, at + 4 * small, s.pivot, rounding};
        for (int64_t c = 0; c <= count; c++) {
            grid.mass[c] = s.mass[edges[c]];
            grid.first[c] = s.first[edges[c]];
            grid.first_rest[c] = s.first_rest[edges[c]];
            grid.second[c] = s.second[edges[c]];
            grid.second_rest[c] = s.second_rest[edges[c]];
        }
        pad(&grid);
        if (count > k && search(&grid, k, &penalty, 1, &w, NULL, &dual)) goto done;
    }
    if (search(&s, k, &penalty, 0, &w, bounds, &dual)) goto done;
    double cost = 0.0;
    for (int64_t t = 0; t < k; t++) cost += run_cost(&s, bounds[t], bounds[t + 1]);
    double slack = EPSILON * (double)(32 + 8 * k) * (spread + dual + (double)k * penalty);
    *gap = (cost > dual ? cost - dual : 0.0) + slack;
    *used = w.penalty;
    memcpy(potentials, w.least, (size_t)(n + 1) * sizeof *potentials);
    failed = 0;
done:
    free(memory);
    free(places);
    return failed;
}

int64_t optc_centres(const double *points, const double *weights, const int64_t *bounds, int64_t k,
                     const rounding_t *rounding, double *centres, double *error) {
    int64_t n = bounds[k], found = 0;
    for (int64_t t = 0; t < k; t++) {
        double load = 0.0, first = 0.0, second = 0.0;
        for (int64_t i = bounds[t]; i < bounds[t + 1]; i++) load += weights[i];
        for (int64_t i = bounds[t]; i < bounds[t + 1]; i++) first += weights[i] * points[i];
        double mean = first / load;
        for (int64_t i = bounds[t]; i < bounds[t + 1]; i++) second += weights[i] * (points[i] - mean);
        mean += second / load;
        if (mean < points[bounds[t]]) mean = points[bounds[t]];
        if (mean > points[bounds[t + 1] - 1]) mean = points[bounds[t + 1] - 1];
        if (rounding) mean = rounded(rounding, mean);
        if (!rounding || !found || mean != centres[found - 1]) centres[found++] = mean;
    }
    double sum = 0.0;
    int64_t nearest = 0;
    for (int64_t i = 0; i < n; i++) {
        while (nearest + 1 < found && centres[nearest] / 2.0 + centres[nearest + 1] / 2.0 < points[i]) nearest++;
        double apart = points[i] - centres[nearest];
        sum += weights[i] * apart * apart;
    }
    *error = sum;
    return found;
}
