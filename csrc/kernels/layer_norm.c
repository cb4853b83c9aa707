/* Layer norm: every row is read from memory once and stays in the cache for
 * the passes over it.
 *
 *     forward   m    = x[0] + sum (x - x[0]) / n     d = x - m
 *               rest = sum d / n
 *               var  = sum d d / n - rest^2        y = (d - rest) rstd w + b
 *
 * The mean is taken first, so a large one costs no digits of the variance; what
 * rounding left of it, sum d / n, is taken off d by itself (the corrected
 * two-pass algorithm: Chan, Golub, LeVeque, Algorithms for computing the sample
 * variance, 1983). A constant row has d = 0.
 *
 *     backward  g = w dy, h = (x - mean) rstd
 *               dx = rstd (g - sum g / n - h sum g h / n)
 *               dw = sum over rows of dy h,   db = sum over rows of dy
 *
 * RMS norm is the same with mean = 0 and without sum g.
 *
 * The sums over rows: a task is some rows, cut by shape, and has a line of
 * partial sums of its own; several rows at a time are added to it. Lines are
 * then added in their order. */
#include "layer_norm.h"
#include "par.h"
#include "rows.h"

#include <math.h>

enum {
    SUMS = 4,                   /* accumulators of a pass along a row */
    TOGETHER = V_REGISTERS / 8, /* rows that backward adds up at a time */
    TASK = 16384,               /* elements of a task of backward, about */
    LEAST_ROWS = 4,             /* of such a task, and at most */
    MOST_ROWS = 256,
    LINES = 16,   /* lines of partial sums added at a time */
    COLUMNS = 512 /* of a task that adds lines */
};

typedef struct {
    const pd_layer_norm_geometry *g;
    const real *x, *dy, *w, *b;
    real *y, *mean, *rstd;
    real *dx, *dw, *db;
    real *lines; /* [tasks, 2, n]: partial sums of dw and db */
    int64_t per_task, tasks;
} work_t;

/* VL elements of an optional row. */
V_INLINE vreal given(const real *p, int64_t j, int64_t lanes, real absent) {
    return p ? v_load_lanes(p + j, lanes) : v_set(absent);
}

/* ---- sums along a row -------------------------------------------------- */

/* What `lanes` elements from j on add to the sums of g and g d, where d = x - m
 * and g is w dy, or d itself where there is no dy. */
V_INLINE void lanes_add(const real *x, const real *dy, const real *w, real m,
                        int64_t j, int64_t lanes, vreal *sum, vreal *products) {
    vreal own = lanes == VL ? v_load(x + j) : v_load_filled(x + j, lanes, m);
    vreal d = own - v_set(m), g = d;
    if (dy) g = v_load_lanes(dy + j, lanes) * given(w, j, lanes, 1);
    *sum = *sum + g;
    *products = v_fma(g, d, *products);
}

/* Both sums over a row, a block at a time: errors grow with n / block. */
V_INLINE void row_sums(const real *x, const real *dy, const real *w, real m,
                       int64_t n, real *sum, real *products) {
    vreal all = v_set(0), all_products = v_set(0);
    for (int64_t j = 0; j < n;) {
        const int64_t end = n - j < ROW_BLOCK ? n : j + ROW_BLOCK;
        vreal a[SUMS], b[SUMS];
        UNROLL for (int k = 0; k < SUMS; k++)
            a[k] = b[k] = v_set(0);
        for (; j + SUMS * VL <= end; j += SUMS * VL) UNROLL
            for (int k = 0; k < SUMS; k++)
                lanes_add(x, dy, w, m, j + k * VL, VL, &a[k], &b[k]);
        for (; j + VL <= end; j += VL)
            lanes_add(x, dy, w, m, j, VL, &a[0], &b[0]);
        if (j < end) {
            lanes_add(x, dy, w, m, j, end - j, &a[1], &b[1]);
            j = end;
        }
        all = all + ((a[0] + a[1]) + (a[2] + a[3]));
        all_products = all_products + ((b[0] + b[1]) + (b[2] + b[3]));
    }
    *sum = v_sum(all);
    *products = v_sum(all_products);
}

/* ---- forward ----------------------------------------------------------- */

