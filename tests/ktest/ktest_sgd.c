/* SGD over several parameters at once, several settings, against the formula
 * of sgd.h in double; the result is rounded at each operation, so float is
 * allowed a few ulp of the largest term. */
#include "ktest.h"
#include "sgd.h"

/* Elements of each parameter: none, less than a vector, several spans. */
static const int64_t sizes[] = {37, 0, 1, PD_SPAN, 2 * PD_SPAN + 5, 16};
enum { PARAMETERS = sizeof sizes / sizeof *sizes };

static const struct {
    const char *why;
    double values[PD_SGD_SETTINGS]; /* lr mu dampening weight_decay nesterov */
} settings[] = {
    {"plain", {0.1, 0, 0, 0, 0}},
    {"weight decay", {0.1, 0, 0, 0.01, 0}},
    {"momentum", {0.1, 0.9, 0, 0, 0}},
    {"dampening", {0.1, 0.9, 0.3, 0.01, 0}},
    {"nesterov", {0.1, 0.9, 0, 0.01, 1}},
};

typedef struct {
    double p, momentum;
} state_t;

static state_t updated(const double *s, double step, state_t old, double dp) {
    double g = dp + s[PD_SGD_WEIGHT_DECAY] * old.p, mu = s[PD_SGD_MOMENTUM];
    state_t new = old;
    if (mu != 0) {
        double share = 1 - s[PD_SGD_DAMPENING];
        new.momentum = step > 1 ? mu *old.momentum + share *g : g;
        g = s[PD_SGD_NESTEROV] != 0 ? g + mu * new.momentum : new.momentum;
    }
    new.p -= s[PD_SGD_LR] * g;
    return new;
}

static void examine(int which, double steps) {
    kt_case(PD_KERNEL_sgd, "%s, after %d steps", settings[which].why,
            (int)steps);
    const double *s = settings[which].values;
    struct {
        real *p, *dp, *momentum;
        double *step;
    } a[PARAMETERS];
    state_t *want = calloc(PARAMETERS * 3 * PD_SPAN, sizeof *want);
    for (int k = 0; k < PARAMETERS; k++) {
        double *setting = kt_array(PD_SGD_SETTINGS, sizeof *setting);
        memcpy(setting, s, PD_SGD_SETTINGS * sizeof *setting);
        a[k].step = kt_array(1, sizeof(double));
        *a[k].step = steps;
        a[k].p = kt_reals(sizes[k]);
        a[k].dp = kt_reals(sizes[k]);
        a[k].momentum = NULL;
        if (s[PD_SGD_MOMENTUM] != 0)
            a[k].momentum = kt_reals(sizes[k]);
        else
            kt_absent();
        for (int64_t i = 0; i < sizes[k]; i++)
            want[k * 3 * PD_SPAN + i] =
                updated(s, steps + 1,
                        (state_t){(double)a[k].p[i],
                                  a[k].momentum ? (double)a[k].momentum[i] : 0},
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
            if (a[k].momentum)
                kt_near((double)a[k].momentum[i], one.momentum, 4, 4,
                        "momentum", i);
        }
    }
    free(want);
}

KTEST(sgd) {
    for (int which = 0; which < KT_COUNT(settings); which++) {
        examine(which, 0);
        examine(which, 7);
    }
}
