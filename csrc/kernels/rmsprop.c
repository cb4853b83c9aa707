/* RMSprop; see rmsprop.h for the formula.
 *
 * Tieleman and Hinton 2012, Lecture 6.5; Graves 2013, Generating sequences with
 * recurrent neural networks (centered).
 * PyTorch's order of operations: torch/optim/rmsprop.py,
 * _single_tensor_rmsprop. */
#include "rmsprop.h"
#include "multi_tensor_walk.h"

typedef struct {
    vreal lr, alpha, share, eps, mu; /* share: 1 - alpha */
    int has_momentum, centered;
} scalars_t;

V_INLINE vreal rmsprop_lanes(const void *scalars, vreal p, vreal g,
                             vreal *state) {
    const scalars_t *u = scalars;
    vreal square = state[0] = u->alpha * state[0] + u->share * g * g;
    if (u->centered) {
        const vreal mean = state[2] = state[2] + u->share * (g - state[2]);
        square = square - mean * mean;
    }
    vreal d = g / (v_sqrt(square) + u->eps);
    if (u->has_momentum) d = state[1] = u->mu * state[1] + d;
    return p - u->lr * d;
}

static void rmsprop_span(const span_t *s) {
    const double alpha = s->setting[PD_RMSPROP_ALPHA];
    const scalars_t u = {
        .lr = v_set((real)s->setting[PD_SETTING_LR]),
        .alpha = v_set((real)alpha),
        .share = v_set((real)(1 - alpha)),
        .eps = v_set((real)s->setting[PD_RMSPROP_EPS]),
        .mu = v_set((real)s->setting[PD_RMSPROP_MOMENTUM]),
        .has_momentum = s->state[1] != NULL,
        .centered = s->state[2] != NULL,
    };
    span_update(s, rmsprop_lanes, PD_RMSPROP_STATES, &u);
}

int64_t K(rmsprop)(void *const *arrays, const void *geometry) {
    return multi_tensor(arrays, geometry, PD_RMSPROP_STATES, 0.6, rmsprop_span);
}
