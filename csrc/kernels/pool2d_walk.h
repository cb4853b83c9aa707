/* What the pools over images share in code: how they are cut into tasks, and
 * the backward of both.
 *
 * A task is a run of pixels of the array that is written, seen as one long row
 * of rows, so a single long signal is shared out like many small images.
 *
 * Backward gathers: a pixel of dx asks the windows that read it, adds up in
 * registers what they give, in their order, and is written once. So nothing is
 * cleared before, no sum depends on threads, and overlapping windows are no
 * special case.
 *
 *     dx  ─┬──┬──┬──┬──┬─         3 entries, stride 2: a pixel has one
 *     dy   └──┼──┘  │  │          reader or two on each axis
 *             └──┼──┘… */
#ifndef PD_KERNELS_POOL2D_WALK_H
#define PD_KERNELS_POOL2D_WALK_H

#include "par.h"
#include "pool2d.h"
#include "real.h"
#include "simd.h"

/* Bytes of an index; none where the windows give averages, or are not told
 * which entry they took. */
enum { NO_INDEX = 0, BYTE = 1, WORD = 4 };

enum {
    POOL_TASK = 8192, /* loads of a task, at least */
    LONG_ROW = 65536, /* loads of a row that is cut */
    SHORT_ROW = 256,  /* pixels of the pieces */
    BLOCK = 4         /* vectors at a time */
};

typedef struct {
    const pd_pool2d_geometry *g;
    const real *in;
    real *out;
    char *index;
    int64_t height, width; /* of an image that is written */
    int64_t pixels;        /* of one task */
} work_t;

/* Shares out n images of height times width pixels, each of which costs
 * `reads` loads for every element: by whole rows, or where those are long by
 * pieces of them. */
static void pixels_run(work_t *work, int64_t height, int64_t width,
                       double reads, pd_task *run) {
    const pd_pool2d_geometry *g = work->g;
    const double elements = (double)(g->c + !g->c) * (reads + 1);
    const int64_t all = g->n * height * width;
    work->height = height, work->width = width;
    const int64_t most = (int64_t)(LONG_ROW / elements);
    const int64_t grain = width < most || width < SHORT_ROW ? width : SHORT_ROW;
    const int64_t pixels = (int64_t)(POOL_TASK / elements);
    work->pixels = (pixels / grain + 1) * grain;
    pd_parallel((all + work->pixels - 1) / work->pixels,
                0.05 * elements * (double)all, run, work);
}

/* A task's next stretch of one row: row `row` of image `image`, its pixels
 * from … to. Returns 0 behind the last one. */
typedef struct {
    int64_t image, row, from, to, next, end;
} stretch_t;

V_INLINE stretch_t stretches_of(const work_t *work, int64_t t) {
    const int64_t all = work->g->n * work->height * work->width;
    const int64_t end = (t + 1) * work->pixels;
    return (stretch_t){.next = t * work->pixels, .end = end < all ? end : all};
}
V_INLINE int stretch_next(const work_t *work, stretch_t *s) {
    if (s->next >= s->end) return 0;
    const int64_t row = s->next / work->width;
    s->image = row / work->height, s->row = row % work->height;
    s->from = s->next % work->width;
    s->to = s->from + s->end - s->next;
    if (s->to > work->width) s->to = work->width;
    s->next += s->to - s->from;
    return 1;
}

/* ---- the windows that read the pixels of a row ----------------------------
 */

/* Windows first … end-1 reach over a pixel; window `end` opens at `opens`, and
 * window `first` has its last entry at `closes`. */
typedef struct {
    int64_t first, end, opens, closes;
} readers_t;

V_INLINE int64_t window_closes(const pd_pool_axis *a, int64_t o) {
    if (a->s == 0) return pd_quotient_up((o + 1) * a->in, a->out) - 1;
    return o * a->s - a->p + (a->k - 1) * a->d;
}

static inline readers_t readers_at(const pd_pool_axis *a, int64_t j) {
    const pd_readers r = pd_readers_of(a, j);
    return (readers_t){r.first, r.end, pd_opens(a, r.end),
                       window_closes(a, r.first)};
}

/* From the pixel before to j. */
V_INLINE void readers_to(readers_t *r, const pd_pool_axis *a, int64_t j) {
    while (r->opens <= j && r->end < a->out) r->opens = pd_opens(a, ++r->end);
    while (r->closes < j && r->first < r->end)
        r->closes = window_closes(a, ++r->first);
}

/* ---- backward -------------------------------------------------------------
 */

/* A row of windows that reads a row of dx, with its row `ky`. */
typedef struct {
    const real *dy;
    const char *index;
    int64_t number; /* max: of entry 0 in row ky, ky * kw */
    int64_t size;   /* average: what the height counts for */
} reader_row;

enum { ROWS = 4 /* of windows at a time */ };

/* Entries of a window that count. */
V_INLINE int64_t window_size(const pd_pool2d_geometry *g, const pd_pool_axis *a,
                             pd_window window) {
    if (!g->count_include_pad) return window.end - window.first;
    int64_t room = a->in + a->p - window.start;
    return a->k < room ? a->k : room;
}

