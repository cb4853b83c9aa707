/* Elementwise: every function of the table, in every layout that a view makes.
 *
 * The accuracy of exp, log … is vmath_test.c's affair; here a few ulp of
 * 1 + |y| are allowed to them, and nothing to the others. */
#include "elementwise.h"
#include "ktest.h"

/* ---- the functions in double --------------------------------------------- */

static double copy(double x) { return x; }
static double negative(double x) { return -x; }
static double sign(double x) { return x > 0 ? 1 : x < 0 ? -1 : x + 0; }
static double square(double x) { return x * x; }
static double reciprocal(double x) { return 1 / x; }
static double one_for_zero(double x) { return x == 0 ? 1 : x; }
static double sigmoid(double x) { return 1 / (1 + exp(-x)); }
static double log_1_exp(double x) { return fmax(x, 0) + log1p(exp(-fabs(x))); }
static double relu(double x) { return x < 0 ? 0 : x; }
/* At infinity the limit: 0 wins where a factor has reached it. */
static double times(double x, double y) { return y == 0 ? 0 : x * y; }

/* The constants p, q, r of all calls: exact in both types. */
static const double constants[3] = {0.75, 1.5, 0.5};
#define CP constants[0]
#define CQ constants[1]
#define CR constants[2]
static double softplus(double x) {
    return CP * x > CQ ? x : log_1_exp(CP * x) / CP;
}
static double logsigmoid(double x) { return -log_1_exp(-x); }
static double silu(double x) { return times(x, sigmoid(x)); }
static double mish(double x) { return times(x, tanh(log_1_exp(x))); }
static double elu(double x) { return x <= 0 ? CQ * expm1(CR * x) : CP * x; }
static double leaky_relu(double x) { return x > 0 ? x : CP * x; }
static double hardtanh(double x) { return x < CP ? CP : x > CQ ? CQ : x; }
static double hardsigmoid(double x) {
    return x < -3 ? 0 : x > 3 ? 1 : (x + 3) / 6;
}
static double hardswish(double x) { return times(x, hardsigmoid(x)); }
static double softshrink(double x) {
    return fabs(x) <= CP ? 0 : x - copysign(CP, x);
}
static double hardshrink(double x) { return fabs(x) <= CP ? 0 : x; }
static double threshold(double x) { return x <= CP ? CQ : x; }
static double softsign(double x) {
    return isinf(x) ? copysign(1, x) : x / (1 + fabs(x));
}
static double gelu(double x) { return times(x, erfc(-x / sqrt(2)) / 2); }
static double gelu_u(double x) {
    return sqrt(2 / M_PI) * (x + 0.044715 * x * x * x);
}
static double gelu_tanh(double x) {
    return times(x, (1 + tanh(gelu_u(x))) / 2);
}

static double add(double a, double b) { return a + b; }
static double subtract(double a, double b) { return a - b; }
static double multiply(double a, double b) { return a * b; }
static double divide(double a, double b) { return a / b; }
static double power_slope(double a, double b) {
    return b == 0 ? 0 : b * pow(a, b - 1);
}
static double maximum(double a, double b) {
    return isnan(a) ? a : isnan(b) ? b : a > b ? a : b;
}
static double minimum(double a, double b) {
    return isnan(a) ? a : isnan(b) ? b : a < b ? a : b;
}
static double logaddexp(double a, double b) {
    if (a == b) return a + log(2);
    if (isnan(a) || isnan(b)) return a + b;
    return fmax(a, b) + log1p(exp(-fabs(a - b)));
}
static double logaddexp_share(double a, double b) {
    return a == b ? 0.5 : sigmoid(a - b);
}
static double maximum_share(double a, double b) {
    return a < b ? 0 : a == b ? 0.5 : 1;
}
static double not_below(double a, double b) { return a >= b; }
static double relu_backward(double y, double dy) { return y <= 0 ? 0 : dy; }
static double tanh_backward(double y, double dy) { return dy * (1 - y * y); }
static double sigmoid_backward(double y, double dy) { return dy * y * (1 - y); }
static double gelu_backward(double x, double dy) {
    double density = exp(-x * x / 2) / sqrt(2 * M_PI);
    return dy * (erfc(-x / sqrt(2)) / 2 + times(x, density));
}
static double gelu_tanh_backward(double x, double dy) {
    double t = tanh(gelu_u(x));
    double slope = sqrt(2 / M_PI) * (1 + 3 * 0.044715 * x * x);
    return dy * ((1 + t) / 2 + times(x * slope, 1 - t * t) / 2);
}

