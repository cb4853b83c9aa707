/* The loops around the micro-kernel.
 *
 *     for each block of columns of C (COLUMNS)
 *         for each stretch of K
 *             pack B's stretch into panels, where the tasks share them
 *             for each task = some tiles of rows x some panels
 *                 for each tile of rows
 *                     for each block of K (DEPTH), in order
 *                         A's tile: in place, or copied
 *                         for each panel: the micro-kernel
 *
 * The tile of A stays in the first level of cache, the task's panels in the
 * second and stream through; what comes next of A and C is prefetched. After
 * the last block of K the tile of C is finished while it is still in cache. */
#ifndef PD_GEMM_LOOPS_H
#define PD_GEMM_LOOPS_H

#include "ahead.h"
#include "finish.h"
#include "gemm.h"
#include "microkernel.h"
#include "pack.h"
#include "par.h"

/* Elements of B packed at a time: what the tasks share stays in the last level
 * of cache, and the scratch memory is bounded. */
enum { BLOCK_B = (3 << 20) / (int)sizeof(real) };
/* Elements of B that one task multiplies by at a time: half of the second level
 * of cache; and the longest stretch of K. */
enum {
    TASK_B = 524288 / (int)sizeof(real),
    STRETCH = 4096 / (int)sizeof(real)
};
/* The tiles of a task at most. */
enum { TASK_TILES = 8 };
/* Multiply-adds that are worth a task of their own. */
#define TASK_WORK 1.0e6
/* Estimate for par.h: multiply-adds per nanosecond. */
#define SPEED 20.0

/* Where the micro-kernel finds B. */
enum b_place {
    B_IN_PLACE, /* the caller's rows; a ragged last panel is packed */
    B_GIVEN,    /* g->b_panels */
    B_PACKED    /* by share_task, before the tasks that multiply */
};

/* What the tasks of one region share. */
typedef struct {
    const gemm_t *g;
    const real *a, *b; /* this product's first elements */
    real *c;
    int64_t j0, columns; /* the block of columns */
    int64_t p0, p1;      /* the stretch of K */
    enum b_place place;
    real *panels; /* [columns / PANEL][p1 - p0][PANEL] */
    int a_in_place;
    int64_t row_unit, unit_tiles; /* tiles do not cross multiples of a unit */
    int64_t k_unit, depth;        /* nor do blocks of K */
    int64_t stretch;              /* the longest p1 - p0 */
    int64_t tiles, chunks;        /* of tiles: a task's share */
    int64_t task_panels, share_panels;
    int64_t tasks, task_columns; /* of few.h and far.h */
    int64_t near_panels; /* the stretch of so many stays in the second level */
    int64_t failed;
} block_t;

/* ---- one tile -------------------------------------------------------------
 */

/* A tile of rows, and the stretch of K outside of which A's rows are zeros. */
typedef struct {
    int64_t i, rows, k0, k1;
} tile_t;

/* What multiplies, and what it asks for meanwhile. */
typedef struct {
    tile_kernel *plain;
    ahead_kernel *ahead; /* taken where `next` is not NULL */
    const real *next;
} tile_call;

V_INLINE void tile_multiply(tile_call call, int64_t k, a_tile a, const real *b,
                            int64_t b_step, real *c, int64_t c_row, int add) {
    if (call.next)
        call.ahead(call.next, k, a.data, a.row, a.step, b, b_step, c, c_row,
                   add);
    else
        call.plain(k, a.data, a.row, a.step, b, b_step, c, c_row, add);
}

/* Tile x panel -> the tile's rows of C, columns j … j+width-1 of the block, for
 * K from p to p+depth-1. Straight into C where its vectors are whole and its
 * rows evenly spaced; through a buffer where not. */
