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
#include "par.h"
#include "real.h"
#include "simd.h"

#include <math.h>

enum {
    FAN = 16,
    LEVELS = 6,  /* the last level takes all that come */
    TILE = 512,  /* columns at a time, and the span of a row's buffer */
    NARROW = 64, /* columns at a time where they go through a buffer */
    SHORT = 8,   /* rows shorter than this are taken as columns */
    ROWS = 8,    /* rows at a time that columns are taken over */
    PARTS = 64,  /* into how many tasks large work is cut */
    TASK = 16384 /* elements that a task should have */
};
/* A row's elements between two entries in its cascade. */
#define BLOCK (4 * FAN * VL)

/* ---- the functions ------------------------------------------------------ */

/* The loops below are compiled once for each of sum, max, min: `f` is a
 * constant wherever these are called. mean is a sum, divided at the end. */
V_INLINE vreal combine(int f, vreal a, vreal b) {
    if (f == PD_REDUCE_sum) return a + b;
    vreal top = f == PD_REDUCE_max ? v_max(a, b) : v_min(a, b);
    return v_select(v_nan(a), a, top); /* v_max(a, b) is b where b is NaN */
}

V_INLINE real identity(int f) {
    if (f == PD_REDUCE_sum) return 0;
    return f == PD_REDUCE_max ? (real)-INFINITY : (real)INFINITY;
}

V_INLINE real combine_lanes(int f, vreal x) {
    if (f == PD_REDUCE_sum) return v_sum(x);
    return f == PD_REDUCE_max ? v_top(x) : -v_top(-x);
}

/* ---- the work ----------------------------------------------------------- */

typedef struct {
    const pd_space *kept, *reduced;
    const real *x;
    real *y;
    int f;             /* sum, max or min */
    real divisor;      /* of mean; 1 elsewhere */
    int columns;       /* which loop */
    int64_t width;     /* columns of one unit (1 for rows) */
    int64_t per_run;   /* units of one innermost run of kept axes */
    int64_t units;     /* in all */
    int64_t unit_task; /* units of one task */
    int64_t tasks;     /* of one part */
    int64_t outputs;   /* kept elements */
    int64_t terms;     /* reduced elements */
    int64_t part;      /* reduced elements of one part */
    real *partial;     /* [parts, outputs], NULL for a single part */
} work_t;

/* A walk over the reduced space from some element on, run by run. */
typedef struct {
    int64_t offset, index[PD_MAX_AXES];
} walk_t;

static void walk_from(walk_t *w, const pd_space *s, int64_t i) {
    w->offset = 0;
    for (int axis = (int)s->axes - 1; axis >= 0; axis--) {
        w->index[axis] = i % s->size[axis];
        w->offset += w->index[axis] * s->stride[0][axis];
        i /= s->size[axis];
    }
}

/* n steps along the innermost run, not beyond its end. */
V_INLINE void walk_on(walk_t *w, const pd_space *s, int64_t n) {
    int axis = (int)s->axes - 1;
    w->index[axis] += n;
    w->offset += n * s->stride[0][axis];
    while (axis > 0 && w->index[axis] == s->size[axis]) {
        w->offset -= w->index[axis] * s->stride[0][axis];
        w->index[axis--] = 0;
        w->index[axis]++;
        w->offset += s->stride[0][axis];
    }
}

/* ---- rows --------------------------------------------------------------- */

/* The combination of n <= BLOCK contiguous elements, by lanes. */
V_INLINE vreal block_reduce(int f, const real *p, int64_t n) {
    const vreal none = v_set(identity(f));
    vreal a[4] = {none, none, none, none};
    int64_t i = 0;
    for (; i + 4 * VL <= n; i += 4 * VL) UNROLL
        for (int k = 0; k < 4; k++)
            a[k] = combine(f, a[k], v_load(p + i + k * VL));
    for (; i + VL <= n; i += VL) a[0] = combine(f, a[0], v_load(p + i));
    if (i < n)
        a[1] = combine(f, a[1], v_load_filled(p + i, n - i, identity(f)));
    return combine(f, combine(f, a[0], a[1]), combine(f, a[2], a[3]));
}

/* level[l] holds the entries since it was last handed up, if any. */
typedef struct {
    int64_t entries;
    vreal level[LEVELS];
} row_cascade;

V_INLINE void row_push(int f, row_cascade *c, vreal entry) {
    c->level[0] = combine(f, c->level[0], entry);
    int64_t n = ++c->entries;
    for (int l = 0; l + 1 < LEVELS && n % FAN == 0; l++, n /= FAN) {
        c->level[l + 1] = combine(f, c->level[l + 1], c->level[l]);
        c->level[l] = v_set(identity(f));
    }
}

