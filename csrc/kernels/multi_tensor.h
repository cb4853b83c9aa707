/* What the optimizers share: one pass over all parameters of a model.
 *
 * The arrays come in groups, one group per parameter; the geometry is the
 * number of groups and each parameter's number of elements.
 *
 *     setting, step, p, dp, state …
 *
 *     setting   float64, the optimizer's numbers: the ones below, then its own;
 *               parameters may share one
 *     step      float64 [1], the steps taken before; counted up
 *     p         the parameter, which is changed
 *     dp        its gradient
 *     state     the optimizer's own arrays, changed; NULL where it has no use
 *               for one
 *
 * A parameter, its gradient and its state are dense and have one layout, so
 * that position alone pairs their elements. How the pass goes, and what it does
 * with the common settings: multi_tensor_walk.h. */
#ifndef PD_KERNELS_MULTI_TENSOR_H
#define PD_KERNELS_MULTI_TENSOR_H

#include "kernel.h"

typedef struct {
    int64_t count;      /* parameters */
    int64_t elements[]; /* of each */
} pd_multi_tensor_geometry;

enum {
    PD_SETTING_LR,
    PD_SETTING_WEIGHT_DECAY,
    PD_SETTING_DECOUPLED, /* 1: the decay shrinks p and stays out of dp */
    PD_SETTING_MAXIMIZE,  /* 1: the step goes uphill */
    PD_SETTING_OWN        /* the optimizer's first own one */
};

enum {
    PD_GROUP = 4,   /* arrays of a parameter before its states */
    PD_STATES = 3,  /* at most */
    PD_SPAN = 16384 /* elements of a task */
};

#endif
