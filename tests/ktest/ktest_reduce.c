/* reduce over every subset of the axes of some shapes: sums, maxima and minima
 * of small integers are exact, means are right to the rounding. */
#include "ktest.h"
#include "reduce.h"

typedef struct {
    const char *why;
    int axes;
    int64_t shape[4];
} case_t;

static const case_t cases[] = {
    {"one element", 1, {1}},         {"less than a vector", 1, {3}},
    {"a long row", 1, {70001}},      {"no elements", 2, {3, 0}},
    {"no rows", 2, {0, 3}},          {"a matrix", 2, {37, 65}},
    {"few long rows", 2, {3, 5000}}, {"many short rows", 2, {5000, 3}},
    {"wide", 2, {70, 1029}},         {"images", 4, {3, 5, 6, 7}},
    {"cube", 3, {17, 16, 33}},       {"three columns", 2, {20011, 3}},
    {"32 columns", 2, {40003, 32}},  {"rows of a block", 2, {50, 1024}},
};

enum { DENSE, TURNED, REVERSED, SPREAD, SPECIAL, VIEWS };
static const char *const names[] = {"", ", axes turned", ", reversed",
                                    ", every second", ", with NaN and inf"};
static const char *const functions[] = {"sum", "mean", "max", "min"};

static double first_value(int64_t function) {
    return function == PD_REDUCE_max   ? -INFINITY
           : function == PD_REDUCE_min ? INFINITY
                                       : 0;
}
static double joined(int64_t function, double so_far, double x) {
    if (function == PD_REDUCE_sum || function == PD_REDUCE_mean)
        return so_far + x;
    if (isnan(so_far) || isnan(x)) return NAN;
    return function == PD_REDUCE_max ? fmax(so_far, x) : fmin(so_far, x);
}

static int is_large(const case_t *c) {
    return c->axes == 2 && c->shape[0] * c->shape[1] > 100000;
}

static void examine(const case_t *c, int64_t function, int subset, int view) {
    int64_t stride[4], run = view == SPREAD ? 2 : 1, first = 0, reduced = 1;
    /* of large shapes it is long dense columns that have a road of their own */
    if (kt_small && is_large(c) && (subset != 1 || view != DENSE)) return;
    kt_case(PD_KERNEL_reduce, "%s, %s over axes %x%s", functions[function],
            c->why, (unsigned)subset, names[view]);
    for (int k = 0; k < c->axes; k++) {
        int i = view == TURNED ? k : c->axes - 1 - k;
        stride[i] = run;
        run *= c->shape[i];
    }
    real *x = kt_integers(run);
    for (int64_t i = 0; view == SPECIAL && i < run; i += 97)
        x[i] = (real)(i % 2 ? NAN : i % 3 ? INFINITY : -INFINITY);
    if (view == REVERSED && run)
        for (int i = 0; i < c->axes; i++) {
            first += (c->shape[i] - 1) * stride[i];
            stride[i] = -stride[i];
        }
    kt_start(0, first);

    /* the two sets of axes, each with its strides; y is dense */
    int64_t size[2][4], from[2][4], dense[4];
    int axes[2] = {0, 0};
    for (int i = 0; i < c->axes; i++) {
        int set = subset >> i & 1;
        size[set][axes[set]] = c->shape[i];
        from[set][axes[set]++] = stride[i];
        if (set) reduced *= c->shape[i];
    }
    pd_dense_strides(axes[0], size[0], NULL, dense);
    pd_reduce_geometry g = {.function = function};
    pd_space_begin(&g.kept, axes[0], size[0]);
    pd_space_operand(&g.kept, 0, axes[0], size[0], from[0]);
    pd_space_operand(&g.kept, 1, axes[0], size[0], dense);
    pd_space_merge(&g.kept, 2);
    pd_space_begin(&g.reduced, axes[1], size[1]);
    pd_space_operand(&g.reduced, 0, axes[1], size[1], from[1]);
    pd_space_merge(&g.reduced, 1);
    int64_t count = 1;
    for (int i = 0; i < axes[0]; i++) count *= size[0][i];
    real *y = kt_array(count, sizeof(real));
    if (kt_call(&g)) kt_fail("reports a bad datum");

    for (int64_t k = 0; k < count; k++) {
        int64_t base = first, rest = k;
        for (int i = axes[0] - 1; i >= 0; i--) {
            base += rest % size[0][i] * from[0][i];
            rest /= size[0][i];
        }
        double want = first_value(function);
        for (int64_t r = 0; r < reduced; r++) {
            int64_t at = base;
            rest = r;
            for (int i = axes[1] - 1; i >= 0; i--) {
                at += rest % size[1][i] * from[1][i];
                rest /= size[1][i];
            }
            want = joined(function, want, (double)x[at]);
        }
        int is_mean = function == PD_REDUCE_mean;
        if (is_mean) want /= (double)reduced;
        kt_near((double)y[k], want, want, is_mean ? 1 : 0, "y", k);
    }
}

KTEST(reduce) {
    for (int c = 0; c < KT_COUNT(cases); c++)
        for (int64_t function = 0; function < KT_COUNT(functions); function++)
            for (int subset = 0; subset < 1 << cases[c].axes; subset++)
                for (int view = 0; view < VIEWS; view++)
                    examine(&cases[c], function, subset, view);
}
