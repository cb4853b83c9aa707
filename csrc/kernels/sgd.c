/* Stochastic gradient descent; see sgd.h for the formula.
 *
 * PyTorch's formula: torch/optim/sgd.py, _single_tensor_sgd. */
#include "sgd.h"
#include "multi_tensor_walk.h"

typedef struct {
    vreal lr, mu, share; /* share: of g that enters the momentum */
    int has_momentum, nesterov, first;
} scalars_t;

V_INLINE vreal sgd_lanes(const void *scalars, vreal p, vreal g,
                         vreal *momentum) {
    const scalars_t *u = scalars;
    if (u->has_momentum) {
        *momentum = u->first ? g : u->mu * *momentum + u->share * g;
        g = u->nesterov ? g + u->mu * *momentum : *momentum;
    }
    return p - u->lr * g;
}

static void sgd_span(const span_t *s) {
    const scalars_t u = {
        .lr = v_set((real)s->setting[PD_SETTING_LR]),
        .mu = v_set((real)s->setting[PD_SGD_MOMENTUM]),
        .share = v_set((real)(1 - s->setting[PD_SGD_DAMPENING])),
        .has_momentum = s->state[0] != NULL,
        .nesterov = s->setting[PD_SGD_NESTEROV] != 0,
        .first = s->step == 1,
    };
    span_update(s, sgd_lanes, PD_SGD_STATES, &u);
}

int64_t K(sgd)(void *const *arrays, const void *geometry) {
    return multi_tensor(arrays, geometry, PD_SGD_STATES, 0.4, sgd_span);
}
