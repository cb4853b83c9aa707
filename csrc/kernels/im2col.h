/* The im2col view: a matrix that convolution multiplies and nobody stores.
 *
 *     row i     a pixel (n, u, v) of a grid
 *     column p  what one element of the window sees from there
 *
 *     window 3 x 3, c channels        a row of the matrix, as runs in memory
 *       +---+---+---+
 *       | 0 | 1 | 2 |  run 0          0: c c c  1: c c c  2: c c c
 *       +---+---+---+
 *       | 3 | 4 | 5 |  run 1          3: c c c  4: c c c  5: c c c
 *       +---+---+---+
 *       | 6 | 7 | 8 |  run 2          6: c c c  7: c c c  8: c c c
 *       +---+---+---+
 *
 * A run is what is adjacent in memory: `taps` neighbours along w, of `units`
 * elements each. Channels-last images have runs of a window's whole row
 * (taps = kw, units = c); elsewhere a run is one tap, its units at any stride.
 *
 * The same view serves three products (M x K x N in words):
 *
 *     forward          pixels of y  x  taps of x       x  channels of y
 *     backward data    pixels of dx x  taps of dy      x  channels of x
 *     backward weight  channels of y x pixels of y     x  taps of x
 *
 * Invariant: what lies outside the image is read as zero, never touched. */
#ifndef PD_KERNELS_IM2COL_H
#define PD_KERNELS_IM2COL_H

#include "blocks.h"
#include "runs.h"
#include "gemm.h"

typedef struct {
    int64_t offset; /* of its first element from the pixel's, in elements */
    int64_t h, w;   /* of its first tap from the pixel */
    int64_t weight; /* offset of the weight that meets its first element */
} im2col_run;

typedef struct {
    const real *data;           /* element (0, 0, 0, 0) */
    int64_t image, row, column; /* strides of n, h, w … */
    int64_t unit;               /* … and within a tap; 1 where taps > 1 */
    int64_t h, w;               /* extents of the image */
    int64_t grid_h, grid_w;     /* extents of the grid … */
    int64_t step_h, step_w;     /* … and its steps in the image */
    int64_t runs, taps, units;  /* columns = runs * taps * units */
    const im2col_run *run;
    int64_t weight_tap, weight_unit; /* steps in the weights */
} im2col_view;

static inline int64_t im2col_columns(const im2col_view *v) {
    return v->runs * v->taps * v->units;
}

/* A position in the grid. */
typedef struct {
    int64_t n, u, v;
} im2col_pixel;

static inline im2col_pixel im2col_pixel_at(const im2col_view *v, int64_t i) {
    const int64_t rows = i / v->grid_w;
    return (im2col_pixel){rows / v->grid_h, rows % v->grid_h, i % v->grid_w};
}
/* The first pixel of the next row of the grid. */
static inline void im2col_next_row(const im2col_view *v, im2col_pixel *p) {
    p->v = 0;
    if (++p->u == v->grid_h) {
        p->u = 0;
        p->n++;
    }
}

V_INLINE int64_t clamp(int64_t x, int64_t low, int64_t high) {
    return x < low ? low : x > high ? high : x;
}

/* `pixels` rows of `count` elements from `from`, `step` apart, to rows of
 * stride `stride`. `spill`: a row's last vector may be written whole. */
static void copy_pixels(real *to, int64_t stride, const real *from,
                        int64_t step, int64_t unit, int64_t pixels,
                        int64_t count, int spill) {
    if (unit != 1) {
        for (int64_t i = 0; i < pixels; i++, to += stride, from += step)
            for (int64_t e = 0; e < count; e++) to[e] = from[e * unit];
    } else if (count == 2 * VL) {
        for (int64_t i = 0; i < pixels; i++, to += stride, from += step) {
            const vreal x = v_load(from), y = v_load(from + VL);
            v_store(to, x);
            v_store(to + VL, y);
        }
    } else if (count < VL && spill) {
        for (int64_t i = 0; i < pixels; i++, to += stride, from += step)
            v_store(to, v_load_first(from, count));
    } else {
        for (int64_t i = 0; i < pixels; i++, to += stride, from += step)
            copy_run(to, from, count);
    }
}

/* One pixel whose taps are partly outside: elements first … first+count-1 of
 * the run, whose first tap is at column w. */
static void copy_clipped(const im2col_view *v, real *to, const real *from,
                         int64_t w, int64_t first, int64_t count) {
    const int64_t low =
        clamp(clamp(-w, 0, v->taps) * v->units - first, 0, count);
    const int64_t high =
        clamp(clamp(v->w - w, 0, v->taps) * v->units - first, low, count);
    zero_run(to, low);
    if (low < high) copy_run(to + low, from + low, high - low);
    zero_run(to + high, count - high);
}

