/* Functions of the module on how values are laid out: packed, looked up, kept; and on how far they are apart. */
#include "arrays.h"
#include "kernels.h"

static int is_size(int size) { return size == 1 || size == 2 || size == 4 || size == 8; }

PyObject *optc_py_pack(PyObject *self, PyObject *args) {
    PyObject *values, *out;
    int bits;
    const uint8_t *x;
    uint8_t *y;
    taken_t taken = {.count = 0};
    (void)self;
    if (!PyArg_ParseTuple(args, "OiO", &values, &bits, &out)) return NULL;
    if (bits < 1 || bits > 8) return refuse(&taken, "kernel: bits must be from 1 to 8");
    if (!(x = hold(&taken, values, 1, -1, 0))) return release(&taken, NULL);
    Py_ssize_t n = items(&taken);
    if (!(y = hold(&taken, out, 1, (n * bits + 7) / 8, 1))) return release(&taken, NULL);
    Py_BEGIN_ALLOW_THREADS
    optc_pack(x, n, bits, y);
    Py_END_ALLOW_THREADS
    return release(&taken, nothing());
}

PyObject *optc_py_unpack(PyObject *self, PyObject *args) {
    PyObject *data, *out;
    int bits, has_sign;
    const uint8_t *x;
    uint8_t *y;
    taken_t taken = {.count = 0};
    (void)self;
    if (!PyArg_ParseTuple(args, "OipO", &data, &bits, &has_sign, &out)) return NULL;
    if (bits < 1 || bits > 8) return refuse(&taken, "kernel: bits must be from 1 to 8");
    if (!(y = hold(&taken, out, 1, -1, 1))) return release(&taken, NULL);
    Py_ssize_t n = items(&taken);
    if (!(x = hold(&taken, data, 1, (n * bits + 7) / 8, 0))) return release(&taken, NULL);
    Py_BEGIN_ALLOW_THREADS
    optc_unpack(x, n, bits, has_sign, y);
    Py_END_ALLOW_THREADS
    return release(&taken, nothing());
}

/* That no table is read past its end: `count` indices in rows of `inner`, with an entry of `bases` for each run. */
static int tables_fit(const uint8_t *indices, Py_ssize_t count, Py_ssize_t inner, Py_ssize_t run, const int64_t *bases,
                      Py_ssize_t runs, Py_ssize_t entries) {
    if (inner < 1 || run < 1 || count % inner || count / run != runs || count % run || (run % inner && inner % run))
        return 0;
    int64_t largest = 0;
    uint8_t index = 0;
    for (Py_ssize_t i = 0; i < count; i++) index = indices[i] > index ? indices[i] : index;
    for (Py_ssize_t i = 0; i < runs; i++) {
        if (bases[i] < 0) return 0;
        largest = bases[i] > largest ? bases[i] : largest;
    }
    return !count || largest < entries - (int64_t)index;
}

PyObject *optc_py_look_up(PyObject *self, PyObject *args) {
    PyObject *indices, *bases, *table, *out;
    int size;
    Py_ssize_t inner, run, vector;
    const uint8_t *x;
    const int64_t *b;
    const void *t;
    void *y;
    taken_t taken = {.count = 0};
    (void)self;
    if (!PyArg_ParseTuple(args, "iOnnOOnO", &size, &indices, &inner, &run, &bases, &table, &vector, &out)) return NULL;
    if (!is_size(size) || vector < 1) return refuse(&taken, "kernel: items must have 1, 2, 4 or 8 bytes");
    if (!(x = hold(&taken, indices, 1, -1, 0))) return release(&taken, NULL);
    Py_ssize_t count = items(&taken);
    if (!(b = hold(&taken, bases, 8, -1, 0))) return release(&taken, NULL);
    Py_ssize_t runs = items(&taken);
    if (!(t = hold(&taken, table, size, -1, 0))) return release(&taken, NULL);
    Py_ssize_t entries = items(&taken) / vector;
    if (!(y = hold(&taken, out, size, count * vector, 1))) return release(&taken, NULL);
    int fit;
    Py_BEGIN_ALLOW_THREADS
    fit = tables_fit(x, count, inner, run, b, runs, entries);
    if (fit) optc_look_up(size, x, count / inner, inner, run, b, t, vector, y);
    Py_END_ALLOW_THREADS
    return fit ? release(&taken, nothing()) : refuse(&taken, "kernel: tables must have all that indices ask for");
}

