/* Interpolate: images at another size.
 *
 * The weights are a product, so a row of y takes two steps:
 *
 *     x, rows left and right of s    blended along h        along w
 *       +----------------+
 *       | . . . . . . .  | a
 *       +----------------+ ──┬──>  [ . . . . . . . ] ──>  [ . . . . . . . . . ]
 *       | . . . . . . .  | b
 *       +----------------+
 *
 * The first runs along memory whatever the layout; the second along the
 * channels of a channels-last image, or from pixel to pixel. Backward is the
 * same read upwards: rows of dy that look at a row of dx are added, by weight,
 * and their pixels then added to those they look at. Every row of y, and of dx,
 * has one writer. Products are rounded before they are added, so all layouts
 * give the same bits. */
#include "interpolate.h"
#include "par.h"
#include "real.h"
#include "simd.h"

enum { TASK = 8192 /* elements */ };

/* What an output looks at: a * (pixel left) + b * (pixel right). */
typedef struct {
    int64_t left, right;
    real a, b;
} look_t;

typedef struct {
    const pd_interpolate_geometry *g;
    const look_t *h, *w; /* of each output along the axis */
    const real *from;
    real *to;
    int64_t rows, step; /* rows to write, and those of a task */
    int failed;
} work_t;

/* The pixel at place s or left of it. */
static int64_t pixel(const pd_interpolate_axis *axis, double s) {
    const int64_t i = s > 0 ? (int64_t)s : 0;
    return i < axis->in ? i : axis->in - 1;
}

static look_t look_nearest(const pd_interpolate_axis *axis, int64_t o) {
    const float s = (float)((real)axis->step * (real)o);
    const int64_t i = pixel(axis, (double)s);
    return (look_t){i, i, 1, 0};
}

static look_t look_linear(const pd_interpolate_axis *axis, int corners,
                          int64_t o) {
    const real half = (real)0.5, step = (real)axis->step;
    if (axis->in == axis->out) return (look_t){o, o, 1, 0};
    const real s = corners ? step * (real)o : step * ((real)o + half) - half;
    const int64_t i = pixel(axis, (double)s);
    const real b = s - (real)i, part = b < 0 ? 0 : b > 1 ? 1 : b;
    return (look_t){i, i + 1 < axis->in ? i + 1 : i, 1 - part, part};
}

static void looks(const pd_interpolate_geometry *g,
                  const pd_interpolate_axis *axis, look_t *to) {
    for (int64_t o = 0; o < axis->out; o++)
        to[o] = g->linear ? look_linear(axis, g->corners != 0, o)
                          : look_nearest(axis, o);
}

/* The tables of both axes, in scratch memory; 0 or PD_NO_MEMORY. */
static int64_t work_look(work_t *w) {
    const pd_interpolate_geometry *g = w->g;
    look_t *to = pd_scratch(PD_SCRATCH_A,
                            (size_t)(g->h.out + g->w.out) * sizeof(look_t));
    if (!to) return PD_NO_MEMORY;
    w->h = to;
    w->w = to + g->h.out;
    looks(g, &g->h, to);
    looks(g, &g->w, to + g->h.out);
    return 0;
}

/* So many rows of `width` elements, in tasks. */
static int64_t rows_run(work_t *w, int64_t rows, int64_t width, pd_task *run) {
    w->rows = rows;
    w->step = width >= TASK ? 1 : TASK / width;
    pd_parallel((rows + w->step - 1) / w->step,
                0.8 * (double)rows * (double)width, run, w);
    return w->failed ? PD_NO_MEMORY : 0;
}

/* A row for the step in between; NULL where there is no memory. */
static real *row_between(work_t *w, int64_t width) {
    real *row = pd_scratch(PD_SCRATCH_B, (size_t)width * sizeof(real));
    if (!row) __atomic_store_n(&w->failed, 1, __ATOMIC_RELAXED);
    return row;
}

/* to = a * x + b * y */
static void row_blend(real *to, real a, const real *x, real b, const real *y,
                      int64_t n) {
    const vreal va = v_set(a), vb = v_set(b);
    int64_t i = 0;
    for (; i + VL <= n; i += VL)
        v_store(to + i, va * v_load(x + i) + vb * v_load(y + i));
    for (; i < n; i++) to[i] = a * x[i] + b * y[i];
}

/* to += a * x */
static void row_add(real *to, real a, const real *x, int64_t n) {
    const vreal va = v_set(a);
    int64_t i = 0;
    for (; i + VL <= n; i += VL)
        v_store(to + i, v_load(to + i) + va * v_load(x + i));
    for (; i < n; i++) to[i] = to[i] + a * x[i];
}

