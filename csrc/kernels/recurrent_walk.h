/* The walk through a sequence, forwards or backwards: a product and some
 * arithmetic on its result, step after step.
 *
 *     forward    from = h before [b, h]       to = the gates [b, blocks h]
 *     backward   from = dz later [b, k]       to = dh [b, h], added
 *
 *            weight, packed once
 *     from  ─────────────────────>  to   ── cell ──>  the next from
 *
 * A task takes some rows of the batch and some units of the state: the product
 * for these columns of every block (a unit's gates lie h columns apart), and,
 * while the result is in cache, the cell's arithmetic. There are two ways to
 * cut:
 *
 *     by rows    rows of the batch never meet in a recurrence: a task is some
 *                rows through many steps, and nobody waits. Every task reads
 *                the whole weight at every step.
 *     by units   a region for each step; a task reads its part of the weight,
 *                which stays in the cache of its core.
 *
 * Bits do not depend on the cut: an element of a product is the same sum
 * whatever the tile around it. */
#ifndef PD_KERNELS_RECURRENT_WALK_H
#define PD_KERNELS_RECURRENT_WALK_H

#include "gemm.h"
#include "pack.h"
#include "par.h"
#include "recurrent.h"
#include "vmath.h"

/* One matrix [b, row] for every time or moment: all of them are kept (mask -1),
 * the last two (mask 1), or the last (mask 0). */
typedef struct {
    real *data;
    int64_t row, step, mask;
} series_t;

V_INLINE real *series_at(const series_t *s, int64_t i) {
    return s->data + (i & s->mask) * s->step;
}
static inline series_t series(real *data, int64_t b, int64_t row,
                              int64_t mask) {
    return (series_t){data, row, b * row, mask};
}

typedef struct walk walk_t;
/* The arithmetic of one row at time t, units u … u + n - 1. */
typedef void walk_cell(const walk_t *w, int64_t t, int64_t row, int64_t u,
                       int64_t n);

struct walk {
    const pd_recurrent_geometry *g;
    walk_cell *cell;
    int backward;
    const int64_t *lengths;
    /* The product: to[b, blocks, h] (+)= from[b, k] weight[k, blocks, h]. */
    int64_t blocks, k;
    gemm_matrix weight;   /* the first block */
    int64_t weight_block; /* to the next block */
    const real *bias;     /* [blocks, h], or NULL */
    const real *panels;
    /* What the cells see. Forward: */
    const real *z; /* [t, b, blocks h] */
    series_t hs, cs, gates;
    real *y;
    /* Backward: */
    const real *dy; /* or NULL */
    series_t dz, dq;
    real *dh, *dc; /* [b, h], of the state after the step */
    /* The cut: of a task, and of a region. */
    int64_t rows, units, steps;
    int64_t first; /* step of the region that runs */
    int64_t failed;
};

/* ---- time -----------------------------------------------------------------
 */

/* The moments that the step at time t leads from and to. */
V_INLINE int64_t moment_before(const walk_t *w, int64_t t) {
    return w->g->reverse ? t + 1 : t;
}
V_INLINE int64_t moment_after(const walk_t *w, int64_t t) {
    return w->g->reverse ? t : t + 1;
}
/* The time of the walk's step number s. */
V_INLINE int64_t time_of(const walk_t *w, int64_t s) {
    return w->g->reverse == w->backward ? s : w->g->t - 1 - s;
}
V_INLINE int row_runs(const walk_t *w, int64_t t, int64_t row) {
    return !w->lengths || t < w->lengths[row];
}

/* ---- one step of one task --------------------------------------------------
 */