PyObject *optc_py_look_up_codes(PyObject *self, PyObject *args) {
    PyObject *codes, *table, *out;
    const uint16_t *x;
    const uint8_t *t;
    uint8_t *y;
    taken_t taken = {.count = 0};
    (void)self;
    if (!PyArg_ParseTuple(args, "OOO", &codes, &table, &out)) return NULL;
    if (!(x = hold(&taken, codes, 2, -1, 0))) return release(&taken, NULL);
    Py_ssize_t n = items(&taken);
    if (!(t = hold(&taken, table, 1, 1 << 16, 0)) || !(y = hold(&taken, out, 1, n, 1))) return release(&taken, NULL);
    Py_BEGIN_ALLOW_THREADS
    optc_look_up_codes(x, n, t, y);
    Py_END_ALLOW_THREADS
    return release(&taken, nothing());
}

PyObject *optc_py_keep(PyObject *self, PyObject *args) {
    PyObject *values, *mask, *out;
    int size;
    const void *x;
    const uint8_t *m;
    void *y;
    int64_t kept;
    taken_t taken = {.count = 0};
    (void)self;
    if (!PyArg_ParseTuple(args, "iOOO", &size, &values, &mask, &out)) return NULL;
    if (!is_size(size)) return refuse(&taken, "kernel: items must have 1, 2, 4 or 8 bytes");
    if (!(x = hold(&taken, values, size, -1, 0))) return release(&taken, NULL);
    Py_ssize_t n = items(&taken);
    if (!(m = hold(&taken, mask, 1, n, 0)) || !(y = hold(&taken, out, size, -1, 1))) return release(&taken, NULL);
    Py_ssize_t most = items(&taken);
    Py_BEGIN_ALLOW_THREADS
    kept = optc_keep(size, x, m, n, most, y);
    Py_END_ALLOW_THREADS
    return release(&taken, PyLong_FromLongLong(kept));
}

PyObject *optc_py_scatter(PyObject *self, PyObject *args) {
    PyObject *values, *mask, *out;
    int size;
    const void *x;
    const uint8_t *m;
    void *y;
    taken_t taken = {.count = 0};
    (void)self;
    if (!PyArg_ParseTuple(args, "iOOO", &size, &values, &mask, &out)) return NULL;
    if (!is_size(size)) return refuse(&taken, "kernel: items must have 1, 2, 4 or 8 bytes");
    if (!(m = hold(&taken, mask, 1, -1, 0))) return release(&taken, NULL);
    Py_ssize_t n = items(&taken);
    if (!(y = hold(&taken, out, size, n, 1)) || !(x = hold(&taken, values, size, -1, 0))) return release(&taken, NULL);
    Py_ssize_t count = items(&taken);
    Py_BEGIN_ALLOW_THREADS
    optc_scatter(size, x, count, m, n, y);
    Py_END_ALLOW_THREADS
    return release(&taken, nothing());
}

PyObject *optc_py_apart(PyObject *self, PyObject *args) {
    PyObject *a, *b, *noise, *signal, *largest;
    int kind, finite;
    const void *x, *y;
    double *sums[3];
    taken_t taken = {.count = 0};
    (void)self;
    if (!PyArg_ParseTuple(args, "iOOOOO", &kind, &a, &b, &noise, &signal, &largest)) return NULL;
    if (kind != 2 && kind != 3 && kind != 4 && kind != 8) return refuse(&taken, "kernel: kind must be 2, 3, 4 or 8");
    int size = kind == 3 ? 2 : kind;
    if (!(x = hold(&taken, a, size, -1, 0))) return release(&taken, NULL);
    Py_ssize_t n = items(&taken);
    if (!(y = hold(&taken, b, size, n, 0)) || !(sums[0] = hold(&taken, noise, 8, 64, 1)) ||
        !(sums[1] = hold(&taken, signal, 8, 64, 1)) || !(sums[2] = hold(&taken, largest, 8, 64, 1)))
        return release(&taken, NULL);
    Py_BEGIN_ALLOW_THREADS
    finite = optc_apart(kind, x, y, n, sums[0], sums[1], sums[2]);
    Py_END_ALLOW_THREADS
    return release(&taken, PyBool_FromLong(finite));
}

PyObject *optc_py_count_singles(PyObject *self, PyObject *args) {
    PyObject *values, *spare;
    uint32_t *x, *y;
    int64_t found;
    taken_t taken = {.count = 0};
    (void)self;
    if (!PyArg_ParseTuple(args, "OO", &values, &spare)) return NULL;
    if (!(x = hold(&taken, values, 4, -1, 1))) return release(&taken, NULL);
    Py_ssize_t n = items(&taken);
    if (!(y = hold(&taken, spare, 4, n, 1))) return release(&taken, NULL);
    if ((uint64_t)n > UINT32_MAX) return refuse(&taken, "kernel: there must be less than 2**32 values");
    Py_BEGIN_ALLOW_THREADS
    found = optc_count_singles(x, y, n);
    Py_END_ALLOW_THREADS
    return release(&taken, PyLong_FromLongLong(found));
}
