/* Scan: h[j] = a[j] h[j-1] + x[j] along the middle axis of [outer, n, inner].
 *
 *     inner = 1    a task owns rows; one running value each
 *     inner > 1    a task owns COLUMNS neighbouring columns of one o, whose
 *                  running values go down side by side, as vectors
 *
 * Gradient (in pydp/ops/_scan.py): with g = dh + (a shifted) g backwards,
 * dx = g and da[j] = g[j] h[j-1]. */
#include "scan.h"
#include "par.h"
#include "real.h"

enum { TASK = 16384 /* elements */, COLUMNS = 16 };

typedef struct {
    const pd_scan_geometry *g;
    const real *a, *x;
    real *h;
    int64_t step; /* rows of one task, inner = 1 */
} work_t;

/* `count` <= COLUMNS recurrences side by side, element j of each at
 * offset + j * inner. */
static inline __attribute__((always_inline)) void
columns_scan(const work_t *w, int64_t offset, int count) {
    const pd_scan_geometry *g = w->g;
    int64_t step = g->reverse ? -g->inner : g->inner;
    int64_t at = offset + (g->reverse ? (g->n - 1) * g->inner : 0);
    int64_t shift = g->shifted ? -step : 0;
    double h[COLUMNS];
    for (int i = 0; i < count; i++) h[i] = w->x ? 0 : 1;
    for (int64_t j = 0; j < g->n; j++, at += step) {
        if (w->a && !(shift && j == 0)) {
            const real *a = w->a + at + shift;
            for (int i = 0; i < count; i++) h[i] *= (double)a[i];
        }
        if (w->x)
            for (int i = 0; i < count; i++) h[i] += (double)w->x[at + i];
        for (int i = 0; i < count; i++) w->h[at + i] = (real)h[i];
    }
}

static void rows_task(void *context, int64_t t) {
    const work_t *w = context;
    int64_t end = (t + 1) * w->step;
    if (end > w->g->outer) end = w->g->outer;
    for (int64_t o = t * w->step; o < end; o++) columns_scan(w, o * w->g->n, 1);
}

static void columns_task(void *context, int64_t t) {
    const work_t *w = context;
    const pd_scan_geometry *g = w->g;
    int64_t blocks = (g->inner + COLUMNS - 1) / COLUMNS;
    int64_t o = t / blocks, first = t % blocks * COLUMNS;
    int64_t left = g->inner - first, offset = o * g->n * g->inner + first;
    if (left >= COLUMNS)
        columns_scan(w, offset, COLUMNS);
    else
        columns_scan(w, offset, (int)left);
}

int64_t K(scan)(void *const *arrays, const void *geometry) {
    const pd_scan_geometry *g = geometry;
    work_t w = {.g = g, .a = arrays[0], .x = arrays[1], .h = arrays[2]};
    double ns = 1.3 * (double)g->outer * (double)g->n * (double)g->inner;
    if (!g->n || !g->inner) return 0;
    if (g->inner == 1) {
        w.step = g->n >= TASK ? 1 : TASK / g->n;
        pd_parallel((g->outer + w.step - 1) / w.step, ns, rows_task, &w);
    } else {
        pd_parallel(g->outer * ((g->inner + COLUMNS - 1) / COLUMNS), ns / 4,
                    columns_task, &w);
    }
    return 0;
}
