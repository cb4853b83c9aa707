/* The loops around the micro-kernel. Whoever multiplies packs, so that nothing
 * but A, B and C passes from one core's cache to another's.
 *
 *     for each task = a chunk of tiles of rows x a group of panels (cut.h)
 *         for each stretch of K (up to DEPTH), in order
 *             for some near panels of the group at a time
 *                 pack them
 *                 for each tile of rows
 *                     for each block of K, in order
 *                         A's tile: in place, or as copied at the first panels
 *                         for each panel: the micro-kernel
 *
 * A tile of A stays in the first level of cache; the near panels, which stream
 * through, and the chunk of A stay in the second. While these panels are
 * multiplied, the rows of B that the next ones are made of are asked for
 * (ahead.h): packing finds them in cache. */
#ifndef PD_GEMM_LOOPS_H
#define PD_GEMM_LOOPS_H

#include "cut.h"
#include "par.h"
#include "tile.h"

/* ---- what a task multiplies by at a time ----------------------------------
 */

/* K from p0 to p1-1, columns j … end-1. */
typedef struct {
    int64_t p0, p1, j, end;
} near_t;

static int64_t block_end(const product_t *t, int64_t p) {
    const int64_t unit_end = (p / t->k_unit + 1) * t->k_unit;
    return least(p + t->depth, unit_end);
}

/* Stretches end where blocks do. */
static int64_t stretch_end(const product_t *t, int64_t p) {
    const int64_t most = least(p + DEPTH, t->g->k);
    while (p < most && block_end(t, p) <= most) p = block_end(t, p);
    return p;
}

static near_t near_at(const product_t *t, const task_t *task, int64_t p,
                      int64_t j) {
    return (near_t){p, stretch_end(t, p), j,
                    least(j + t->near_panels * PANEL, task->j1)};
}

/* What comes after it in the task; 0 where nothing does. */
static int near_step(const product_t *t, const task_t *task, near_t *n) {
    if (n->end < task->j1)
        *n = near_at(t, task, n->p0, n->end);
    else if (n->p1 < t->g->k)
        *n = near_at(t, task, n->p1, task->j0);
    else
        return 0;
    return 1;
}

/* Into `to`: all of it, or the ragged last panel where B is read in place. */
static void near_pack(const product_t *t, const near_t *n, real *to) {
    const gemm_t *g = t->g;
    const int64_t ragged = (n->end - n->j) % PANEL;
    if (t->place == B_PACKED)
        pack_panels(&g->b, t->b, n->p0, n->p1 - n->p0, n->j, n->end - n->j, to);
    else if (t->place == B_IN_PLACE && ragged % VL)
        pack_panels(&g->b, t->b, n->p0, n->p1 - n->p0, n->end - ragged, ragged,
                    to);
}

/* Row p of columns j …, as the micro-kernel reads them. */
static const real *near_b(const product_t *t, const near_t *n,
                          const real *packed, int64_t p, int64_t j,
                          int64_t width, int64_t *step) {
    const gemm_t *g = t->g;
    *step = PANEL;
    switch (t->place) {
    case B_IN_PLACE:
        if (width % VL) return packed + (p - n->p0) * PANEL;
        *step = g->b.row;
        return t->b + p * g->b.row + j;
    case B_GIVEN: return g->b_panels + j * g->k + p * PANEL;
    default: return packed + (j - n->j) * (n->p1 - n->p0) + (p - n->p0) * PANEL;
    }
}

/* The rows of B, or of its transpose, that will be packed. */
static ahead_t near_ahead(const product_t *t, const near_t *n) {
    const gemm_matrix *b = &t->g->b;
    const int64_t depth = n->p1 - n->p0, columns = n->end - n->j;
    const real *first = t->b + n->p0 * b->row + n->j * b->column;
    if (t->place != B_PACKED || b->read) return (ahead_t){.lines = 0};
    if (b->column == 1) return ahead_of(first, depth, columns, b->row);
    if (b->row == 1) return ahead_of(first, columns, depth, b->column);
    return (ahead_t){.lines = 0};
}

