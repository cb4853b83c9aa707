/* Adadelta, all parameters in one pass.
 *
 *     adadelta (setting, step, p, dp, square, delta; … for each parameter)
 *
 *         square = rho * square + (1 - rho) * g * g
 *         d = sqrt((delta + eps) / (square + eps)) * g
 *         delta = rho * delta + (1 - rho) * d * d
 *         p = p - lr * d
 *
 * where g is dp with the common settings of multi_tensor.h, as is the
 * layout. */
#ifndef PD_KERNELS_ADADELTA_H
#define PD_KERNELS_ADADELTA_H

#include "multi_tensor.h"

enum {
    PD_ADADELTA_RHO = PD_SETTING_OWN,
    PD_ADADELTA_EPS,
    PD_ADADELTA_SETTINGS
};

enum { PD_ADADELTA_STATES = 2 };

#endif
