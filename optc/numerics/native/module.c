/* The Python module: checks what it is given, and lets other threads run while a kernel works. */
#include "arrays.h"
#include "floats.h"
#include "kernels.h"

static PyObject *best_split(PyObject *self, PyObject *args) {
    PyObject *points, *weights, *rounding, *bounds, *potentials;
    Py_ssize_t k, n = 0;
    rounding_t grid;
    const double *x, *w;
    double *least;
    int64_t *out;
    taken_t taken = {.count = 0};
    (void)self;
    if (!PyArg_ParseTuple(args, "OOnOOO", &points, &weights, &k, &rounding, &bounds, &potentials)) return NULL;
    if (rounding != Py_None && !PyArg_ParseTuple(rounding, "iddd", &grid.precision, &grid.step, &grid.low, &grid.high))
        return NULL;
    if (!(x = hold(&taken, points, 8, -1, 0))) return release(&taken, NULL);
    n = items(&taken);
    if (k < 1 || k > n) return refuse(&taken, "kernel: k must be from 1 to the number of points");
    if (!(w = hold(&taken, weights, 8, n, 0)) || !(out = hold(&taken, bounds, 8, k + 1, 1)) ||
        !(least = hold(&taken, potentials, 8, n + 1, 1)))
        return release(&taken, NULL);
    double gap = 0.0, used = 0.0;
    int failed;
    Py_BEGIN_ALLOW_THREADS
    failed = optc_best_split(x, w, n, k, rounding == Py_None ? NULL : &grid, out, least, &gap, &used);
    Py_END_ALLOW_THREADS
    return release(&taken, failed ? PyErr_NoMemory() : Py_BuildValue("dd", gap, used));
}

static PyObject *centres(PyObject *self, PyObject *args) {
    PyObject *points, *weights, *bounds, *rounding, *out;
    rounding_t grid;
    const double *x, *w;
    const int64_t *ends;
    double *c, error = 0.0;
    int64_t found;
    taken_t taken = {.count = 0};
    (void)self;
    if (!PyArg_ParseTuple(args, "OOOOO", &points, &weights, &bounds, &rounding, &out)) return NULL;
    if (rounding != Py_None && !PyArg_ParseTuple(rounding, "iddd", &grid.precision, &grid.step, &grid.low, &grid.high))
        return NULL;
    if (!(x = hold(&taken, points, 8, -1, 0))) return release(&taken, NULL);
    Py_ssize_t n = items(&taken);
    if (!(w = hold(&taken, weights, 8, n, 0)) || !(ends = hold(&taken, bounds, 8, -1, 0))) return release(&taken, NULL);
    Py_ssize_t k = items(&taken) - 1;
    if (!(c = hold(&taken, out, 8, k, 1))) return release(&taken, NULL);
    if (k < 1 || ends[0] != 0 || ends[k] != n) return refuse(&taken, "kernel: runs must hold all points");
    for (Py_ssize_t t = 0; t < k; t++)
        if (ends[t] >= ends[t + 1]) return refuse(&taken, "kernel: runs must not be empty");
    Py_BEGIN_ALLOW_THREADS
    found = optc_centres(x, w, ends, k, rounding == Py_None ? NULL : &grid, c, &error);
    Py_END_ALLOW_THREADS
    return release(&taken, Py_BuildValue("Ld", (long long)found, error));
}

/* Counts of one thread, all zero between calls, as clearing what was counted is quicker than fresh memory; and the codes
   that occur. */
static THREAD_LOCAL uint32_t TIMES[1 << 16];
static THREAD_LOCAL uint16_t PRESENT[(1 << 16) + 1];

static PyObject *count_halves(PyObject *self, PyObject *args) {
    PyObject *codes, *points, *counts;
    int kind;
    const uint16_t *x;
    double *places, *times;
    int64_t found;
    taken_t taken = {.count = 0};
    (void)self;
    if (!PyArg_ParseTuple(args, "iOOO", &kind, &codes, &points, &counts)) return NULL;
    if (!(x = hold(&taken, codes, 2, -1, 0))) return release(&taken, NULL);
    Py_ssize_t n = items(&taken), room = n < 1 << 16 ? n : 1 << 16;
    if ((uint64_t)n > UINT32_MAX) return refuse(&taken, "kernel: there must be less than 2**32 values");
    if (!(places = hold(&taken, points, 8, room, 1)) || !(times = hold(&taken, counts, 8, room, 1)))
        return release(&taken, NULL);
    Py_BEGIN_ALLOW_THREADS
    found = optc_count_halves(kind, x, n, TIMES, PRESENT, places, times);
    Py_END_ALLOW_THREADS
    return release(&taken, PyLong_FromLongLong(found));
}

