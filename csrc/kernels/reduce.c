/* Reductions: two loops, told apart by where x's smallest stride lies.
 *
 *     rows      r is innermost in memory          columns    k is
 *
 *        k │ x x x x x x x ──> y[k]                  r │ x x x x x x x
 *          │ x x x x x x x ──> y[k + 1]                │ x x x x x x x
 *          └────────────── r                           │ ↓ ↓ ↓ ↓ ↓ ↓ ↓
 *                                                      └─ y[k … k + 7) ─ k
 *
 * Rows are summed along vectors, columns across them. A run whose stride is not
 * 1 is first copied to a buffer, so both loops see contiguous memory only.
 *
 * Accuracy: a cascade. No sum has more than about FAN terms of one size: FAN
 * sums of level l make one of level l + 1, so the error grows with the
 * logarithm of the length, as in pairwise summation (Higham, Accuracy and
 * Stability of Numerical Algorithms, section 4.2), at the price of one
 * addition in FAN.
 *
 * Invariant: cuts depend on shapes and strides only. Where there are too few
 * results to share out, the reduced axis is cut in `parts`; each part writes a
 * row of partial results, and these are reduced as columns. */
#include "reduce.h"
#include "reduce_columns.h"
#include "reduce_rows.h"

/* ---- tasks -------------------------------------------------------------- */

/* Task i: some units of one part. */
V_INLINE void task_of(int f, const work_t *w, int64_t i) {
    int64_t part = i / w->tasks, unit = i % w->tasks * w->unit_task;
    int64_t end = unit + w->unit_task;
    if (end > w->units) end = w->units;
    if (w->columns)
        columns_apply(f, w, unit, end, part);
    else if (f == PD_REDUCE_sum && short_rows(w))
        short_rows_sum(w, unit, end);
    else
        rows_apply(f, w, unit, end, part);
}
static void sum_task(void *w, int64_t i) { task_of(PD_REDUCE_sum, w, i); }
static void max_task(void *w, int64_t i) { task_of(PD_REDUCE_max, w, i); }
static void min_task(void *w, int64_t i) { task_of(PD_REDUCE_min, w, i); }

static int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }
static int64_t magnitude(int64_t a) { return a < 0 ? -a : a; }

/* Chooses the loop and the cuts; returns the number of parts. */
static int64_t work_plan(work_t *w) {
    const pd_space *kept = w->kept, *reduced = w->reduced;
    int k = (int)kept->axes - 1, r = (int)reduced->axes - 1;
    int64_t x_stride = magnitude(kept->stride[0][k]);
    int64_t r_stride = magnitude(reduced->stride[0][r]);
    int short_rows = w->terms < SHORT && kept->size[k] >= NARROW;
    w->columns = kept->size[k] > 1 && (r_stride != 1 || short_rows) &&
                 (x_stride == 1 || x_stride < r_stride || short_rows);
    w->width = 1;
    if (w->columns) w->width = kept->stride[0][k] == 1 ? TILE : NARROW;
    w->per_run = ceil_div(kept->size[k], w->width);
    w->units = w->outputs / kept->size[k] * w->per_run;

    int64_t elements = w->outputs * w->terms;
    int64_t wanted = elements / TASK < PARTS ? elements / TASK : PARTS;
    int64_t parts = w->units < wanted ? ceil_div(wanted, w->units) : 1;
    if (parts > w->terms / PARTS) parts = w->terms / PARTS;
    if (parts < 1) parts = 1;
    w->part = ceil_div(w->terms, parts);
    /* whole blocks: where x begins with a line of the cache, parts do */
    if (parts > 1 && !w->columns) w->part = ceil_div(w->part, BLOCK) * BLOCK;
    parts = ceil_div(w->terms, w->part);

    int64_t unit_elements = elements / w->units / parts;
    w->unit_task = 1;
    if (unit_elements < TASK) w->unit_task = ceil_div(TASK, unit_elements + 1);
    w->tasks = ceil_div(w->units, w->unit_task);
    return parts;
}

