/* Adamax; see adamax.h for the formula.
 *
 * Kingma and Ba 2015, Adam, section 7.1.
 * PyTorch's order of operations: torch/optim/adamax.py,
 * _single_tensor_adamax. */
#include "adamax.h"
#include "multi_tensor_walk.h"

typedef struct {
    vreal share, beta2, eps; /* share: 1 - beta1 */
    vreal rate;              /* lr / (1 - beta1^step) */
} scalars_t;

V_INLINE vreal adamax_lanes(const void *scalars, vreal p, vreal g,
                            vreal *state) {
    const scalars_t *u = scalars;
    const vreal m = state[0] = state[0] + u->share * (g - state[0]);
    const vreal size = v_abs(g) + u->eps;
    const vreal top = v_max(u->beta2 * state[1], size);
    state[1] = v_select(v_nan(state[1]), state[1], top); /* NaN stays */
    return p - u->rate * (m / state[1]);
}

static void adamax_span(const span_t *s) {
    const double beta1 = s->setting[PD_ADAMAX_BETA1];
    const double rate = s->setting[PD_SETTING_LR] / (1 - pow(beta1, s->step));
    const scalars_t u = {
        .share = v_set((real)(1 - beta1)),
        .beta2 = v_set((real)s->setting[PD_ADAMAX_BETA2]),
        .eps = v_set((real)s->setting[PD_ADAMAX_EPS]),
        .rate = v_set((real)rate),
    };
    span_update(s, adamax_lanes, PD_ADAMAX_STATES, &u);
}

int64_t K(adamax)(void *const *arrays, const void *geometry) {
    return multi_tensor(arrays, geometry, PD_ADAMAX_STATES, 0.5, adamax_span);
}