static PyObject *count_codes(PyObject *self, PyObject *args) {
    PyObject *codes, *present, *counts;
    const uint16_t *x;
    uint16_t *places;
    int64_t *sizes, found;
    taken_t taken = {.count = 0};
    (void)self;
    if (!PyArg_ParseTuple(args, "OOO", &codes, &present, &counts)) return NULL;
    if (!(x = hold(&taken, codes, 2, -1, 0))) return release(&taken, NULL);
    Py_ssize_t n = items(&taken);
    if (!(places = hold(&taken, present, 2, 1 << 16, 1)) || !(sizes = hold(&taken, counts, 8, 1 << 16, 1)))
        return release(&taken, NULL);
    Py_BEGIN_ALLOW_THREADS
    found = optc_count_codes(x, n, places, sizes);
    Py_END_ALLOW_THREADS
    return release(&taken, PyLong_FromLongLong(found));
}

static PyObject *assign(PyObject *self, PyObject *args) {
    PyObject *values, *borders, *entry, *out;
    int kind, steps, finite;
    const void *x;
    const double *b;
    const uint8_t *e;
    uint8_t *y;
    taken_t taken = {.count = 0};
    (void)self;
    if (!PyArg_ParseTuple(args, "iOOiOO", &kind, &values, &borders, &steps, &entry, &out)) return NULL;
    if (steps < 0 || steps > 8 || (kind != 2 && kind != 3 && kind != 4 && kind != 8))
        return refuse(&taken, "kernel: steps must be from 0 to 8, and kind 2, 3, 4 or 8");
    Py_ssize_t places = (Py_ssize_t)1 << steps;
    if (!(x = hold(&taken, values, kind == 3 ? 2 : kind, -1, 0))) return release(&taken, NULL);
    Py_ssize_t n = items(&taken);
    if (!(b = hold(&taken, borders, 8, places - 1, 0)) || !(e = hold(&taken, entry, 1, places, 0)) ||
        !(y = hold(&taken, out, 1, n, 1)))
        return release(&taken, NULL);
    Py_BEGIN_ALLOW_THREADS
    finite = optc_assign(kind, x, n, b, steps, e, y);
    Py_END_ALLOW_THREADS
    return release(&taken, PyBool_FromLong(finite));
}

static int check_vectors(Py_ssize_t n, Py_ssize_t d, Py_ssize_t k) {
    return n >= 0 && d >= 1 && d <= 16 && k >= 1 && k <= 256;
}

static PyObject *nearest_vectors(PyObject *self, PyObject *args) {
    PyObject *vectors, *weights, *centres, *codes, *apart;
    Py_ssize_t n, d, k;
    const float *x, *w = NULL, *c;
    uint8_t *who;
    float *near;
    taken_t taken = {.count = 0};
    (void)self;
    if (!PyArg_ParseTuple(args, "OOnnnOOO", &vectors, &weights, &n, &d, &k, &centres, &codes, &apart))
        return NULL;
    if (!check_vectors(n, d, k)) return refuse(&taken, "kernel: vectors must have 1 to 16 components, centres be 1 to 256");
    if (!(x = hold(&taken, vectors, 4, n * d, 0)) ||
        (weights != Py_None && !(w = hold(&taken, weights, 4, n * d, 0))) ||
        !(c = hold(&taken, centres, 4, k * d, 0)) || !(who = hold(&taken, codes, 1, n, 1)) ||
        !(near = hold(&taken, apart, 4, n, 1)))
        return release(&taken, NULL);
    Py_BEGIN_ALLOW_THREADS
    optc_nearest_vectors(x, w, n, d, k, c, who, near);
    Py_END_ALLOW_THREADS
    return release(&taken, nothing());
}

