/* How functions of the module take arrays: as buffers, checked, and released together. */
#ifndef OPTC_ARRAYS_H
#define OPTC_ARRAYS_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

/* The arrays of a call, released together. */
typedef struct {
    Py_buffer views[8];
    int count;
} taken_t;

/* The items of a contiguous array of `count` items of `size` bytes (of any number if `count` is -1); null and an error
   if it is none. */
static inline void *hold(taken_t *taken, PyObject *object, Py_ssize_t size, Py_ssize_t count, int writable) {
    Py_buffer *view = &taken->views[taken->count];
    if (PyObject_GetBuffer(object, view, writable ? PyBUF_CONTIG : PyBUF_CONTIG_RO)) return NULL;
    taken->count++;
    if (view->itemsize == size && (count < 0 || view->len == count * size)) return view->buf;
    PyErr_Format(PyExc_ValueError, "kernel: array must have %zd items of %zd bytes (got %zd bytes, items of %zd)",
                 count, size, view->len, view->itemsize);
    return NULL;
}

/* How many items the array has that was taken last. */
static inline Py_ssize_t items(const taken_t *taken) {
    const Py_buffer *view = &taken->views[taken->count - 1];
    return view->len / view->itemsize;
}

static inline PyObject *release(taken_t *taken, PyObject *result) {
    while (taken->count) PyBuffer_Release(&taken->views[--taken->count]);
    return result;
}

static inline PyObject *refuse(taken_t *taken, const char *message) {
    PyErr_SetString(PyExc_ValueError, message);
    return release(taken, NULL);
}

static inline PyObject *nothing(void) { return Py_NewRef(Py_None); }

/* Functions of the module that stand in layout.c. */
PyObject *optc_py_apart(PyObject *self, PyObject *args);
PyObject *optc_py_count_singles(PyObject *self, PyObject *args);
PyObject *optc_py_keep(PyObject *self, PyObject *args);
PyObject *optc_py_look_up(PyObject *self, PyObject *args);
PyObject *optc_py_look_up_codes(PyObject *self, PyObject *args);
PyObject *optc_py_pack(PyObject *self, PyObject *args);
PyObject *optc_py_scatter(PyObject *self, PyObject *args);
PyObject *optc_py_unpack(PyObject *self, PyObject *args);

#endif