static int64_t step_multiply(const walk_t *w, const real *from,
                             int64_t from_row, real *to, int64_t to_row,
                             int64_t r, int64_t rows, int64_t u,
                             int64_t units) {
    const int64_t h = w->g->h, panels = ceil_div(h, PANEL) * PANEL * w->k;
    for (int64_t block = 0; block < w->blocks; block++) {
        gemm_t product = {
            .m = rows,
            .n = units,
            .k = w->k,
            .a = {from + r * from_row, from_row, 1, NULL, NULL, 0, NULL, NULL},
            .b = w->weight,
            .bias = w->bias ? w->bias + block * h + u : NULL,
            .bias_step = 1,
            .c = to + r * to_row + block * h + u,
            .c_row = to_row,
            .add = w->backward};
        product.b.data += block * w->weight_block + u * w->weight.column;
        if (w->panels) product.b_panels = w->panels + block * panels + u * w->k;
        if (K(gemm)(&product)) return PD_NO_MEMORY;
    }
    return 0;
}

/* Backward has one step more than times: the first has no product yet, the last
 * no cell any more. */
static int64_t step_run(const walk_t *w, int64_t s, int64_t r, int64_t rows,
                        int64_t u, int64_t units) {
    const int64_t t = time_of(w, s);
    int64_t failed = 0;
    if (!w->backward) {
        const real *from = series_at(&w->hs, moment_before(w, t));
        /* rnn has no gates: the sum is put where h will be */
        const series_t *to = w->gates.data ? &w->gates : &w->hs;
        const int64_t at = w->gates.data ? t : moment_after(w, t);
        failed = step_multiply(w, from, w->g->h, series_at(to, at), to->row, r,
                               rows, u, units);
    } else if (s > 0) {
        const series_t *from = w->dq.data ? &w->dq : &w->dz;
        const real *later = series_at(from, time_of(w, s - 1));
        failed = step_multiply(w, later, from->row, w->dh, w->g->h, r, rows, u,
                               units);
    }
    for (int64_t row = r; row < r + rows && s < w->g->t; row++)
        w->cell(w, t, row, u, units);
    return failed;
}

/* ---- the cut ---------------------------------------------------------------
 */

static int64_t walk_steps(const walk_t *w) { return w->g->t + w->backward; }

static void walk_task(void *context, int64_t index) {
    walk_t *w = context;
    const int64_t across = ceil_div(w->g->h, w->units);
    const int64_t r = index / across * w->rows, u = index % across * w->units;
    const int64_t rows = least(w->rows, w->g->b - r);
    const int64_t units = least(w->units, w->g->h - u);
    const int64_t last = least(w->first + w->steps, walk_steps(w));
    for (int64_t s = w->first; s < last; s++)
        if (step_run(w, s, r, rows, u, units))
            __atomic_store_n(&w->failed, PD_NO_MEMORY, __ATOMIC_RELAXED);
}

/* Multiply-adds of a step, for `rows` rows and `units` units; the cell counts
 * as some more. */
static double step_work(const walk_t *w, int64_t rows, int64_t units) {
    return (double)(rows * units * w->blocks) * (double)(w->k + 64);
}

static void walk_region(void *context, int64_t index) {
    walk_t *w = context;
    const pd_recurrent_geometry *g = w->g;
    w->first = index * w->steps;
    const int64_t steps = least(w->steps, walk_steps(w) - w->first);
    pd_parallel(ceil_div(g->b, w->rows) * ceil_div(g->h, w->units),
                step_work(w, g->b, g->h) * (double)steps / 20, walk_task, w);
}

/* Rows of a task at least; of the weight, what is near a core; multiply-adds of
 * a task by units at least; and of a region by rows, after which signals are
 * seen.
 */
enum { ROWS = 8, CACHED = 3 << 19 };
#define LEAST_WORK 2.5e5
#define REGION_WORK 4.0e8