/* ---- forward ------------------------------------------------------------- */

/* One row of y from the blended row of x. */
static void pixels_write(const work_t *w, const real *x, real *y) {
    const int64_t out = w->g->w.out, inner = w->g->inner;
    const look_t *at = w->w;
    if (inner == 1 && !w->g->linear) {
        for (int64_t p = 0; p < out; p++) y[p] = x[at[p].left];
    } else if (inner == 1) {
        for (int64_t p = 0; p < out; p++)
            y[p] = at[p].a * x[at[p].left] + at[p].b * x[at[p].right];
    } else {
        for (int64_t p = 0; p < out; p++) {
            const real *left = x + at[p].left * inner;
            if (w->g->linear)
                row_blend(y + p * inner, at[p].a, left, at[p].b,
                          x + at[p].right * inner, inner);
            else
                memcpy(y + p * inner, left, (size_t)inner * sizeof(real));
        }
    }
}

static void rows_write(void *context, int64_t t) {
    work_t *w = context;
    const pd_interpolate_geometry *g = w->g;
    const int64_t wide = g->w.in * g->inner;
    real *between = row_between(w, wide);
    int64_t end = (t + 1) * w->step;
    if (end > w->rows) end = w->rows;
    if (!between) return;
    for (int64_t r = t * w->step; r < end; r++) {
        const look_t *at = &w->h[r % g->h.out];
        const real *image = w->from + r / g->h.out * g->h.in * wide;
        const real *row = image + at->left * wide;
        if (at->b != 0) {
            row_blend(between, at->a, row, at->b, image + at->right * wide,
                      wide);
            row = between;
        }
        pixels_write(w, row, w->to + r * g->w.out * g->inner);
    }
}

int64_t K(interpolate_forward)(void *const *arrays, const void *geometry) {
    const pd_interpolate_geometry *g = geometry;
    work_t w = {.g = g, .from = arrays[0], .to = arrays[1]};
    if (!g->outer || !g->inner) return 0;
    if (work_look(&w)) return PD_NO_MEMORY;
    return rows_run(&w, g->outer * g->h.out, g->w.out * g->inner, rows_write);
}

/* ---- backward ------------------------------------------------------------ */

/* The first output that looks at pixel i or right of it. */
static int64_t first_look(const look_t *at, int64_t out, int64_t i) {
    int64_t low = 0, high = out;
    while (low < high) {
        const int64_t middle = (low + high) / 2;
        if (at[middle].right < i)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* One row of dx from the sum of rows of dy that look at it. */
static void pixels_add(const work_t *w, const real *dy, real *dx) {
    const int64_t out = w->g->w.out, inner = w->g->inner;
    for (int64_t p = 0; p < out; p++) {
        const look_t *at = &w->w[p];
        const real *from = dy + p * inner;
        if (inner == 1) {
            dx[at->left] += at->a * *from;
            if (at->b != 0) dx[at->right] += at->b * *from;
        } else {
            row_add(dx + at->left * inner, at->a, from, inner);
            if (at->b != 0) row_add(dx + at->right * inner, at->b, from, inner);
        }
    }
}

static void rows_gather(void *context, int64_t t) {
    work_t *w = context;
    const pd_interpolate_geometry *g = w->g;
    const int64_t wide = g->w.out * g->inner;
    real *between = row_between(w, wide);
    int64_t end = (t + 1) * w->step;
    if (end > w->rows) end = w->rows;
    if (!between) return;
    for (int64_t r = t * w->step; r < end; r++) {
        const int64_t i = r % g->h.in;
        const real *image = w->from + r / g->h.in * g->h.out * wide;
        real *dx = w->to + r * g->w.in * g->inner;
        memset(dx, 0, (size_t)(g->w.in * g->inner) * sizeof(real));
        memset(between, 0, (size_t)wide * sizeof(real));
        for (int64_t o = first_look(w->h, g->h.out, i);
             o < g->h.out && w->h[o].left <= i; o++) {
            const look_t *at = &w->h[o];
            const real weight =
                (at->left == i ? at->a : 0) + (at->right == i ? at->b : 0);
            row_add(between, weight, image + o * wide, wide);
        }
        pixels_add(w, between, dx);
    }
}

int64_t K(interpolate_backward)(void *const *arrays, const void *geometry) {
    const pd_interpolate_geometry *g = geometry;
    work_t w = {.g = g, .from = arrays[0], .to = arrays[1]};
    if (!g->outer || !g->inner) return 0;
    if (work_look(&w)) return PD_NO_MEMORY;
    return rows_run(&w, g->outer * g->h.in, g->w.in * g->inner, rows_gather);
}
