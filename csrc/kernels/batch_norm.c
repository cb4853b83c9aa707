/* Batch norm: two passes over channels-last memory, lanes are channels.
 *
 *          channels                     part      sums, per column
 *     r  ┌──────────────┐
 *     o  │ block │      │  ┐            0   ──>   s = sum d,  q = sum d d
 *     w  │       │      │  ├ part                   d = x - shift
 *     s  ├───────┴──────┤  ┘
 *        │              │               1   ──>   s, q
 *        └──────────────┘
 *           one tile of a few vectors is summed in registers over a block
 *
 * First pass: the sums of every part. They are then combined, in double and in
 * their order, into mean and variance of the channels (of a group), and those
 * into three numbers per channel:
 *
 *     y = (x - mean) scale + offset
 *
 * Second pass: y. Backward is the same with the sums of dy and dy (x - mean),
 * and dx = dy scale - (x - mean) slope - share.
 *
 * Accuracy: a part's shift is the mean of its first rows, so x - shift has what
 * matters and a large mean costs nothing. q - s s / n cancels little: it is at
 * least those rows' share in it, q / FIRST (Chan, Golub, LeVeque, Algorithms
 * for computing the sample variance, 1983, on shifted data). Parts are brought
 * to the shift of the first one, in double.
 *
 * Few channels: rows of a dense array are taken `fold` at a time, as one row of
 * fold * c columns; the columns of a channel are combined in the end.
 *
 * The sets of group norm are tasks, and the passes over a set, which is in the
 * cache by then, run inside; with the one set of batch norm its parts are
 * tasks. Both are cut by shape. */
#include "batch_norm.h"
#include "par.h"
#include "real.h"
#include "simd.h"

#include <math.h>

enum {
    BLOCK = 32,             /* rows that are summed in registers */
    TILE = V_REGISTERS / 8, /* vectors of a tile */
    CHUNK = 128,            /* columns of a task, at least where there are */
    TASK = 32768,           /* elements of a task, about */
    MOST_ROWS = 512,        /* of a part */
    FIRST = 16, /* a part's shift is taken of 1 / FIRST of its rows */
    SUMS = 3    /* numbers per part and column: shift, s, q */
};

typedef struct {
    const pd_batch_norm_geometry *g;
    const real *x, *dy, *w, *b;
    real *mean, *var; /* read where `given` */
    real *y, *dx, *dw, *db;
    int given;
    int64_t fold, columns, rows; /* columns = c * fold, rows of so many */
    int64_t part, parts;         /* rows of a part, parts of a set */
    int64_t chunk, chunks;       /* columns of a chunk, chunks of a row */
    real *channel; /* [sets, 2, c]: what each set adds to dw and db */
    _Atomic int no_memory;
} work_t;

/* One set: its sums, and what is made of them for each column. */
typedef struct {
    work_t *work;
    int64_t set;
    real *sums; /* [parts, SUMS, columns] */
    /* [columns]; mean is the shift of backward */
    real *mean, *scale, *offset, *slope, *share;
    double *a, *b; /* [c] */
} set_t;

