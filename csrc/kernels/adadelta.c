/* Adadelta; see adadelta.h for the formula.
 *
 * Zeiler 2012, Adadelta: an adaptive learning rate method.
 * PyTorch's order of operations: torch/optim/adadelta.py,
 * _single_tensor_adadelta; but one root of the quotient in place of a quotient
 * of two roots: dividers are the limit in a cache. */
#include "adadelta.h"
#include "multi_tensor_walk.h"

typedef struct {
    vreal lr, rho, share, eps; /* share: 1 - rho */
} scalars_t;

V_INLINE vreal adadelta_lanes(const void *scalars, vreal p, vreal g,
                              vreal *state) {
    const scalars_t *u = scalars;
    const vreal square = u->rho * state[0] + u->share * g * g;
    const vreal before = state[1];
    const vreal d = v_sqrt((before + u->eps) / (square + u->eps)) * g;
    state[0] = square;
    state[1] = u->rho * before + u->share * d * d;
    return p - u->lr * d;
}

static void adadelta_span(const span_t *s) {
    const double rho = s->setting[PD_ADADELTA_RHO];
    const scalars_t u = {
        .lr = v_set((real)s->setting[PD_SETTING_LR]),
        .rho = v_set((real)rho),
        .share = v_set((real)(1 - rho)),
        .eps = v_set((real)s->setting[PD_ADADELTA_EPS]),
    };
    span_update(s, adadelta_lanes, PD_ADADELTA_STATES, &u);
}

int64_t K(adadelta)(void *const *arrays, const void *geometry) {
    return multi_tensor(arrays, geometry, PD_ADADELTA_STATES, 0.7,
                        adadelta_span);
}