static PyObject *add_vectors(PyObject *self, PyObject *args) {
    PyObject *vectors, *weights, *codes, *sums, *loads;
    Py_ssize_t n, d;
    const float *x, *w = NULL;
    const uint8_t *who;
    double *sum, *load;
    taken_t taken = {.count = 0};
    (void)self;
    if (!PyArg_ParseTuple(args, "OOnnOOO", &vectors, &weights, &n, &d, &codes, &sums, &loads)) return NULL;
    if (!check_vectors(n, d, 1)) return refuse(&taken, "kernel: vectors must have 1 to 16 components");
    if (!(x = hold(&taken, vectors, 4, n * d, 0)) ||
        (weights != Py_None && !(w = hold(&taken, weights, 4, n * d, 0))) ||
        !(who = hold(&taken, codes, 1, n, 0)) || !(sum = hold(&taken, sums, 8, 256 * d, 1)) ||
        !(load = hold(&taken, loads, 8, 256 * d, 1)))
        return release(&taken, NULL);
    Py_BEGIN_ALLOW_THREADS
    optc_add_vectors(x, w, n, d, who, sum, load);
    Py_END_ALLOW_THREADS
    return release(&taken, nothing());
}

static int is_kind(int kind) { return kind == 2 || kind == 3 || kind == 4 || kind == 8; }

static int check_blocks(int kind, Py_ssize_t size, int low, int high) {
    return is_kind(kind) && size >= 1 && low < high && ((-128 <= low && high <= 127) || (0 <= low && high <= 255));
}

static const char *const BAD_BLOCKS = "kernel: kind must be 2, 3, 4 or 8, a block have items, and codes be of 8 bits";

static PyObject *quantize(PyObject *self, PyObject *args) {
    PyObject *rows, *scales, *offsets, *codes;
    int kind, low, high, symmetric, finite;
    Py_ssize_t size;
    const void *x;
    void *scale;
    uint8_t *offset, *out;
    taken_t taken = {.count = 0};
    (void)self;
    if (!PyArg_ParseTuple(args, "iOniipOOO", &kind, &rows, &size, &low, &high, &symmetric, &scales, &offsets, &codes))
        return NULL;
    if (!check_blocks(kind, size, low, high)) return refuse(&taken, BAD_BLOCKS);
    const int item = kind == 3 ? 2 : kind;
    if (!(x = hold(&taken, rows, item, -1, 0))) return release(&taken, NULL);
    Py_ssize_t n = items(&taken), blocks = n / size;
    if (!(scale = hold(&taken, scales, item, blocks, 1)) || !(offset = hold(&taken, offsets, 1, blocks, 1)) ||
        !(out = hold(&taken, codes, 1, blocks * size, 1)))
        return release(&taken, NULL);
    Py_BEGIN_ALLOW_THREADS
    finite = optc_quantize(kind, x, blocks, size, low, high, symmetric, scale, offset, out);
    Py_END_ALLOW_THREADS
    return release(&taken, PyBool_FromLong(finite));
}

static PyObject *encode(PyObject *self, PyObject *args) {
    PyObject *rows, *scales, *offsets, *codes;
    int kind, low, high;
    Py_ssize_t size;
    const void *x, *scale;
    const uint8_t *offset;
    uint8_t *out;
    taken_t taken = {.count = 0};
    (void)self;
    if (!PyArg_ParseTuple(args, "iOniiOOO", &kind, &rows, &size, &low, &high, &scales, &offsets, &codes)) return NULL;
    if (!check_blocks(kind, size, low, high)) return refuse(&taken, BAD_BLOCKS);
    const int item = kind == 3 ? 2 : kind;
    if (!(x = hold(&taken, rows, item, -1, 0))) return release(&taken, NULL);
    Py_ssize_t n = items(&taken), blocks = n / size;
    if (!(scale = hold(&taken, scales, item, blocks, 0)) || !(offset = hold(&taken, offsets, 1, blocks, 0)) ||
        !(out = hold(&taken, codes, 1, blocks * size, 1)))
        return release(&taken, NULL);
    Py_BEGIN_ALLOW_THREADS
    optc_encode(kind, x, blocks, size, low, high, scale, offset, out);
    Py_END_ALLOW_THREADS
    return release(&taken, nothing());
}