/* ---- tiles ------------------------------------------------------------------
 */

/* A's tile for a block of K: in place, or copied, now or before. */
static a_tile a_at(const product_t *t, const tile_t *tile, int64_t p0,
                   int64_t p, int64_t depth, int fresh, real *copy) {
    const gemm_matrix *a = &t->g->a;
    if (t->a_in_place)
        return (a_tile){t->a + tile->i * a->row + p * a->column, a->row, 1};
    if (a->find) {
        a_tile found = {.step = 1};
        found.data =
            a->find(a->context, tile->i, tile->rows, p, depth, &found.row);
        if (found.data) return found;
    }
    a_tile at = copied_tile(a, copy);
    at.data += (p - p0) * at.step;
    if (fresh)
        pack_tile(a, t->a, t->g->m, tile->i, tile->rows, p, depth,
                  copy + (p - p0) * at.step);
    return at;
}

/* Asks for part number `part` of `parts` of a tile of A that comes next, whose
 * rows are contiguous. */
V_INLINE void a_prefetch(const gemm_matrix *a, const real *from, int64_t rows,
                         int64_t depth, int64_t part, int64_t parts) {
    const int64_t first = depth * part / parts,
                  end = depth * (part + 1) / parts;
    for (int64_t r = 0; a->column == 1 && r < rows; r++)
        for (int64_t p = first; p < end; p += LINE)
            __builtin_prefetch(from + r * a->row + p, 0, 2);
}

/* What a task has at hand. */
typedef struct {
    task_t task;
    real *tiles;  /* copies of A's, [CHUNK_COPIED][A_TILE] */
    real *panels; /* the near ones */
    ahead_t ahead;
} hand_t;

static tile_call hand_call(hand_t *h, int64_t rows, int64_t width) {
    const int64_t tiles = h->task.last - h->task.first;
    tile_call call = {.plain = tile_kernels[ceil_div(width, VL) - 1][rows - 1]};
    if (h->ahead.lines > 0 && width == PANEL) {
        call.ahead = &h->ahead;
        call.asking = ahead_kernels[tiles < 4 ? AHEAD_LINES - 1 : 0][rows - 1];
    }
    return call;
}

/* An A whose columns are contiguous, A^T as it lies: */
static int a_turned(const product_t *t) {
    const gemm_matrix *a = &t->g->a;
    return !a->read && a->column != 1 && a->row == 1;
}

/* All tiles of the task are copied at once, for a stretch of K, some steps at a
 * time from end to end, as memory likes it:
 *
 *        tile  tile  tile
 *     p  ---->|---->|---->|    A tile's part of a step is no whole line. Tile
 *        ---->|---->|---->|    by tile, each line would come twice, and those
 *        ---->|---->|---->|    of a tile, pages apart, evict each other. */
static void a_pack(const product_t *t, hand_t *h, const near_t *n) {
    enum { STEPS = 8 };
    int64_t i[CHUNK_COPIED + 1];
    const int64_t tiles = h->task.last - h->task.first;
    for (int64_t tile = 0; tile <= tiles; tile++)
        i[tile] = tile_row(t, h->task.first + tile);
    for (int64_t p = n->p0; p < n->p1; p += STEPS)
        for (int64_t tile = 0; tile < tiles; tile++)
            pack_tile(&t->g->a, t->a, t->g->m, i[tile], i[tile + 1] - i[tile],
                      p, least(STEPS, n->p1 - p),
                      h->tiles + tile * A_TILE + (p - n->p0) * A_COLUMN);
}

