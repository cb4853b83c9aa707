/* RMSprop, all parameters in one pass.
 *
 *     rmsprop (setting, step, p, dp, square, momentum, mean; … for each
 *              parameter)
 *
 *         square = alpha * square + (1 - alpha) * g * g
 *         mean = mean + (1 - alpha) * (g - mean)              (centered)
 *         d = g / (sqrt(square) + eps), or centered
 *             g / (sqrt(square - mean * mean) + eps)
 *         d = momentum = mu * momentum + d                    (with momentum)
 *         p = p - lr * d
 *
 * where g is dp with the common settings of multi_tensor.h, as is the layout.
 * momentum  NULL where mu is 0
 * mean      NULL where not centered */
#ifndef PD_KERNELS_RMSPROP_H
#define PD_KERNELS_RMSPROP_H

#include "multi_tensor.h"

enum {
    PD_RMSPROP_ALPHA = PD_SETTING_OWN,
    PD_RMSPROP_EPS,
    PD_RMSPROP_MOMENTUM,
    PD_RMSPROP_SETTINGS
};

enum { PD_RMSPROP_STATES = 3 };

#endif
