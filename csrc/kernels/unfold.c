/* Unfold and fold: windows as columns, columns as images.
 *
 *     x, a row u of the image         y, a row (k, l, i) of the windows
 *       +-----------------+             +-----------------+
 *       |   . . . . . . . | ── l ──>    | . . . . . . . 0 |
 *       +-----------------+             +-----------------+
 *            every stride-th place from l dilation - padding on
 *
 * Rows meet rows: a row of y is part of one row of x and zeros where it leaves
 * the image; a row of x is the sum of the rows of y that were read from it, in
 * the order of k and l. Each row that is written has one writer. */
#include "unfold.h"
#include "par.h"
#include "real.h"
#include "simd.h"

enum { TASK = 16384 /* elements */ };

typedef struct {
    const pd_unfold_geometry *g;
    const real *from;
    real *to;
    int64_t rows, step; /* rows to write, and those of a task */
} work_t;

/* The outputs in [first, end) whose window entry at offset `at` lies inside. */
typedef struct {
    int64_t at, first, end;
} span_t;

static int64_t quotient_up(int64_t a, int64_t b) {
    return a <= 0 ? 0 : (a + b - 1) / b;
}

static span_t span(const pd_unfold_axis *axis, int64_t entry) {
    const int64_t at = entry * axis->dilation - axis->padding;
    span_t s = {at, quotient_up(-at, axis->stride),
                quotient_up(axis->in - at, axis->stride)};
    if (s.end > axis->out) s.end = axis->out;
    if (s.first > s.end) s.first = s.end;
    return s;
}

/* Rows, each of which costs so many elements, in tasks. */
static void rows_run(work_t *w, int64_t rows, int64_t cost, pd_task *run) {
    if (!rows || !cost) return;
    w->rows = rows;
    w->step = cost >= TASK ? 1 : TASK / cost;
    pd_parallel((rows + w->step - 1) / w->step,
                0.5 * (double)rows * (double)cost, run, w);
}

/* ---- unfold -------------------------------------------------------------- */

static void row_read(const pd_unfold_axis *w, span_t s, const real *x,
                     real *y) {
    memset(y, 0, (size_t)s.first * sizeof(real));
    if (w->stride == 1 && s.first < s.end)
        memcpy(y + s.first, x + s.at + s.first,
               (size_t)(s.end - s.first) * sizeof(real));
    else
        for (int64_t j = s.first; j < s.end; j++)
            y[j] = x[s.at + j * w->stride];
    memset(y + s.end, 0, (size_t)(w->out - s.end) * sizeof(real));
}

static void rows_read(void *context, int64_t t) {
    const work_t *w = context;
    const pd_unfold_geometry *g = w->g;
    int64_t end = (t + 1) * w->step;
    if (end > w->rows) end = w->rows;
    for (int64_t r = t * w->step; r < end; r++) {
        const int64_t i = r % g->h.out, window = r / g->h.out;
        const int64_t l = window % g->w.window;
        const int64_t k = window / g->w.window % g->h.window;
        const int64_t plane = window / g->w.window / g->h.window;
        const int64_t u = i * g->h.stride - g->h.padding + k * g->h.dilation;
        real *y = w->to + r * g->w.out;
        if (u < 0 || u >= g->h.in)
            memset(y, 0, (size_t)g->w.out * sizeof(real));
        else
            row_read(&g->w, span(&g->w, l),
                     w->from + (plane * g->h.in + u) * g->w.in, y);
    }
}

int64_t K(unfold)(void *const *arrays, const void *geometry) {
    const pd_unfold_geometry *g = geometry;
    work_t w = {.g = g, .from = arrays[0], .to = arrays[1]};
    rows_run(&w, g->planes * g->h.window * g->w.window * g->h.out, g->w.out,
             rows_read);
    return 0;
}

/* ---- fold ---------------------------------------------------------------- */

static void row_add(const pd_unfold_axis *w, span_t s, const real *y, real *x) {
    int64_t j = s.first;
    if (w->stride == 1)
        for (; j + VL <= s.end; j += VL)
            v_store(x + s.at + j, v_load(x + s.at + j) + v_load(y + j));
    for (; j < s.end; j++) x[s.at + j * w->stride] += y[j];
}

static void rows_sum(void *context, int64_t t) {
    const work_t *w = context;
    const pd_unfold_geometry *g = w->g;
    int64_t end = (t + 1) * w->step;
    if (end > w->rows) end = w->rows;
    for (int64_t r = t * w->step; r < end; r++) {
        const int64_t u = r % g->h.in, plane = r / g->h.in;
        real *x = w->to + r * g->w.in;
        memset(x, 0, (size_t)g->w.in * sizeof(real));
        for (int64_t k = 0; k < g->h.window; k++) {
            const int64_t at = u + g->h.padding - k * g->h.dilation;
            const int64_t i = at / g->h.stride;
            if (at < 0 || at % g->h.stride || i >= g->h.out) continue;
            for (int64_t l = 0; l < g->w.window; l++) {
                const int64_t window =
                    (plane * g->h.window + k) * g->w.window + l;
                row_add(&g->w, span(&g->w, l),
                        w->from + (window * g->h.out + i) * g->w.out, x);
            }
        }
    }
}

int64_t K(fold)(void *const *arrays, const void *geometry) {
    const pd_unfold_geometry *g = geometry;
    work_t w = {.g = g, .from = arrays[0], .to = arrays[1]};
    rows_run(&w, g->planes * g->h.in,
             g->w.in + g->h.window * g->w.window * g->w.out, rows_sum);
    return 0;
}