static double softplus_backward(double x, double dy) {
    return CP * x > CQ ? dy : dy * sigmoid(CP * x);
}
static double logsigmoid_backward(double x, double dy) {
    return dy * sigmoid(-x);
}
static double silu_backward(double x, double dy) {
    return dy * (sigmoid(x) + times(x, sigmoid(x) * sigmoid(-x)));
}
static double mish_backward(double x, double dy) {
    double t = tanh(log_1_exp(x));
    return dy * (t + times(x, (1 - t * t) * sigmoid(x)));
}
static double elu_backward(double x, double dy) {
    return dy * (x <= 0 ? CQ * CR * exp(CR * x) : CP);
}
static double leaky_relu_backward(double x, double dy) {
    return x > 0 ? dy : CP * dy;
}
static double hardtanh_backward(double x, double dy) {
    return x > CP && x < CQ ? dy : 0;
}
static double hardsigmoid_backward(double x, double dy) {
    return fabs(x) < 3 ? dy / 6 : 0;
}
static double hardswish_backward(double x, double dy) {
    return x <= -3 ? 0 : x < 3 ? dy * (x / 3 + 0.5) : dy;
}
static double shrink_backward(double x, double dy) {
    return fabs(x) > CP ? dy : 0;
}
static double threshold_backward(double x, double dy) {
    return x <= CP ? 0 : dy;
}
static double prelu(double x, double slope) { return x > 0 ? x : slope * x; }
static double prelu_slope(double x, double slope) { return x > 0 ? 1 : slope; }
static double prelu_backward_slope(double x, double dy) {
    return x > 0 ? 0 : dy * x;
}

typedef struct {
    const char *name;
    double (*f1)(double);
    double (*f2)(double, double);
    double ulps;
} definition_t;