static void walk_cut(walk_t *w) {
    const pd_recurrent_geometry *g = w->g;
    const int64_t bytes = g->h * w->blocks * w->k * (int64_t)sizeof(real);
    w->rows = g->b, w->units = PANEL, w->steps = 1;
    if (g->b >= 2 * ROWS && bytes <= CACHED) {
        w->rows = ceil_div(g->b, g->b / (2 * ROWS) * 2); /* an even number */
        w->units = g->h;
        w->steps = 1 + (int64_t)(REGION_WORK / step_work(w, g->b, g->h));
        return;
    }
    while (w->units < g->h &&
           (step_work(w, g->b, w->units) < LEAST_WORK || g->h > 32 * w->units))
        w->units *= 2;
}

/* ---- the whole -------------------------------------------------------------
 */

/* Packing pays when the weight is used again. */
enum { PACKED_STEPS = 3 };

typedef struct {
    const walk_t *w;
    real *panels;
} walk_pack_t;

static void walk_pack_task(void *context, int64_t index) {
    const walk_pack_t *t = context;
    const walk_t *w = t->w;
    const int64_t h = w->g->h, across = ceil_div(h, PANEL);
    const int64_t block = index / across, j = index % across * PANEL;
    pack_panels(&w->weight, w->weight.data + block * w->weight_block, 0, w->k,
                j, least(PANEL, h - j), t->panels + index * PANEL * w->k);
}

/* Slot C of the scratch memory is used. 0, or PD_NO_MEMORY. */
static int64_t walk_run(walk_t *w) {
    const int64_t panels = w->blocks * ceil_div(w->g->h, PANEL);
    if (w->g->b == 0) return 0; /* all outputs are empty */
    walk_cut(w);
    if (w->g->t >= PACKED_STEPS) {
        const size_t size = (size_t)(panels * PANEL * w->k);
        walk_pack_t pack = {w, pd_scratch(PD_SCRATCH_C, size * sizeof(real))};
        if (!pack.panels) return PD_NO_MEMORY;
        pd_parallel(panels, (double)(panels * PANEL * w->k), walk_pack_task,
                    &pack);
        w->panels = pack.panels;
    }
    pd_in_order(ceil_div(walk_steps(w), w->steps), walk_region, w);
    return w->failed;
}

/* A state [b, h] or zeros; `to` and `from` may be one. */
static void state_copy(const walk_t *w, real *to, const real *from) {
    const int64_t n = w->g->b * w->g->h;
    if (from)
        copy_run(to, from, n);
    else
        zero_run(to, n);
}

/* A forward walk begins and ends: states [b, h] to and from the moments. */
static void moments_begin(const walk_t *w, const series_t *s,
                          const real *state) {
    state_copy(w, series_at(s, moment_before(w, time_of(w, 0))), state);
}
static void moments_end(const walk_t *w, const series_t *s, real *state) {
    state_copy(w, state,
               series_at(s, moment_after(w, time_of(w, w->g->t - 1))));
}

/* from -> to, n lanes of one row: what a row that does not run does. */
static void row_keep(const walk_t *w, const series_t *s, int64_t t, int64_t at,
                     int64_t n) {
    copy_run(series_at(s, moment_after(w, t)) + at,
             series_at(s, moment_before(w, t)) + at, n);
}

/* ---- the two weights -------------------------------------------------------
 */

/* h weight^T: weight [blocks h, h] transposed is [h, blocks, h]. */
static walk_t walk_forward(const pd_recurrent_geometry *g, int64_t blocks,
                           const void *weight) {
    return (walk_t){.g = g,
                    .blocks = blocks,
                    .k = g->h,
                    .weight = {weight, g->weight_column, g->weight_row, NULL,
                               NULL, 0, NULL, NULL},
                    .weight_block = g->h * g->weight_row};
}
/* dz weight: [gates h, h], one block. */
static walk_t walk_backward(const pd_recurrent_geometry *g, int64_t gates,
                            const void *weight) {
    return (walk_t){.g = g,
                    .backward = 1,
                    .blocks = 1,
                    .k = gates * g->h,
                    .weight = {weight, g->weight_row, g->weight_column, NULL,
                               NULL, 0, NULL, NULL}};
}

#endif
