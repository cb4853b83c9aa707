/* Batch norm and group norm: channels, or groups of them, normalised over the
 * rows (pixels) of all images, or of each.
 *
 *     batch_norm_forward   (x, w, b, mean, var, y)   writes mean and var
 *     batch_norm_inference (x, w, b, mean, var, y)   reads them
 *     batch_norm_backward  (x, dy, w, mean, var, dx, dw, db)
 *     batch_norm_track     (mean, var, running_mean, running_var, batches)
 *
 * A set is what has statistics of its own: the whole batch, or one image.
 *
 *     set   rows   channels                        width = 1: batch norm, with
 *         ┌─────────────┐                            one set; instance norm
 *     0   │ x x x│x x x │   width neighbouring     width = c / groups: group
 *         │ x x x│x x x │   channels of a set        norm, a set per image
 *         └──────┴──────┘   have one mean, var
 *
 *     y = (x - mean) / sqrt(var + eps) w + b       var: biased
 *
 * w, b, dw, db are [c]; mean, var [sets, c / width]; all contiguous. y and dx
 * are dense: sets, rows, channels; x and dy have neighbouring channels side by
 * side and any strides elsewhere. w, b, dx, dw, db may be absent (w counts as
 * ones, b as zeros). Outputs are written whole and overlap no input. Without a
 * row mean and var are 0.
 *
 * track moves the running statistics, [c], a step towards those of a batch of
 * `count` elements: running += momentum (new - running), with the unbiased
 * variance. A momentum below 0 is 1 / batches, which makes averages of all
 * batches; batches (an int64, may be absent) is counted up first. */
#ifndef PD_KERNELS_BATCH_NORM_H
#define PD_KERNELS_BATCH_NORM_H

#include "space.h"

typedef struct {
    int64_t sets, c, width;
    int64_t set_stride[3]; /* of the operands y or dx, x, dy */
    int64_t trains; /* backward: mean and var are x's own, and move with it */
    double eps;
    pd_space rows; /* of one set, for the same operands */
} pd_batch_norm_geometry;

typedef struct {
    int64_t c, count;
    double momentum;
} pd_batch_norm_track_geometry;

#endif
