# Doors of csrc/kernels/conv2d.h. `conv` is the rule's Conv2dGeometry.

cdef extern from "conv2d.h" nogil:
    ctypedef struct pd_conv2d_geometry:
        int64_t n, c, h, w
        int64_t o, kh, kw
        int64_t oh, ow
        int64_t stride_h, stride_w
        int64_t pad_h, pad_w
        int64_t dilation_h, dilation_w
        int64_t groups
        int64_t x_stride[4]
        int64_t y_stride[4]
        int64_t weight_stride[4]
        int64_t bias_step
        int64_t activation

cdef extern from "table.h" nogil:
    enum:
        PD_KERNEL_conv2d_forward
        PD_KERNEL_conv2d_backward_data
        PD_KERNEL_conv2d_backward_weight


cdef double conv2d_geometry(pd_conv2d_geometry *g, conv) except -1:
    """The sizes of the geometry; its estimated time in nanoseconds."""
    g.n, g.c, g.h, g.w = conv.x_shape
    g.o, _, g.kh, g.kw = conv.weight_shape
    _, _, g.oh, g.ow = conv.y_shape
    g.stride_h, g.stride_w = conv.stride
    g.pad_h, g.pad_w = conv.padding
    g.dilation_h, g.dilation_w = conv.dilation
    g.groups = conv.groups
    g.bias_step = 1
    g.activation = 0
    return 2.0 * g.n * g.oh * g.ow * g.o * (g.c // g.groups) * g.kh * g.kw / 50


def conv2d_forward(conv, cnp.ndarray x, cnp.ndarray weight, cnp.ndarray bias, cnp.ndarray y,
                   int activation):
    cdef pd_conv2d_geometry g
    cdef int64_t strides[1]
    cdef double ns = conv2d_geometry(&g, conv)
    element_strides(x, g.x_stride)
    element_strides(weight, g.weight_stride)
    if bias is not None:
        element_strides(bias, strides)
        g.bias_step = strides[0]
    g.activation = activation
    run(PD_KERNEL_conv2d_forward, type_of(x), (x, weight, bias, y), &g, sizeof(g), ns)


def conv2d_backward_data(conv, cnp.ndarray dy, cnp.ndarray weight, cnp.ndarray dx):
    cdef pd_conv2d_geometry g
    cdef double ns = conv2d_geometry(&g, conv)
    element_strides(dy, g.y_stride)
    element_strides(weight, g.weight_stride)
    run(PD_KERNEL_conv2d_backward_data, type_of(dy), (dy, weight, dx), &g, sizeof(g), ns)


def conv2d_backward_weight(conv, cnp.ndarray x, cnp.ndarray dy, cnp.ndarray dweight,
                           cnp.ndarray dbias):
    cdef pd_conv2d_geometry g
    cdef double ns = conv2d_geometry(&g, conv)
    element_strides(x, g.x_stride)
    element_strides(dy, g.y_stride)
    element_strides(dweight, g.weight_stride)
    run(PD_KERNEL_conv2d_backward_weight, type_of(x), (x, dy, dweight, dbias), &g, sizeof(g), ns)