static void work_run(work_t *w, int64_t parts) {
    static pd_task *const task[] = {
        [PD_REDUCE_sum] = sum_task,
        [PD_REDUCE_max] = max_task,
        [PD_REDUCE_min] = min_task,
    };
    double ns = (double)w->outputs * ((double)w->terms * sizeof(real) / 16 + 8);
    pd_parallel(w->tasks * parts, ns, task[w->f], w);
}

/* The partial results [parts, outputs] are columns to be reduced: the kept
 * axes lie there in their own order, contiguous. */
static void parts_reduce(const work_t *w, int64_t parts) {
    pd_space kept = *w->kept, reduced = {.axes = 1};
    pd_dense_strides((int)kept.axes, kept.size, NULL, kept.stride[0]);
    reduced.size[0] = parts;
    reduced.stride[0][0] = w->outputs;
    work_t last = {.kept = &kept,
                   .reduced = &reduced,
                   .x = w->partial,
                   .y = w->y,
                   .f = w->f,
                   .divisor = w->divisor,
                   .outputs = w->outputs,
                   .terms = parts};
    work_plan(&last);
    last.part = parts; /* all in one */
    work_run(&last, 1);
}

/* A long table of few columns in one piece would fill few lanes. VL of its rows
 * are one row of a wider table,
 *
 *     a b c          a b c a b c a b c a b c …
 *     a b c   ──>    a b c a b c a b c a b c …
 *     …
 *
 * whose columns are reduced; what comes out, and the rows that are left over,
 * are a short table of the same few columns. */
static int is_narrow(const work_t *w) {
    const pd_space *kept = w->kept, *reduced = w->reduced;
    return kept->axes == 1 && reduced->axes == 1 && kept->stride[0][0] == 1 &&
           kept->size[0] > 1 && kept->size[0] * VL <= TILE &&
           reduced->stride[0][0] == kept->size[0] && w->terms >= TASK;
}

static int64_t narrow_reduce(work_t *w) {
    const int64_t columns = w->outputs, rows = w->terms / VL;
    pd_space kept = {.axes = 1, .size = {columns * VL}};
    pd_space reduced = {.axes = 1, .size = {rows}};
    kept.stride[0][0] = 1, reduced.stride[0][0] = columns * VL;
    work_t wide = *w;
    wide.kept = &kept, wide.reduced = &reduced;
    wide.outputs = columns * VL, wide.terms = rows;
    const int64_t parts = work_plan(&wide), left = w->terms % VL;
    const int64_t shorter = parts * VL + left;
    wide.partial = w->partial =
        pd_scratch(PD_SCRATCH_A, (size_t)(shorter * columns) * sizeof(real));
    if (!w->partial) return PD_NO_MEMORY;
    work_run(&wide, parts);
    memcpy(w->partial + parts * wide.outputs, w->x + rows * wide.outputs,
           (size_t)(left * columns) * sizeof(real));
    parts_reduce(w, shorter);
    return 0;
}

int64_t K(reduce)(void *const *arrays, const void *geometry) {
    const pd_reduce_geometry *g = geometry;
    int is_mean = g->function == PD_REDUCE_mean;
    work_t w = {.kept = &g->kept,
                .reduced = &g->reduced,
                .x = arrays[0],
                .y = arrays[1],
                .f = is_mean ? PD_REDUCE_sum : (int)g->function,
                .outputs = pd_space_elements(&g->kept),
                .terms = pd_space_elements(&g->reduced)};
    w.divisor = is_mean ? (real)w.terms : 1;
    if (w.outputs == 0) return 0;
    if (w.terms == 0) {
        real none = identity(w.f) / w.divisor;
        for (int64_t k = 0; k < w.outputs; k++)
            w.y[pd_space_offset(w.kept, 1, k)] = none;
        return 0;
    }
    if (is_narrow(&w)) return narrow_reduce(&w);
    int64_t parts = work_plan(&w);
    if (parts > 1) {
        w.partial = pd_scratch(PD_SCRATCH_A,
                               (size_t)(parts * w.outputs) * sizeof(real));
        if (!w.partial) return PD_NO_MEMORY;
    }
    work_run(&w, parts);
    if (parts > 1) parts_reduce(&w, parts);
    return 0;
}
