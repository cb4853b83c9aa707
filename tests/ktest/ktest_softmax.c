/* softmax, log_softmax and their gradients along every axis of some shapes. */
#include "ktest.h"
#include "softmax.h"

typedef struct {
    const char *why;
    int axes;
    int64_t shape[3];
} case_t;

static const case_t cases[] = {
    {"one element", 1, {1}},        {"less than a vector", 1, {3}},
    {"a long row", 1, {70001}},     {"no rows", 2, {0, 5}},
    {"rows of nothing", 2, {5, 0}}, {"ten classes", 2, {130, 10}},
    {"a matrix", 2, {37, 65}},      {"images", 3, {3, 21, 70}},
    {"cube", 3, {17, 16, 33}},
};

enum { DENSE, TURNED, REVERSED, SPREAD, SPECIAL, VIEWS };
static const char *const views[] = {"", ", axes turned", ", reversed",
                                    ", every second", ", with NaN and inf"};

/* The kernels, in one order everywhere. */
enum { FORWARD, BACKWARD, LOG_FORWARD, LOG_BACKWARD };
static const int kernels[] = {
    PD_KERNEL_softmax_forward, PD_KERNEL_softmax_backward,
    PD_KERNEL_log_softmax_forward, PD_KERNEL_log_softmax_backward};

/* out[0 … n) of the row a (and b), in double. */
static void row_want(int kernel, const double *a, const double *b, double *out,
                     int64_t n) {
    double top = -INFINITY, sum = 0;
    for (int64_t j = 0; j < n; j++) top = fmax(top, a[j]);
    for (int64_t j = 0; j < n; j++)
        sum += kernel == BACKWARD       ? a[j] * b[j]
               : kernel == LOG_BACKWARD ? b[j]
                                        : exp(a[j] - top);
    for (int64_t j = 0; j < n; j++)
        out[j] = kernel == FORWARD       ? exp(a[j] - top) / sum
                 : kernel == BACKWARD    ? a[j] * (b[j] - sum)
                 : kernel == LOG_FORWARD ? a[j] - top - log(sum)
                                         : b[j] - exp(a[j]) * sum;
}

static void examine(const case_t *c, int kernel, int axis, int view) {
    int inputs = kernel == BACKWARD || kernel == LOG_BACKWARD ? 2 : 1;
    int64_t stride[3], dense[3], run = view == SPREAD ? 2 : 1, first = 0;
    kt_case(kernels[kernel], "%s along axis %d%s", c->why, axis, views[view]);
    for (int k = 0; k < c->axes; k++) {
        int i = view == TURNED ? k : c->axes - 1 - k;
        stride[i] = run;
        run *= c->shape[i];
    }
    real *in[2];
    for (int k = 0; k < inputs; k++) {
        in[k] = kt_reals(run);
        for (int64_t i = 0; view == SPECIAL && i < run; i += 97)
            in[k][i] = (real)(i % 2 ? NAN : i % 3 ? INFINITY : -INFINITY);
    }
    if (view == REVERSED && run)
        for (int i = 0; i < c->axes; i++) {
            first += (c->shape[i] - 1) * stride[i];
            stride[i] = -stride[i];
        }
    for (int k = 0; k < inputs; k++) kt_start(k, first);
    pd_dense_strides(c->axes, c->shape, NULL, dense);

    int64_t kept[3], from[3], to[3], rows = 1, n = c->shape[axis];
    int axes = 0;
    for (int i = 0; i < c->axes; i++) {
        if (i == axis) continue;
        kept[axes] = c->shape[i];
        from[axes] = stride[i];
        to[axes++] = dense[i];
        rows *= c->shape[i];
    }
    pd_softmax_geometry g = {.n = n, .stride = {dense[axis]}};
    pd_space_begin(&g.rows, axes, kept);
    pd_space_operand(&g.rows, 0, axes, kept, to);
    for (int k = 1; k <= inputs; k++) {
        g.stride[k] = stride[axis];
        pd_space_operand(&g.rows, k, axes, kept, from);
    }
    pd_space_merge(&g.rows, 1 + inputs);
    real *y = kt_array(rows * n, sizeof(real));
    if (kt_call(&g)) kt_fail("reports a bad datum");

    double *row = calloc((size_t)(3 * n + 1), sizeof *row);
    for (int64_t r = 0; r < rows; r++) {
        int64_t at = first, out = 0, rest = r;
        for (int i = axes - 1; i >= 0; i--) {
            at += rest % kept[i] * from[i];
            out += rest % kept[i] * to[i];
            rest /= kept[i];
        }
        double scale = 1;
        for (int64_t j = 0; j < n; j++)
            for (int k = 0; k < inputs; k++) {
                row[k * n + j] = (double)in[k][at + j * stride[axis]];
                scale += fabs(row[k * n + j]);
            }
        row_want(kernel, row, row + n, row + 2 * n, n);
        for (int64_t j = 0; j < n; j++)
            kt_near((double)y[out + j * dense[axis]], row[2 * n + j],
                    inputs == 2 ? scale * 8 : 1 + fabs(row[2 * n + j]), 8, "y",
                    out + j * dense[axis]);
    }
    free(row);
}

KTEST(softmax) {
    for (int c = 0; c < KT_COUNT(cases); c++)
        for (int kernel = 0; kernel < KT_COUNT(kernels); kernel++)
            for (int axis = 0; axis < cases[c].axes; axis++)
                for (int view = 0; view < VIEWS; view++)
                    examine(&cases[c], kernel, axis, view);
}
