/* Adagrad. */
#include "adagrad.h"
#include "ktest_multi_tensor.h"

static const setting_t settings[] = {
    /* lr decay decoupled maximize, lr_decay eps */
    {"plain", {0.1, 0, 0, 0, 0, 1e-10}, 0, 1, 0},
    {"weight decay, falling rate", {0.1, 0.1, 0, 1, 0.5, 1e-3}, 0, 1, 0},
};

static void adagrad_element(const setting_t *s, double step, element_t *e,
                            double g) {
    const double *v = s->values;
    e->state[0] += g * g;
    e->p -= v[PD_SETTING_LR] / (1 + (step - 1) * v[PD_ADAGRAD_LR_DECAY]) * g /
            (sqrt(e->state[0]) + v[PD_ADAGRAD_EPS]);
}

KTEST(adagrad) {
    for (int i = 0; i < KT_COUNT(settings); i++)
        for (int steps = 0; steps <= 7; steps += 7)
            optimizer_examine(PD_KERNEL_adagrad, &settings[i],
                              PD_ADAGRAD_SETTINGS, PD_ADAGRAD_STATES,
                              adagrad_element, steps);
}