V_INLINE void row_forward(const work_t *work, int centred, int64_t i) {
    const int64_t n = work->g->n;
    const real *x = work->x + i * n, *w = work->w, *b = work->b;
    real *y = work->y + i * n;
    real sum, squares, mean = 0;
    if (centred) {
        row_sums(x, NULL, NULL, x[0], n, &sum, &squares);
        mean = x[0] + sum / (real)n;
    }
    row_sums(x, NULL, NULL, mean, n, &sum, &squares);
    real rest = centred ? sum / (real)n : 0;
    real var = squares / (real)n - rest * rest;
    /* not below 0 by rounding; a NaN stays */
    real rstd = 1 / (real)sqrt((double)(var < 0 ? 0 : var) + work->g->eps);
    if (work->mean) work->mean[i] = mean + rest;
    if (work->rstd) work->rstd[i] = rstd;

    const vreal m = v_set(mean), r = v_set(rstd), lift = v_set(-rest * rstd);
    for (int64_t j = 0; j < n; j += VL) {
        const int64_t lanes = n - j < VL ? n - j : VL;
        vreal h = v_fma(v_load_lanes(x + j, lanes) - m, r, lift);
        if (w) h = h * v_load_lanes(w + j, lanes);
        if (b) h = h + v_load_lanes(b + j, lanes);
        v_store_lanes(y + j, h, lanes);
    }
}

V_INLINE void rows_forward(const work_t *w, int centred, int64_t task) {
    int64_t end = (task + 1) * w->per_task;
    if (end > w->g->rows) end = w->g->rows;
    for (int64_t i = task * w->per_task; i < end; i++)
        row_forward(w, centred, i);
}
static void task_layer(void *w, int64_t task) { rows_forward(w, 1, task); }
static void task_rms(void *w, int64_t task) { rows_forward(w, 0, task); }

static int64_t forward(work_t *w, pd_task *run) {
    const int64_t n = w->g->n, rows = w->g->rows;
    if (n == 0) {
        for (int64_t i = 0; w->mean && i < rows; i++) w->mean[i] = 0;
        for (int64_t i = 0; w->rstd && i < rows; i++) w->rstd[i] = 0;
        return 0;
    }
    w->per_task = rows_per_task(n);
    double ns = (double)rows * ((double)n * sizeof(real) / 12 + 40);
    pd_parallel((rows + w->per_task - 1) / w->per_task, ns, run, w);
    return 0;
}

int64_t K(layer_norm_forward)(void *const *arrays, const void *geometry) {
    work_t w = {.g = geometry,
                .x = arrays[0],
                .w = arrays[1],
                .b = arrays[2],
                .y = arrays[3],
                .mean = arrays[4],
                .rstd = arrays[5]};
    return forward(&w, task_layer);
}
int64_t K(rms_norm_forward)(void *const *arrays, const void *geometry) {
    work_t w = {.g = geometry,
                .x = arrays[0],
                .w = arrays[1],
                .y = arrays[2],
                .rstd = arrays[3]};
    return forward(&w, task_rms);
}

/* ---- backward ---------------------------------------------------------- */

/* dx = rstd (g - share - h slope) of a row. */
typedef struct {
    const real *x, *dy;
    real *dx;
    vreal mean, rstd, share, slope;
} row_t;

V_INLINE row_t row_begin(const work_t *w, int centred, int64_t i) {
    const int64_t n = w->g->n;
    row_t row = {.x = w->x + i * n,
                 .dy = w->dy + i * n,
                 .dx = w->dx ? w->dx + i * n : NULL};
    real mean = centred ? w->mean[i] : 0, rstd = w->rstd[i];
    real sum = 0, products = 0;
    if (w->dx) row_sums(row.x, row.dy, w->w, mean, n, &sum, &products);
    row.mean = v_set(mean);
    row.rstd = v_set(rstd);
    row.share = v_set(centred ? sum / (real)n : 0);
    row.slope = v_set(products / (real)n * rstd);
    return row;
}

/* `lanes` columns of `count` rows: dx, and what they add to dw and db, whose
 * first rows these are where `first`. */
V_INLINE void rows_at(const work_t *w, const row_t *row, int count, real *dw,
                      real *db, int first, int64_t j, int64_t lanes) {
    const vreal weight = given(w->w, j, lanes, 1);
    vreal sum_w = v_set(0), sum_b = v_set(0);
    UNROLL for (int r = 0; r < count; r++) {
        vreal dy = v_load_lanes(row[r].dy + j, lanes);
        vreal d = v_load_lanes(row[r].x + j, lanes) - row[r].mean;
        vreal h = d * row[r].rstd;
        sum_w = v_fma(dy, h, sum_w);
        sum_b = sum_b + dy;
        if (!w->dx) continue;
        vreal g = v_fma(-row[r].slope, h, dy * weight - row[r].share);
        v_store_lanes(row[r].dx + j, g * row[r].rstd, lanes);
    }
    if (dw)
        v_store_lanes(dw + j, first ? sum_w : given(dw, j, lanes, 0) + sum_w,
                      lanes);
    if (db)
        v_store_lanes(db + j, first ? sum_b : given(db, j, lanes, 0) + sum_b,
                      lanes);
}

