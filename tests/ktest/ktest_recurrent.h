/* What the tests of lstm, gru and rnn share: shapes, layouts, padded batches,
 * and the order of steps. The oracles go row by row, one element after the
 * other, in double, and know nothing of moments: a row's states are in plain
 * arrays. */
#ifndef KTEST_RECURRENT_H
#define KTEST_RECURRENT_H

#include "ktest.h"
#include "recurrent.h"

typedef struct {
    const char *why;
    int64_t t, b, h;
} shape_t;

static const shape_t shapes[] = {
    {"the smallest", 1, 1, 1},
    {"two steps, not packed", 2, 3, 5},
    {"three steps, packed", 3, 2, 4},
    {"no rows", 4, 0, 3},
    {"one panel, one more", 4, 5, 33},
    {"rows as tasks", 5, 17, 9},
    {"rows as tasks, vectors and tails", 3, 30, 41},
    {"units as tasks, a ragged panel", 3, 3, 150},
    {"many steps", 40, 2, 3},
};

/* Everything else that a call may differ in; all of it is tried. */
enum { REVERSE = 1, PADDED = 2, PLAIN = 4, TURNED = 8, VARIANTS = 16 };

/* PLAIN: what is optional is absent. TURNED: the weight is a transposed view,
 * and y has time first; dy is one row for all. */
static inline pd_recurrent_geometry geometry(const shape_t *s, int variant,
                                             int64_t gates) {
    const int turned = (variant & TURNED) != 0;
    return (pd_recurrent_geometry){
        .t = s->t,
        .b = s->b,
        .h = s->h,
        .reverse = (variant & REVERSE) != 0,
        .weight_row = turned ? 1 : s->h,
        .weight_column = turned ? gates * s->h : 1,
        .y_row = turned ? s->h : s->t * s->h,
        .y_time = turned ? s->b * s->h : s->h,
    };
}
static inline void dy_is_one_row(pd_recurrent_geometry *g) {
    g->y_row = 0;
    g->y_time = 0;
}

static inline void scaled(real *a, int64_t n, double by) {
    for (int64_t i = 0; i < n; i++) a[i] *= (real)by;
}
/* The next array: the weight, as large as keeps a recurrence lively. */
static inline real *weight_array(const shape_t *s, int64_t gates) {
    const int64_t n = gates * s->h * s->h;
    real *w = kt_reals(n);
    scaled(w, n, 0.8 / sqrt((double)s->h));
    return w;
}
/* The next array: sigmoids of something. */
static inline real *shares_array(int64_t n) {
    real *a = kt_reals(n);
    for (int64_t i = 0; i < n; i++) a[i] = (a[i] + 2) / 4;
    return a;
}
/* The next array: lengths, or none. Some are 0, some t. */
static inline int64_t *lengths_array(const shape_t *s, int variant) {
    if (!(variant & PADDED)) {
        kt_absent();
        return NULL;
    }
    return kt_indices(s->b, s->t + 1);
}
/* The next array, of reals, or none. */
static inline real *optional_array(int is_there, int64_t n) {
    if (is_there) return kt_reals(n);
    kt_absent();
    return NULL;
}

/* A row's steps, first to last: step s of `count` is at time row_time(…). */
static inline int64_t row_steps(const shape_t *s, const int64_t *lengths,
                                int64_t b) {
    return lengths ? lengths[b] : s->t;
}
static inline int64_t row_time(const pd_recurrent_geometry *g, int64_t count,
                               int64_t step) {
    return g->reverse ? count - 1 - step : step;
}
/* The moments that the step at time t leads from and to. */
static inline int64_t before(const pd_recurrent_geometry *g, int64_t t) {
    return g->reverse ? t + 1 : t;
}
static inline int64_t after(const pd_recurrent_geometry *g, int64_t t) {
    return g->reverse ? t : t + 1;
}

static inline double product(const pd_recurrent_geometry *g, const real *weight,
                             int64_t row, const double *h) {
    double sum = 0;
    for (int64_t j = 0; j < g->h; j++)
        sum +=
            (double)weight[row * g->weight_row + j * g->weight_column] * h[j];
    return sum;
}
/* Adds d weight to dh, d having n elements. */
static inline void product_back(const pd_recurrent_geometry *g,
                                const real *weight, const double *d, int64_t n,
                                double *dh) {
    for (int64_t j = 0; j < g->h; j++)
        for (int64_t i = 0; i < n; i++)
            dh[j] +=
                d[i] * (double)weight[i * g->weight_row + j * g->weight_column];
}
static inline double sigmoid(double x) { return 1 / (1 + exp(-x)); }

static inline double *doubles(int64_t n) {
    return calloc((size_t)n + 1, sizeof(double));
}
/* Errors of a step pass through the next: some hundreds of ulps. */
static inline void near(double got, double want, const char *what, int64_t at) {
    kt_near(got, want, 1 + fabs(want), 300, what, at);
}
/* The states of one row at every moment against a plain array of them;
 * moments that its steps do not reach repeat a neighbour. */
static inline void near_state(const pd_recurrent_geometry *g,
                              const real *states, int64_t moment, int64_t b,
                              const double *want, const char *what) {
    for (int64_t j = 0; j < g->h && states; j++) {
        const int64_t at = (moment * g->b + b) * g->h + j;
        near((double)states[at], want[j], what, at);
    }
}

/* Under --small, of wide layers every fifth: what differs is on in some, and
 * off in others. */
#define EACH_VARIANT(s, v)                                                     \
    for (int s = 0; s < KT_COUNT(shapes); s++)                                 \
        for (int v = 0; v < VARIANTS;                                          \
             v += kt_small && shapes[s].h > 100 ? 5 : 1)

#endif
