/* The walk of an optimizer through all parameters.
 *
 *     parameter  0              1     2                 …
 *     tasks      [0][1][2][3]   [4]   [5][6]            SPAN elements each
 *
 * One parallel region serves all of them: a large parameter is many tasks, and
 * small ones do not wait for each other. An optimizer is a rule on one vector
 * of elements; what all of them do is done here, before the rule:
 *
 *     g = dp, with maximize -dp
 *     weight decay:            g = g + weight_decay * p
 *     decoupled weight decay:  p = p - lr * weight_decay * p
 *
 * Memory is the limit: p and the states are read and written once, dp is read
 * once.
 *
 * Every operation is elementwise and rounded by itself (no fused multiply-add),
 * so a step has the same bits on every ISA. The region is never cut short:
 * after Ctrl-C the parameters are all before the step or all behind it. */
#ifndef PD_KERNELS_MULTI_TENSOR_WALK_H
#define PD_KERNELS_MULTI_TENSOR_WALK_H

#include "multi_tensor.h"
#include "par.h"
#include "real.h"
#include "simd.h"

#include <math.h>

/* A task: some elements of one parameter. */
typedef struct {
    const double *setting;
    double step; /* 1 at the first */
    real *p;
    const real *dp;
    real *state[PD_STATES]; /* NULL where absent */
    int64_t n;
} span_t;

/* What a rule does to one vector: the new p, and its states in place. `scalars`
 * is the rule's own struct, made from the settings once for each task. */
typedef vreal multi_tensor_rule(const void *scalars, vreal p, vreal g,
                                vreal *state);
typedef void multi_tensor_task(const span_t *span);

/* ---- one task -------------------------------------------------------------
 */

/* The settings that all rules share. */
typedef struct {
    vreal keep, decay; /* keep: 1 - lr * weight_decay */
    int decays, decoupled, maximize;
} common_t;

static inline common_t common_of(const double *setting) {
    const double decay = setting[PD_SETTING_WEIGHT_DECAY];
    return (common_t){
        .keep = v_set((real)(1 - setting[PD_SETTING_LR] * decay)),
        .decay = v_set((real)decay),
        .decays = decay != 0 && setting[PD_SETTING_DECOUPLED] == 0,
        .decoupled = decay != 0 && setting[PD_SETTING_DECOUPLED] != 0,
        .maximize = setting[PD_SETTING_MAXIMIZE] != 0,
    };
}

V_INLINE void lanes_update(multi_tensor_rule *rule, int states,
                           const common_t *c, const void *scalars,
                           const span_t *s, int64_t i, int64_t lanes) {
    /* the states not along: Adadelta on two threads took 5 to 9 % longer */
    vreal p = v_load_lanes_along(s->p + i, lanes);
    vreal g = v_load_lanes_along(s->dp + i, lanes);
    vreal state[PD_STATES] = {v_set(0), v_set(0), v_set(0)};
    UNROLL for (int k = 0; k < states; k++)
        if (s->state[k]) state[k] = v_load_lanes(s->state[k] + i, lanes);
    if (c->maximize) g = -g;
    if (c->decays) g = g + c->decay * p;
    if (c->decoupled) p = p * c->keep;
    v_store_lanes(s->p + i, rule(scalars, p, g, state), lanes);
    UNROLL for (int k = 0; k < states; k++)
        if (s->state[k]) v_store_lanes(s->state[k] + i, state[k], lanes);
}

/* The rule on all elements of a span. To be called with a constant rule, which
 * then is part of the loop. */
V_INLINE void span_update(const span_t *s, multi_tensor_rule *rule, int states,
                          const void *scalars) {
    const common_t c = common_of(s->setting);
    const span_t own = *s; /* in registers: no store can change it */
    int64_t i = 0;
    for (; i + VL <= own.n; i += VL)
        lanes_update(rule, states, &c, scalars, &own, i, VL);
    if (i < own.n) lanes_update(rule, states, &c, scalars, &own, i, own.n - i);
}

/* ---- all parameters -------------------------------------------------------
 */

typedef struct {
    void *const *arrays;
    const pd_multi_tensor_geometry *g;
    int states;
    multi_tensor_task *run;
    int64_t *first_task; /* of each parameter */
} walk_t;

static inline int64_t spans_of(int64_t elements) {
    return (elements + PD_SPAN - 1) / PD_SPAN;
}

/* The parameter of task t: the last one whose first task is not behind t. */
static inline int64_t parameter_of(const walk_t *w, int64_t t) {
    int64_t low = 0, high = w->g->count;
    while (high - low > 1) {
        const int64_t middle = (low + high) / 2;
        if (w->first_task[middle] <= t)
            low = middle;
        else
            high = middle;
    }
    return low;
}

static void walk_task(void *context, int64_t t) {
    const walk_t *w = context;
    const int64_t k = parameter_of(w, t);
    void *const *arrays = w->arrays + (PD_GROUP + w->states) * k;
    const int64_t begin = (t - w->first_task[k]) * PD_SPAN;
    const int64_t left = w->g->elements[k] - begin;
    span_t span = {
        .setting = arrays[0],
        .step = *(const double *)arrays[1],
        .p = (real *)arrays[2] + begin,
        .dp = (const real *)arrays[3] + begin,
        .n = left < PD_SPAN ? left : PD_SPAN,
    };
    for (int i = 0; i < w->states; i++)
        if (arrays[PD_GROUP + i])
            span.state[i] = (real *)arrays[PD_GROUP + i] + begin;
    w->run(&span);
}

/* One step of all parameters; `ns` is the time of one element. */
static int64_t multi_tensor(void *const *arrays, const void *geometry,
                            int states, double ns, multi_tensor_task *run) {
    const pd_multi_tensor_geometry *g = geometry;
    const size_t bytes = (size_t)g->count * sizeof(int64_t);
    walk_t w = {arrays, g, states, run, pd_scratch(PD_SCRATCH_A, bytes)};
    if (!w.first_task) return PD_NO_MEMORY;
    int64_t tasks = 0;
    double elements = 0;
    for (int64_t k = 0; k < g->count; k++) {
        w.first_task[k] = tasks;
        tasks += spans_of(g->elements[k]);
        elements += (double)g->elements[k];
        *(double *)arrays[(PD_GROUP + states) * k + 1] += 1;
    }
    pd_parallel_whole(tasks, ns * elements, walk_task, &w);
    return 0;
}

#endif
