/* Adadelta. */
#include "adadelta.h"
#include "ktest_multi_tensor.h"

static const setting_t settings[] = {
    /* lr decay decoupled maximize, rho eps */
    {"plain", {0.1, 0, 0, 0, 0.9, 1e-6}, 0, 3, 0},
    {"weight decay", {0.1, 0.1, 0, 1, 0.8, 1e-3}, 0, 3, 0},
};

static void adadelta_element(const setting_t *s, double step, element_t *e,
                             double g) {
    (void)step;
    const double *v = s->values;
    const double rho = v[PD_ADADELTA_RHO], eps = v[PD_ADADELTA_EPS];
    e->state[0] = rho * e->state[0] + (1 - rho) * g * g;
    const double d = sqrt((e->state[1] + eps) / (e->state[0] + eps)) * g;
    e->state[1] = rho * e->state[1] + (1 - rho) * d * d;
    e->p -= v[PD_SETTING_LR] * d;
}

KTEST(adadelta) {
    for (int i = 0; i < KT_COUNT(settings); i++)
        optimizer_examine(PD_KERNEL_adadelta, &settings[i],
                          PD_ADADELTA_SETTINGS, PD_ADADELTA_STATES,
                          adadelta_element, 7);
}
