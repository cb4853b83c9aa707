/* Layer norm: a row is read from memory once and stays in the cache for a
 * second pass. A few rows go together: they share w, b and the sums of dw and
 * db, and no row waits for the sums of its own.
 *
 *     forward   m    = x[0] + the mean of x - x[0] over the first part of a row
 *               d    = x - m,  rest = sum d / n
 *               var  = sum d d / n - rest^2        y = (d - rest) rstd w + b
 *
 * m is near the mean, so a large mean costs no digits of d. What the difference
 * in var may lose is bounded: the first part alone adds at least its length
 * times rest^2 to n var, so rest^2 is at most PARTS var (Chan, Golub, LeVeque,
 * Algorithms for computing the sample variance, 1983, on shifted data). A
 * constant row has d = 0.
 *
 *     backward  g = w dy, h = (x - mean) rstd
 *               dx = rstd (g - sum g / n - h sum g h / n)
 *               dw = sum over rows of dy h,   db = sum over rows of dy
 *
 * RMS norm is the same with mean = 0 and without sum g.
 *
 * The second pass over several rows goes back from their end, which the first
 * one has just left in the nearest cache.
 *
 * The sums over rows: a task is some rows, cut by shape, and has a line of
 * partial sums of its own. Lines are then added in their order. */
#include "layer_norm.h"
#include "layer_norm_rows.h"
#include "par.h"

#include <math.h>