/* A pixel of dx: the windows first … end-1 of each of `count` rows read it.
 * Window `first` has it as entry kx of its row, the next one as kx - s … */
typedef struct {
    const pd_pool2d_geometry *g;
    const reader_row *rows;
    int64_t count, j, first, end, kx;
    int holds; /* dx is added to */
} pixel_t;

/* What an average gives of dy. */
V_INLINE real share_of(const pd_pool2d_geometry *g, const reader_row *row,
                       int64_t ox) {
    if (g->divisor) return 1 / (real)g->divisor;
    return 1 /
           (real)(row->size * window_size(g, &g->w, pd_window_of(&g->w, ox)));
}

/* `vectors` vectors of channels, or where n < VL the first n lanes of one, from
 * channel c on. spread: windows may pass over the pixel. */
V_INLINE void block_backward(const pixel_t *p, int64_t c, real *dx, int spread,
                             int bytes, const int vectors, int64_t n) {
    const pd_pool2d_geometry *g = p->g;
    vreal sum[BLOCK];
    UNROLL for (int v = 0; v < vectors; v++)
        sum[v] = p->holds ? v_load_lanes(dx + c + v * VL, n) : v_set(0);
    for (int64_t r = 0; r < p->count; r++) {
        const real *dy = p->rows[r].dy + p->first * g->stride[2] + c;
        const char *index = p->rows[r].index + (p->first * g->c + c) * bytes;
        int64_t kx = p->kx;
        for (int64_t ox = p->first; ox < p->end; ox++) {
            if (spread) kx = pd_entry_of(&g->w, ox, p->j);
            const int k = (int)(p->rows[r].number + kx);
            const vreal share = v_set(bytes ? 1 : share_of(g, p->rows + r, ox));
            if (!spread || kx >= 0) UNROLL
                for (int v = 0; v < vectors; v++) {
                    const vreal part = v_load_lanes(dy + v * VL, n);
                    const char *at = index + v * VL * bytes;
                    if (!bytes)
                        sum[v] = sum[v] + part * share;
                    else if (bytes == BYTE)
                        sum[v] =
                            v_add_where(v_eq_bytes(at, n, k), sum[v], part);
                    else
                        sum[v] =
                            v_add_where(v_eq_words(at, n, k), sum[v], part);
                }
            dy += g->stride[2], index += g->c * bytes, kx -= g->w.s;
        }
    }
    UNROLL for (int v = 0; v < vectors; v++)
        v_store_lanes(dx + c + v * VL, sum[v], n);
}

/* Pixels from … to-1 of a row of dx, whatever the windows. */
V_INLINE void row_gather(const pd_pool2d_geometry *g, const reader_row *rows,
                         int64_t count, int64_t from, int64_t to, real *dx,
                         int holds, int spread, int bytes) {
    readers_t readers = readers_at(&g->w, from);
    const int64_t channels = g->c;
    pixel_t p = {.g = g, .rows = rows, .count = count, .holds = holds};
    for (p.j = from; p.j < to; p.j++, dx += channels) {
        readers_to(&readers, &g->w, p.j);
        p.first = readers.first, p.end = readers.end;
        p.kx = p.j + g->w.p - p.first * g->w.s;
        int64_t c = 0;
        for (; c + BLOCK * VL <= channels; c += BLOCK * VL)
            block_backward(&p, c, dx, spread, bytes, BLOCK, VL);
        for (; c + VL <= channels; c += VL)
            block_backward(&p, c, dx, spread, bytes, 1, VL);
        if (c < channels)
            block_backward(&p, c, dx, spread, bytes, 1, channels - c);
    }
}

/* The s pixels of dx from entry 0 of window o on, `vectors` vectors of channels
 * or the first n < VL lanes of one, where `k` and `s` are constants: window
 * o - m has pixel f as entry f + m s. */
V_INLINE void step_backward(const pd_pool2d_geometry *g, const reader_row *rows,
                            const int count, int64_t o, int64_t c,
                            const real *share, real *dx, const int k,
                            const int s, int bytes, const int vectors,
                            int64_t n) {
    const int reach = (k - 1) / s;
    vreal sum[2][2];
    UNROLL for (int i = 0; i < s * vectors; i++)
        sum[i / vectors][i % vectors] = v_set(0);
    UNROLL for (int i = 0; i < count * (reach + 1) * vectors; i++) {
        const int v = i % vectors, m = reach - i / vectors % (reach + 1);
        const int r = i / vectors / (reach + 1);
        const real *dy = rows[r].dy + (o - m) * g->stride[2] + c;
        const char *at = bytes ? rows[r].index + (o - m) * g->c + c : NULL;
        const vreal part = v_load_lanes(dy + v * VL, n);
        UNROLL for (int f = 0; f < s; f++) {
            const int number = (int)rows[r].number + f + m * s;
            if (f + m * s >= k) continue;
            if (bytes)
                sum[f][v] = v_add_where(v_eq_bytes(at + v * VL, n, number),
                                        sum[f][v], part);
            else
                sum[f][v] = sum[f][v] + part * v_set(share[r]);
        }
    }
    UNROLL for (int i = 0; i < s * vectors; i++)
        v_store_lanes(dx + i / vectors * g->c + c + i % vectors * VL,
                      sum[i / vectors][i % vectors], n);
}

