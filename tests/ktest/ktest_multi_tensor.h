/* What the tests of optimizers share: several parameters at once, several
 * settings, against the formula in double; a result is rounded at each
 * operation, so float is allowed a few ulp of the largest term. */
#ifndef KTEST_MULTI_TENSOR_H
#define KTEST_MULTI_TENSOR_H

#include "ktest.h"
#include "multi_tensor.h"

/* Elements of each parameter: none, less than a vector, several spans. */
static const int64_t sizes[] = {37, 0, 1, PD_SPAN, 2 * PD_SPAN + 5, 16};
enum { PARAMETERS = sizeof sizes / sizeof *sizes, MOST_SETTINGS = 12 };

/* One case; a mask has bit k for state k. */
typedef struct {
    const char *why;
    double values[MOST_SETTINGS]; /* lr decay decoupled maximize, own … */
    int absent;                   /* states that are NULL */
    int squares;                  /* states that are squares, … */
    double least;                 /* … plus this, or 0.01 */
} setting_t;

typedef struct {
    double p, state[PD_STATES];
} element_t;

/* The step of one element by the header's formula. */
typedef void element_rule(const setting_t *s, double step, element_t *e,
                          double g);

static element_t element_updated(const setting_t *s, double step, element_t e,
                                 double dp, element_rule *rule) {
    const double *v = s->values, decay = v[PD_SETTING_WEIGHT_DECAY];
    double g = v[PD_SETTING_MAXIMIZE] != 0 ? -dp : dp;
    if (v[PD_SETTING_DECOUPLED] != 0)
        e.p -= v[PD_SETTING_LR] * decay * e.p;
    else
        g += decay * e.p;
    rule(s, step, &e, g);
    return e;
}

static void optimizer_examine(int kernel, const setting_t *s, int settings,
                              int states, element_rule *rule, double steps) {
    kt_case(kernel, "%s, after %d steps", s->why, (int)steps);
    struct {
        real *p, *dp, *state[PD_STATES];
        double *step;
    } a[PARAMETERS];
    element_t *want = calloc(PARAMETERS * 3 * PD_SPAN, sizeof *want);
    for (int k = 0; k < PARAMETERS; k++) {
        double *setting = kt_array(settings, sizeof *setting);
        memcpy(setting, s->values, (size_t)settings * sizeof *setting);
        a[k].step = kt_array(1, sizeof(double));
        *a[k].step = steps;
        a[k].p = kt_reals(sizes[k]);
        a[k].dp = kt_reals(sizes[k]);
        for (int j = 0; j < states; j++) {
            a[k].state[j] = NULL;
            if (s->absent & 1 << j)
                kt_absent();
            else
                a[k].state[j] = kt_reals(sizes[k]);
            for (int64_t i = 0; i < sizes[k] && s->squares & 1 << j; i++) {
                real *x = a[k].state[j] + i;
                *x = *x * *x + (real)(s->least > 0 ? s->least : 0.01);
            }
        }
        for (int64_t i = 0; i < sizes[k]; i++) {
            element_t e = {.p = (double)a[k].p[i]};
            for (int j = 0; j < states; j++)
                if (a[k].state[j]) e.state[j] = (double)a[k].state[j][i];
            want[k * 3 * PD_SPAN + i] =
                element_updated(s, steps + 1, e, (double)a[k].dp[i], rule);
        }
    }
    struct {
        int64_t count, elements[PARAMETERS];
    } g = {.count = PARAMETERS};
    memcpy(g.elements, sizes, sizeof sizes);
    if (kt_call(&g)) kt_fail("reports a bad datum");
    for (int k = 0; k < PARAMETERS; k++) {
        kt_near(*a[k].step, steps + 1, 0, 0, "step", k);
        for (int64_t i = 0; i < sizes[k]; i++) {
            element_t one = want[k * 3 * PD_SPAN + i];
            kt_near((double)a[k].p[i], one.p, 4 + fabs(one.p), 16, "p", i);
            for (int j = 0; j < states; j++)
                if (a[k].state[j])
                    kt_near((double)a[k].state[j][i], one.state[j],
                            4 + fabs(one.state[j]), 8, "state", i);
        }
    }
    free(want);
}

#endif
