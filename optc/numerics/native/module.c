/* The Python module: checks what it is given, and lets other threads run while a kernel works. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "kernels.h"

/* A contiguous buffer of items of `size` bytes; `count` of them unless that is -1. */
static int take(PyObject *object, Py_buffer *view, Py_ssize_t size, Py_ssize_t count, int writable) {
    if (PyObject_GetBuffer(object, view, writable ? PyBUF_CONTIG : PyBUF_CONTIG_RO)) return -1;
    if (view->itemsize == size && (count < 0 || view->len == count * size)) return 0;
    PyErr_Format(PyExc_ValueError, "kernel: array must have %zd items of %zd bytes (got %zd bytes, items of %zd)",
                 count, size, view->len, view->itemsize);
    PyBuffer_Release(view);
    return -1;
}

static PyObject *best_split(PyObject *self, PyObject *args) {
    PyObject *points, *weights, *rounding, *bounds;
    Py_ssize_t k;
    rounding_t grid;
    (void)self;
    if (!PyArg_ParseTuple(args, "OOnOO", &points, &weights, &k, &rounding, &bounds)) return NULL;
    if (rounding != Py_None && !PyArg_ParseTuple(rounding, "iddd", &grid.precision, &grid.step, &grid.low, &grid.high))
        return NULL;
    Py_buffer x, w, out;
    if (take(points, &x, 8, -1, 0)) return NULL;
    Py_ssize_t n = x.len / 8;
    if (take(weights, &w, 8, n, 0)) goto release_x;
    if (take(bounds, &out, 8, k + 1, 1)) goto release_w;
    if (k < 1 || k > n) {
        PyErr_SetString(PyExc_ValueError, "kernel: k must be from 1 to the number of points");
        goto release_out;
    }
    double gap = 0.0;
    int failed;
    Py_BEGIN_ALLOW_THREADS
    failed = optc_best_split(x.buf, w.buf, n, k, rounding == Py_None ? NULL : &grid, out.buf, &gap);
    Py_END_ALLOW_THREADS
    PyBuffer_Release(&out);
    PyBuffer_Release(&w);
    PyBuffer_Release(&x);
    if (failed) return PyErr_NoMemory();
    return PyFloat_FromDouble(gap);
release_out:
    PyBuffer_Release(&out);
release_w:
    PyBuffer_Release(&w);
release_x:
    PyBuffer_Release(&x);
    return NULL;
}

static PyObject *count_codes(PyObject *self, PyObject *args) {
    PyObject *codes, *present, *counts, *result = NULL;
    (void)self;
    if (!PyArg_ParseTuple(args, "OOO", &codes, &present, &counts)) return NULL;
    Py_buffer x, places, sizes;
    if (take(codes, &x, 2, -1, 0)) return NULL;
    if (!take(present, &places, 2, 1 << 16, 1)) {
        if (!take(counts, &sizes, 8, 1 << 16, 1)) {
            int64_t found;
            Py_BEGIN_ALLOW_THREADS
            found = optc_count_codes(x.buf, x.len / 2, places.buf, sizes.buf);
            Py_END_ALLOW_THREADS
            result = PyLong_FromLongLong(found);
            PyBuffer_Release(&sizes);
        }
        PyBuffer_Release(&places);
    }
    PyBuffer_Release(&x);
    return result;
}

static PyObject *assign(PyObject *self, PyObject *args) {
    PyObject *items, *borders, *entry, *out, *result = NULL;
    int kind, steps;
    (void)self;
    if (!PyArg_ParseTuple(args, "iOOiOO", &kind, &items, &borders, &steps, &entry, &out)) return NULL;
    if (steps < 0 || steps > 8 || (kind != 2 && kind != 3 && kind != 4 && kind != 8)) {
        PyErr_SetString(PyExc_ValueError, "kernel: steps must be from 0 to 8, and kind 2, 3, 4 or 8");
        return NULL;
    }
    Py_buffer x, b, e, y;
    Py_ssize_t size = kind == 3 ? 2 : kind, places = (Py_ssize_t)1 << steps;
    if (take(items, &x, size, -1, 0)) return NULL;
    if (!take(borders, &b, 8, places - 1, 0)) {
        if (!take(entry, &e, 1, places, 0)) {
            if (!take(out, &y, 1, x.len / size, 1)) {
                int finite;
                Py_BEGIN_ALLOW_THREADS
                finite = optc_assign(kind, x.buf, x.len / size, b.buf, steps, e.buf, y.buf);
                Py_END_ALLOW_THREADS
                result = PyBool_FromLong(finite);
                PyBuffer_Release(&y);
            }
            PyBuffer_Release(&e);
        }
        PyBuffer_Release(&b);
    }
    PyBuffer_Release(&x);
    return result;
}

static PyMethodDef METHODS[] = {
    {"assign", assign, METH_VARARGS, NULL},
    {"best_split", best_split, METH_VARARGS, NULL},
    {"count_codes", count_codes, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef MODULE = {PyModuleDef_HEAD_INIT, "_kernels", NULL, 0, METHODS, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__kernels(void) { return PyModuleDef_Init(&MODULE); }