V_INLINE void rows_together(const work_t *w, int centred, int64_t i, int count,
                            real *dw, real *db, int first) {
    const int64_t n = w->g->n;
    row_t row[TOGETHER];
    UNROLL for (int r = 0; r < count; r++)
        row[r] = row_begin(w, centred, i + r);
    int64_t j = 0;
    for (; j + VL <= n; j += VL) rows_at(w, row, count, dw, db, first, j, VL);
    if (j < n) rows_at(w, row, count, dw, db, first, j, n - j);
}

V_INLINE void rows_backward(const work_t *w, int centred, int64_t task) {
    const int64_t n = w->g->n, begin = task * w->per_task;
    int64_t end = begin + w->per_task, i = begin;
    if (end > w->g->rows) end = w->g->rows;
    real *dw = w->dw ? w->lines + 2 * n * task : NULL;
    real *db = w->db ? w->lines + 2 * n * task + n : NULL;
    for (; i + TOGETHER <= end; i += TOGETHER)
        rows_together(w, centred, i, TOGETHER, dw, db, i == begin);
    for (; i < end; i++) rows_together(w, centred, i, 1, dw, db, i == begin);
}
static void task_layer_backward(void *w, int64_t task) {
    rows_backward(w, 1, task);
}
static void task_rms_backward(void *w, int64_t task) {
    rows_backward(w, 0, task);
}

/* to[j] = the sum of the lines at j, LINES at a time. */
V_INLINE void lines_add(const work_t *w, const real *line, real *to, int64_t j,
                        int64_t lanes) {
    vreal total = v_set(0);
    for (int64_t t = 0; t < w->tasks;) {
        int64_t end = w->tasks - t < LINES ? w->tasks : t + LINES;
        vreal sum = v_set(0);
        for (; t < end; t++)
            sum = sum + v_load_lanes(line + 2 * w->g->n * t + j, lanes);
        total = total + sum;
    }
    v_store_lanes(to + j, total, lanes);
}

static void task_lines(void *context, int64_t task) {
    const work_t *w = context;
    const int64_t n = w->g->n;
    int64_t j = task * COLUMNS, end = j + COLUMNS < n ? j + COLUMNS : n;
    for (; j < end; j += VL) {
        const int64_t lanes = end - j < VL ? end - j : VL;
        if (w->dw) lines_add(w, w->lines, w->dw, j, lanes);
        if (w->db) lines_add(w, w->lines + n, w->db, j, lanes);
    }
}

static int64_t backward(work_t *w, pd_task *run) {
    const int64_t n = w->g->n, rows = w->g->rows;
    if (n == 0) return 0;
    w->per_task = TASK / n;
    if (w->per_task < LEAST_ROWS) w->per_task = LEAST_ROWS;
    if (w->per_task > MOST_ROWS) w->per_task = MOST_ROWS;
    w->tasks = (rows + w->per_task - 1) / w->per_task;
    int adds = w->dw || w->db;
    if (adds) {
        size_t bytes = (size_t)(2 * n * w->tasks) * sizeof(real);
        w->lines = pd_scratch(PD_SCRATCH_A, bytes + 1);
        if (!w->lines) return PD_NO_MEMORY;
    }
    double ns = (double)rows * ((double)n * sizeof(real) / 8 + 40);
    pd_parallel(w->tasks, ns, run, w);
    if (!adds) return 0;
    ns = (double)w->tasks * (double)n * sizeof(real) / 8;
    pd_parallel((n + COLUMNS - 1) / COLUMNS, ns, task_lines, w);
    return 0;
}

int64_t K(layer_norm_backward)(void *const *arrays, const void *geometry) {
    work_t w = {.g = geometry,
                .x = arrays[0],
                .dy = arrays[1],
                .w = arrays[2],
                .mean = arrays[3],
                .rstd = arrays[4],
                .dx = arrays[5],
                .dw = arrays[6],
                .db = arrays[7]};
    return backward(&w, task_layer_backward);
}
int64_t K(rms_norm_backward)(void *const *arrays, const void *geometry) {
    work_t w = {.g = geometry,
                .x = arrays[0],
                .dy = arrays[1],
                .w = arrays[2],
                .rstd = arrays[3],
                .dx = arrays[4],
                .dw = arrays[5]};
    return backward(&w, task_rms_backward);
}