static void tile_run(const block_t *t, tile_call call, const tile_t *tile,
                     a_tile a, int64_t p, int64_t depth, const real *b,
                     int64_t b_step, int64_t j, int64_t width) {
    enum {
        TALL = TILE_ROWS * PANEL,
        WIDE = WIDE_ROWS * WIDE_WIDTH * V_LANES,
        BUFFER = TALL > WIDE ? TALL : WIDE,
        LINE = 64 / (int)sizeof(real)
    };
    const gemm_t *g = t->g;
    const int64_t i = tile->i, rows = tile->rows;
    const int add = p > tile->k0 || g->add;
    const int ends = p + depth == tile->k1 && (g->bias || g->activation);
    real *c = t->c + t->j0 + j;
    const real *bias =
        ends && g->bias ? g->bias + (t->j0 + j) * g->bias_step : NULL;
    const int activation = ends ? g->activation : PD_ACTIVATION_NONE;
    if (!g->c_rows && width % VL == 0) {
        c += i * g->c_row;
        for (int64_t r = 0; r < rows; r++)
            for (int64_t l = 0; l < width; l += LINE)
                __builtin_prefetch(c + r * g->c_row + l, 1);
        tile_multiply(call, depth, a, b, b_step, c, g->c_row, add);
        if (ends)
            finish_rows(rows, c, g->c_row, c, g->c_row, width, 0, bias,
                        g->bias_step, activation);
        return;
    }
    real buffer[BUFFER] __attribute__((aligned(64)));
    const int64_t stride = ceil_div(width, VL) * VL;
    tile_multiply(call, depth, a, b, b_step, buffer, stride, 0);
    if (!g->c_rows)
        finish_rows(rows, c + i * g->c_row, g->c_row, buffer, stride, width,
                    add, bias, g->bias_step, activation);
    for (int64_t r = 0; r < rows && g->c_rows; r++)
        finish_row(c + g->c_rows[i + r], buffer + r * stride, width, add, bias,
                   g->bias_step, activation);
}

/* Where row p of columns j … of the block lie in B. */
static const real *b_at(const block_t *t, int64_t p, int64_t j, int64_t width,
                        int64_t *step) {
    const gemm_t *g = t->g;
    *step = PANEL;
    switch (t->place) {
    case B_IN_PLACE:
        if (width % VL) return t->panels + (p - t->p0) * PANEL;
        *step = g->b.row;
        return t->b + p * g->b.row + t->j0 + j;
    case B_GIVEN: return g->b_panels + (t->j0 + j) * g->k + p * PANEL;
    default: return t->panels + j * (t->p1 - t->p0) + (p - t->p0) * PANEL;
    }
}

/* Asks for part number `part` of `parts` of a tile of A that comes next: row by
 * row where rows are contiguous, step by step where columns are. */
V_INLINE void a_prefetch(const gemm_matrix *a, const real *from, int64_t rows,
                         int64_t depth, int64_t part, int64_t parts) {
    enum { LINE = 64 / (int)sizeof(real) };
    const int64_t first = depth * part / parts,
                  end = depth * (part + 1) / parts;
    if (a->column == 1)
        for (int64_t r = 0; r < rows; r++)
            for (int64_t p = first; p < end; p += LINE)
                __builtin_prefetch(from + r * a->row + p, 0, 2);
    else if (a->row == 1)
        for (int64_t p = first; p < end; p++) {
            __builtin_prefetch(from + p * a->column, 0, 2);
            __builtin_prefetch(from + p * a->column + rows - 1, 0, 2);
        }
}

/* ---- one stretch of K ------------------------------------------------------
 */

static int64_t tile_row(const block_t *t, int64_t index) {
    return index / t->unit_tiles * t->row_unit +
           index % t->unit_tiles * t->row_unit / t->unit_tiles;
}
static tile_t tile_at(const block_t *t, int64_t index) {
    const gemm_t *g = t->g;
    const int64_t i = tile_row(t, index);
    tile_t tile = {i, tile_row(t, index + 1) - i, 0, g->k};
    if (g->a.span) g->a.span(g->a.context, i, tile.rows, &tile.k0, &tile.k1);
    if (tile.k0 >= tile.k1) tile.k0 = 0, tile.k1 = g->k; /* zeros are written */
    return tile;
}
static int64_t block_end(const block_t *t, int64_t p) {
    const int64_t unit_end = (p / t->k_unit + 1) * t->k_unit;
    return least(p + t->depth, unit_end);
}

/* Stretches end where blocks do. */
static int64_t stretch_end(const block_t *t, int64_t p) {
    const int64_t most = least(p + t->stretch, t->g->k);
    while (p < most && block_end(t, p) <= most) p = block_end(t, p);
    return p;
}

