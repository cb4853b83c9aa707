/* Cross entropy: log_softmax is never stored. Forward reads a row of logits
 * twice, in the cache (its maximum, its sum of exponentials), and keeps two
 * numbers of it; backward reads it once more and writes its gradient:
 *
 *     x ──> max, log sum ──┬──> loss
 *     │                    └──────────┐ kept
 *     └───────────────────────> exp(x - max - log sum) - onehot ──> dx
 *
 * A task is some rows; losses and weights of rows are added up afterwards, by
 * one thread, in their order. Ignored rows cost nothing. Targets are read once,
 * checked and kept: another thread may be writing them. */
#include "cross_entropy.h"
#include "par.h"
#include "rows.h"

typedef struct {
    const pd_cross_entropy_geometry *g;
    const real *x, *w;
    const int64_t *t;  /* [rows], checked */
    real *lse;         /* read by backward */
    real *loss;        /* [rows] */
    real *weight;      /* [rows]: w[t], or NULL */
    const real *dloss; /* [rows], or one number */
    real scale;        /* of dloss: 1 / total */
    real *dx;
    real hit, miss; /* q[t] without the share of all; the share of all */
    real weights;   /* the sum of w */
    int64_t rows, per_task;
    _Atomic int no_memory;
} work_t;

/* The targets to kept[0 … rows). 1 + the first row whose target is out of
 * range; 0 where there is none. */
static int64_t targets_read(const pd_cross_entropy_geometry *g,
                            const int64_t *targets, int64_t rows,
                            int64_t *kept) {
    for (int64_t i = 0; i < rows; i++) {
        const int64_t t = targets[i];
        if ((t < 0 || t >= g->n) && t != g->ignore) return 1 + i;
        kept[i] = t;
    }
    return 0;
}

V_INLINE real weight_of(const work_t *w, int64_t t) {
    return w->w ? w->w[t] : 1;
}

/* sum_c w[c] (top - x[c]); w may be NULL. */
static real row_gap(const real *x, const real *w, real top, int64_t n) {
    const vreal m = v_set(top), one = v_set(1);
    vreal total = v_set(0);
    for (int64_t j = 0; j < n;) {
        vreal sum = v_set(0);
        int64_t end = n - j < ROW_BLOCK ? n : j + ROW_BLOCK;
        for (; j + VL <= end; j += VL)
            sum = v_fma(m - v_load(x + j), w ? v_load(w + j) : one, sum);
        if (j < end) {
            vreal weight = w ? v_load_first(w + j, end - j) : one;
            vreal gap = m - v_load_filled(x + j, end - j, top);
            sum = v_fma(gap, weight, sum);
            j = end;
        }
        total = total + sum;
    }
    return v_sum(total);
}

static void row_forward(const work_t *w, const real *x, int64_t i) {
    int64_t n = w->g->n, t = w->t[i];
    real loss = 0, weight = 0, top = 0, log_sum = 0;
    if (t != w->g->ignore) {
        weight = weight_of(w, t);
        real sum = row_exp_parts(x, NULL, n, NULL, &top);
        log_sum = vm_log(v_set(sum))[0];
        loss = w->hit * weight * ((top - x[t]) + log_sum);
        if (w->miss != 0)
            loss += w->miss * (row_gap(x, w->w, top, n) + w->weights * log_sum);
    }
    w->lse[2 * i] = top;
    w->lse[2 * i + 1] = log_sum;
    w->loss[i] = loss;
    if (w->weight) w->weight[i] = weight;
}

/* py = dx of the row pa. */
static void row_backward(const work_t *w, const real *pa, real *py, int64_t i) {
    int64_t n = w->g->n, t = w->t[i];
    if (t == w->g->ignore) {
        memset(py, 0, (size_t)n * sizeof(real));
        return;
    }
    int is_each = w->g->reduction == PD_LOSS_NONE;
    real grad = is_each ? w->dloss[i] : w->dloss[0] * w->scale;
    real hit = w->hit * weight_of(w, t);
    const vreal top = v_set(w->lse[2 * i]), log_sum = v_set(w->lse[2 * i + 1]);
    const vreal all = v_set(grad * (hit + w->miss * w->weights));
    const vreal share = v_set(-grad * w->miss);
    const real *pb = w->w ? w->w : pa;
#define P vm_exp((a - top) - log_sum)
    if (w->miss == 0)
        ROW_MAP(all * P);
    else if (w->w)
        ROW_MAP(v_fma(share, b, all * P));
    else
        ROW_MAP(v_fma(all, P, share));
#undef P
    py[t] -= grad * hit;
}

