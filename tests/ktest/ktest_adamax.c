/* Adamax. */
#include "adamax.h"
#include "ktest_multi_tensor.h"

static const setting_t settings[] = {
    /* lr decay decoupled maximize, beta1 beta2 eps */
    {"plain", {0.01, 0, 0, 0, 0.9, 0.999, 1e-8}, 0, 2, 0},
    {"weight decay", {0.01, 0.1, 0, 1, 0.8, 0.5, 1e-3}, 0, 2, 0},
};

static void adamax_element(const setting_t *s, double step, element_t *e,
                           double g) {
    const double *v = s->values, beta1 = v[PD_ADAMAX_BETA1];
    e->state[0] += (1 - beta1) * (g - e->state[0]);
    e->state[1] =
        fmax(v[PD_ADAMAX_BETA2] * e->state[1], fabs(g) + v[PD_ADAMAX_EPS]);
    e->p -=
        v[PD_SETTING_LR] / (1 - pow(beta1, step)) * e->state[0] / e->state[1];
}

KTEST(adamax) {
    for (int i = 0; i < KT_COUNT(settings); i++)
        for (int steps = 0; steps <= 7; steps += 7)
            optimizer_examine(PD_KERNEL_adamax, &settings[i],
                              PD_ADAMAX_SETTINGS, PD_ADAMAX_STATES,
                              adamax_element, steps);
}