static a_tile a_at(const block_t *t, int64_t i, int64_t rows, int64_t p,
                   int64_t depth, real *scratch) {
    const gemm_matrix *a = &t->g->a;
    if (t->a_in_place)
        return (a_tile){t->a + i * a->row + p * a->column, a->row, a->column};
    if (a->find) {
        a_tile found = {.step = 1};
        found.data = a->find(a->context, i, rows, p, depth, &found.row);
        if (found.data) return found;
    }
    return pack_tile(a, t->a, i, rows, p, depth, scratch);
}

/* Tiles first … last-1 x columns j_first … j_last-1, K from p0 to p1; some near
 * panels at a time. A's tiles are copied once, where one copy holds the whole
 * stretch. */
static void stretch_run(const block_t *t, int64_t first, int64_t last,
                        int64_t j_first, int64_t j_last, real *scratch) {
    const gemm_matrix *from = &t->g->a;
    a_tile a[TASK_TILES];
    for (int64_t j0 = j_first, j1; j0 < j_last; j0 = j1) {
        j1 = least(j0 + t->near_panels * PANEL, j_last);
        const int64_t panels = ceil_div(j1 - j0, PANEL);
        for (int64_t index = first; index < last; index++) {
            const tile_t tile = tile_at(t, index);
            const int64_t i = tile.i, rows = tile.rows, at = index - first;
            const int64_t p_end = least(t->p1, tile.k1);
            const int64_t p_first = most(t->p0, tile.k0);
            const int there = j0 > j_first && block_end(t, p_first) >= p_end;
            for (int64_t p = p_first, end; p < p_end; p = end) {
                end = block_end(t, p);
                if (!there)
                    a[at] = a_at(t, i, rows, p, end - p, scratch + at * A_TILE);
                const int prefetch = !there && !from->read && index + 1 < last;
                const real *next =
                    t->a + (i + rows) * from->row + p * from->column;
                for (int64_t q = 0; q < panels; q++) {
                    const int64_t j = j0 + q * PANEL;
                    const int64_t width = least(PANEL, j1 - j);
                    int64_t step;
                    const real *b = b_at(t, p, j, width, &step);
                    if (prefetch)
                        a_prefetch(from, next, rows, end - p, q, panels);
                    const tile_call call = {
                        .plain =
                            tile_kernels[ceil_div(width, VL) - 1][rows - 1]};
                    tile_run(t, call, &tile, a[at], p, end - p, b, step, j,
                             width);
                }
            }
        }
    }
}

static void fail(block_t *t) {
    __atomic_store_n(&t->failed, PD_NO_MEMORY, __ATOMIC_RELAXED);
}

/* A task on panels that are there. */
static void stretch_task(void *context, int64_t index) {
    block_t *t = context;
    real *scratch =
        pd_scratch(PD_SCRATCH_A, TASK_TILES * A_TILE * sizeof(real));
    if (!scratch) {
        fail(t);
        return;
    }
    const int64_t chunk = index % t->chunks;
    const int64_t j = index / t->chunks * t->task_panels * PANEL;
    stretch_run(t, t->tiles * chunk / t->chunks,
                t->tiles * (chunk + 1) / t->chunks, j,
                least(j + t->task_panels * PANEL, t->columns), scratch);
}

/* Packs some panels of the stretch. */
static void share_task(void *context, int64_t index) {
    block_t *t = context;
    const int64_t j = index * t->share_panels * PANEL;
    pack_panels(&t->g->b, t->b, t->p0, t->p1 - t->p0, t->j0 + j,
                least(t->share_panels * PANEL, t->columns - j),
                t->panels + j * (t->p1 - t->p0));
}

/* ---- one product ------------------------------------------------------------
 */

/* B is read in place where that costs less than packing it. */
static enum b_place b_choose(const gemm_t *g, int64_t tiles) {
    const int64_t bytes = (int64_t)sizeof(real);
    if (g->b_panels) return B_GIVEN;
    if (!g->b.read && g->b.column == 1 &&
        (tiles <= 3 ||
         (g->k * g->n * bytes <= 262144 && g->b.row * bytes % 4096 != 0)))
        return B_IN_PLACE;
    return B_PACKED;
}

/* A too; not where its rows evict each other from the cache. */
static int a_stays(const gemm_t *g) {
    if (g->a.read || g->a.column != 1) return 0;
    return g->n <= 2 * PANEL || g->a.row * (int64_t)sizeof(real) % 4096 != 0;
}

