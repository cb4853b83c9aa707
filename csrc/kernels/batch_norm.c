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
 * First pass (batch_norm_sums.h): the sums of every part. They are then
 * combined (batch_norm_columns.h), in double and in their order, into mean and
 * variance of the channels (of a group), and those into three numbers per
 * channel:
 *
 *     y = (x - mean) scale + offset
 *
 * Second pass (batch_norm_apply.h): y. Backward is the same with the sums of dy
 * and dy (x - mean), and dx = dy scale - (x - mean) slope - share.
 *
 * Few channels: rows of a dense array are taken `fold` at a time, as one row of
 * fold * c columns; the columns of a channel are combined in the end.
 *
 * The sets of group norm are tasks, and the passes over a set, which is in the
 * cache by then, run inside; with the one set of batch norm its parts are
 * tasks. Both are cut by shape. */
#include "batch_norm.h"
#include "batch_norm_apply.h"
#include "batch_norm_columns.h"
#include "batch_norm_sums.h"
#include "par.h"

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
