/* A copy between any two layouts: contiguous copies, flatten, transposes.
 *
 * The space has y's fastest axis innermost. Two cases remain:
 *
 *     x is fast along the same axis: runs are copied.
 *     x is fast along another axis: the two axes are cut into tiles,
 *
 *          x, rows along one axis          y, rows along the other
 *          ┌───┬───┬───┐                   ┌───┬───┐
 *          │ A │ B │ C │  ── tile by ──>   │ A'│ D'│
 *          ├───┼───┼───┤     tile          ├───┼───┤
 *          │ D │ E │ F │                   │ B'│ E'│   …
 *          └───┴───┴───┘                   └───┴───┘
 *
 *     and a tile goes through registers (items as long as `real`) or a buffer,
 *     so that each line of memory of x is read once, and each of y written
 * once, while it is in the cache.
 *
 * A run is a tile of one row. Tiles are numbered like elements (last axis
 * fastest); a task is a range of them. */
#include "copy.h"
#include "par.h"
#include "real.h"
#include "simd.h"

enum { TILE = 32, RUN = 8192, TASK = 32768 };

/* A tile of rows x cols items: cols along y's fast axis, rows along x's.
 * Strides in items. */
typedef struct {
    int64_t rows, cols;
    int64_t x_row, x_col, y_row, y_col;
} tile_t;

typedef void tile_function(const void *x, void *y, const tile_t *t);

/* Items are moved as unsigned integers: no bit of them is looked at. */
#define DEFINE_TILE(T)                                                         \
    static void run_copy_##T(const T *x, int64_t x_stride, T *y,               \
                             int64_t y_stride, int64_t n) {                    \
        if (x_stride == 1 && y_stride == 1)                                    \
            memcpy(y, x, (size_t)n * sizeof(T));                               \
        else if (y_stride == 1)                                                \
            for (int64_t i = 0; i < n; i++) y[i] = x[i * x_stride];            \
        else                                                                   \
            for (int64_t i = 0; i < n; i++) y[i * y_stride] = x[i * x_stride]; \
    }                                                                          \
    static void tile_copy_##T(const void *from, void *to, const tile_t *t) {   \
        const T *x = from;                                                     \
        T *y = to, buffer[TILE][TILE];                                         \
        if (t->rows == 1) {                                                    \
            run_copy_##T(x, t->x_col, y, t->y_col, t->cols);                   \
            return;                                                            \
        }                                                                      \
        for (int64_t c = 0; c < t->cols; c++)                                  \
            for (int64_t r = 0; r < t->rows; r++)                              \
                buffer[r][c] = x[c * t->x_col + r * t->x_row];                 \
        for (int64_t r = 0; r < t->rows; r++)                                  \
            run_copy_##T(buffer[r], 1, y + r * t->y_row, t->y_col, t->cols);   \
    }
DEFINE_TILE(uint8_t)
DEFINE_TILE(uint16_t)
DEFINE_TILE(uint32_t)
DEFINE_TILE(uint64_t)

/* Vectors of x along its fast axis, VL of them transposed in registers, are
 * vectors of y along its own. Moves and shuffles only: no bit is looked at. */
static void tile_transpose(const tile_t *t, const real *x, real *y) {
    for (int64_t r = 0; r < t->rows; r += VL) {
        int64_t rows = t->rows - r < VL ? t->rows - r : VL;
        for (int64_t c = 0; c < t->cols; c += VL) {
            int64_t cols = t->cols - c < VL ? t->cols - c : VL;
            const real *from = x + c * t->x_col + r;
            real *to = y + r * t->y_row + c;
            vreal block[V_LANES];
            if (rows == VL && cols == VL) {
                UNROLL for (int i = 0; i < V_LANES; i++)
                    block[i] = v_load(from + i * t->x_col);
                v_transpose(block);
                UNROLL for (int i = 0; i < V_LANES; i++)
                    v_store(to + i * t->y_row, block[i]);
                continue;
            }
            for (int i = 0; i < V_LANES; i++)
                block[i] = i < cols ? v_load_lanes(from + i * t->x_col, rows)
                                    : v_set(0);
            v_transpose(block);
            for (int i = 0; i < rows; i++)
                v_store_lanes(to + i * t->y_row, block[i], cols);
        }
    }
}