/* The next even number: half of so many things is as much as the other half. */
V_INLINE int64_t even(int64_t n) { return n + n % 2; }

/* A task's share: halved, by shape alone, until there are tasks for many
 * threads or the tasks are small. */
static void block_cut(block_t *t, int64_t length) {
    const int64_t panels = ceil_div(t->columns, PANEL);
    const double step = (double)TILE_ROWS * PANEL * (double)length;
    int64_t task_tiles = least(TASK_TILES, t->tiles);
    t->near_panels = most(1, least(TASK_B / (length * PANEL), panels));
    t->task_panels = t->a_in_place || t->g->a.find ? t->near_panels : panels;
    for (;;) {
        const int64_t tasks =
            ceil_div(t->tiles, task_tiles) * ceil_div(panels, t->task_panels);
        const double each = step * (double)task_tiles * (double)t->task_panels;
        if (tasks >= 16 || each < 2 * TASK_WORK) break;
        if (task_tiles > 2)
            task_tiles = ceil_div(task_tiles, 2);
        else if (t->task_panels > 1)
            t->task_panels = ceil_div(t->task_panels, 2);
        else
            break;
    }
    t->chunks = ceil_div(t->tiles, task_tiles);
    if (t->chunks > 2) t->chunks = least(even(t->chunks), t->tiles);
    t->near_panels = least(t->near_panels, t->task_panels);
    t->share_panels = least(t->near_panels, most(2, panels / 8));
}

/* The columns from j0 on. */
static void block_run(block_t *t) {
    const gemm_t *g = t->g;
    const int64_t panels = ceil_div(t->columns, PANEL);
    const double rate = (double)g->m * (double)t->columns / SPEED;
    block_cut(t, least(t->stretch, g->k));
    const int64_t groups = ceil_div(panels, t->task_panels);
    for (t->p0 = 0; t->p0 < g->k; t->p0 = t->p1) {
        t->p1 = stretch_end(t, t->p0);
        const int64_t ragged = t->columns % PANEL;
        if (t->place == B_PACKED)
            pd_parallel(ceil_div(panels, t->share_panels),
                        (double)(t->columns * (t->p1 - t->p0)), share_task, t);
        else if (t->place == B_IN_PLACE && ragged % VL)
            pack_panels(&g->b, t->b, t->p0, t->p1 - t->p0,
                        t->j0 + t->columns - ragged, ragged, t->panels);
        pd_parallel(t->chunks * groups, rate * (double)(t->p1 - t->p0),
                    stretch_task, t);
    }
}

static int64_t gemm_loops(const gemm_t *g, const real *a, const real *b,
                          real *c) {
    block_t t = {.g = g,
                 .a = a,
                 .b = b,
                 .c = c,
                 .row_unit = g->row_unit ? g->row_unit : g->m,
                 .k_unit = g->k_unit ? g->k_unit : g->k};
    t.unit_tiles = ceil_div(t.row_unit, TILE_ROWS);
    if (!g->row_unit && t.unit_tiles > 4) t.unit_tiles = even(t.unit_tiles);
    t.tiles = g->m / t.row_unit * t.unit_tiles;
    t.place = b_choose(g, t.tiles);
    t.a_in_place = a_stays(g);
    t.depth = ceil_div(ceil_div(t.k_unit, ceil_div(t.k_unit, DEPTH)), 8) * 8;
    /* A copied tile of A should meet many panels: then one block at a time. */
    t.stretch =
        t.a_in_place || g->a.find || g->n <= 4 * PANEL ? STRETCH : t.depth;
    const int64_t most_columns = most(BLOCK_B / least(t.stretch, g->k), PANEL);
    const int64_t columns =
        ceil_div(ceil_div(g->n, ceil_div(g->n, most_columns)), PANEL) * PANEL;
    if (t.place == B_PACKED || t.place == B_IN_PLACE) {
        const int64_t packed = t.place == B_PACKED ? columns : PANEL;
        t.panels =
            pd_scratch(PD_SCRATCH_B, (size_t)(packed * least(t.stretch, g->k)) *
                                         sizeof(real));
        if (!t.panels) return PD_NO_MEMORY;
    }
    for (t.j0 = 0; t.j0 < g->n; t.j0 += columns) {
        t.columns = least(columns, g->n - t.j0);
        block_run(&t);
        if (t.failed) return t.failed;
    }
    return 0;
}

#endif