/* A tile of rows x the near panels. */
static void near_tile(const product_t *t, hand_t *h, const near_t *n,
                      int64_t index) {
    const gemm_matrix *from = &t->g->a;
    const tile_t tile = tile_at(t, index);
    const int64_t p_end = least(n->p1, tile.k1);
    const int64_t panels = ceil_div(n->end - n->j, PANEL);
    const int fresh = n->j == h->task.j0 && !a_turned(t);
    const int prefetch =
        !from->read && index + 1 < h->task.last && (t->a_in_place || fresh);
    for (int64_t p = most(n->p0, tile.k0), depth; p < p_end; p += depth) {
        depth = block_end(t, p) - p;
        const a_tile a = a_at(t, &tile, n->p0, p, depth, fresh,
                              h->tiles + (index - h->task.first) * A_TILE);
        const real *next =
            t->a + (tile.i + tile.rows) * from->row + p * from->column;
        for (int64_t q = 0; q < panels; q++) {
            const int64_t j = n->j + q * PANEL;
            const int64_t width = least(PANEL, n->end - j);
            int64_t step;
            const real *b = near_b(t, n, h->panels, p, j, width, &step);
            if (prefetch) a_prefetch(from, next, tile.rows, depth, q, panels);
            tile_run(t, hand_call(h, tile.rows, width), &tile, a, p, depth, b,
                     step, j, width);
        }
    }
}

/* ---- one product ------------------------------------------------------------
 */

static void loops_task(void *context, int64_t index) {
    product_t *t = context;
    hand_t h = {
        .task = task_at(t, index),
        .tiles = pd_scratch(PD_SCRATCH_A, CHUNK_COPIED * A_TILE * sizeof(real)),
        .panels = pd_scratch(PD_SCRATCH_B, NEAR_B * sizeof(real))};
    if (!h.tiles || !h.panels) {
        fail(t);
        return;
    }
    near_t n = near_at(t, &h.task, 0, h.task.j0);
    for (int more = 1; more;) {
        near_t next = n;
        near_pack(t, &n, h.panels);
        more = near_step(t, &h.task, &next);
        if (!more && index + 1 < t->chunks * t->groups) {
            const task_t other = task_at(t, index + 1);
            next = near_at(t, &other, 0, other.j0);
        }
        if (n.j == h.task.j0 && a_turned(t)) a_pack(t, &h, &n);
        h.ahead = near_ahead(t, &next);
        for (int64_t tile = h.task.first; tile < h.task.last; tile++)
            near_tile(t, &h, &n, tile);
        n = next;
    }
}

static int64_t b_bytes(const gemm_t *g) {
    return g->k * g->n * (int64_t)sizeof(real);
}
/* Bytes of a B that stays in a near cache. */
enum { FAR_NEAR = 1 << 19 };

/* Rows of B begin at multiples of a page: in a cache they evict each other. */
static int b_pages(const gemm_t *g) {
    return g->b.row * (int64_t)sizeof(real) % 4096 == 0;
}

/* B is read in place where that costs less than packing it. */
static enum b_place b_choose(const gemm_t *g, int64_t tiles) {
    if (g->b_panels) return B_GIVEN;
    if (!g->b.read && g->b.column == 1 &&
        (b_pages(g) ? tiles <= 3 && b_bytes(g) <= FAR_NEAR
                    : tiles <= 3 || b_bytes(g) <= FAR_NEAR / 2))
        return B_IN_PLACE;
    return B_PACKED;
}

/* A too; not where its rows evict each other from the cache. */
static int a_stays(const gemm_t *g) {
    if (g->a.read || g->a.column != 1) return 0;
    return g->n <= 2 * PANEL || g->a.row * (int64_t)sizeof(real) % 4096 != 0;
}

static int64_t gemm_loops(const gemm_t *g, const real *a, const real *b,
                          real *c) {
    product_t t = {.g = g,
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
    t.near_panels = NEAR_B / (least(g->k, DEPTH) * PANEL);
    cut(&t);
    pd_parallel(t.chunks * t.groups,
                (double)g->m * (double)g->n * (double)g->k / SPEED, loops_task,
                &t);
    return t.failed;
}

#endif