static void tile_copy_reals(const void *x, void *y, const tile_t *t) {
    if (t->rows > 1 && t->x_row == 1 && t->y_col == 1)
        tile_transpose(t, x, y);
    else if (sizeof(real) == sizeof(uint64_t))
        tile_copy_uint64_t(x, y, t);
    else
        tile_copy_uint32_t(x, y, t);
}

typedef struct {
    const pd_space *space;
    int64_t item;
    tile_function *copy;
    const char *x;
    char *y;
    int64_t edge[PD_MAX_AXES];  /* elements of a tile along each axis */
    int64_t tiles[PD_MAX_AXES]; /* tiles along each axis */
    int row_axis;               /* the axis of a tile's rows */
    int64_t all_tiles, task_tiles;
} work_t;

static int64_t magnitude(int64_t stride) {
    return stride < 0 ? -stride : stride;
}

/* The axis along which x is fastest; the last one where none is faster. */
static int fast_axis(const pd_space *s) {
    const int64_t *stride = s->stride[1];
    int best = (int)s->axes - 1;
    for (int i = best - 1; i >= 0; i--)
        if (stride[i] && magnitude(stride[i]) < magnitude(stride[best]))
            best = i;
    return best;
}

/* Cuts the axes into tiles, by shape and strides alone. */
static void work_cut(work_t *w) {
    const pd_space *s = w->space;
    int last = (int)s->axes - 1;
    int64_t tile = 1;
    w->row_axis = fast_axis(s);
    w->all_tiles = 1;
    for (int i = 0; i <= last; i++) {
        w->edge[i] = 1;
        if (i == last) w->edge[i] = w->row_axis == last ? RUN : TILE;
        if (i != last && i == w->row_axis) w->edge[i] = TILE;
        w->tiles[i] = (s->size[i] + w->edge[i] - 1) / w->edge[i];
        w->all_tiles *= w->tiles[i];
        tile *= s->size[i] < w->edge[i] ? s->size[i] : w->edge[i];
    }
    w->task_tiles = tile >= TASK ? 1 : TASK / (tile > 0 ? tile : 1);
}

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

/* Task t: the tiles t * task_tiles … */
static void tiles_copy(void *context, int64_t t) {
    const work_t *w = context;
    const pd_space *s = w->space;
    int last = (int)s->axes - 1, row = w->row_axis;
    int64_t first = t * w->task_tiles, rest = first;
    int64_t end = least(first + w->task_tiles, w->all_tiles);
    int64_t index[PD_MAX_AXES]; /* of the tile, along each axis */
    for (int i = last; i >= 0; i--) {
        index[i] = rest % w->tiles[i];
        rest /= w->tiles[i];
    }
    tile_t tile = {.rows = 1};
    tile.x_row = s->stride[1][row], tile.y_row = s->stride[0][row];
    tile.x_col = s->stride[1][last], tile.y_col = s->stride[0][last];
    for (int64_t k = first; k < end; k++) {
        int64_t x = 0, y = 0; /* of the tile's first element */
        for (int i = 0; i <= last; i++) {
            x += index[i] * w->edge[i] * s->stride[1][i];
            y += index[i] * w->edge[i] * s->stride[0][i];
        }
        tile.cols =
            least(s->size[last] - index[last] * w->edge[last], w->edge[last]);
        if (row != last)
            tile.rows =
                least(s->size[row] - index[row] * w->edge[row], w->edge[row]);
        w->copy(w->x + x * w->item, w->y + y * w->item, &tile);
        for (int i = last; i >= 0; i--) { /* the next tile */
            if (++index[i] < w->tiles[i]) break;
            index[i] = 0;
        }
    }
}

int64_t K(copy)(void *const *arrays, const void *geometry) {
    const pd_copy_geometry *g = geometry;
    work_t w = {.space = &g->space,
                .item = g->item,
                .copy = g->item == sizeof(real) ? tile_copy_reals
                        : g->item == 1          ? tile_copy_uint8_t
                        : g->item == 2          ? tile_copy_uint16_t
                        : g->item == 4          ? tile_copy_uint32_t
                                                : tile_copy_uint64_t,
                .x = arrays[0],
                .y = arrays[1]};
    work_cut(&w);
    double ns = 0.05 * (double)(pd_space_elements(w.space) * w.item);
    /* whole: y may be memory that a person sees, and is not left half written
     */
    pd_parallel_whole((w.all_tiles + w.task_tiles - 1) / w.task_tiles, ns,
                      tiles_copy, &w);
    return 0;
}
