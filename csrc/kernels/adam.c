/* Adam and AdamW; see adam.h for the formula.
 *
 * Kingma and Ba 2015, Adam; Loshchilov and Hutter 2019, Decoupled weight decay;
 * Reddi, Kale and Kumar 2018, On the convergence of Adam (AMSGrad).
 * PyTorch's order of operations: torch/optim/adam.py, _single_tensor_adam; but
 * the root is multiplied by a reciprocal: dividers are the limit in a cache. */
#include "adam.h"
#include "multi_tensor_walk.h"

typedef struct {
    vreal share1, beta2, share2; /* share: 1 - beta */
    vreal rate;                  /* lr / (1 - beta1^step) */
    vreal unbias;                /* 1 / sqrt(1 - beta2^step) */
    vreal eps;
    int has_top;
} scalars_t;

V_INLINE vreal adam_lanes(const void *scalars, vreal p, vreal g, vreal *state) {
    const scalars_t *u = scalars;
    vreal m = state[0], v = state[1];
    state[0] = m = m + u->share1 * (g - m);
    state[1] = v = u->beta2 * v + u->share2 * g * g;
    if (u->has_top) state[2] = v = v_select(v_nan(v), v, v_max(v, state[2]));
    return p - u->rate * (m / (v_sqrt(v) * u->unbias + u->eps));
}

static void adam_span(const span_t *s) {
    const double *setting = s->setting;
    const double beta1 = setting[PD_ADAM_BETA1], beta2 = setting[PD_ADAM_BETA2];
    const double rate = setting[PD_SETTING_LR] / (1 - pow(beta1, s->step));
    const scalars_t u = {
        .share1 = v_set((real)(1 - beta1)),
        .beta2 = v_set((real)beta2),
        .share2 = v_set((real)(1 - beta2)),
        .rate = v_set((real)rate),
        .unbias = v_set((real)(1 / sqrt(1 - pow(beta2, s->step)))),
        .eps = v_set((real)setting[PD_ADAM_EPS]),
        .has_top = s->state[2] != NULL,
    };
    span_update(s, adam_lanes, PD_ADAM_STATES, &u);
}

int64_t K(adam)(void *const *arrays, const void *geometry) {
    return multi_tensor(arrays, geometry, PD_ADAM_STATES, 0.7, adam_span);
}