V_INLINE const real *contiguous(const real *p, int64_t stride, int64_t n,
                                real *buffer) {
    if (stride == 1) return p;
    for (int64_t i = 0; i < n; i++) buffer[i] = p[i * stride];
    return buffer;
}

/* x[begin … end) of the reduced space, from x on, to one value. */
V_INLINE real row_reduce(int f, const pd_space *s, const real *x, int64_t begin,
                         int64_t end) {
    int last = (int)s->axes - 1;
    int64_t stride = s->stride[0][last];
    if (last == 0 && stride == 1 && end - begin <= BLOCK)
        return combine_lanes(f, block_reduce(f, x + begin, end - begin));

    real buffer[TILE];
    int64_t most = stride == 1 || BLOCK < TILE ? BLOCK : TILE;
    row_cascade c = {.entries = 0};
    for (int l = 0; l < LEVELS; l++) c.level[l] = v_set(identity(f));
    walk_t at;
    walk_from(&at, s, begin);
    while (begin < end) {
        int64_t n = s->size[last] - at.index[last];
        if (n > end - begin) n = end - begin;
        if (n > most) n = most;
        const real *p = contiguous(x + at.offset, stride, n, buffer);
        row_push(f, &c, block_reduce(f, p, n));
        walk_on(&at, s, n);
        begin += n;
    }
    vreal sum = c.level[0];
    for (int l = 1; l < LEVELS; l++) sum = combine(f, c.level[l], sum);
    return combine_lanes(f, sum);
}

V_INLINE void rows_apply(int f, const work_t *w, int64_t unit, int64_t end,
                         int64_t part) {
    int64_t first = part * w->part, after = first + w->part;
    if (after > w->terms) after = w->terms;
    for (; unit < end; unit++) {
        const real *x = w->x + pd_space_offset(w->kept, 0, unit);
        real y = row_reduce(f, w->reduced, x, first, after);
        if (w->partial)
            w->partial[part * w->outputs + unit] = y;
        else
            w->y[pd_space_offset(w->kept, 1, unit)] = y / w->divisor;
    }
}

/* Sums of rows that lie in one piece of at most BLOCK elements, VL rows side by
 * side: their lanes are added all at once. Where fewer rows are left the others
 * are zeros, so a row's sum does not depend on its neighbours. */
static int short_rows(const work_t *w) {
    const int last = (int)w->reduced->axes - 1;
    return w->f == PD_REDUCE_sum && !w->partial && last == 0 &&
           w->terms <= BLOCK && w->reduced->stride[0][0] == 1;
}

static void short_rows_sum(const work_t *w, int64_t unit, int64_t end) {
    const pd_space *kept = w->kept;
    const int last = (int)kept->axes - 1;
    const int64_t step = kept->stride[0][last];
    while (unit < end) {
        const real *x = w->x + pd_space_offset(kept, 0, unit);
        real *y = w->y + pd_space_offset(kept, 1, unit);
        int64_t rows = kept->size[last] - unit % kept->size[last];
        if (rows > end - unit) rows = end - unit;
        if (rows > VL) rows = VL;
        vreal sum[V_LANES];
        if (rows == VL)
            for (int i = 0; i < V_LANES; i++)
                sum[i] = block_reduce(PD_REDUCE_sum, x + i * step, w->terms);
        else
            for (int i = 0; i < V_LANES; i++)
                sum[i] = i < rows ? block_reduce(PD_REDUCE_sum, x + i * step,
                                                 w->terms)
                                  : v_set(0);
        const vreal all = v_sums(sum) / v_set(w->divisor);
        if (rows == VL && kept->stride[1][last] == 1)
            v_store(y, all);
        else
            for (int64_t i = 0; i < rows; i++)
                y[i * kept->stride[1][last]] = all[i];
        unit += rows;
    }
}

/* ---- columns ------------------------------------------------------------ */

/* f of `lanes` elements of each of the rows p[0 … rows), from j on. */
V_INLINE vreal rows_at(int f, const real *const *p, int64_t rows, int64_t j,
                       int64_t lanes) {
#define ROW(i) (lanes == VL ? v_load(p[i] + j) : v_load_first(p[i] + j, lanes))
#define PAIR(i) combine(f, ROW(i), ROW(i + 1))
    if (rows == ROWS)
        return combine(f, combine(f, PAIR(0), PAIR(2)),
                       combine(f, PAIR(4), PAIR(6)));
    vreal s = ROW(0);
    for (int64_t i = 1; i < rows; i++) s = combine(f, s, ROW(i));
    return s;
#undef PAIR
#undef ROW
}

