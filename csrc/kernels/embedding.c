/* Embedding: rows by number.
 *
 * Backward must add rows of dy that share an id. They are first grouped by a
 * counting sort:
 *
 *     ids      2  0  2  1  2          position 0 … 4
 *     place    0      1   2           where each row's group begins
 *     group    1   |  3 | 0  2  4     positions, grouped by id, rising
 *              id 0  id 1  id 2
 *
 * A task then owns a range of rows of dweight: it sums each row's group in
 * registers, in the order of positions, and writes it once, zeros where the
 * group is empty. No row has two writers, so no atomics, no clearing before,
 * and the same bits for every number of threads.
 *
 * Ids are read once, checked and kept: another thread may be writing them. */
#include "embedding.h"
#include "ids.h"
#include "par.h"
#include "real.h"
#include "simd.h"

enum {
    TASK = 16384, /* elements */
    BLOCK = 4,    /* vectors summed at a time */
    LINE = 64 / sizeof(real),
    AHEAD = 2048 /* bytes of rows that are asked for before their turn */
};

typedef struct {
    const pd_embedding_geometry *g;
    const int64_t *ids; /* within 0 … rows-1 */
    const real *in;     /* weight or dy */
    real *out;          /* y or dweight */
    int64_t step;       /* ids, or rows of dweight, of one task */
    int64_t *place, *group;
} work_t;

/* The ids to kept[0 … count). 1 + the first position whose id is out of range,
 * or 0. */
static int64_t ids_read(const pd_embedding_geometry *g, const void *ids,
                        int64_t *kept) {
    for (int64_t i = 0; i < g->count; i++) {
        const int64_t id = pd_id_at(ids, g->id_bytes, g->id_signed, i);
        if (id < 0 || id >= g->rows) return 1 + i;
        kept[i] = id;
    }
    return 0;
}

static void tasks_run(work_t *w, int64_t rows, double elements, pd_task *run) {
    int64_t width = w->g->width > 0 ? w->g->width : 1;
    w->step = width >= TASK ? 1 : TASK / width;
    pd_parallel((rows + w->step - 1) / w->step, 0.1 * elements * sizeof(real),
                run, w);
}

/* ---- forward ---------------------------------------------------------------
 */

/* y = x, and meanwhile `next` is asked for: rows lie anywhere, so nothing else
 * could know. */
V_INLINE void row_copy(const real *x, const real *next, real *y, int64_t n) {
    int64_t c = 0;
    for (; c + LINE <= n; c += LINE) {
        __builtin_prefetch(next + c, 0, 3);
        UNROLL for (int64_t v = 0; v < LINE; v += VL)
            v_store(y + c + v, v_load(x + c + v));
    }
    if (c < n) __builtin_prefetch(next + c, 0, 3);
    for (; c + VL <= n; c += VL) v_store(y + c, v_load(x + c));
    if (c < n) v_store_first(y + c, v_load_first(x + c, n - c), n - c);
}

static void rows_copy(void *context, int64_t t) {
    const work_t *w = context;
    const int64_t width = w->g->width, stride = w->g->row_stride;
    int64_t i = t * w->step, end = (t + 1) * w->step;
    if (end > w->g->count) end = w->g->count;
    const int64_t ahead = AHEAD / (width * (int64_t)sizeof(real) + 1) + 1;
    for (; i < end; i++) {
        const int64_t next = i + ahead < end ? i + ahead : end - 1;
        row_copy(w->in + w->ids[i] * stride, w->in + w->ids[next] * stride,
                 w->out + i * width, width);
    }
}

int64_t K(embedding_forward)(void *const *arrays, const void *geometry) {
    const pd_embedding_geometry *g = geometry;
    int64_t *ids =
        pd_scratch(PD_SCRATCH_A, ((size_t)g->count + 1) * sizeof(int64_t));
    if (!ids) return PD_NO_MEMORY;
    int64_t bad = ids_read(g, arrays[0], ids);
    if (bad) return bad;
    work_t w = {.g = g, .ids = ids, .in = arrays[1], .out = arrays[2]};
    tasks_run(&w, g->count, 2.0 * (double)g->count * (double)g->width,
              rows_copy);
    return 0;
}

