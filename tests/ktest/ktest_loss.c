/* The losses of two arrays, in every reduction, against their definitions; and
 * probabilities out of range. */
#include "loss.h"
#include "ktest.h"

static const int64_t sizes[] = {0, 1, 17, 2000, 40003};
static const char *const reductions[] = {"none", "sum", "mean"};
static const double p = 0.75;

static double huber(double d) {
    return fabs(d) <= p ? d * d / 2 : p * (fabs(d) - p / 2);
}

static double loss_of(const char *name, double x, double t) {
    if (!strcmp(name, "mse_loss")) return (x - t) * (x - t);
    if (!strcmp(name, "l1_loss")) return fabs(x - t);
    if (!strcmp(name, "smooth_l1_loss")) return huber(x - t) / p;
    if (!strcmp(name, "huber_loss")) return huber(x - t);
    if (!strcmp(name, "binary_cross_entropy"))
        return -t * fmax(log(x), -100) - (1 - t) * fmax(log1p(-x), -100);
    if (!strcmp(name, "binary_cross_entropy_with_logits"))
        return fmax(x, 0) + log1p(exp(-fabs(x))) - t * x;
    kt_fail("%s has no definition here", name);
    return 0;
}

static double slope_of(const char *name, double x, double t) {
    double d = x - t, cut = fmax(-p, fmin(p, d));
    if (!strcmp(name, "mse_loss")) return 2 * d;
    if (!strcmp(name, "l1_loss")) return d > 0 ? 1 : d < 0 ? -1 : 0;
    if (!strcmp(name, "smooth_l1_loss")) return cut / p;
    if (!strcmp(name, "huber_loss")) return cut;
    if (!strcmp(name, "binary_cross_entropy"))
        return d / fmax(x * (1 - x), 1e-12);
    return 1 / (1 + exp(-x)) - t;
}

static void examine(int64_t function, int64_t n, int64_t reduction,
                    int backward) {
    const char *name = pd_loss_names[function];
    const int is_entropy = function == PD_LOSS_binary_cross_entropy;
    kt_case(backward ? PD_KERNEL_loss_backward : PD_KERNEL_loss_forward,
            "%s of %lld, %s", name, (long long)n, reductions[reduction]);
    real *x = kt_reals(n), *t = kt_reals(n);
    for (int64_t i = 0; is_entropy && i < n; i++) {
        x[i] = (real)kt_random(0.01, 0.99);
        t[i] = (real)kt_random(0, 1);
    }
    int64_t each = reduction == PD_LOSS_NONE ? n : 1;
    pd_loss_geometry g = {
        .function = function, .elements = n, .reduction = reduction, .p = p};
    if (backward) {
        real *dloss = kt_reals(each), *dx = kt_array(n, sizeof(real));
        if (kt_call(&g)) kt_fail("reports a bad datum");
        for (int64_t i = 0; i < n; i++) {
            double grad = (double)dloss[reduction ? 0 : i];
            if (reduction == PD_LOSS_MEAN) grad /= (double)n;
            double want = grad * slope_of(name, (double)x[i], (double)t[i]);
            kt_near((double)dx[i], want, fabs(grad) + fabs(want), 8, "dx", i);
        }
        return;
    }
    real *loss = kt_array(each, sizeof(real));
    if (kt_call(&g)) kt_fail("reports a bad datum");
    kt_sum sum = {0};
    for (int64_t i = 0; i < n; i++) {
        double want = loss_of(name, (double)x[i], (double)t[i]);
        if (!reduction)
            kt_near((double)loss[i], want, 1 + fabs(want), 8, "loss", i);
        kt_add(&sum, want);
    }
    double want = kt_total(&sum);
    if (reduction == PD_LOSS_MEAN) want /= (double)n;
    if (reduction) kt_near((double)*loss, want, 1 + fabs(want), 32, "loss", 0);
}

/* The first probability out of range is reported, whoever finds another. */
static void bad_probability(int64_t reduction, double value) {
    enum { N = 40000, BAD = 17000 };
    kt_case(PD_KERNEL_loss_forward, "a probability of %g", value);
    real *x = kt_array(N, sizeof(real));
    kt_array(N, sizeof(real));
    x[BAD] = x[BAD + 1] = x[N - 1] = (real)value;
    real *loss = kt_array(reduction == PD_LOSS_NONE ? N : 1, sizeof(real));
    /* of what is not computed to the end nothing is promised */
    (void)loss;
    pd_loss_geometry g = {.function = PD_LOSS_binary_cross_entropy,
                          .elements = N,
                          .reduction = reduction};
    int64_t got = kt_call(&g);
    if (got != 1 + BAD) kt_fail("returned %lld", (long long)got);
}

KTEST(loss) {
    for (int64_t f = 0; f < PD_LOSS_FUNCTIONS; f++)
        for (int k = 0; k < KT_COUNT(sizes); k++)
            for (int64_t reduction = 0; reduction < 3; reduction++)
                for (int backward = 0; backward < 2; backward++)
                    if (!kt_small || sizes[k] < 20000)
                        examine(f, sizes[k], reduction, backward);
    if (kt_small) return;
    bad_probability(PD_LOSS_NONE, 1.5);
    bad_probability(PD_LOSS_NONE, -0.5);
    bad_probability(PD_LOSS_NONE, NAN);
}
