/* The loops around the micro-kernel.
 *
 *     for each block of columns of C (COLUMNS)
 *         for each block of K (DEPTH), in order
 *             pack B's block into panels, unless it can be read in place
 *             for each task = some tiles of rows x some panels
 *                 for each tile of rows: copy it next to the first level
 *                     of cache, unless it can be read in place
 *                     for each panel: the micro-kernel
 *
 * The tile of A stays in the first level of cache, the panels of the task in
 * the second and stream through. After the last block of K the tile of C is
 * finished (bias, activation) while it is still in cache.
 *
 * Which products go round this road is the list `methods` at the end. */
#include "gemm.h"
#include "dot.h"
#include "finish.h"
#include "microkernel.h"
#include "pack.h"

#include "par.h"

/* Columns of B packed at a time: bounds the scratch memory. */
enum { COLUMNS = 3072 / PANEL * PANEL };
/* A task's share at most: the panels fit into half of the second level. */
enum { TASK_TILES = 8, TASK_PANELS = 393216 / (DEPTH * PANEL * (int)sizeof(real)) };
/* Multiply-adds that are worth a task of their own. */
#define TASK_WORK 1.0e6
/* Below this, whole products are the tasks of a batch. */
#define ITEM_WORK 4.0e6
/* Estimate for par.h: multiply-adds per nanosecond. */
#define SPEED 20.0

/* What the tasks of one block share. */
typedef struct {
    const gemm_t *g;
    const real *a, *b; /* this product's first elements */
    real *c;
    int64_t j0, columns; /* the block of columns */
    int64_t p0, depth;   /* the block of K */
    int first, last;     /* is it the first, the last of K? */
    real *panels;        /* [columns / PANEL][panel_depth][PANEL] */
    int64_t panel_depth;
    int b_in_place, a_in_place;
    int64_t tiles, task_tiles, task_panels;
    int64_t failed;
} block_t;

static double work(const gemm_t *g) {
    return (double)g->m * (double)g->n * (double)g->k;
}

/* ---- one tile ------------------------------------------------------------- */

/* Tile x panel -> rows i … of C, columns j … j+width-1 of the block. Straight
 * into C where its vectors are whole and its rows evenly spaced; through a
 * buffer where not. */
static void tile_run(const block_t *t, tile_kernel *kernel, int64_t i,
                     int64_t rows, a_tile a, const real *b, int64_t b_step,
                     int64_t j, int64_t width) {
    enum {
        TALL = TILE_ROWS * PANEL,
        WIDE = WIDE_ROWS * WIDE_WIDTH * V_LANES,
        BUFFER = TALL > WIDE ? TALL : WIDE
    };
    const gemm_t *g = t->g;
    const int add = !t->first || g->add;
    const int ends = t->last && (g->bias || g->activation);
    real *c = t->c + t->j0 + j;
    const real *bias =
        ends && g->bias ? g->bias + (t->j0 + j) * g->bias_step : NULL;
    const int activation = ends ? g->activation : PD_ACTIVATION_NONE;
    if (!g->c_rows && width % VL == 0) {
        c += i * g->c_row;
        kernel(t->depth, a.data, a.row, a.step, b, b_step, c, g->c_row, add);
        for (int64_t r = 0; r < rows && ends; r++)
            finish_row(c + r * g->c_row, c + r * g->c_row, width, 0, bias,
                       g->bias_step, activation);
        return;
    }
    real buffer[BUFFER] __attribute__((aligned(64)));
    const int64_t stride = ceil_div(width, VL) * VL;
    kernel(t->depth, a.data, a.row, a.step, b, b_step, buffer, stride, 0);
    for (int64_t r = 0; r < rows; r++)
        finish_row(c + (g->c_rows ? g->c_rows[i + r] : (i + r) * g->c_row),
                   buffer + r * stride, width, add, bias, g->bias_step,
                   activation);
}

/* Where columns j … of the block lie in B: in place where that is allowed and
 * vectors are whole, else in the panels. */
static const real *b_at(const block_t *t, int64_t j, int64_t width,
                        int64_t *step) {
    if (t->b_in_place && width % VL == 0) {
        *step = t->g->b.row;
        return t->b + t->p0 * *step + t->j0 + j;
    }
    *step = PANEL;
    if (t->b_in_place) return t->panels; /* the one ragged panel */
    if (t->g->b_panels)
        return t->g->b_panels + (t->j0 + j) * t->g->k + t->p0 * PANEL;
    return t->panels + j * t->depth;
}

