/* Adam, AdamW, AMSGrad. */
#include "adam.h"
#include "ktest_multi_tensor.h"

static const setting_t settings[] = {
    /* lr decay decoupled maximize, beta1 beta2 eps */
    {"Adam", {0.01, 0, 0, 0, 0.9, 0.999, 1e-8}, 4, 2, 0},
    {"weight decay", {0.01, 0.1, 0, 1, 0.9, 0.999, 1e-8}, 4, 2, 0},
    {"AdamW", {0.01, 0.1, 1, 0, 0.8, 0.99, 1e-3}, 4, 2, 0},
    {"AMSGrad", {0.01, 0.1, 0, 0, 0.8, 0.99, 1e-3}, 0, 6, 0},
};

static void adam_element(const setting_t *s, double step, element_t *e,
                         double g) {
    const double *v = s->values;
    const double beta1 = v[PD_ADAM_BETA1], beta2 = v[PD_ADAM_BETA2];
    e->state[0] += (1 - beta1) * (g - e->state[0]);
    e->state[1] = beta2 * e->state[1] + (1 - beta2) * g * g;
    double square = e->state[1];
    if (!(s->absent & 4)) e->state[2] = square = fmax(square, e->state[2]);
    const double root = sqrt(square / (1 - pow(beta2, step)));
    e->p -= v[PD_SETTING_LR] / (1 - pow(beta1, step)) * e->state[0] /
            (root + v[PD_ADAM_EPS]);
}

KTEST(adam) {
    for (int i = 0; i < KT_COUNT(settings); i++)
        for (int steps = 0; steps <= 7; steps += 7)
            optimizer_examine(PD_KERNEL_adam, &settings[i], PD_ADAM_SETTINGS,
                              PD_ADAM_STATES, adam_element, steps);
}
