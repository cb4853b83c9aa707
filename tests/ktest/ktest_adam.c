/* ADAM over several parameters at once, several settings, against the formula
 * of adam.h in double; the result is rounded at each operation, so float is
 * allowed a few ulp of the largest term. */
#include "ktest.h"
#include "adam.h"

/* Elements of each parameter: none, less than a vector, several spans. */
static const int64_t sizes[] = {37, 0, 1, PD_SPAN, 2 * PD_SPAN + 5, 16};
enum { PARAMETERS = sizeof sizes / sizeof *sizes };

static const struct {
    const char *why;
    double values[PD_ADAM_SETTINGS]; /* lr beta1 beta2 eps decay decoupled */
} settings[] = {
    {"Adam", {0.01, 0.9, 0.999, 1e-8, 0, 0}},
    {"weight decay", {0.01, 0.9, 0.999, 1e-8, 0.1, 0}},
    {"AdamW", {0.01, 0.8, 0.99, 1e-3, 0.1, 1}},
};

typedef struct {
    double p, m, v;
} state_t;

static state_t updated(const double *s, double step, state_t old, double dp) {
    double beta1 = s[PD_ADAM_BETA1], beta2 = s[PD_ADAM_BETA2], g = dp;
    state_t new = old;
    if (s[PD_ADAM_DECOUPLED] != 0)
        new.p -= s[PD_ADAM_LR] * s[PD_ADAM_WEIGHT_DECAY] * old.p;
    else
        g += s[PD_ADAM_WEIGHT_DECAY] * old.p;
    new.m += (1 - beta1) * (g - old.m);
    new.v = beta2 *old.v + (1 - beta2) * g *g;
    double root = sqrt(new.v) / sqrt(1 - pow(beta2, step));
    new.p -= s[PD_ADAM_LR] / (1 - pow(beta1, step)) * new.m /
             (root + s[PD_ADAM_EPS]);
    return new;
}

static void examine(int which, double steps) {
    kt_case(PD_KERNEL_adam, "%s, after %d steps", settings[which].why,
            (int)steps);
    const double *s = settings[which].values;
    struct {
        real *p, *dp, *m, *v;
        double *step;
    } a[PARAMETERS];
    state_t *want = calloc(PARAMETERS * 3 * PD_SPAN, sizeof *want);
    for (int k = 0; k < PARAMETERS; k++) {
        double *setting = kt_array(PD_ADAM_SETTINGS, sizeof *setting);
        memcpy(setting, s, PD_ADAM_SETTINGS * sizeof *setting);
        a[k].step = kt_array(1, sizeof(double));
        *a[k].step = steps;
        a[k].p = kt_reals(sizes[k]);
        a[k].dp = kt_reals(sizes[k]);
        a[k].m = kt_reals(sizes[k]);
        a[k].v = kt_reals(sizes[k]);
        for (int64_t i = 0; i < sizes[k]; i++)
            a[k].v[i] = a[k].v[i] * a[k].v[i] + (real)0.01;
        for (int64_t i = 0; i < sizes[k]; i++)
            want[k * 3 * PD_SPAN + i] =
                updated(s, steps + 1,
                        (state_t){(double)a[k].p[i], (double)a[k].m[i],
                                  (double)a[k].v[i]},
                        (double)a[k].dp[i]);
    }
    struct {
        int64_t count, elements[PARAMETERS];
    } g = {.count = PARAMETERS};
    memcpy(g.elements, sizes, sizeof sizes);
    if (kt_call(&g)) kt_fail("reports a bad datum");
    for (int k = 0; k < PARAMETERS; k++) {
        kt_near(*a[k].step, steps + 1, 0, 0, "step", k);
        for (int64_t i = 0; i < sizes[k]; i++) {
            state_t one = want[k * 3 * PD_SPAN + i];
            kt_near((double)a[k].p[i], one.p, 4 + fabs(one.p), 16, "p", i);
            kt_near((double)a[k].m[i], one.m, 4, 4, "m", i);
            kt_near((double)a[k].v[i], one.v, fabs(one.v), 8, "v", i);
        }
    }
    free(want);
}

KTEST(adam) {
    for (int which = 0; which < KT_COUNT(settings); which++) {
        examine(which, 0);
        examine(which, 7);
    }
}
