/* What the passes of batch norm share: the work and how it is cut, one set of
 * it, and where a set's rows lie. See batch_norm.c. */
#ifndef PD_KERNELS_BATCH_NORM_WORK_H
#define PD_KERNELS_BATCH_NORM_WORK_H

#include "batch_norm.h"
#include "real.h"
#include "simd.h"

enum {
    TILE = V_REGISTERS / 8, /* vectors of a tile */
    /* Rows that a tile takes before the next tile comes: of a sum, which is in
     * registers meanwhile, and of a result. Where a tile's row is one line they
     * are few, so that memory is read and written along, as it likes it. */
    SUM_ROWS = TILE * PD_VECTOR_BYTES > 64 ? 32 : 4,
    APPLY_ROWS = TILE * PD_VECTOR_BYTES > 64 ? 32 : 2,
    SHIFT_ROWS = 32, /* of a part's shift, at most */
    CHUNK = 128,     /* columns of a task, at least where there are */
    TASK = 32768,    /* elements of a task, about */
    MOST_ROWS = 512, /* of a part */
    FIRST = 16,      /* a part's shift is taken of 1 / FIRST of its rows */
    SUMS = 3         /* numbers per part and column: shift, s, q */
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

/* The rows first … first + count of operand k of a set. */
static void rows_find(const set_t *s, int k, const real *base, int64_t first,
                      int64_t count, const real **row) {
    const pd_batch_norm_geometry *g = s->work->g;
    const int64_t fold = s->work->fold, step = g->rows.stride[k][0] * fold;
    base += s->set * g->set_stride[k];
    if (g->rows.axes == 1) /* most often, and without a division */
        for (int64_t i = 0; i < count; i++) row[i] = base + (first + i) * step;
    else
        for (int64_t i = 0; i < count; i++)
            row[i] = base + pd_space_offset(&g->rows, k, (first + i) * fold);
}

#endif
