# Doors of csrc/kernels/batch_norm.h. Images (n, c, spatial …) are channels-last; `groups` of channels
# are normalised in each image, or, where it is 0, every channel over the whole batch.

cdef extern from "batch_norm.h" nogil:
    ctypedef struct pd_batch_norm_geometry:
        int64_t sets
        int64_t c
        int64_t width
        int64_t set_stride[3]
        int64_t trains
        double eps
        pd_space rows
    ctypedef struct pd_batch_norm_track_geometry:
        int64_t c
        int64_t count
        double momentum

cdef extern from "table.h" nogil:
    enum:
        PD_KERNEL_batch_norm_forward
        PD_KERNEL_batch_norm_inference
        PD_KERNEL_batch_norm_backward
        PD_KERNEL_batch_norm_track


cdef void images_begin(pd_batch_norm_geometry *g, cnp.ndarray x, int64_t groups) noexcept:
    """Sets and rows of images like x; a result that lies dense is operand 0."""
    cdef int64_t like[PD_MAX_AXES]
    cdef int64_t dense[PD_MAX_AXES]
    cdef const int64_t *shape = <int64_t *>cnp.PyArray_DIMS(x)
    cdef int64_t rows[PD_MAX_AXES]
    cdef int i, axes = cnp.PyArray_NDIM(x)
    for i in range(axes):
        like[i] = axes - i
    like[0], like[1] = axes + 1, 0
    pd_dense_strides(axes, shape, like, dense)
    g.c = shape[1]
    g.sets = shape[0] if groups else 1
    g.width = g.c // groups if groups else 1
    rows[0] = 1 if groups else shape[0]
    for i in range(2, axes):
        rows[i - 1] = shape[i]
    pd_space_begin(&g.rows, axes - 1, rows)
    images_put(g, 0, axes, dense)


cdef void images_put(pd_batch_norm_geometry *g, int operand, int axes,
                     const int64_t *strides) noexcept:
    cdef int64_t kept[PD_MAX_AXES]
    cdef int i
    kept[0] = strides[0]
    for i in range(2, axes):
        kept[i - 1] = strides[i]
    g.set_stride[operand] = strides[0]
    pd_space_operand(&g.rows, operand, axes - 1, g.rows.size, kept)


cdef void images_operand(pd_batch_norm_geometry *g, int operand, cnp.ndarray x):
    cdef int64_t strides[PD_MAX_AXES]
    element_strides(x, strides)
    images_put(g, operand, cnp.PyArray_NDIM(x), strides)


def batch_norm_forward(cnp.ndarray x, weight, bias, mean, var, y, int64_t groups, double eps):
    """Writes mean and var."""
    images_forward(PD_KERNEL_batch_norm_forward, x, weight, bias, mean, var, y, groups, eps)


def batch_norm_inference(cnp.ndarray x, weight, bias, mean, var, y, int64_t groups, double eps):
    """Reads mean and var."""
    images_forward(PD_KERNEL_batch_norm_inference, x, weight, bias, mean, var, y, groups, eps)


cdef void images_forward(int kernel, cnp.ndarray x, weight, bias, mean, var, y, int64_t groups,
                         double eps) except *:
    cdef pd_batch_norm_geometry g
    images_begin(&g, x, groups)
    g.eps = eps
    g.trains = 1
    images_operand(&g, 1, x)
    pd_space_merge(&g.rows, 2)
    run(kernel, type_of(x), (x, weight, bias, mean, var, y), &g, sizeof(g),
        0.7 * cnp.PyArray_SIZE(x))


def batch_norm_backward(cnp.ndarray x, cnp.ndarray dy, weight, mean, var, dx, dweight, dbias,
                        int64_t groups, double eps, bint trains):
    """dx, dweight, dbias: None where not wanted. trains: mean and var are those of x."""
    cdef pd_batch_norm_geometry g
    images_begin(&g, x, groups)
    g.eps = eps
    g.trains = trains
    images_operand(&g, 1, x)
    images_operand(&g, 2, dy)
    pd_space_merge(&g.rows, 3)
    run(PD_KERNEL_batch_norm_backward, type_of(x), (x, dy, weight, mean, var, dx, dweight, dbias),
        &g, sizeof(g), 1.2 * cnp.PyArray_SIZE(x))


def batch_norm_track(cnp.ndarray mean, var, running_mean, running_var, batches, int64_t count,
                     double momentum):
    """Move the running statistics towards those of a batch of `count` elements per channel."""
    cdef pd_batch_norm_track_geometry g
    g.c = cnp.PyArray_SIZE(mean)
    g.count = count
    g.momentum = momentum
    run(PD_KERNEL_batch_norm_track, type_of(mean), (mean, var, running_mean, running_var, batches),
        &g, sizeof(g), 4.0 * g.c)