enum {
    PARTS = 16,     /* m is taken of 1 / PARTS of a row */
    TASK = 32768,   /* elements of a task of backward, about */
    LEAST_ROWS = 4, /* of such a task, and at most */
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

/* ---- forward ----------------------------------------------------------- */

/* m of each row: x[0] and the mean distance from it of the first elements. */
V_INLINE void rows_shift(row_t *row, int count, int64_t n) {
    int64_t first = (n + PARTS - 1) / PARTS;
    first = (first + VL - 1) / VL * VL;
    if (first > n) first = n;
    UNROLL for (int r = 0; r < count; r++)
        row[r].m = row[r].x[0];
    rows_sum(row, count, 1, 1, NULL, first);
    UNROLL for (int r = 0; r < count; r++)
        row[r].m = row[r].x[0] + row[r].sum / (real)first;
}

/* y = ((x - m) scale + lift) w + b */
V_INLINE void write_at(const row_t *row, int count, const vreal *scale,
                       const vreal *lift, const real *w, const real *b,
                       int64_t j, int64_t lanes) {
    const vreal weight = given(w, j, lanes, 1), bias = given(b, j, lanes, 0);
    UNROLL for (int r = 0; r < count; r++) {
        vreal d = v_load_lanes(row[r].x + j, lanes) - v_set(row[r].m);
        vreal h = v_fma(d, scale[r], lift[r]);
        if (w && b)
            h = v_fma(h, weight, bias);
        else if (w)
            h = h * weight;
        else if (b)
            h = h + bias;
        v_store_lanes(row[r].to + j, h, lanes);
    }
}

V_INLINE void rows_forward(const work_t *work, int centred, int64_t i,
                           int count) {
    const int64_t n = work->g->n;
    const real *w = work->w, *b = centred ? work->b : NULL;
    row_t row[TOGETHER];
    vreal scale[TOGETHER], lift[TOGETHER];
    UNROLL for (int r = 0; r < count; r++)
        row[r] =
            (row_t){.x = work->x + (i + r) * n, .to = work->y + (i + r) * n};
    if (centred) rows_shift(row, count, n);
    if (count == 1 && row_is_long(n))
        rows_sum(row, 1, CHAINS, centred, NULL, n);
    else
        rows_sum(row, count, 1, centred, NULL, n);
    UNROLL for (int r = 0; r < count; r++) {
        real rest = centred ? row[r].sum / (real)n : 0;
        real var = row[r].products / (real)n - rest * rest;
        /* not below 0 by rounding; a NaN stays */
        real rstd = 1 / (real)sqrt((double)(var < 0 ? 0 : var) + work->g->eps);
        if (work->mean) work->mean[i + r] = row[r].m + rest;
        if (work->rstd) work->rstd[i + r] = rstd;
        scale[r] = v_set(rstd);
        lift[r] = v_set(-rest * rstd);
    }
    if (w && b)
        EACH_VECTOR(write_at, row, count, scale, lift, w, b);
    else
        EACH_VECTOR(write_at, row, count, scale, lift, w, b);
}

V_INLINE void task_forward(const work_t *w, int centred, int64_t task) {
    int64_t i = task * w->per_task, end = i + w->per_task;
    const int together = rows_together(w->g->n);
    if (end > w->g->rows) end = w->g->rows;
    for (; together > 1 && i + TOGETHER <= end; i += TOGETHER)
        rows_forward(w, centred, i, TOGETHER);
    for (; i < end; i++) rows_forward(w, centred, i, 1);
}
static void task_layer(void *w, int64_t task) { task_forward(w, 1, task); }
static void task_rms(void *w, int64_t task) { task_forward(w, 0, task); }

static int64_t forward(work_t *w, pd_task *run) {
    const int64_t n = w->g->n, rows = w->g->rows;
    if (n == 0) {
        for (int64_t i = 0; w->mean && i < rows; i++) w->mean[i] = 0;
        for (int64_t i = 0; w->rstd && i < rows; i++) w->rstd[i] = 0;
        return 0;
    }
    w->per_task = rows_per_task(n);
    double ns = (double)rows * ((double)n * sizeof(real) / 24 + 15);
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

/* dx = dy rstd w - (x - mean) slope - share of a row. */
typedef struct {
    vreal rstd, share, slope;
} gradient_t;

/* `lanes` columns of `count` rows: dx, and what they add to dw and db. */
V_INLINE void gradient_at(const row_t *row, const gradient_t *of, int count,
                          const real *w, real *dw, real *db, int64_t j,
                          int64_t lanes) {
    const vreal weight = given(w, j, lanes, 1);
    vreal sum_w = v_set(0), sum_b = v_set(0);
    UNROLL for (int r = 0; r < count; r++) {
        vreal dy = v_load_lanes(row[r].dy + j, lanes);
        vreal d = v_load_lanes(row[r].x + j, lanes) - v_set(row[r].m);
        vreal e = dy * of[r].rstd;
        sum_w = v_fma(e, d, sum_w);
        sum_b = sum_b + dy;
        if (!row[0].to) continue;
        vreal dx = v_fma(e, weight, v_fma(d, of[r].slope, of[r].share));
        v_store_lanes(row[r].to + j, dx, lanes);
    }
    if (dw) v_store_lanes(dw + j, v_load_lanes(dw + j, lanes) + sum_w, lanes);
    if (db) v_store_lanes(db + j, v_load_lanes(db + j, lanes) + sum_b, lanes);
}

V_INLINE void rows_backward(const work_t *w, int centred, int64_t i, int count,
                            real *dw, real *db) {
    const int64_t n = w->g->n;
    row_t row[TOGETHER];
    gradient_t of[TOGETHER];
    UNROLL for (int r = 0; r < count; r++)
        row[r] = (row_t){.x = w->x + (i + r) * n,
                         .dy = w->dy + (i + r) * n,
                         .to = w->dx ? w->dx + (i + r) * n : NULL,
                         .m = centred ? w->mean[i + r] : 0};
    if (w->dx) rows_sum(row, count, 1, 0, w->w, n);
    UNROLL for (int r = 0; r < count; r++) {
        const real rstd = w->rstd[i + r];
        const real share = centred ? row[r].sum / (real)n : 0;
        const real slope = row[r].products / (real)n * rstd;
        of[r].rstd = v_set(rstd);
        of[r].share = v_set(-share * rstd);
        of[r].slope = v_set(-slope * rstd * rstd);
    }
    if (w->w && w->dx && dw && db)
        EACH_VECTOR(gradient_at, row, of, count, w->w, dw, db);
    else
        EACH_VECTOR(gradient_at, row, of, count, w->w, dw, db);
}

V_INLINE void task_backward(const work_t *w, int centred, int64_t task) {
    const int64_t n = w->g->n;
    int64_t i = task * w->per_task, end = i + w->per_task;
    const int together = rows_together(w->g->n);
    if (end > w->g->rows) end = w->g->rows;
    real *line = w->lines ? w->lines + 2 * n * task : NULL;
    real *dw = w->dw ? line : NULL, *db = w->db ? line + n : NULL;
    if (line) memset(line, 0, (size_t)(2 * n) * sizeof(real));
    for (; together > 1 && i + TOGETHER <= end; i += TOGETHER)
        rows_backward(w, centred, i, TOGETHER, dw, db);
    for (; i < end; i++) rows_backward(w, centred, i, 1, dw, db);
}
static void task_layer_backward(void *w, int64_t task) {
    task_backward(w, 1, task);
}
static void task_rms_backward(void *w, int64_t task) {
    task_backward(w, 0, task);
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
    double ns = (double)rows * ((double)n * sizeof(real) / 14 + 15);
    pd_parallel(w->tasks, ns, run, w);
    if (!adds) return 0;
    ns = (double)w->tasks * (double)n * sizeof(real) / 12;
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
