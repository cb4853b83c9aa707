/* Convolution by fewer multiplications (Winograd, Toom and Cook): the
 * transforms.
 *
 * Along one axis, two outputs of a filter of three taps see four inputs. As
 * sums of products they cost six multiplications; as products of sums, four:
 *
 *     y = A' (G g * B' d)      d  4 inputs      B' d   4 points
 *                              g  3 taps        G g    4 points
 *                              y  2 outputs     *      point by point
 *
 * A filter of five taps is one of three beside one of two (three points), so it
 * has seven points and not ten:
 *
 *     inputs  0 1 2 3 4 5      part 0: taps 0 1 2, inputs 0 … 3, points 0 … 3
 *             +-----+          part 1: taps 3 4,   inputs 3 … 5, points 4 … 6
 *                   +---+      and the outputs of both are added
 *
 * In two dimensions points multiply: 16 products for 36, 49 for 100. All
 * channels of a tile of 2 x 2 outputs are transformed alike, and their sums are
 * taken between the transforms; so a convolution is 16 or 49 matrix products
 *
 *     [tiles, c] [c, o]        one for each point,
 *
 * and what is done to the data before and to the sums after is linear in the
 * number of tiles. Read backwards, the same transforms give the gradient of the
 * filter: dg = G' (B' d * A dy).
 *
 * The matrices hold 0, 1, -1 and 1/2 only: on whole numbers everything is
 * exact, and errors stay of a plain sum's size (the transforms of larger tiles
 * hold sixths, and lose a digit). A value that is not finite spreads within its
 * tile; conv2d_winograd_tiles.h says what happens then.
 *
 * S. Winograd, Arithmetic complexity of computations, 1980; A. Lavin and S.
 * Gray, Fast algorithms for convolutional neural networks, 2016. */
#ifndef PD_KERNELS_WINOGRAD_H
#define PD_KERNELS_WINOGRAD_H

#include "simd.h"

/* Along one axis: the outputs of a tile, the inputs that it sees, its points.
 * `taps` is 3 or 5, and a constant wherever a loop is unrolled; WIN_SIDE and
 * WIN_POINTS are those of 5. */
enum { WIN_TILE = 2, WIN_TAPS = 5, WIN_SIDE = 6, WIN_POINTS = 7 };
V_INLINE int win_side(const int taps) { return taps + WIN_TILE - 1; }
V_INLINE int win_points(const int taps) { return taps == 3 ? 4 : 7; }

/* ---- the parts of an axis: 0, and for five taps 1 ----------------------- */

V_INLINE int part_tap(const int part) { return part ? 3 : 0; } /* and input */
V_INLINE int part_taps(const int part) { return part ? 2 : 3; }
V_INLINE int part_inputs(const int part) { return part ? 3 : 4; }
V_INLINE int part_point(const int part) { return part ? 4 : 0; }
V_INLINE int part_points(const int part) { return part ? 3 : 4; }

/* ---- one part of one axis: vectors `step` apart -> vectors `to_step` apart */

/* B' d: inputs -> points. */
V_INLINE void win_data(const int part, const vreal *d, const int step, vreal *v,
                       const int to_step) {
    if (part) {
        v[0 * to_step] = d[0 * step] - d[1 * step];
        v[1 * to_step] = d[1 * step];
        v[2 * to_step] = d[2 * step] - d[1 * step];
        return;
    }
    v[0 * to_step] = d[0 * step] - d[2 * step];
    v[1 * to_step] = d[1 * step] + d[2 * step];
    v[2 * to_step] = d[2 * step] - d[1 * step];
    v[3 * to_step] = d[1 * step] - d[3 * step];
}

/* G g: taps -> points. */
V_INLINE void win_filter(const int part, const vreal *g, const int step,
                         vreal *u, const int to_step) {
    if (part) {
        u[0 * to_step] = g[0 * step];
        u[1 * to_step] = g[0 * step] + g[1 * step];
        u[2 * to_step] = g[1 * step];
        return;
    }
    const vreal even = (g[0 * step] + g[2 * step]) * v_set((real)0.5);
    const vreal odd = g[1 * step] * v_set((real)0.5);
    u[0 * to_step] = g[0 * step];
    u[1 * to_step] = even + odd;
    u[2 * to_step] = even - odd;
    u[3 * to_step] = g[2 * step];
}

/* A dy: gradients of both outputs -> points. */
V_INLINE void win_gradient(const int part, const vreal *dy, const int step,
                           vreal *w, const int to_step) {
    w[0 * to_step] = dy[0 * step];
    w[1 * to_step] = dy[0 * step] + dy[1 * step];
    if (part) {
        w[2 * to_step] = dy[1 * step];
        return;
    }
    w[2 * to_step] = dy[0 * step] - dy[1 * step];
    w[3 * to_step] = -dy[1 * step];
}

/* G' s: sums of products -> gradients of the taps. */
V_INLINE void win_dfilter(const int part, const vreal *s, const int step,
                          vreal *dg, const int to_step) {
    if (part) {
        dg[0 * to_step] = s[0 * step] + s[1 * step];
        dg[1 * to_step] = s[1 * step] + s[2 * step];
        return;
    }
    const vreal sum = (s[1 * step] + s[2 * step]) * v_set((real)0.5);
    dg[0 * to_step] = s[0 * step] + sum;
    dg[1 * to_step] = (s[1 * step] - s[2 * step]) * v_set((real)0.5);
    dg[2 * to_step] = sum + s[3 * step];
}

/* A' m: products of all parts -> both outputs. */
V_INLINE void win_output(const int taps, const vreal *m, const int step,
                         vreal *y, const int to_step) {
    y[0 * to_step] = m[0 * step] + (m[1 * step] + m[2 * step]);
    y[1 * to_step] = (m[1 * step] - m[2 * step]) - m[3 * step];
    if (taps == 3) return;
    y[0 * to_step] += m[4 * step] + m[5 * step];
    y[1 * to_step] += m[5 * step] + m[6 * step];
}

#endif
