/* SGD: momentum, dampening, nesterov; the first step begins the momentum. */
#include "ktest_multi_tensor.h"
#include "sgd.h"

static const setting_t settings[] = {
    /* lr decay decoupled maximize, momentum dampening nesterov */
    {"plain", {0.1, 0, 0, 0, 0, 0, 0}, 1, 0, 0},
    {"maximize", {0.1, 0, 0, 1, 0, 0, 0}, 1, 0, 0},
    {"weight decay", {0.1, 0.01, 0, 0, 0, 0, 0}, 1, 0, 0},
    {"decoupled decay", {0.1, 0.3, 1, 1, 0, 0, 0}, 1, 0, 0},
    {"momentum", {0.1, 0, 0, 0, 0.9, 0, 0}, 0, 0, 0},
    {"dampening", {0.1, 0.01, 0, 0, 0.9, 0.3, 0}, 0, 0, 0},
    {"nesterov", {0.1, 0.01, 0, 1, 0.9, 0, 1}, 0, 0, 0},
};

static void sgd_element(const setting_t *s, double step, element_t *e,
                        double g) {
    const double *v = s->values, mu = v[PD_SGD_MOMENTUM];
    if (mu != 0) {
        const double share = 1 - v[PD_SGD_DAMPENING];
        e->state[0] = step > 1 ? mu * e->state[0] + share * g : g;
        g = v[PD_SGD_NESTEROV] != 0 ? g + mu * e->state[0] : e->state[0];
    }
    e->p -= v[PD_SETTING_LR] * g;
}

KTEST(sgd) {
    for (int i = 0; i < KT_COUNT(settings); i++)
        for (int steps = 0; steps <= 7; steps += 7)
            optimizer_examine(PD_KERNEL_sgd, &settings[i], PD_SGD_SETTINGS,
                              PD_SGD_STATES, sgd_element, steps);
}