/* ---- one block ------------------------------------------------------------ */

static void pack_task(void *context, int64_t index) {
    block_t *t = context;
    const int64_t j = index * TASK_PANELS * PANEL;
    pack_panels(&t->g->b, t->b, t->p0, t->depth, t->j0 + j,
                least(TASK_PANELS * PANEL, t->columns - j),
                t->panels + j * t->depth);
}

/* The ragged last columns of a B that is otherwise read in place. */
static void pack_edge(block_t *t) {
    const int64_t width = t->columns % PANEL;
    if (width % VL)
        pack_panels(&t->g->b, t->b, t->p0, t->depth, t->j0 + t->columns - width,
                    width, t->panels);
}

static void tiles_task(void *context, int64_t index) {
    block_t *t = context;
    const gemm_t *g = t->g;
    real *scratch = pd_scratch(PD_SCRATCH_A, A_TILE * sizeof(real));
    if (!scratch) {
        __atomic_store_n(&t->failed, PD_NO_MEMORY, __ATOMIC_RELAXED);
        return;
    }
    const int64_t chunks = ceil_div(t->tiles, t->task_tiles);
    const int64_t j_first = index / chunks * t->task_panels * PANEL;
    const int64_t j_last = least(j_first + t->task_panels * PANEL, t->columns);
    const int64_t tile_first = index % chunks * t->task_tiles;
    const int64_t tile_last = least(tile_first + t->task_tiles, t->tiles);
    for (int64_t tile = tile_first; tile < tile_last; tile++) {
        const int64_t i = tile * g->m / t->tiles;
        const int64_t rows = (tile + 1) * g->m / t->tiles - i;
        const a_tile a =
            t->a_in_place
                ? (a_tile){t->a + i * g->a.row + t->p0 * g->a.column, g->a.row,
                           g->a.column}
                : pack_tile(&g->a, t->a, i, rows, t->p0, t->depth, scratch);
        for (int64_t j = j_first; j < j_last; j += PANEL) {
            const int64_t width = least(PANEL, j_last - j);
            int64_t step;
            const real *b = b_at(t, j, width, &step);
            tile_run(t, tile_kernels[ceil_div(width, VL) - 1][rows - 1], i,
                     rows, a, b, step, j, width);
        }
    }
}

/* Shares are halved, by shape alone, until there are tasks for many threads or
 * the tasks are small. */
static void block_cut(block_t *t) {
    const int64_t panels = ceil_div(t->columns, PANEL);
    const double step = (double)TILE_ROWS * PANEL * (double)t->depth;
    t->tiles = ceil_div(t->g->m, TILE_ROWS);
    t->task_tiles = least(TASK_TILES, t->tiles);
    t->task_panels = least(TASK_PANELS, panels);
    for (;;) {
        const int64_t tasks = ceil_div(t->tiles, t->task_tiles) *
                              ceil_div(panels, t->task_panels);
        const double each =
            step * (double)t->task_tiles * (double)t->task_panels;
        if (tasks >= 16 || each < 2 * TASK_WORK) break;
        if (t->task_tiles > 2)
            t->task_tiles = ceil_div(t->task_tiles, 2);
        else if (t->task_panels > 1)
            t->task_panels = ceil_div(t->task_panels, 2);
        else
            break;
    }
}

static void block_run(block_t *t) {
    const gemm_t *g = t->g;
    const double speed = (double)g->m * (double)t->columns * (double)t->depth;
    const int64_t panels = ceil_div(t->columns, PANEL);
    block_cut(t);
    if (t->b_in_place)
        pack_edge(t);
    else if (!g->b_panels)
        pd_parallel(ceil_div(panels, TASK_PANELS),
                    (double)t->columns * (double)t->depth, pack_task, t);
    pd_parallel(ceil_div(t->tiles, t->task_tiles) *
                    ceil_div(panels, t->task_panels),
                speed / SPEED, tiles_task, t);
}

/* ---- methods: one product each -------------------------------------------- */

/* B is read in place where that costs less than packing it. */
static int b_stays(const gemm_t *g) {
    if (g->b.read || g->b_panels || g->b.column != 1) return 0;
    return g->m <= 3 * TILE_ROWS ||
           (g->k * g->n * (int64_t)sizeof(real) <= 262144 &&
            g->b.row * (int64_t)sizeof(real) % 4096 != 0);
}