/* Elements first … first+count-1 of one run, for `rows` pixels from i on. */
static void im2col_read_run(const im2col_view *v, const im2col_run *run,
                            int64_t first, int64_t count, int64_t i,
                            int64_t rows, real *to, int64_t stride, int spill) {
    /* Grid columns from which all taps that are wanted lie inside. */
    const int64_t left = -(run->w + first / v->units);
    const int64_t right = v->w - run->w - (first + count - 1) / v->units;
    const int64_t low = left <= 0 ? 0 : ceil_div(left, v->step_w);
    const int64_t high = right <= 0 ? 0 : ceil_div(right, v->step_w);
    const int64_t step = v->step_w * v->column;
    im2col_pixel at = im2col_pixel_at(v, i);
    while (rows > 0) {
        const int64_t span = least(v->grid_w - at.v, rows);
        const int64_t h = at.u * v->step_h + run->h;
        const int64_t w = at.v * v->step_w + run->w;
        if (h < 0 || h >= v->h) {
            for (int64_t q = 0; q < span; q++) zero_run(to + q * stride, count);
        } else {
            const int64_t offset = at.n * v->image + at.u * v->step_h * v->row +
                                   at.v * step + run->offset + first * v->unit;
            const int64_t a = clamp(low - at.v, 0, span);
            const int64_t b = clamp(high - at.v, a, span);
            for (int64_t q = 0; q < a; q++)
                copy_clipped(v, to + q * stride, v->data + (offset + q * step),
                             w + q * v->step_w, first, count);
            copy_pixels(to + a * stride, stride, v->data + (offset + a * step),
                        step, v->unit, b - a, count, spill);
            for (int64_t q = b; q < span; q++)
                copy_clipped(v, to + q * stride, v->data + (offset + q * step),
                             w + q * v->step_w, first, count);
        }
        to += span * stride;
        rows -= span;
        im2col_next_row(v, &at);
    }
}

/* gemm_read: rows are pixels, columns elements of the window. */
static void im2col_read(const void *context, int64_t i, int64_t rows, int64_t j,
                        int64_t columns, real *to, int64_t stride) {
    const im2col_view *v = context;
    const int64_t length = v->taps * v->units;
    int64_t first = j % length;
    const im2col_run *run = v->run + j / length;
    for (int64_t done = 0, count; done < columns; done += count, run++) {
        count = least(length - first, columns - done);
        im2col_read_run(v, run, first, count, i, rows, to + done, stride,
                        done + VL <= columns);
        first = 0;
    }
}

/* gemm_find: a block within one run, whose pixels follow each other in a row of
 * the grid and see no border, lies in the image as a matrix lies. */
static const real *im2col_find(const void *context, int64_t i, int64_t rows,
                               int64_t j, int64_t columns, int64_t *row) {
    const im2col_view *v = context;
    const int64_t length = v->taps * v->units, first = j % length;
    const im2col_run *run = v->run + j / length;
    const im2col_pixel at = im2col_pixel_at(v, i);
    const int64_t h = at.u * v->step_h + run->h;
    const int64_t w = at.v * v->step_w + run->w;
    if (first + columns > length || at.v + rows > v->grid_w || v->unit != 1)
        return NULL;
    if (h < 0 || h >= v->h || w + first / v->units < 0 ||
        w + (rows - 1) * v->step_w + (first + columns - 1) / v->units >= v->w)
        return NULL;
    *row = v->step_w * v->column;
    return v->data + (at.n * v->image + at.u * v->step_h * v->row +
                      at.v * *row + run->offset + first);
}

/* gemm_span: the runs that see these pixels' rows of the image. Runs are in
 * order along h, so those that see only border come first and last. */
static void im2col_span(const void *context, int64_t i, int64_t rows,
                        int64_t *first, int64_t *end) {
    const im2col_view *v = context;
    const int64_t length = v->taps * v->units;
    const int64_t h = im2col_pixel_at(v, i).u * v->step_h;
    int64_t r0 = 0, r1 = v->runs;
    (void)rows;
    while (r0 < r1 && (h + v->run[r0].h < 0 || h + v->run[r0].h >= v->h)) r0++;
    while (r0 < r1 &&
           (h + v->run[r1 - 1].h < 0 || h + v->run[r1 - 1].h >= v->h))
        r1--;
    *first = r0 * length;
    *end = r1 * length;
}

/* Runs from this length on are worth a block of K of their own. */
enum { LONG_RUN = 96 };

/* The view as a matrix. A window of one element on a dense grid is no view but
 * a plain matrix. */
static gemm_matrix im2col_matrix(const im2col_view *v) {
    const im2col_run *run = v->run;
    if (v->runs == 1 && v->taps == 1 && run->h == 0 && run->w == 0 &&
        v->step_h == 1 && v->step_w == 1 && v->h == v->grid_h &&
        v->w == v->grid_w && v->row == v->w * v->column &&
        v->image == v->h * v->row)
        return (gemm_matrix){v->data + run->offset,
                             v->column,
                             v->unit,
                             NULL,
                             NULL,
                             0,
                             NULL,
                             NULL};
    return (gemm_matrix){NULL, 0, 0, im2col_read, v, 0, NULL, NULL};
}
/* The view as the left operand of a product: found in place where runs are
 * long and rows of the grid cut well into tiles. */
static void im2col_left(const im2col_view *v, gemm_t *product) {
    const int64_t length = v->taps * v->units;
    const int64_t tiles = ceil_div(v->grid_w, TILE_ROWS);
    const int cuts = 2 * v->grid_w >= tiles * TILE_ROWS;
    product->a = im2col_matrix(v);
    if (!product->a.read) return;
    if (length >= LONG_RUN && v->unit == 1 && cuts) {
        product->a.find = im2col_find;
        product->a.span = im2col_span;
        product->row_unit = v->grid_w;
        product->k_unit = length;
    }
}

#endif
