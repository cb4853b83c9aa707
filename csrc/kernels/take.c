/* Take: elements by number along an axis.
 *
 *     x  o,0  ┌────────┐              y  o,0  ┌────────┐
 *        o,1  │ inner  │ ── ids 2 0 2 ──> o,1 │        │
 *        o,2  └────────┘                 o,2  └────────┘
 *
 * Forward copies rows of `inner` elements. Backward adds the rows of dy that
 * share an id; a task owns some columns of one o, so nothing has two writers,
 * and adds in the order of j: the same bits for every number of threads. dx is
 * cleared before, by tasks of their own, since it may be far larger than dy.
 *
 * embedding.c is the case outer = 1 for tables of many short rows; it sorts the
 * ids, so that its tasks can own rows. */
#include "take.h"
#include "ids.h"
#include "par.h"
#include "real.h"
#include "simd.h"

enum { TASK = 16384 /* elements */, COLUMNS = 64 /* of one task */ };

typedef struct {
    const pd_take_geometry *g;
    const int64_t *ids; /* 0 <= id < rows */
    const real *in;     /* x or dy */
    real *out;          /* y or dx */
    int64_t step;       /* rows of y of one task */
} work_t;

/* The ids, counted from the front, in scratch memory: what was checked is what
 * is used, whatever another thread writes. 0, 1 + the first bad position, or
 * PD_NO_MEMORY. */
static int64_t ids_read(work_t *w, const void *ids) {
    const pd_take_geometry *g = w->g;
    int64_t n = g->along ? g->outer * g->count * g->inner : g->count;
    int64_t *to = pd_scratch(PD_SCRATCH_A, (size_t)(n + 1) * sizeof(int64_t));
    if (!to) return PD_NO_MEMORY;
    for (int64_t i = 0; i < n; i++) {
        int64_t id = pd_id_at(ids, g->id_bytes, g->id_signed, i);
        if (id < 0 && (g->id_signed || g->id_bytes < 8)) id += g->rows;
        if (id < 0 || id >= g->rows) return 1 + i;
        to[i] = id;
    }
    w->ids = to;
    return 0;
}

/* ---- forward ---------------------------------------------------------------
 */

static void rows_take(void *context, int64_t t) {
    const work_t *w = context;
    const pd_take_geometry *g = w->g;
    int64_t inner = g->inner, end = (t + 1) * w->step;
    if (end > g->outer * g->count) end = g->outer * g->count;
    int64_t o = t * w->step / g->count, j = t * w->step % g->count;
    for (int64_t r = t * w->step; r < end; r++) {
        const real *x = w->in + o * g->rows * inner;
        real *y = w->out + r * inner;
        if (g->along) {
            const int64_t *ids = w->ids + r * inner;
            for (int64_t i = 0; i < inner; i++) y[i] = x[ids[i] * inner + i];
        } else if (inner == 1) {
            *y = x[w->ids[j]];
        } else {
            memcpy(y, x + w->ids[j] * inner, (size_t)inner * sizeof(real));
        }
        if (++j == g->count) {
            j = 0;
            o++;
        }
    }
}

int64_t K(take_forward)(void *const *arrays, const void *geometry) {
    const pd_take_geometry *g = geometry;
    work_t w = {.g = g, .in = arrays[0], .out = arrays[2]};
    int64_t bad = ids_read(&w, arrays[1]), rows = g->outer * g->count;
    if (bad) return bad;
    if (!rows || !g->inner) return 0;
    w.step = g->inner >= TASK ? 1 : TASK / g->inner;
    pd_parallel((rows + w.step - 1) / w.step,
                0.5 * (double)rows * (double)g->inner, rows_take, &w);
    return 0;
}

/* ---- backward --------------------------------------------------------------
 */

static int64_t size_of(const pd_take_geometry *g) {
    return g->outer * g->rows * g->inner;
}

static void piece_clear(void *context, int64_t t) {
    const work_t *w = context;
    int64_t left = size_of(w->g) - t * TASK;
    memset(w->out + t * TASK, 0,
           (size_t)(left < TASK ? left : TASK) * sizeof(real));
}

static void row_add(real *to, const real *from, int64_t n) {
    int64_t i = 0;
    for (; i + VL <= n; i += VL)
        v_store(to + i, v_load(to + i) + v_load(from + i));
    for (; i < n; i++) to[i] += from[i];
}

/* Task t: COLUMNS columns of one o. */
static void columns_add(void *context, int64_t t) {
    const work_t *w = context;
    const pd_take_geometry *g = w->g;
    int64_t blocks = (g->inner + COLUMNS - 1) / COLUMNS;
    int64_t o = t / blocks, first = t % blocks * COLUMNS;
    int64_t n = g->inner - first < COLUMNS ? g->inner - first : COLUMNS;
    real *dx = w->out + o * g->rows * g->inner + first;
    for (int64_t j = 0; j < g->count; j++) {
        int64_t row = (o * g->count + j) * g->inner + first;
        const real *dy = w->in + row;
        if (!g->along) {
            row_add(dx + w->ids[j] * g->inner, dy, n);
            continue;
        }
        for (int64_t i = 0; i < n; i++)
            dx[w->ids[row + i] * g->inner + i] += dy[i];
    }
}

int64_t K(take_backward)(void *const *arrays, const void *geometry) {
    const pd_take_geometry *g = geometry;
    work_t w = {.g = g, .in = arrays[1], .out = arrays[2]};
    int64_t bad = ids_read(&w, arrays[0]), size = size_of(g);
    if (bad) return bad;
    pd_parallel((size + TASK - 1) / TASK, 0.1 * (double)size * sizeof(real),
                piece_clear, &w);
    pd_parallel(g->outer * ((g->inner + COLUMNS - 1) / COLUMNS),
                1.0 * (double)g->outer * (double)g->count * (double)g->inner,
                columns_add, &w);
    return 0;
}