static const definition_t definitions[] = {
    {"copy", copy, NULL, 0},
    {"negative", negative, NULL, 0},
    {"abs", fabs, NULL, 0},
    {"sign", sign, NULL, 0},
    {"square", square, NULL, 0},
    {"sqrt", sqrt, NULL, 0},
    {"reciprocal", reciprocal, NULL, 0},
    {"floor", floor, NULL, 0},
    {"ceil", ceil, NULL, 0},
    {"trunc", trunc, NULL, 0},
    {"round", rint, NULL, 0},
    {"one_for_zero", one_for_zero, NULL, 0},
    {"exp", exp, NULL, 4},
    {"expm1", expm1, NULL, 4},
    {"log", log, NULL, 4},
    {"log1p", log1p, NULL, 4},
    {"log2", log2, NULL, 4},
    {"log10", log10, NULL, 4},
    {"sin", sin, NULL, 4},
    {"cos", cos, NULL, 4},
    {"tan", tan, NULL, 6},
    {"asin", asin, NULL, 4},
    {"acos", acos, NULL, 4},
    {"atan", atan, NULL, 4},
    {"sinh", sinh, NULL, 4},
    {"cosh", cosh, NULL, 4},
    {"asinh", asinh, NULL, 4},
    {"acosh", acosh, NULL, 4},
    {"atanh", atanh, NULL, 4},
    {"tanh", tanh, NULL, 4},
    {"erf", erf, NULL, 4},
    {"sigmoid", sigmoid, NULL, 4},
    {"softplus", softplus, NULL, 4},
    {"logsigmoid", logsigmoid, NULL, 4},
    {"silu", silu, NULL, 4},
    {"mish", mish, NULL, 6},
    {"elu", elu, NULL, 6},
    {"leaky_relu", leaky_relu, NULL, 0},
    {"hardtanh", hardtanh, NULL, 0},
    {"hardsigmoid", hardsigmoid, NULL, 2},
    {"hardswish", hardswish, NULL, 4},
    {"softshrink", softshrink, NULL, 0},
    {"hardshrink", hardshrink, NULL, 0},
    {"threshold", threshold, NULL, 0},
    {"softsign", softsign, NULL, 1},
    {"relu", relu, NULL, 0},
    {"gelu", gelu, NULL, 4},
    {"gelu_tanh", gelu_tanh, NULL, 4},
    {"add", NULL, add, 0},
    {"subtract", NULL, subtract, 0},
    {"multiply", NULL, multiply, 0},
    {"divide", NULL, divide, 0},
    {"power", NULL, pow, 4},
    {"power_slope", NULL, power_slope, 8},
    {"maximum", NULL, maximum, 0},
    {"minimum", NULL, minimum, 0},
    {"hypot", NULL, hypot, 2},
    {"atan2", NULL, atan2, 4},
    {"copysign", NULL, copysign, 0},
    {"logaddexp", NULL, logaddexp, 4},
    {"logaddexp_share", NULL, logaddexp_share, 4},
    {"maximum_share", NULL, maximum_share, 0},
    {"not_below", NULL, not_below, 0},
    {"relu_backward", NULL, relu_backward, 0},
    {"tanh_backward", NULL, tanh_backward, 8},
    {"sigmoid_backward", NULL, sigmoid_backward, 4},
    {"gelu_backward", NULL, gelu_backward, 8},
    {"gelu_tanh_backward", NULL, gelu_tanh_backward, 8},
    {"softplus_backward", NULL, softplus_backward, 6},
    {"logsigmoid_backward", NULL, logsigmoid_backward, 4},
    {"silu_backward", NULL, silu_backward, 8},
    {"mish_backward", NULL, mish_backward, 12},
    {"elu_backward", NULL, elu_backward, 6},
    {"leaky_relu_backward", NULL, leaky_relu_backward, 0},
    {"hardtanh_backward", NULL, hardtanh_backward, 0},
    {"hardsigmoid_backward", NULL, hardsigmoid_backward, 1},
    {"hardswish_backward", NULL, hardswish_backward, 4},
    {"shrink_backward", NULL, shrink_backward, 0},
    {"threshold_backward", NULL, threshold_backward, 0},
    {"prelu", NULL, prelu, 0},
    {"prelu_slope", NULL, prelu_slope, 0},
    {"prelu_backward_slope", NULL, prelu_backward_slope, 0},
};

/* ---- the cases ------------------------------------------------------------
 */

/* An input's memory: d dense, t axes in reverse order, r reversed along the
 * last axis, 2 every second element, s one element for all, f the first axis
 * broadcast, l the last axis broadcast, n with NaN, infinities and zeros. */
typedef struct {
    const char *why;
    int axes;
    int64_t shape[4];
    char a, b;
} case_t;

static const case_t cases[] = {
    {"one element", 1, {1}, 'd', 'd'},
    {"less than a vector", 1, {3}, 'd', 's'},
    {"odd length", 1, {1037}, 'd', 'd'},
    {"special values", 1, {49}, 'n', 'n'},
    {"nothing", 2, {0, 4}, 'd', 'd'},
    {"0-d", 0, {0}, 'd', 'd'},
    {"row and column", 2, {7, 19}, 'f', 'l'},
    {"transposed", 3, {5, 6, 7}, 't', 'd'},
    {"every second, reversed", 2, {9, 33}, '2', 'r'},
    {"four axes", 4, {2, 3, 4, 5}, 'l', 't'},
    {"chunks and threads", 2, {37, 2053}, 'd', 'd'},
    {"chunks and threads, strided", 2, {37, 2053}, '2', 'f'},
};
/* The layouts are one code for all functions: most see the first few only. */
enum { FOR_ALL = 4 };