/* A is read in place where it is used for few panels, or whole and small. */
static int a_stays(const gemm_t *g) {
    if (g->a.read || g->a.column != 1) return 0;
    return g->n <= 2 * PANEL ||
           g->a.row * (int64_t)sizeof(real) % 4096 != 0;
}

static int64_t gemm_blocks(const gemm_t *g, const real *a, const real *b,
                           real *c) {
    block_t t = {.g = g, .a = a, .b = b, .c = c};
    t.b_in_place = b_stays(g);
    t.a_in_place = a_stays(g);
    const int64_t columns =
        ceil_div(ceil_div(g->n, ceil_div(g->n, COLUMNS)), PANEL) * PANEL;
    const int64_t depth =
        least(g->k, ceil_div(ceil_div(g->k, ceil_div(g->k, DEPTH)), 8) * 8);
    const int64_t packed = t.b_in_place ? PANEL : columns;
    if (!g->b_panels) {
        t.panels = pd_scratch(PD_SCRATCH_B,
                              (size_t)(packed * depth) * sizeof(real));
        if (!t.panels) return PD_NO_MEMORY;
    }
    for (t.j0 = 0; t.j0 < g->n; t.j0 += columns) {
        t.columns = least(columns, g->n - t.j0);
        for (t.p0 = 0; t.p0 < g->k; t.p0 += depth) {
            t.depth = least(depth, g->k - t.p0);
            t.first = t.p0 == 0;
            t.last = t.p0 + t.depth == g->k;
            block_run(&t);
            if (t.failed) return t.failed;
        }
    }
    return 0;
}
static int always(const gemm_t *g) {
    (void)g;
    return 1;
}

/* Few rows times B in place: wide tiles, the whole of K at once. */
static int is_wide(const gemm_t *g) {
    return g->m <= WIDE_ROWS && g->b.column == 1 && !g->b.read &&
           !g->b_panels && g->a.column == 1 && !g->a.read &&
           g->n >= WIDE_WIDTH * VL;
}
static void wide_task(void *context, int64_t index) {
    const block_t *t = context;
    const gemm_t *g = t->g;
    const a_tile a = {t->a, g->a.row, 1};
    const int64_t j_first = index * t->task_panels * WIDE_WIDTH * VL;
    const int64_t j_last =
        least(j_first + t->task_panels * WIDE_WIDTH * VL, g->n);
    for (int64_t j = j_first, width; j < j_last; j += width) {
        tile_kernel *kernel = wide_kernels[g->m - 1];
        width = WIDE_WIDTH * VL;
        if (j + width > j_last) {
            width = least(PANEL, j_last - j);
            kernel = tile_kernels[ceil_div(width, VL) - 1][g->m - 1];
        }
        int64_t step;
        const real *b = b_at(t, j, width, &step);
        tile_run(t, kernel, 0, g->m, a, b, step, j, width);
    }
}
static int64_t gemm_wide(const gemm_t *g, const real *a, const real *b,
                         real *c) {
    enum { WIDE = WIDE_WIDTH * V_LANES };
    block_t t = {.g = g, .a = a, .b = b, .c = c, .columns = g->n, .depth = g->k,
                 .first = 1, .last = 1, .b_in_place = 1};
    /* Columns beyond the last wide tile go by panels; the last may be ragged. */
    const int64_t width = g->n % WIDE % PANEL;
    if (width % VL) {
        t.panels = pd_scratch(PD_SCRATCH_B,
                              (size_t)(PANEL * g->k) * sizeof(real));
        if (!t.panels) return PD_NO_MEMORY;
        pack_panels(&g->b, b, 0, g->k, g->n - width, width, t.panels);
    }
    t.task_panels = 1 + (int64_t)(TASK_WORK / 4 / (double)(WIDE * g->k * g->m));
    /* One multiply-add per element of B: memory is what it waits for. */
    pd_parallel(ceil_div(g->n, t.task_panels * WIDE),
                (double)(g->k * g->n) / 4, wide_task, &t);
    return 0;
}

/* No products to add. */
static int is_hollow(const gemm_t *g) { return g->k == 0; }
static int64_t gemm_hollow(const gemm_t *g, const real *a, const real *b,
                           real *c) {
    (void)a, (void)b;
    const real zeros[PANEL] = {0};
    for (int64_t i = 0; i < g->m; i++)
        for (int64_t j = 0; j < g->n; j += PANEL)
            finish_row(c + (g->c_rows ? g->c_rows[i] : i * g->c_row) + j, zeros,
                       least(PANEL, g->n - j), g->add,
                       g->bias ? g->bias + j * g->bias_step : NULL,
                       g->bias_step, g->activation);
    return 0;
}