/* Task `task`: its rows of x, and of dx in backward, contiguous by way of a
 * tile where they are not. Slot A of the scratch is the caller's. */
static void task_rows(void *context, int64_t task) {
    work_t *w = context;
    const pd_cross_entropy_geometry *g = w->g;
    const pd_space *rows = &g->rows;
    int64_t n = g->n, first = task * w->per_task;
    int64_t count =
        w->rows - first < w->per_task ? w->rows - first : w->per_task;
    size_t bytes = (size_t)(count * n) * sizeof(real);
    real *x_tile = NULL, *dx_tile = NULL;
    if (g->stride[0] != 1) {
        x_tile = pd_scratch(PD_SCRATCH_B, bytes);
        if (!x_tile) goto no_memory;
        rows_gather(x_tile, w->x, rows, 1, g->stride[0], n, first, count);
    }
    if (w->dx && g->stride[1] != 1) {
        dx_tile = pd_scratch(PD_SCRATCH_C, bytes);
        if (!dx_tile) goto no_memory;
    }
    for (int64_t r = 0; r < count; r++) {
        int64_t i = first + r;
        const real *x =
            x_tile ? x_tile + r * n : w->x + pd_space_offset(rows, 1, i);
        if (!w->dx)
            row_forward(w, x, i);
        else if (dx_tile)
            row_backward(w, x, dx_tile + r * n, i);
        else
            row_backward(w, x, w->dx + pd_space_offset(rows, 2, i), i);
    }
    if (dx_tile)
        rows_scatter(dx_tile, w->dx, rows, 2, g->stride[1], n, first, count);
    return;
no_memory:
    w->no_memory = 1;
}

/* The members that both directions share, and the targets: a bad one's 1 + row,
 * PD_NO_MEMORY, or 0. `more`: real numbers behind the targets in slot A. */
static int64_t work_begin(work_t *w, const int64_t *targets, int64_t more,
                          real **room) {
    const pd_cross_entropy_geometry *g = w->g;
    w->rows = pd_space_elements(&g->rows);
    const int in_place = g->stride[0] == 1 && (!w->dx || g->stride[1] == 1);
    w->per_task = in_place ? rows_per_task(g->n) : rows_per_tile(g->n);
    w->hit = (real)(1 - g->smoothing);
    w->miss = (real)(g->smoothing / (double)g->n);
    w->weights = w->w ? row_dot(w->w, NULL, g->n) : (real)g->n;
    int64_t *t =
        pd_scratch(PD_SCRATCH_A, (size_t)(w->rows + 1) * sizeof *t +
                                     (size_t)(more * w->rows) * sizeof(real));
    if (!t) return PD_NO_MEMORY;
    w->t = t;
    *room = (real *)(t + w->rows);
    return targets_read(g, targets, w->rows, t);
}

static int64_t work_run(work_t *w) {
    double ns = (double)w->rows * ((double)w->g->n * sizeof(real) / 10 + 20);
    pd_parallel((w->rows + w->per_task - 1) / w->per_task, ns, task_rows, w);
    return w->no_memory ? PD_NO_MEMORY : 0;
}

int64_t K(cross_entropy_forward)(void *const *arrays, const void *geometry) {
    work_t w = {.g = geometry, .x = arrays[0], .w = arrays[2]};
    real *loss = arrays[3], *total = arrays[5], *room;
    w.lse = arrays[4];
    int64_t bad = work_begin(&w, arrays[1], 2, &room);
    if (bad) return bad;
    *total = 1;
    if (w.g->reduction == PD_LOSS_NONE) {
        w.loss = loss;
        return work_run(&w);
    }
    w.loss = room;
    w.weight = room + w.rows;
    if (work_run(&w)) return PD_NO_MEMORY;
    if (w.g->reduction == PD_LOSS_MEAN)
        *total = row_dot(w.weight, NULL, w.rows);
    *loss = row_dot(w.loss, NULL, w.rows) / *total;
    return 0;
}

int64_t K(cross_entropy_backward)(void *const *arrays, const void *geometry) {
    work_t w = {.g = geometry, .x = arrays[0], .w = arrays[2]};
    real *none;
    w.lse = arrays[3];
    w.scale = 1 / *(const real *)arrays[4];
    w.dloss = arrays[5];
    w.dx = arrays[6];
    int64_t bad = work_begin(&w, arrays[1], 0, &none);
    return bad ? bad : work_run(&w);
}