/* sum[0 … n) = f of the rows and, unless it is the first time, of sum itself,
 * which has room for whole vectors. */
V_INLINE void rows_into(int f, const real *const *p, int64_t rows, real *sum,
                        int first, int64_t n) {
    int64_t j = 0;
    for (; j + VL <= n; j += VL) {
        vreal s = rows_at(f, p, rows, j, VL);
        v_store(sum + j, first ? s : combine(f, v_load(sum + j), s));
    }
    if (j < n) {
        vreal s = rows_at(f, p, rows, j, n - j);
        v_store(sum + j, first ? s : combine(f, v_load(sum + j), s));
    }
}

/* Level l, of `width` columns each, after `entries` entries: those that are
 * full go one up. */
V_INLINE void columns_carry(int f, real level[LEVELS][TILE], int64_t entries,
                            int64_t width) {
    for (int l = 0; l + 1 < LEVELS && entries % FAN == 0; l++) {
        entries /= FAN;
        const real *from[1] = {level[l]};
        int first = l + 2 < LEVELS ? entries % FAN == 1 : entries == 1;
        rows_into(f, from, 1, level[l + 1], first, width);
    }
}

/* Which levels hold something after `entries` entries: level l does unless
 * its last entry filled it. */
V_INLINE int level_is_held(int l, int64_t entries) {
    for (int k = 0; k < l; k++) entries /= FAN;
    return l + 1 < LEVELS ? entries % FAN != 0 : entries != 0;
}

/* x[begin … end) of the reduced space at `width` columns from x on. Returns
 * the level that holds the result. */
V_INLINE real *columns_reduce(int f, const pd_space *s, const real *x,
                              int64_t stride, int64_t width, int64_t begin,
                              int64_t end, real level[LEVELS][TILE]) {
    real buffer[ROWS][NARROW];
    int last = (int)s->axes - 1;
    int64_t step = s->stride[0][last];
    walk_t at;
    walk_from(&at, s, begin);
    int64_t entries = 0;
    while (begin < end) {
        int64_t rows = s->size[last] - at.index[last];
        if (rows > end - begin) rows = end - begin;
        if (rows > ROWS) rows = ROWS;
        const real *p[ROWS] = {NULL};
        for (int64_t i = 0; i < rows; i++)
            p[i] =
                contiguous(x + at.offset + i * step, stride, width, buffer[i]);
        rows_into(f, p, rows, level[0], entries % FAN == 0, width);
        columns_carry(f, level, ++entries, width);
        walk_on(&at, s, rows);
        begin += rows;
    }
    int held = 0;
    while (!level_is_held(held, entries)) held++;
    for (int l = held + 1; l < LEVELS; l++) {
        if (!level_is_held(l, entries)) continue;
        const real *lower[1] = {level[held]};
        rows_into(f, lower, 1, level[l], 0, width);
        held = l;
    }
    return level[held];
}

static void columns_write(real *y, int64_t stride, const real *sum, int64_t n,
                          real divisor) {
    int64_t j = 0;
    if (stride == 1)
        for (; j + VL <= n; j += VL)
            v_store(y + j, v_load(sum + j) / v_set(divisor));
    for (; j < n; j++) y[j * stride] = sum[j] / divisor;
}

V_INLINE void columns_apply(int f, const work_t *w, int64_t unit, int64_t end,
                            int64_t part) {
    real level[LEVELS][TILE];
    const pd_space *kept = w->kept;
    int last = (int)kept->axes - 1;
    int64_t run = kept->size[last];
    int64_t x_stride = kept->stride[0][last], y_stride = kept->stride[1][last];
    int64_t first = part * w->part, after = first + w->part;
    if (after > w->terms) after = w->terms;
    for (; unit < end; unit++) {
        int64_t column = unit % w->per_run * w->width;
        int64_t k = unit / w->per_run * run + column;
        int64_t n = run - column < w->width ? run - column : w->width;
        const real *sum =
            columns_reduce(f, w->reduced, w->x + pd_space_offset(kept, 0, k),
                           x_stride, n, first, after, level);
        if (w->partial) {
            memcpy(w->partial + part * w->outputs + k, sum,
                   (size_t)n * sizeof(real));
        } else {
            columns_write(w->y + pd_space_offset(kept, 1, k), y_stride, sum, n,
                          w->divisor);
        }
    }
}

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