static PyObject *dequantize(PyObject *self, PyObject *args) {
    PyObject *codes, *scales, *offsets, *dense;
    int kind, has_sign;
    Py_ssize_t size, strip;
    const uint8_t *x;
    const void *scale, *offset;
    void *out;
    taken_t taken = {.count = 0};
    (void)self;
    if (!PyArg_ParseTuple(args, "ipOnnOOO", &kind, &has_sign, &codes, &size, &strip, &scales, &offsets, &dense))
        return NULL;
    if (!check_blocks(kind, size, 0, 1) || strip < 1) return refuse(&taken, BAD_BLOCKS);
    const int item = kind == 3 ? 2 : kind, work = kind == 8 ? 8 : 4;
    if (!(x = hold(&taken, codes, 1, -1, 0))) return release(&taken, NULL);
    Py_ssize_t n = items(&taken), blocks = n / size / strip * strip;
    if (!(scale = hold(&taken, scales, work, blocks, 0)) || !(offset = hold(&taken, offsets, work, blocks, 0)) ||
        !(out = hold(&taken, dense, item, blocks * size, 1)))
        return release(&taken, NULL);
    Py_BEGIN_ALLOW_THREADS
    optc_dequantize(kind, has_sign, x, blocks, size, strip, scale, offset, out);
    Py_END_ALLOW_THREADS
    return release(&taken, nothing());
}

static PyObject *search_scales(PyObject *self, PyObject *args) {
    PyObject *rows, *weights, *scales, *offsets;
    int kind, low, high, symmetric, failed;
    Py_ssize_t size;
    const double *x, *w = NULL;
    double *scale;
    int64_t *offset;
    taken_t taken = {.count = 0};
    (void)self;
    if (!PyArg_ParseTuple(args, "iOOniipOO", &kind, &rows, &weights, &size, &low, &high, &symmetric, &scales, &offsets))
        return NULL;
    if (!check_blocks(kind, size, low, high)) return refuse(&taken, BAD_BLOCKS);
    if (!(x = hold(&taken, rows, 8, -1, 0))) return release(&taken, NULL);
    Py_ssize_t n = items(&taken), blocks = n / size;
    if ((weights != Py_None && !(w = hold(&taken, weights, 8, n, 0))) ||
        !(scale = hold(&taken, scales, 8, blocks, 1)) || !(offset = hold(&taken, offsets, 8, blocks, 1)))
        return release(&taken, NULL);
    Py_BEGIN_ALLOW_THREADS
    failed = optc_search_scales(kind, x, w, blocks, size, low, high, symmetric, scale, offset);
    Py_END_ALLOW_THREADS
    return release(&taken, failed ? PyErr_NoMemory() : nothing());
}

static PyMethodDef METHODS[] = {
    {"add_vectors", add_vectors, METH_VARARGS, NULL},
    {"apart", optc_py_apart, METH_VARARGS, NULL},
    {"assign", assign, METH_VARARGS, NULL},
    {"best_split", best_split, METH_VARARGS, NULL},
    {"centres", centres, METH_VARARGS, NULL},
    {"count_codes", count_codes, METH_VARARGS, NULL},
    {"count_halves", count_halves, METH_VARARGS, NULL},
    {"count_singles", optc_py_count_singles, METH_VARARGS, NULL},
    {"dequantize", dequantize, METH_VARARGS, NULL},
    {"encode", encode, METH_VARARGS, NULL},
    {"keep", optc_py_keep, METH_VARARGS, NULL},
    {"look_up", optc_py_look_up, METH_VARARGS, NULL},
    {"look_up_codes", optc_py_look_up_codes, METH_VARARGS, NULL},
    {"nearest_vectors", nearest_vectors, METH_VARARGS, NULL},
    {"pack", optc_py_pack, METH_VARARGS, NULL},
    {"quantize", quantize, METH_VARARGS, NULL},
    {"scatter", optc_py_scatter, METH_VARARGS, NULL},
    {"search_scales", search_scales, METH_VARARGS, NULL},
    {"unpack", optc_py_unpack, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef MODULE = {PyModuleDef_HEAD_INIT, "_kernels", NULL, 0, METHODS, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__kernels(void) { return PyModuleDef_Init(&MODULE); }