static int64_t min(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

/* ---- the first pass: sums ---------------------------------------------- */

/* The rows first … first + count of operand k of a set. */
static void rows_find(const set_t *s, int k, const real *base, int64_t first,
                      int64_t count, const real **row) {
    const pd_batch_norm_geometry *g = s->work->g;
    base += s->set * g->set_stride[k];
    for (int64_t i = 0; i < count; i++)
        row[i] =
            base + pd_space_offset(&g->rows, k, (first + i) * s->work->fold);
}

/* sum += g, products += g d over rows at `tiles` vectors from column j on,
 * d = x - shift, g = dy, or d where there is no dy. */
V_INLINE void tile_sums(const real *const *x, const real *const *dy,
                        int64_t rows, const real *shift, real *sum,
                        real *products, int64_t j, int tiles, int64_t lanes) {
    vreal m[TILE], a[TILE], b[TILE];
    UNROLL for (int k = 0; k < tiles; k++) {
        m[k] = v_load_lanes(shift + j + k * VL, lanes);
        a[k] = b[k] = v_set(0);
    }
    for (int64_t r = 0; r < rows; r++) UNROLL
        for (int k = 0; k < tiles; k++) {
            const int64_t at = j + k * VL;
            vreal d = v_load_lanes(x[r] + at, lanes) - m[k];
            vreal g = dy ? v_load_lanes(dy[r] + at, lanes) : d;
            a[k] = a[k] + g;
            b[k] = v_fma(g, d, b[k]);
        }
    UNROLL for (int k = 0; k < tiles; k++) {
        const int64_t at = j + k * VL;
        v_store_lanes(sum + at, v_load_lanes(sum + at, lanes) + a[k], lanes);
        v_store_lanes(products + at, v_load_lanes(products + at, lanes) + b[k],
                      lanes);
    }
}

V_INLINE void block_sums(const real *const *x, const real *const *dy,
                         int64_t rows, const real *shift, real *sum,
                         real *products, int64_t j, int64_t end) {
    for (; j + TILE * VL <= end; j += TILE * VL)
        tile_sums(x, dy, rows, shift, sum, products, j, TILE, VL);
    for (; j + VL <= end; j += VL)
        tile_sums(x, dy, rows, shift, sum, products, j, 1, VL);
    if (j < end) tile_sums(x, dy, rows, shift, sum, products, j, 1, end - j);
}

/* Task: a chunk of the columns of a part. */
static void task_sums(void *context, int64_t task) {
    const set_t *s = context;
    const work_t *w = s->work;
    const int64_t part = task / w->chunks, columns = w->columns;
    int64_t begin = part * w->part, end = min(begin + w->part, w->rows);
    int64_t j = task % w->chunks * w->chunk, last = min(j + w->chunk, columns);
    real *shift = s->sums + part * SUMS * columns, *sum = shift + columns;
    real *products = sum + columns;
    const size_t bytes = (size_t)(last - j) * sizeof(real);
    const real *x[BLOCK], *dy[BLOCK];
    if (!w->dy) { /* the shift is the mean of the first rows */
        int64_t rows = min(BLOCK, ceil_div(end - begin, FIRST));
        rows_find(s, 1, w->x, begin, rows, x);
        memset(shift + j, 0, bytes);
        memset(sum + j, 0, bytes);
        memset(products + j, 0, bytes);
        block_sums(x, NULL, rows, shift, sum, products, j, last);
        for (int64_t i = j; i < last; i++) shift[i] = sum[i] / (real)rows;
    }
    memset(sum + j, 0, bytes);
    memset(products + j, 0, bytes);
    for (; begin < end; begin += BLOCK) {
        int64_t rows = min(BLOCK, end - begin);
        rows_find(s, 1, w->x, begin, rows, x);
        if (w->dy) {
            rows_find(s, 2, w->dy, begin, rows, dy);
            block_sums(x, dy, rows, s->mean, sum, products, j, last);
        } else {
            block_sums(x, NULL, rows, shift, sum, products, j, last);
        }
    }
}

/* ---- between: from sums to numbers per column -------------------------- */

static int64_t rows_of(const work_t *w, int64_t part) {
    return min(w->part, w->rows - part * w->part);
}

/* Each channel's two numbers, from those of its columns in every part, in
 * double: added to a[c] and b[c], which begin as 0. Those of forward are the
 * sums of x - first and of its square: `first` is the channel's shift in the
 * first part, a part's own one is `e` more. */
V_INLINE void columns_combine(const set_t *s, int is_forward) {
    const work_t *w = s->work;
    const int64_t columns = w->columns, c = w->g->c;
    double *a = s->a, *b = s->b;
    const real *first = s->sums;
    for (int64_t p = 0; p < w->parts; p++) {
        const real *shift = s->sums + p * SUMS * columns;
        const real *sum = shift + columns, *products = sum + columns;
        const double n = (double)rows_of(w, p);
        for (int64_t f = 0; f < columns; f += c)
            for (int64_t i = 0; i < c; i++) {
                double total = (double)sum[f + i];
                double squares = (double)products[f + i];
                if (is_forward) {
                    const double e = (double)shift[f + i] - (double)first[i];
                    squares += e * (2 * total + n * e);
                    total += n * e;
                }
                a[i] += total;
                b[i] += squares;
            }
    }
}

/* Mean and variance of the set's groups; s->b has each group's mean in its
 * first channel, unrounded. */
static void statistics_take(const set_t *s) {
    const work_t *w = s->work;
    const int64_t width = w->g->width, groups = w->g->c / width;
    const double rows = (double)(w->rows * w->fold);
    const double count = rows * (double)width;
    columns_combine(s, 1);
    for (int64_t i = 0; i < groups; i++) {
        const real *first = s->sums + i * width;
        double *a = s->a + i * width, *b = s->b + i * width;
        double mean = 0, var = 0;
        for (int64_t c = 0; c < width && count > 0; c++)
            mean += (rows * (double)first[c] + a[c]) / count;
        for (int64_t c = 0; c < width && count > 0; c++) {
            const double e = mean - (double)first[c];
            var += b[c] + e * (rows * e - 2 * a[c]);
        }
        if (count > 0) var /= count;
        w->mean[s->set * groups + i] = (real)mean;
        w->var[s->set * groups + i] = (real)(var < 0 ? 0 : var);
        b[0] = mean;
    }
}

/* A number of channel c, in all columns of that channel. */
static void spread(const work_t *w, real *to, int64_t c, double value) {
    for (int64_t j = c; j < w->columns; j += w->g->c) to[j] = (real)value;
}

static double weight_of(const work_t *w, int64_t c) {
    return w->w ? (double)w->w[c] : 1;
}

static void set_statistics(const set_t *s) {
    const work_t *w = s->work;
    const int64_t width = w->g->width, groups = w->g->c / width;
    if (!w->given) statistics_take(s);
    for (int64_t i = 0; i < groups; i++) {
        const int64_t at = s->set * groups + i;
        const double mean = (double)w->mean[at];
        const double rstd = 1 / sqrt((double)w->var[at] + w->g->eps);
        /* what rounding took from a large mean */
        const double rest = w->given ? 0 : s->b[i * width] - mean;
        for (int64_t c = i * width; c < (i + 1) * width; c++) {
            const double scale = weight_of(w, c) * rstd;
            const double bias = w->b ? (double)w->b[c] : 0;
            spread(w, s->mean, c, mean);
            spread(w, s->scale, c, scale);
            spread(w, s->offset, c, bias - rest * scale);
        }
    }
}

/* dw and db of the set, and the numbers that dx is made of. */
static void set_gradients(const set_t *s) {
    const work_t *w = s->work;
    const int64_t width = w->g->width, groups = w->g->c / width;
    const double count = (double)(w->rows * w->fold * width);
    real *dw = w->channel + s->set * 2 * w->g->c, *db = dw + w->g->c;
    columns_combine(s, 0);
    for (int64_t i = 0; i < groups; i++) {
        double rstd = 1 / sqrt((double)w->var[s->set * groups + i] + w->g->eps);
        double share = 0, slope = 0;
        for (int64_t c = i * width; c < (i + 1) * width; c++) {
            dw[c] = (real)(s->b[c] * rstd);
            db[c] = (real)s->a[c];
            share += weight_of(w, c) * s->a[c];
            slope += weight_of(w, c) * s->b[c];
        }
        share *= rstd / count;
        slope *= rstd * rstd * rstd / count;
        for (int64_t c = i * width; c < (i + 1) * width; c++) {
            spread(w, s->scale, c, rstd * weight_of(w, c));
            spread(w, s->share, c, share);
            spread(w, s->slope, c, slope);
        }
    }
}

/* ---- the second pass: y or dx ------------------------------------------ */

/* y = (x - mean) scale + offset. */
V_INLINE void tile_forward(const set_t *s, const real *const *x, int64_t rows,
                           real *y, int64_t j, int tiles, int64_t lanes) {
    const int64_t columns = s->work->columns;
    vreal mean[TILE], scale[TILE], offset[TILE];
    UNROLL for (int k = 0; k < tiles; k++) {
        mean[k] = v_load_lanes(s->mean + j + k * VL, lanes);
        scale[k] = v_load_lanes(s->scale + j + k * VL, lanes);
        offset[k] = v_load_lanes(s->offset + j + k * VL, lanes);
    }
    for (int64_t r = 0; r < rows; r++) UNROLL
        for (int k = 0; k < tiles; k++) {
            const int64_t at = j + k * VL;
            vreal d = v_load_lanes(x[r] + at, lanes) - mean[k];
            v_store_lanes(y + r * columns + at, v_fma(d, scale[k], offset[k]),
                          lanes);
        }
}

/* dx = dy scale - (x - mean) slope - share; without x: dy scale. */
V_INLINE void tile_backward(const set_t *s, const real *const *x,
                            const real *const *dy, int64_t rows, real *dx,
                            int64_t j, int tiles, int64_t lanes) {
    const int64_t columns = s->work->columns;
    vreal mean[TILE], scale[TILE], slope[TILE], share[TILE];
    UNROLL for (int k = 0; k < tiles; k++) {
        scale[k] = v_load_lanes(s->scale + j + k * VL, lanes);
        if (!x) continue;
        mean[k] = v_load_lanes(s->mean + j + k * VL, lanes);
        slope[k] = v_load_lanes(s->slope + j + k * VL, lanes);
        share[k] = v_load_lanes(s->share + j + k * VL, lanes);
    }
    for (int64_t r = 0; r < rows; r++) UNROLL
        for (int k = 0; k < tiles; k++) {
            const int64_t at = j + k * VL;
            vreal g = v_load_lanes(dy[r] + at, lanes) * scale[k];
            if (x) {
                vreal d = v_load_lanes(x[r] + at, lanes) - mean[k];
                g = v_fma(-d, slope[k], g - share[k]);
            }
            v_store_lanes(dx + r * columns + at, g, lanes);
        }
}

#define EACH_TILE(tile, ...)                                                   \
    do {                                                                       \
        int64_t j = from;                                                      \
        for (; j + TILE * VL <= last; j += TILE * VL)                          \
            tile(__VA_ARGS__, j, TILE, VL);                                    \
        for (; j + VL <= last; j += VL) tile(__VA_ARGS__, j, 1, VL);           \
        if (j < last) tile(__VA_ARGS__, j, 1, last - j);                       \
    } while (0)

static void task_apply(void *context, int64_t task) {
    const set_t *s = context;
    const work_t *w = s->work;
    int64_t begin = task / w->chunks * w->part;
    const int64_t end = min(begin + w->part, w->rows);
    const int64_t from = task % w->chunks * w->chunk;
    const int64_t last = min(from + w->chunk, w->columns);
    const real *x[BLOCK], *dy[BLOCK];
    for (; begin < end; begin += BLOCK) {
        int64_t rows = min(BLOCK, end - begin);
        int64_t at = s->set * w->g->set_stride[0] + begin * w->columns;
        rows_find(s, 1, w->x, begin, rows, x);
        if (w->dy) rows_find(s, 2, w->dy, begin, rows, dy);
        if (!w->dy)
            EACH_TILE(tile_forward, s, x, rows, w->y + at);
        else if (w->g->trains)
            EACH_TILE(tile_backward, s, x, dy, rows, w->dx + at);
        else
            EACH_TILE(tile_backward, s, NULL, dy, rows, w->dx + at);
    }
}

/* ---- a set, and all of them -------------------------------------------- */

static void task_set(void *context, int64_t set) {
    work_t *w = context;
    const int64_t columns = w->columns, tasks = w->parts * w->chunks;
    const size_t doubles = (size_t)(2 * w->g->c) * sizeof(double);
    const size_t reals = (size_t)((w->parts * SUMS + 5) * columns);
    double *a = pd_scratch(PD_SCRATCH_B, doubles + reals * sizeof(real));
    if (!a) {
        w->no_memory = 1;
        return;
    }
    memset(a, 0, doubles);
    real *memory = (real *)(a + 2 * w->g->c);
    set_t s = {.work = w,
               .set = set,
               .a = a,
               .b = a + w->g->c,
               .mean = memory,
               .scale = memory + columns,
               .offset = memory + 2 * columns,
               .slope = memory + 3 * columns,
               .share = memory + 4 * columns,
               .sums = memory + 5 * columns};
    double ns = (double)(w->rows * columns) * sizeof(real) / 12;
    if (w->dy) {
        const int64_t groups = w->g->c / w->g->width;
        for (int64_t c = 0; c < w->g->c; c++)
            spread(w, s.mean, c,
                   (double)w->mean[set * groups + c / w->g->width]);
        pd_parallel(tasks, 2 * ns, task_sums, &s);
        set_gradients(&s);
        if (w->dx) pd_parallel(tasks, 2 * ns, task_apply, &s);
    } else {
        if (!w->given) pd_parallel(tasks, ns, task_sums, &s);
        set_statistics(&s);
        pd_parallel(tasks, 2 * ns, task_apply, &s);
    }
}

/* How many rows are taken as one: those that fill a tile, of a dense array. */
static int64_t fold_of(const work_t *w, int64_t rows) {
    const pd_batch_norm_geometry *g = w->g;
    int operands = w->dy ? 3 : 2;
    if (g->rows.axes > 1) return 1;
    for (int k = 0; k < operands; k++)
        if (g->rows.stride[k][0] != g->c) return 1;
    int64_t fold = TILE * VL / g->c;
    while (fold > 1 && rows % fold) fold--;
    return fold > 1 ? fold : 1;
}

static int64_t sets_run(work_t *w) {
    const pd_batch_norm_geometry *g = w->g;
    if (g->c == 0) return 0;
    int64_t rows = pd_space_elements(&g->rows);
    w->fold = fold_of(w, rows);
    w->columns = w->fold * g->c;
    w->rows = rows / w->fold;
    w->parts = ceil_div(w->rows, MOST_ROWS);
    w->part = ceil_div(w->rows, w->parts > 0 ? w->parts : 1);
    w->chunk = w->part > 0 ? TASK / w->part / CHUNK * CHUNK : CHUNK;
    if (w->chunk < CHUNK) w->chunk = CHUNK;
    w->chunks = ceil_div(w->columns, w->chunk);
    double ns = (double)(g->sets * rows * g->c) * sizeof(real) / 3;
    pd_parallel(g->sets, ns, task_set, w);
    return w->no_memory ? PD_NO_MEMORY : 0;
}

static int64_t forward(void *const *arrays, const void *geometry, int given) {
    work_t w = {.g = geometry,
                .given = given,
                .x = arrays[0],
                .w = arrays[1],
                .b = arrays[2],
                .mean = arrays[3],
                .var = arrays[4],
                .y = arrays[5]};
    return sets_run(&w);
}
int64_t K(batch_norm_forward)(void *const *arrays, const void *geometry) {
    return forward(arrays, geometry, 0);
}
int64_t K(batch_norm_inference)(void *const *arrays, const void *geometry) {
    return forward(arrays, geometry, 1);
}

/* What the sets add to a channel, in their order. */
static void channels_add(const work_t *w, const real *from, real *to) {
    for (int64_t c = 0; to && c < w->g->c; c++) {
        double sum = 0;
        for (int64_t s = 0; s < w->g->sets; s++)
            sum += (double)from[2 * s * w->g->c + c];
        to[c] = (real)sum;
    }
}

int64_t K(batch_norm_backward)(void *const *arrays, const void *geometry) {
    const pd_batch_norm_geometry *g = geometry;
    work_t w = {.g = geometry,
                .x = arrays[0],
                .dy = arrays[1],
                .w = arrays[2],
                .mean = arrays[3],
                .var = arrays[4],
                .dx = arrays[5],
                .dw = arrays[6],
                .db = arrays[7]};
    size_t bytes = (size_t)(2 * g->sets * g->c) * sizeof(real);
    w.channel = pd_scratch(PD_SCRATCH_A, bytes + 1);
    if (!w.channel) return PD_NO_MEMORY;
    if (sets_run(&w)) return PD_NO_MEMORY;
    channels_add(&w, w.channel, w.dw);
    channels_add(&w, w.channel + g->c, w.db);
    return 0;
}

int64_t K(batch_norm_track)(void *const *arrays, const void *geometry) {
    const pd_batch_norm_track_geometry *g = geometry;
    const real *mean = arrays[0], *var = arrays[1];
    real *running_mean = arrays[2], *running_var = arrays[3];
    int64_t *batches = arrays[4];
    if (batches) *batches += 1;
    double momentum = g->momentum, n = (double)g->count;
    if (momentum < 0) momentum = 1 / (double)*batches;
    for (int64_t c = 0; c < g->c; c++) {
        double m = (double)running_mean[c], v = (double)running_var[c];
        double unbiased = (double)var[c] * (n / (n - 1));
        running_mean[c] = (real)(m + momentum * ((double)mean[c] - m));
        running_var[c] = (real)(v + momentum * (unbiased - v));
    }
    return 0;
}
