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

static PyMethodDef METHODS[] = {
    {"best_split", best_split, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyModuleDef MODULE = {PyModuleDef_HEAD_INIT, "_kernels", NULL, 0, METHODS, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__kernels(void) { return PyModuleDef_Init(&MODULE); }
