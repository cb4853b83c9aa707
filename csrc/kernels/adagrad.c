/* Adagrad; see adagrad.h for the formula.
 *
 * Duchi, Hazan and Singer 2011, Adaptive subgradient methods.
 * PyTorch's order of operations: torch/optim/adagrad.py,
 * _single_tensor_adagrad. */
#include "adagrad.h"
#include "multi_tensor_walk.h"

typedef struct {
    vreal rate, eps; /* rate: lr / (1 + (step - 1) * lr_decay) */
} scalars_t;

V_INLINE vreal adagrad_lanes(const void *scalars, vreal p, vreal g,
                             vreal *sum) {
    const scalars_t *u = scalars;
    *sum = *sum + g * g;
    return p - u->rate * (g / (v_sqrt(*sum) + u->eps));
}

static void adagrad_span(const span_t *s) {
    const double decay = s->setting[PD_ADAGRAD_LR_DECAY];
    const double rate = s->setting[PD_SETTING_LR] / (1 + (s->step - 1) * decay);
    const scalars_t u = {
        .rate = v_set((real)rate),
        .eps = v_set((real)s->setting[PD_ADAGRAD_EPS]),
    };
    span_update(s, adagrad_lanes, PD_ADAGRAD_STATES, &u);
}

int64_t K(adagrad)(void *const *arrays, const void *geometry) {
    return multi_tensor(arrays, geometry, PD_ADAGRAD_STATES, 0.5, adagrad_span);
}