static real element(const gemm_matrix *m, const real *data, int64_t i,
                    int64_t j) {
    if (!m->read) return data[i * m->row + j * m->column];
    real x;
    if (m->flipped)
        m->read(m->context, j, 1, i, 1, &x, 1);
    else
        m->read(m->context, i, 1, j, 1, &x, 1);
    return x;
}
static int64_t gemm_naive(const gemm_t *g, const real *a, const real *b,
                          real *c) {
    for (int64_t i = 0; i < g->m; i++)
        for (int64_t j = 0; j < g->n; j++) {
            real sum = 0;
            for (int64_t p = 0; p < g->k; p++) {
                const real y =
                    g->b_panels ? g->b_panels[(j / PANEL * g->k + p) * PANEL +
                                              j % PANEL]
                                : element(&g->b, b, p, j);
                sum += element(&g->a, a, i, p) * y;
            }
            finish_row(c + (g->c_rows ? g->c_rows[i] : i * g->c_row) + j, &sum,
                       1, g->add, g->bias ? g->bias + j * g->bias_step : NULL,
                       0, g->activation);
        }
    return 0;
}

typedef int64_t gemm_run(const gemm_t *g, const real *a, const real *b,
                         real *c);
typedef struct {
    const char *name;
    int (*fits)(const gemm_t *g);
    gemm_run *run;
} gemm_method;

/* The first that fits is taken. */
static const gemm_method methods[] = {
    {"hollow", is_hollow, gemm_hollow}, {"dot", is_dot, gemm_dot},
    {"wide", is_wide, gemm_wide},       {"blocks", always, gemm_blocks},
    {"naive", always, gemm_naive},
};
enum { METHODS = sizeof methods / sizeof methods[0] };

/* ---- many products -------------------------------------------------------- */

typedef struct {
    const gemm_t *g;
    gemm_run *run;
    int64_t items, task_items;
    int64_t failed;
} batch_t;

static int64_t item_run(const batch_t *t, int64_t item) {
    const gemm_t *g = t->g;
    int64_t a = 0, b = 0, c = 0;
    for (int64_t axis = g->batch_axes - 1; axis >= 0; axis--) {
        const int64_t i = item % g->batch_shape[axis];
        item /= g->batch_shape[axis];
        a += i * g->a_batch[axis];
        b += i * g->b_batch[axis];
        c += i * g->c_batch[axis];
    }
    return t->run(g, g->a.data + a, g->b.data + b, g->c + c);
}

static void batch_task(void *context, int64_t index) {
    batch_t *t = context;
    const int64_t last = least((index + 1) * t->task_items, t->items);
    for (int64_t item = index * t->task_items; item < last; item++)
        if (item_run(t, item))
            __atomic_store_n(&t->failed, PD_NO_MEMORY, __ATOMIC_RELAXED);
}

static int64_t run_method(const gemm_t *g, const gemm_method *method) {
    batch_t t = {.g = g, .run = method->run, .items = 1};
    for (int64_t axis = 0; axis < g->batch_axes; axis++)
        t.items *= g->batch_shape[axis];
    if (g->m <= 0 || g->n <= 0 || t.items <= 0) return 0;
    if (t.items < 32 && work(g) > ITEM_WORK) {
        for (int64_t item = 0; item < t.items; item++)
            if (item_run(&t, item)) return PD_NO_MEMORY;
        return 0;
    }
    t.task_items = 1 + (int64_t)(TASK_WORK / (1.0 + work(g)));
    pd_parallel(ceil_div(t.items, t.task_items),
                work(g) * (double)t.items / SPEED, batch_task, &t);
    return t.failed;
}

static const gemm_method *choose(const gemm_t *g) {
    const gemm_method *method = methods;
    while (!method->fits(g)) method++;
    return method;
}

int64_t K(gemm)(const gemm_t *g) { return run_method(g, choose(g)); }
int64_t K(gemm_reference)(const gemm_t *g) {
    return run_method(g, &methods[METHODS - 1]);
}
const char *K(gemm_method)(const gemm_t *g) { return choose(g)->name; }