/* `steps` times s pixels: a row of dx that `count` rows of windows read, and
 * all windows that would read it are there. */
V_INLINE void steps_backward(const pd_pool2d_geometry *given,
                             const reader_row *reader, const int count,
                             int64_t o, int64_t steps, real *dx, const int k,
                             const int s, int bytes) {
    const pd_pool2d_geometry g = *given; /* nothing written can change it */
    reader_row rows[2];
    real share[2];
    UNROLL for (int r = 0; r < count; r++) {
        rows[r] = reader[r];
        share[r] = 1 / (real)(g.divisor ? g.divisor : rows[r].size * g.w.k);
    }
    for (; steps > 0; steps--, o++, dx += s * g.c) {
        int64_t c = 0;
        for (; c + 2 * VL <= g.c; c += 2 * VL)
            step_backward(&g, rows, count, o, c, share, dx, k, s, bytes, 2, VL);
        if (c + VL <= g.c) {
            step_backward(&g, rows, count, o, c, share, dx, k, s, bytes, 1, VL);
            c += VL;
        }
        if (c < g.c)
            step_backward(&g, rows, count, o, c, share, dx, k, s, bytes, 1,
                          g.c - c);
    }
}

/* The steps of two pixels within from … to-1 that whole windows read only: from
 * window `first` on. Windows are of k entries with stride 2. */
typedef struct {
    int64_t first, count;
} steps_t;

static inline steps_t steps_of(const pd_pool_axis *a, int64_t from,
                               int64_t to) {
    const int64_t least = pd_quotient_up(a->p, 2) + (a->k - 1) / 2;
    int64_t first = pd_quotient_up(from + a->p, 2);
    if (first < least) first = least;
    int64_t end = (to + a->p) / 2; /* by the pixels, then by the windows */
    const int64_t whole = a->in + a->p - a->k;
    if (whole < 0 || end > whole / 2 + 1) end = whole < 0 ? 0 : whole / 2 + 1;
    return (steps_t){first, end > first ? end - first : 0};
}

/* Pixels from … to-1 of a row of dx: what steps there are in the middle as
 * straight code, the sides one by one. */
V_INLINE void row_backward(const pd_pool2d_geometry *g, const reader_row *rows,
                           int64_t count, int64_t from, int64_t to, real *dx,
                           int holds, int bytes) {
    const pd_pool_axis *w = &g->w;
    const int spread = w->s == 0 || w->d != 1;
    const int straight = !holds && bytes != WORD && !spread && w->s == 2 &&
                         (w->k == 2 || w->k == 3) && count > 0 && count < w->k;
    steps_t steps = {0, 0};
    if (straight) steps = steps_of(w, from, to);
    const int64_t begin = steps.count ? 2 * steps.first - w->p : to;
    const int64_t end = begin + 2 * steps.count;
    real *middle = dx + (begin - from) * g->c;
#define STEPS(entries, n)                                                      \
    if (w->k == entries && count == n)                                         \
    steps_backward(g, rows, n, steps.first, steps.count, middle, entries, 2,   \
                   bytes)
    if (straight) {
        STEPS(2, 1);
        STEPS(3, 1);
        STEPS(3, 2);
    }
#undef STEPS
    for (int side = 0; side < 2; side++) {
        const int64_t first = side ? end : from, last = side ? to : begin;
        real *at = dx + (first - from) * g->c;
        if (first >= last) continue;
        if (spread)
            row_gather(g, rows, count, first, last, at, holds, 1, bytes);
        else
            row_gather(g, rows, count, first, last, at, holds, 0, bytes);
    }
}

/* Task t of backward. ROWS rows of windows are taken at a time; where a row of
 * dx has more readers it is added to. */
V_INLINE void pixels_backward(const work_t *work, int64_t t, int bytes) {
    const pd_pool2d_geometry *g = work->g;
    const int64_t width = g->w.out * g->c;
    stretch_t s = stretches_of(work, t);
    while (stretch_next(work, &s)) {
        real *dx =
            work->out + ((s.image * g->h.in + s.row) * g->w.in + s.from) * g->c;
        const pd_readers readers = pd_readers_of(&g->h, s.row);
        reader_row rows[ROWS];
        int64_t count = 0;
        int holds = 0;
        for (int64_t oy = readers.first; oy < readers.end; oy++) {
            const int64_t ky = pd_entry_of(&g->h, oy, s.row);
            if (ky < 0) continue;
            if (count == ROWS) {
                row_backward(g, rows, count, s.from, s.to, dx, holds, bytes);
                count = 0, holds = 1;
            }
            rows[count++] = (reader_row){
                work->in + s.image * g->stride[0] + oy * g->stride[1],
                work->index + (s.image * g->h.out + oy) * width * bytes,
                ky * g->w.k,
                bytes ? 0 : window_size(g, &g->h, pd_window_of(&g->h, oy))};
        }
        row_backward(g, rows, count, s.from, s.to, dx, holds, bytes);
    }
}

#endif
