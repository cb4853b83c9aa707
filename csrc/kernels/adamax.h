/* Adamax, all parameters in one pass.
 *
 *     adamax (setting, step, p, dp, m, top; … for each parameter)
 *
 *         m = m + (1 - beta1) * (g - m)
 *         top = max(beta2 * top, |g| + eps)
 *         p = p - lr / (1 - beta1^step) * m / top
 *
 * where g is dp with the common settings of multi_tensor.h, as is the
 * layout. */
#ifndef PD_KERNELS_ADAMAX_H
#define PD_KERNELS_ADAMAX_H

#include "multi_tensor.h"

enum {
    PD_ADAMAX_BETA1 = PD_SETTING_OWN,
    PD_ADAMAX_BETA2,
    PD_ADAMAX_EPS,
    PD_ADAMAX_SETTINGS
};

enum { PD_ADAMAX_STATES = 2 };

#endif
