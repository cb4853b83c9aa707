/* See recurrent.h: recurrent_mask. A task is some of the t b rows of d. */
#include "recurrent.h"
#include "par.h"
#include "real.h"
#include "runs.h"

typedef struct {
    const pd_recurrent_mask_geometry *g;
    const real *x;
    const int64_t *lengths;
    real *y;
    int64_t rows; /* of a task */
} work_t;

static void mask_task(void *context, int64_t index) {
    const work_t *w = context;
    const pd_recurrent_mask_geometry *g = w->g;
    const int64_t *s = g->x_stride;
    const int64_t last = least((index + 1) * w->rows, g->t * g->b);
    for (int64_t row = index * w->rows; row < last; row++) {
        const int64_t t = row / g->b, b = row % g->b;
        const real *x = w->x + t * s[0] + b * s[1];
        real *y = w->y + row * g->d;
        if (t >= w->lengths[b])
            zero_run(y, g->d);
        else if (s[2] == 1)
            copy_run(y, x, g->d);
        else
            for (int64_t j = 0; j < g->d; j++) y[j] = x[j * s[2]];
    }
}

int64_t K(recurrent_mask)(void *const *arrays, const void *geometry) {
    const pd_recurrent_mask_geometry *g = geometry;
    work_t w = {.g = g,
                .x = arrays[0],
                .lengths = arrays[1],
                .y = arrays[2],
                .rows = 1 + 8192 / most(g->d, 1)};
    pd_parallel(ceil_div(g->t * g->b, w.rows), (double)(g->t * g->b * g->d) / 4,
                mask_task, &w);
    return 0;
}
