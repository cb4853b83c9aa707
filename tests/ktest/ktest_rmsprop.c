/* RMSprop: plain, with momentum, centered: there the square is above the
 * mean's, as it is after real steps. */
#include "ktest_multi_tensor.h"
#include "rmsprop.h"

static const setting_t settings[] = {
    /* lr decay decoupled maximize, alpha eps momentum */
    {"plain", {0.01, 0, 0, 0, 0.99, 1e-8, 0}, 6, 1, 0},
    {"weight decay", {0.01, 0.1, 0, 1, 0.9, 1e-3, 0}, 6, 1, 0},
    {"momentum", {0.01, 0, 0, 0, 0.9, 1e-8, 0.9}, 4, 1, 0},
    {"centered", {0.01, 0, 0, 0, 0.9, 1e-8, 0}, 2, 1, 4.5},
    {"both", {0.01, 0.1, 0, 0, 0.8, 0.1, 0.9}, 0, 1, 4.5},
};

static void rmsprop_element(const setting_t *s, double step, element_t *e,
                            double g) {
    (void)step;
    const double *v = s->values;
    const double alpha = v[PD_RMSPROP_ALPHA];
    e->state[0] = alpha * e->state[0] + (1 - alpha) * g * g;
    double square = e->state[0];
    if (!(s->absent & 4)) {
        e->state[2] += (1 - alpha) * (g - e->state[2]);
        square -= e->state[2] * e->state[2];
    }
    double d = g / (sqrt(square) + v[PD_RMSPROP_EPS]);
    if (!(s->absent & 2))
        d = e->state[1] = v[PD_RMSPROP_MOMENTUM] * e->state[1] + d;
    e->p -= v[PD_SETTING_LR] * d;
}

KTEST(rmsprop) {
    for (int i = 0; i < KT_COUNT(settings); i++)
        optimizer_examine(PD_KERNEL_rmsprop, &settings[i], PD_RMSPROP_SETTINGS,
                          PD_RMSPROP_STATES, rmsprop_element, 7);
}
