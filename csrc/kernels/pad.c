/* Pad: places before and after an array along its axes.
 *
 * A row lies along the last axis that is padded; what is faster in memory is
 * moved with it, as a unit:
 *
 *     channels-last, h and w padded            NCHW, h and w padded
 *     rows (n, h), unit = c                    rows (n, c, h), unit = 1
 *       +-----+------------------+-----+
 *       | map | one run of x     | map |       y, a row
 *       +-----+------------------+-----+
 *        low    in                 the rest
 *
 * Each row of y is one row of x or, in the constant mode, none; where that lies
 * the axes before tell, each with its own map. Axes that are not padded are
 * merged. A unit of many bytes is a row of its own, so that tasks stay short.
 *
 * Backward gathers: a row of dx is the sum of the rows of dy that map to it, at
 * most three runs of places along each axis, in rising order. */
#include "pad.h"
#include "par.h"
#include "real.h"
#include "simd.h"

enum { TASK = 65536, LONG_UNIT = 4096 /* bytes */, AXES = PD_MAX_AXES + 2 };

typedef struct {
    int64_t x, y, low;
} axis_t;

typedef struct {
    int64_t mode, item;
    int last; /* of `axis`: the row's; at least 1 */
    axis_t axis[AXES];
    int64_t unit;         /* bytes */
    int64_t x_row, y_row; /* bytes of a row */
    int64_t rows, step;   /* rows to write, and those of a task */
    const char *from, *value;
    char *to;
} work_t;

static int is_padded(axis_t a) { return a.low != 0 || a.x != a.y; }

/* Merges the axes, finds rows and unit. */
static void work_cut(work_t *w, const pd_pad_geometry *g) {
    static const axis_t one = {1, 1, 0};
    int axes = (int)g->axes, count = 1;
    w->mode = g->mode;
    w->unit = w->item = g->item;
    while (axes > 1 && !g->low[axes - 1] && g->x[axes - 1] == g->y[axes - 1])
        w->unit *= g->x[--axes];
    w->axis[0] = one;
    for (int i = 0; i < axes; i++) {
        axis_t a = {g->x[i], g->y[i], g->low[i]}, *last = &w->axis[count - 1];
        if (is_padded(a) || is_padded(*last)) {
            w->axis[count++] = a;
        } else {
            last->x *= a.x;
            last->y *= a.y;
        }
    }
    if (count == 1 || w->unit >= LONG_UNIT) w->axis[count++] = one;
    w->last = count - 1;
    w->x_row = w->axis[w->last].x * w->unit;
    w->y_row = w->axis[w->last].y * w->unit;
}

/* So many rows of `bytes` bytes, in tasks. */
static void rows_run(work_t *w, int64_t rows, int64_t bytes, pd_task *run) {
    if (!rows || !bytes) return;
    w->rows = rows;
    w->step = bytes >= TASK ? 1 : TASK / bytes;
    pd_parallel((rows + w->step - 1) / w->step,
                0.2 * (double)rows * (double)bytes, run, w);
}

/* The place in x of place o of y; -1 for none. */
static inline int64_t place_in_x(int64_t mode, const axis_t *a, int64_t o) {
    const int64_t i = o - a->low, n = a->x;
    if (i >= 0 && i < n) return i;
    switch (mode) {
    case PAD_REFLECT: return i < 0 ? -i : 2 * (n - 1) - i;
    case PAD_REPLICATE: return i < 0 ? 0 : n - 1;
    case PAD_CIRCULAR: return i < 0 ? i + n : i - n;
    default: return -1;
    }
}

/* The places of y in [0, y) whose place in x is their own less low. */
static inline void inside(const axis_t *a, int64_t *first, int64_t *end) {
    *first = a->low < 0 ? 0 : a->low < a->y ? a->low : a->y;
    *end = a->low + a->x < a->y ? a->low + a->x : a->y;
    if (*end < *first) *end = *first;
}

/* ---- forward ------------------------------------------------------------- */

/* An item, a unit; the usual sizes without a call. */
static inline void move(char *to, const char *from, int64_t bytes) {
    if (bytes == 4)
        memcpy(to, from, 4);
    else if (bytes == 8)
        memcpy(to, from, 8);
    else
        memcpy(to, from, (size_t)bytes);
}

static void fill(const work_t *w, char *to, int64_t bytes) {
    for (int64_t i = 0; i < bytes; i += w->item)
        move(to + i, w->value, w->item);
}

static void border_write(const work_t *w, const char *from, char *to,
                         int64_t first, int64_t end) {
    const axis_t *a = &w->axis[w->last];
    if (w->mode == PAD_CONSTANT) {
        fill(w, to + first * w->unit, (end - first) * w->unit);
        return;
    }
    for (int64_t o = first; o < end; o++)
        move(to + o * w->unit, from + place_in_x(w->mode, a, o) * w->unit,
             w->unit);
}

static void row_write(const work_t *w, const char *from, char *to) {
    const axis_t *a = &w->axis[w->last];
    int64_t first, end;
    inside(a, &first, &end);
    border_write(w, from, to, 0, first);
    if (first < end)
        memcpy(to + first * w->unit, from + (first - a->low) * w->unit,
               (size_t)((end - first) * w->unit));
    border_write(w, from, to, end, a->y);
}

/* The number in x of y's plane p, by the axes before those of row and plane;
 * -1 for none. */
