/* Adam and AdamW, all parameters in one pass.
 *
 *     adam (setting, step, p, dp, m, v, top; … for each parameter)
 *
 *         m = m + (1 - beta1) * (g - m)
 *         v = beta2 * v + (1 - beta2) * g * g
 *         top = max(top, v)                                   (AMSGrad)
 *         p = p - lr / (1 - beta1^step)
 *               * m / (sqrt(v) / sqrt(1 - beta2^step) + eps)
 *
 * where g is dp with the common settings of multi_tensor.h, as is the layout;
 * AdamW is their decoupled weight decay.
 * top   NULL, or AMSGrad's, which then stands for v in the last line */
#ifndef PD_KERNELS_ADAM_H
#define PD_KERNELS_ADAM_H

#include "multi_tensor.h"

enum {
    PD_ADAM_BETA1 = PD_SETTING_OWN,
    PD_ADAM_BETA2,
    PD_ADAM_EPS,
    PD_ADAM_SETTINGS
};

enum { PD_ADAM_STATES = 3 };

#endif
