/* Adagrad, all parameters in one pass.
 *
 *     adagrad (setting, step, p, dp, sum; … for each parameter)
 *
 *         sum = sum + g * g
 *         p = p - lr / (1 + (step - 1) * lr_decay) * g / (sqrt(sum) + eps)
 *
 * where g is dp with the common settings of multi_tensor.h, as is the
 * layout. */
#ifndef PD_KERNELS_ADAGRAD_H
#define PD_KERNELS_ADAGRAD_H

#include "multi_tensor.h"

enum {
    PD_ADAGRAD_LR_DECAY = PD_SETTING_OWN,
    PD_ADAGRAD_EPS,
    PD_ADAGRAD_SETTINGS
};

enum { PD_ADAGRAD_STATES = 1 };

#endif
