/* Stochastic gradient descent, all parameters in one pass.
 *
 *     sgd (setting, step, p, dp, momentum; … for each parameter)
 *
 *         momentum = mu * momentum + (1 - dampening) * g    (first step: g)
 *         g = momentum, or with nesterov g + mu * momentum
 *         p = p - lr * g
 *
 * where g is dp with the common settings of multi_tensor.h, as is the layout.
 * momentum  NULL where mu is 0 */
#ifndef PD_KERNELS_SGD_H
#define PD_KERNELS_SGD_H

#include "multi_tensor.h"

enum {
    PD_SGD_MOMENTUM = PD_SETTING_OWN,
    PD_SGD_DAMPENING,
    PD_SGD_NESTEROV, /* 0 or 1 */
    PD_SGD_SETTINGS
};

enum { PD_SGD_STATES = 1 };

#endif
