/* softmax and log_softmax, forward and backward, along any axis of any view,
 * against the formulas of softmax.h in double. */
#include "ktest.h"
#include "softmax.h"

typedef struct {
    const char *why;
    int axes, axis;
    int64_t shape[3];
} case_t;

static const case_t cases[] = {
    {"one element", 1, 0, {1}},
    {"a short row", 1, 0, {3}},
    {"rows", 2, 1, {5, 37}},
    {"columns", 2, 0, {37, 45}},
    {"the middle axis", 3, 1, {3, 19, 21}},
    {"no rows", 2, 1, {0, 4}},
    {"empty rows", 2, 1, {4, 0}},
    {"long rows, tasks", 2, 1, {9, 10007}},
    {"rows in as many parts as there may be", 2, 1, {2, 70001}},
    {"a strip, its groups and a tail", 2, 0, {5, 340}},
    {"lines of a few columns", 3, 1, {7, 6, 5}},
    {"too few columns", 3, 1, {7, 40, 3}},
    {"long columns, tasks", 2, 0, {1003, 67}},
    {"many rows", 2, 1, {4001, 10}},
};

enum { DENSE, TURNED, REVERSED, SPREAD, SPECIAL, VIEWS };
static const char *const names[] = {"", ", axes turned", ", reversed",
                                    ", every second", ", with NaN and inf"};

/* An input of the kernel, and where its first element lies. */
typedef struct {
    const real *first;
    int64_t stride[3];
} view_t;

static int64_t strides_of(const case_t *c, int view, int64_t *stride) {
    int64_t run = view == SPREAD ? 2 : 1;
    for (int k = 0; k < c->axes; k++) {
        int i = view == TURNED ? k : c->axes - 1 - k;
        stride[i] = run;
        run *= c->shape[i];
    }
    return run;
}

static view_t input(const case_t *c, int array, int view, double scale) {
    view_t v;
    int64_t size = strides_of(c, view, v.stride), first = 0;
    real *held = kt_reals(size);
    for (int64_t i = 0; i < size; i++) held[i] *= (real)scale;
    for (int64_t i = 0; view == SPECIAL && i < size; i += 97)
        held[i] = (real)(i % 2 ? NAN : i % 3 ? INFINITY : -INFINITY);
    if (view == REVERSED && size)
        for (int i = 0; i < c->axes; i++) {
            first += (c->shape[i] - 1) * v.stride[i];
            v.stride[i] = -v.stride[i];
        }
    kt_start(array, first);
    v.first = held + first;
    return v;
}

/* Where row r begins: r counts the other axes in C order. */
static int64_t row_of(const case_t *c, const int64_t *stride, int64_t r) {
    int64_t at = 0;
    for (int i = c->axes - 1; i >= 0; i--) {
        if (i == c->axis) continue;
        at += r % c->shape[i] * stride[i];
        r /= c->shape[i];
    }
    return at;
}

static void examine(const case_t *c, int kernel, int view) {
    int is_log = kernel == PD_KERNEL_log_softmax_forward ||
                 kernel == PD_KERNEL_log_softmax_backward;
    int inputs = kernel == PD_KERNEL_softmax_backward ||
                         kernel == PD_KERNEL_log_softmax_backward
                     ? 2
                     : 1;
    kt_case(kernel, "%s%s", c->why, names[view]);
    view_t in[2], out;
    in[0] = input(c, 0, view, inputs == 1 ? 10 : 1);
    if (inputs == 2) in[1] = input(c, 1, DENSE, 1);
    int64_t n = c->shape[c->axis], rows = 1, at[3], sizes[2];
    int64_t count = strides_of(c, view == TURNED ? TURNED : DENSE, out.stride);
    real *y = kt_array(count, sizeof(real));

    pd_softmax_geometry g = {.n = n};
    const int64_t *strides[] = {out.stride, in[0].stride, in[1].stride};
    int others = 0;
    for (int i = 0; i < c->axes; i++)
        if (i != c->axis) {
            rows *= c->shape[i];
            sizes[others++] = c->shape[i];
        }
    pd_space_begin(&g.rows, others, sizes);
    for (int k = 0; k <= inputs; k++) {
        int64_t left[2];
        for (int i = 0, j = 0; i < c->axes; i++)
            if (i != c->axis) left[j++] = strides[k][i];
        g.stride[k] = strides[k][c->axis];
        pd_space_operand(&g.rows, k, others, sizes, left);
    }
    pd_space_merge(&g.rows, inputs + 1);
    if (kt_call(&g)) kt_fail("reports a bad datum");

    for (int64_t r = 0; r < rows; r++) {
        double largest = -INFINITY, size = 0;
        kt_sum total = {0};
        int is_nan = 0;
        for (int k = 0; k <= inputs; k++) at[k] = row_of(c, strides[k], r);
        const real *a = in[0].first + at[1];
        const real *dy = inputs == 2 ? in[1].first + at[2] : a;
        for (int64_t i = 0; i < n; i++) {
            double x = (double)a[i * g.stride[1]];
            largest = fmax(largest, x);
            is_nan |= isnan(x);
        }
        for (int64_t i = 0; i < n; i++) {
            double x = (double)a[i * g.stride[1]], d = 1;
            if (inputs == 2) d = (double)dy[i * g.stride[2]];
            double term = inputs == 1 ? exp(x - largest) : is_log ? d : x * d;
            kt_add(&total, term);
            size += fabs(term);
        }
        double sum = is_nan && inputs == 1 ? (double)NAN : kt_total(&total);
        for (int64_t i = 0; i < n; i++) {
            double x = (double)a[i * g.stride[1]], want, near;
            if (inputs == 1) {
                want = is_log ? x - largest - log(sum) : exp(x - largest) / sum;
                near = is_log ? 1 + fabs(x) + fabs(largest) : want;
                if (isinf(x) && x < 0 && isfinite(largest) && !isnan(sum))
                    want = is_log ? -INFINITY : 0;
            } else {
                double d = (double)dy[i * g.stride[2]];
                want = is_log ? d - exp(x) * sum : x * (d - sum);
                near = is_log ? 1 + exp(x) * size : fabs(x) * (1 + size);
            }
            int64_t to = at[0] + i * out.stride[c->axis];
            kt_near((double)y[to], want, near, is_log ? 8 : 40, "y", to);
        }
    }
}

/* Under --small, of large arrays: all views but two, one of either stride. */
static int leaves_out(const case_t *c, int view) {
    int64_t stride[3];
    return kt_small && strides_of(c, DENSE, stride) > 20000 && view != DENSE &&
           view != SPREAD;
}

KTEST(softmax) {
    static const int kernels[] = {
        PD_KERNEL_softmax_forward, PD_KERNEL_log_softmax_forward,
        PD_KERNEL_softmax_backward, PD_KERNEL_log_softmax_backward};
    for (int c = 0; c < KT_COUNT(cases); c++)
        for (int k = 0; k < KT_COUNT(kernels); k++)
            for (int view = 0; view < (k < 2 ? VIEWS : SPECIAL); view++)
                if (!leaves_out(&cases[c], view))
                    examine(&cases[c], kernels[k], view);
}
