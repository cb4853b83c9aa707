/* Layer norm and RMS norm of rows of n elements, and their gradients.
 *
 *     layer_norm_forward  (x, w, b, y, mean, rstd)    y = (x - mean) rstd w + b
 *     layer_norm_backward (x, dy, w, mean, rstd, dx, dw, db)
 *     rms_norm_forward    (x, w, y, rstd)             y = x rstd w
 *     rms_norm_backward   (x, dy, w, rstd, dx, dw)
 *
 * with rstd = 1 / sqrt(var + eps), var the biased variance of the row, or the
 * mean of its squares. x, y, dy, dx are [rows, n]; w, b, dw, db [n]; mean, rstd
 * [rows]; all in C order. w, b and every array written but y may be absent (w
 * counts as ones, b as zeros). Outputs are written whole and overlap no input.
 * A row with a NaN or an infinity gives NaN in that row only; without elements
 * mean and rstd are 0. */
#ifndef PD_KERNELS_LAYER_NORM_H
#define PD_KERNELS_LAYER_NORM_H

#include "kernel.h"

typedef struct {
    int64_t rows, n;
    double eps;
} pd_layer_norm_geometry;

#endif
