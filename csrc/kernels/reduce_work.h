/* What the loops of reduce.c share: the functions, the work that is cut into
 * tasks, and a walk over the reduced axes. */
#ifndef PD_KERNELS_REDUCE_WORK_H
#define PD_KERNELS_REDUCE_WORK_H

#include "par.h"
#include "real.h"
#include "reduce.h"
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

V_INLINE const real *contiguous(const real *p, int64_t stride, int64_t n,
                                real *buffer) {
    if (stride == 1) return p;
    for (int64_t i = 0; i < n; i++) buffer[i] = p[i * stride];
    return buffer;
}

#endif
