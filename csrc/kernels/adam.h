/* Adam and AdamW, all parameters in one pass.
 *
 *     adam (setting, step, p, dp, m, v; … for each parameter)
 *
 *         step += 1
 *         Adam:  g = dp + weight_decay * p
 *         AdamW: g = dp;  p = p - lr * weight_decay * p
 *         m = m + (1 - beta1) * (g - m)
 *         v = beta2 * v + (1 - beta2) * g * g
 *         p = p - lr / (1 - beta1^step)
 *               * m / (sqrt(v) / sqrt(1 - beta2^step) + eps)
 *
 * setting   float64 [PD_ADAM_SETTINGS]; parameters may share one
 * step      float64 [1], the steps taken before
 * Geometry and layout: multi_tensor.h. */
#ifndef PD_KERNELS_ADAM_H
#define PD_KERNELS_ADAM_H

#include "multi_tensor.h"

enum {
    PD_ADAM_LR,
    PD_ADAM_BETA1,
    PD_ADAM_BETA2,
    PD_ADAM_EPS,
    PD_ADAM_WEIGHT_DECAY,
    PD_ADAM_DECOUPLED, /* 0 Adam, 1 AdamW */
    PD_ADAM_SETTINGS
};

#endif