static int64_t plane_in_x(const work_t *w, int64_t p) {
    int64_t place = 0, size = 1;
    for (int i = w->last - 2; i >= 0; i--) {
        const axis_t *a = &w->axis[i];
        const int64_t at = place_in_x(w->mode, a, p % a->y);
        if (at < 0) return -1;
        place += at * size;
        size *= a->x;
        p /= a->y;
    }
    return place;
}

static void rows_write(void *context, int64_t t) {
    const work_t *w = context;
    const axis_t *a = &w->axis[w->last - 1]; /* rows of a plane */
    int64_t first = t * w->step, end = first + w->step;
    if (end > w->rows) end = w->rows;
    int64_t p = first / a->y, i = first % a->y, plane = plane_in_x(w, p);
    for (int64_t r = first; r < end; r++) {
        const int64_t at = place_in_x(w->mode, a, i);
        char *to = w->to + r * w->y_row;
        if (plane < 0 || at < 0)
            fill(w, to, w->y_row);
        else
            row_write(w, w->from + (plane * a->x + at) * w->x_row, to);
        if (++i == a->y && r + 1 < end) {
            i = 0;
            plane = plane_in_x(w, ++p);
        }
    }
}

int64_t K(pad)(void *const *arrays, const void *geometry) {
    work_t w = {.from = arrays[0], .value = arrays[1], .to = arrays[2]};
    int64_t rows = 1;
    work_cut(&w, geometry);
    for (int i = 0; i < w.last; i++) rows *= w.axis[i].y;
    rows_run(&w, rows, w.y_row, rows_write);
    return 0;
}

/* ---- backward ------------------------------------------------------------ */

typedef struct {
    int64_t first, end;
} run_t;

static run_t run_in(const axis_t *a, int64_t first, int64_t end) {
    return (run_t){first > 0 ? first : 0, end < a->y ? end : a->y};
}

/* The places of y whose place in x is i: those left of x, itself, those right.
 */
static void places_in_y(int64_t mode, const axis_t *a, int64_t i,
                        run_t runs[3]) {
    const int64_t n = a->x, low = a->low, o = i + low;
    runs[0] = runs[2] = (run_t){0, 0};
    runs[1] = run_in(a, o, o + 1);
    if (mode == PAD_REFLECT) {
        const int64_t left = low - i, right = low + 2 * (n - 1) - i;
        if (i > 0) runs[0] = run_in(a, left, left + 1);
        if (i < n - 1) runs[2] = run_in(a, right, right + 1);
    } else if (mode == PAD_REPLICATE) {
        if (i == 0) runs[0] = run_in(a, 0, low);
        if (i == n - 1) runs[2] = run_in(a, low + n, a->y);
    } else {
        runs[0] = run_in(a, o - n, o - n + 1);
        runs[2] = run_in(a, o + n, o + n + 1);
    }
}

static void run_add(real *to, const real *from, int64_t n) {
    int64_t i = 0;
    for (; i + VL <= n; i += VL)
        v_store(to + i, v_load(to + i) + v_load(from + i));
    for (; i < n; i++) to[i] += from[i];
}

/* dx += what a row of dy says of it. */
static void row_add(const work_t *w, const real *dy, real *dx) {
    const axis_t *a = &w->axis[w->last];
    const int64_t unit = w->unit / (int64_t)sizeof(real);
    int64_t first, end;
    inside(a, &first, &end);
    for (int64_t o = 0; o < first; o++)
        run_add(dx + place_in_x(w->mode, a, o) * unit, dy + o * unit, unit);
    if (first < end)
        run_add(dx + (first - a->low) * unit, dy + first * unit,
                (end - first) * unit);
    for (int64_t o = end; o < a->y; o++)
        run_add(dx + place_in_x(w->mode, a, o) * unit, dy + o * unit, unit);
}

/* Adds the rows of dy that map to row `at` (its place along each axis), of
 * which the axes before `axis` have chosen `place`. */
static void rows_add(const work_t *w, const int64_t *at, int axis,
                     int64_t place, real *dx) {
    if (axis == w->last) {
        row_add(w, (const real *)(w->from + place * w->y_row), dx);
        return;
    }
    const axis_t *a = &w->axis[axis];
    run_t runs[3];
    places_in_y(w->mode, a, at[axis], runs);
    for (int k = 0; k < 3; k++)
        for (int64_t o = runs[k].first; o < runs[k].end; o++)
            rows_add(w, at, axis + 1, place * a->y + o, dx);
}

static void rows_gather(void *context, int64_t t) {
    const work_t *w = context;
    int64_t end = (t + 1) * w->step;
    if (end > w->rows) end = w->rows;
    for (int64_t r = t * w->step; r < end; r++) {
        int64_t at[AXES], rest = r;
        for (int i = w->last - 1; i >= 0; i--) {
            at[i] = rest % w->axis[i].x;
            rest /= w->axis[i].x;
        }
        char *dx = w->to + r * w->x_row;
        memset(dx, 0, (size_t)w->x_row);
        rows_add(w, at, 0, 0, (real *)dx);
    }
}

int64_t K(pad_backward)(void *const *arrays, const void *geometry) {
    work_t w = {.from = arrays[0], .to = arrays[1]};
    int64_t rows = 1;
    work_cut(&w, geometry);
    for (int i = 0; i < w.last; i++) rows *= w.axis[i].x;
    rows_run(&w, rows, w.x_row, rows_gather);
    return 0;
}