static const double special[] = {0, -0.0, INFINITY, -INFINITY, NAN, 1, -2};

/* The next array as a view of this layout: strides in elements. */
static real *view(int array, char layout, const case_t *c, int64_t *strides) {
    int64_t size[4] = {1, 1, 1, 1};
    for (int i = 0; i < c->axes; i++) size[i] = c->shape[i];
    if (layout == 's')
        for (int i = 0; i < c->axes; i++) size[i] = 1;
    if (layout == 'f') size[0] = 1;
    if (layout == 'l') size[c->axes - 1] = 1;
    int64_t count = layout == '2' ? 2 : 1;
    for (int k = 0; k < c->axes; k++) {
        int i = layout == 't' ? k : c->axes - 1 - k;
        strides[i] = size[i] == c->shape[i] ? count : 0;
        count *= size[i];
    }
    real *held = kt_reals(count);
    if (layout == 'n')
        for (int64_t i = 0; i < count; i++)
            held[i] = (real)special[array ? i % 7 : i / 7 % 7];
    if (layout == 'r') {
        strides[c->axes - 1] *= -1;
        kt_start(array, size[c->axes - 1] - 1);
        held += size[c->axes - 1] - 1;
    }
    return held;
}

static void examine(int kernel, int64_t function, const definition_t *d,
                    const case_t *c) {
    int inputs = d->f2 ? 2 : 1;
    int64_t stride[3][4] = {{0}};
    real *in[2] = {NULL, NULL};
    kt_case(kernel, "%s, %s", d->name, c->why);
    in[0] = view(0, c->a, c, stride[1]);
    if (inputs == 2) in[1] = view(1, c->b, c, stride[2]);

    pd_elementwise_geometry g = {.function = function};
    memcpy(g.constants, constants, sizeof constants);
    pd_space_begin(&g.space, c->axes, c->shape);
    pd_dense_strides(c->axes, c->shape, c->a == 't' ? stride[1] : NULL,
                     stride[0]);
    for (int k = 0; k <= inputs; k++)
        pd_space_operand(&g.space, k, c->axes, c->shape, stride[k]);
    pd_space_merge(&g.space, inputs + 1);
    int64_t count = 1;
    for (int i = 0; i < c->axes; i++) count *= c->shape[i];
    real *y = kt_array(count, sizeof(real));
    if (kt_call(&g)) kt_fail("reports a bad datum");

    for (int64_t n = 0; n < count; n++) {
        int64_t at[3] = {0, 0, 0}, rest = n;
        for (int i = c->axes - 1; i >= 0; i--) {
            for (int k = 0; k <= inputs; k++)
                at[k] += rest % c->shape[i] * stride[k][i];
            rest /= c->shape[i];
        }
        double a = (double)in[0][at[1]];
        double want = d->f2 ? d->f2(a, (double)in[1][at[2]]) : d->f1(a);
        kt_near((double)y[at[0]], (double)(real)want, 1 + fabs(want), d->ulps,
                "y", at[0]);
    }
}

static void examine_function(int kernel, int64_t function, const char *name) {
    for (int i = 0; i < KT_COUNT(definitions); i++) {
        const definition_t *d = &definitions[i];
        if (strcmp(d->name, name)) continue;
        for (int k = 0; k < (function ? FOR_ALL : KT_COUNT(cases)); k++)
            examine(kernel, function, d, &cases[k]);
        return;
    }
    kt_case(kernel, "%s", name);
    kt_fail("has no definition here");
}

KTEST(elementwise) {
    for (int64_t i = 0; i < PD_UNARY_FUNCTIONS; i++)
        examine_function(PD_KERNEL_unary, i, pd_unary_names[i]);
    for (int64_t i = 0; i < PD_BINARY_FUNCTIONS; i++)
        examine_function(PD_KERNEL_binary, i, pd_binary_names[i]);
}
