/* Losses of a prediction x and a target t, element by element, and their sum or
 * mean in the same pass.
 *
 *     loss_forward  (x, t, loss)         loss[i] = f(x[i], t[i])
 *     loss_backward (x, t, dloss, dx)    dx[i] = g df/dx(x[i], t[i])
 *         g = dloss[i], dloss or dloss / n
 *
 *     x, t, dx  [n] contiguous
 *     loss      [n] for "none", else a single number; so is dloss
 *
 * The functions, and the constant p of some of them, are in loss.inc.
 * loss_forward returns 1 + i for the first i whose x the function does not take
 * (a probability outside [0, 1]). */
#ifndef PD_KERNELS_LOSS_H
#define PD_KERNELS_LOSS_H

#include "kernel.h"

enum { PD_LOSS_NONE, PD_LOSS_SUM, PD_LOSS_MEAN };

#define LOSS(name, ns, formula, slope) PD_LOSS_##name,
enum {
#include "loss.inc"
    PD_LOSS_FUNCTIONS
};
#undef LOSS

/* The names, in the order of the numbers. */
#define LOSS(name, ns, formula, slope) #name,
static const char *const pd_loss_names[] __attribute__((unused)) = {
#include "loss.inc"
};
#undef LOSS

typedef struct {
    int64_t function; /* PD_LOSS_… */
    int64_t elements;
    int64_t reduction; /* PD_LOSS_NONE … */
    double p;
} pd_loss_geometry;

#endif
