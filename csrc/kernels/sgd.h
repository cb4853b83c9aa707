/* Stochastic gradient descent, all parameters in one pass.
 *
 *     sgd (setting, step, p, dp, momentum; … for each parameter)
 *
 *         step += 1
 *         g = dp + weight_decay * p
 *         momentum = mu * momentum + (1 - dampening) * g    (first step: g)
 *         g = momentum, or with nesterov g + mu * momentum
 *         p = p - lr * g
 *
 * setting   float64 [PD_SGD_SETTINGS]; parameters may share one
 * step      float64 [1], the steps taken before
 * momentum  as p; NULL where mu is 0
 * Geometry and layout: multi_tensor.h. */
#ifndef PD_KERNELS_SGD_H
#define PD_KERNELS_SGD_H

#include "multi_tensor.h"

enum {
    PD_SGD_LR,
    PD_SGD_MOMENTUM,
    PD_SGD_DAMPENING,
    PD_SGD_WEIGHT_DECAY,
    PD_SGD_NESTEROV, /* 0 or 1 */
    PD_SGD_SETTINGS
};

#endif
