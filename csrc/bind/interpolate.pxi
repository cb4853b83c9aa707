# Doors of csrc/kernels/interpolate.h. Images (n, c, h, w), both dense in C order or channels-last;
# a step is the places of x to one of y.

cdef extern from "interpolate.h" nogil:
    ctypedef struct pd_interpolate_axis:
        int64_t in_ "in"
        int64_t out
        double step
    ctypedef struct pd_interpolate_geometry:
        int64_t outer, inner, linear, corners
        pd_interpolate_axis h, w

cdef extern from "table.h" nogil:
    enum:
        PD_KERNEL_interpolate_forward
        PD_KERNEL_interpolate_backward


cdef void interpolate_geometry(pd_interpolate_geometry *g, cnp.ndarray x, cnp.ndarray y,
                               double step_h, double step_w, bint linear, bint corners):
    cdef bint planes = cnp.PyArray_IS_C_CONTIGUOUS(x) and cnp.PyArray_IS_C_CONTIGUOUS(y)
    g.outer = cnp.PyArray_DIM(x, 0) * (cnp.PyArray_DIM(x, 1) if planes else 1)
    g.inner = 1 if planes else cnp.PyArray_DIM(x, 1)
    g.linear, g.corners = linear, corners
    g.h.in_, g.h.out, g.h.step = cnp.PyArray_DIM(x, 2), cnp.PyArray_DIM(y, 2), step_h
    g.w.in_, g.w.out, g.w.step = cnp.PyArray_DIM(x, 3), cnp.PyArray_DIM(y, 3), step_w


def interpolate_forward(cnp.ndarray x, cnp.ndarray y, double step_h, double step_w, bint linear,
                        bint corners):
    cdef pd_interpolate_geometry g
    interpolate_geometry(&g, x, y, step_h, step_w, linear, corners)
    run(PD_KERNEL_interpolate_forward, type_of(x), (x, y), &g, sizeof(g),
        0.8 * cnp.PyArray_SIZE(y))


def interpolate_backward(cnp.ndarray dy, cnp.ndarray dx, double step_h, double step_w,
                         bint linear, bint corners):
    cdef pd_interpolate_geometry g
    interpolate_geometry(&g, dx, dy, step_h, step_w, linear, corners)
    run(PD_KERNEL_interpolate_backward, type_of(dy), (dy, dx), &g, sizeof(g),
        0.8 * cnp.PyArray_SIZE(dy))