/* ---- backward --------------------------------------------------------------
 */

/* Counting sort: group[place[r]] … group[place[r + 1] - 1] are row r's. */
static void ids_group(work_t *w) {
    int64_t rows = w->g->rows, *place = w->place;
    for (int64_t r = 0; r < rows + 2; r++) place[r] = 0;
    for (int64_t i = 0; i < w->g->count; i++) place[w->ids[i] + 2]++;
    for (int64_t r = 2, sum = 0; r < rows + 2; r++) place[r] = sum += place[r];
    for (int64_t i = 0; i < w->g->count; i++)
        w->group[place[w->ids[i] + 1]++] = i;
    w->group[w->g->count] = 0; /* block_sum looks one further */
}

/* to[0..BLOCK * VL) = sum of those elements of the group's rows of dy. The row
 * after the group's last is another group's first, which is asked for. */
static void block_sum(const real *dy, int64_t width, const int64_t *group,
                      int64_t n, real *to) {
    vreal sum[BLOCK];
    UNROLL for (int b = 0; b < BLOCK; b++)
        sum[b] = v_set(0);
    for (int64_t k = 0; k < n; k++) {
        const real *row = dy + group[k] * width;
        const real *next = dy + group[k + 1] * width;
        UNROLL for (int64_t c = 0; c < BLOCK * VL; c += LINE)
            __builtin_prefetch(next + c, 0, 3);
        UNROLL for (int b = 0; b < BLOCK; b++)
            sum[b] += v_load(row + b * VL);
    }
    UNROLL for (int b = 0; b < BLOCK; b++)
        v_store(to + b * VL, sum[b]);
}

/* The same for the first `lanes` < VL elements, or a whole vector of them. */
static void lanes_sum(const real *dy, int64_t width, const int64_t *group,
                      int64_t n, real *to, int64_t lanes) {
    vreal sum = v_set(0);
    for (int64_t k = 0; k < n; k++)
        sum += v_load_lanes(dy + group[k] * width, lanes);
    v_store_lanes(to, sum, lanes);
}

static void row_sum(const work_t *w, int64_t r) {
    const int64_t *group = w->group + w->place[r];
    const int64_t width = w->g->width, n = w->place[r + 1] - w->place[r];
    real *to = w->out + r * width;
    int64_t c = 0;
    for (; c + BLOCK * VL <= width; c += BLOCK * VL)
        block_sum(w->in + c, width, group, n, to + c);
    for (; c < width; c += VL)
        lanes_sum(w->in + c, width, group, n, to + c,
                  width - c < VL ? width - c : VL);
}

/* Task t: most rows were not taken, and a run of those is cleared at once. */
static void rows_sum(void *context, int64_t t) {
    const work_t *w = context;
    const int64_t width = w->g->width, *place = w->place;
    int64_t r = t * w->step, end = (t + 1) * w->step;
    if (end > w->g->rows) end = w->g->rows;
    while (r < end) {
        const int64_t first = r;
        while (r < end && place[r] == place[r + 1]) r++;
        memset(w->out + first * width, 0,
               (size_t)((r - first) * width) * sizeof(real));
        for (; r < end && place[r] < place[r + 1]; r++) row_sum(w, r);
    }
}

int64_t K(embedding_backward)(void *const *arrays, const void *geometry) {
    const pd_embedding_geometry *g = geometry;
    size_t places = (size_t)g->rows + 2, count = (size_t)g->count + 1;
    int64_t *ids =
        pd_scratch(PD_SCRATCH_A, (places + 2 * count) * sizeof(int64_t));
    if (!ids) return PD_NO_MEMORY;
    int64_t bad = ids_read(g, arrays[0], ids);
    if (bad) return bad;
    work_t w = {.g = g,
                .ids = ids,
                .in = arrays[1],
                .out = arrays[2],
                .place = ids + count,
                .group = ids + count + places};
    ids_group(&w);
    tasks_run(&w, g->rows,
              ((double)g->count + (double)g->rows) * (double)g->width,
              rows_sum);
    return 0;
}
