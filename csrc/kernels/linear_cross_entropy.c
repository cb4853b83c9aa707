/* Linear and cross entropy in one, for large vocabularies: the rows go through
 * in chunks, and a chunk's logits become their own gradient where they lie.
 *
 *     x ──(w)──> logits ──> loss, lse
 *                  │ in place
 *                dlogits ──(w)──> dx
 *                        ──(x)──> dw, added up over the chunks
 *
 * With 50 257 classes and 1 024 rows the logits are 206 MB, and so would be
 * their gradient. The gradients are computed along with the loss, for dloss =
 * 1, and only scaled in backward: three products, as without chunks. Making the
 * logits again in backward would be a fourth. A chunk is
 * as large as CHUNK_BYTES allows, and has LEAST_ROWS at least: each one packs w
 * and reads and writes dw once more (768 columns, 50 257 classes: with 128 rows
 * 20 % slower, with 256 as fast as without chunks). */
#include "linear_cross_entropy.h"
#include "cross_entropy.h"
#include "gemm.h"
#include "par.h"
#include "rows.h"

int64_t K(cross_entropy_forward)(void *const *arrays, const void *geometry);
int64_t K(cross_entropy_backward)(void *const *arrays, const void *geometry);

enum { CHUNK_BYTES = 32 << 20, LEAST_ROWS = 256, COLUMNS_PER_TASK = 1024 };

typedef struct {
    const pd_linear_cross_entropy_geometry *g;
    const real *x, *w, *bias;
    const int64_t *t;
    real *dx, *dw, *dbias;
    real *logits; /* [chunk, n] */
    real *loss;   /* [rows] */
    real *grad;   /* [rows], of each row's loss */
    real *lse;    /* [chunk, 2] */
    int64_t chunk;
    int64_t first, count; /* rows of the chunk at hand */
    int64_t result;
} work_t;

/* dbias of some columns: the chunk's rows are added in order. */
static void columns_add(void *context, int64_t task) {
    const work_t *w = context;
    const int64_t n = w->g->n, begin = task * COLUMNS_PER_TASK;
    const int64_t end =
        n - begin < COLUMNS_PER_TASK ? n : begin + COLUMNS_PER_TASK;
    for (int64_t j = begin; j < end; j += VL) {
        const int64_t lanes = end - j < VL ? end - j : VL;
        vreal sum = w->first ? v_load_lanes(w->dbias + j, lanes) : v_set(0);
        for (int64_t i = 0; i < w->count; i++)
            sum = sum + v_load_lanes(w->logits + i * n + j, lanes);
        v_store_lanes(w->dbias + j, sum, lanes);
    }
}

static int64_t chunk_loss(const work_t *w) {
    const pd_linear_cross_entropy_geometry *g = w->g;
    const gemm_t logits = {
        .m = w->count,
        .n = g->n,
        .k = g->k,
        .a = {.data = w->x, .row = g->x_row, .column = g->x_column},
        .b = {.data = w->w, .row = g->w_column, .column = g->w_row},
        .bias = w->bias,
        .bias_step = 1,
        .c = w->logits,
        .c_row = g->n,
    };
    if (K(gemm)(&logits)) return PD_NO_MEMORY;
    pd_cross_entropy_geometry rows = {.n = g->n,
                                      .stride = {1, 1},
                                      .ignore = g->ignore,
                                      .reduction = PD_LOSS_NONE,
                                      .smoothing = g->smoothing};
    const int64_t one = 1;
    pd_space_begin(&rows.rows, 1, &w->count);
    pd_space_operand(&rows.rows, 0, 1, &w->count, &one);
    pd_space_operand(&rows.rows, 1, 1, &w->count, &g->n);
    pd_space_operand(&rows.rows, 2, 1, &w->count, &g->n);
    pd_space_merge(&rows.rows, 3);
    real total;
    int64_t *t = (int64_t *)w->t + w->first; /* read only */
    void *const forward[] = {w->logits, t,      NULL, w->loss + w->first,
                             w->lse,    &total, NULL};
    void *const backward[] = {
        w->logits, t, NULL, w->lse, &total, w->grad + w->first, w->logits};
    const int64_t result = K(cross_entropy_forward)(forward, &rows);
    if (result || !(w->dx || w->dw || w->dbias)) return result;
    return K(cross_entropy_backward)(backward, &rows);
}

static int64_t chunk_gradients(work_t *w) {
    const pd_linear_cross_entropy_geometry *g = w->g;
    const gemm_t dx = {
        .m = w->count,
        .n = g->k,
        .k = g->n,
        .a = {.data = w->logits, .row = g->n, .column = 1},
        .b = {.data = w->w, .row = g->w_row, .column = g->w_column},
        .c = w->dx + w->first * g->k,
        .c_row = g->k,
    };
    const gemm_t dw = {
        .m = g->n,
        .n = g->k,
        .k = w->count,
        .a = {.data = w->logits, .row = 1, .column = g->n},
        .b = {.data = w->x, .row = g->x_row, .column = g->x_column},
        .c = w->dw,
        .c_row = g->k,
        .add = w->first > 0,
    };
    if (w->dx && K(gemm)(&dx)) return PD_NO_MEMORY;
    if (w->dw && K(gemm)(&dw)) return PD_NO_MEMORY;
    if (w->dbias)
        pd_parallel((g->n + COLUMNS_PER_TASK - 1) / COLUMNS_PER_TASK,
                    0.1 * (double)w->count * (double)g->n, columns_add, w);
    return 0;
}

static void chunk_run(void *context, int64_t number) {
    work_t *w = context;
    if (w->result) return;
    const pd_linear_cross_entropy_geometry *g = w->g;
    work_t part = *w;
    part.first = number * w->chunk;
    part.count =
        g->rows - part.first < w->chunk ? g->rows - part.first : w->chunk;
    part.x += part.first * g->x_row;
    w->result = chunk_loss(&part);
    if (w->result > 0) w->result += part.first; /* a bad target */
    if (!w->result) w->result = chunk_gradients(&part);
}

/* Rows of a chunk: by shape, and all chunks alike. */
static int64_t chunk_of(const pd_linear_cross_entropy_geometry *g) {
    int64_t most = CHUNK_BYTES / (int64_t)sizeof(real) / g->n;
    if (most < LEAST_ROWS) most = LEAST_ROWS;
    const int64_t chunks = (g->rows + most - 1) / most;
    return chunks ? (g->rows + chunks - 1) / chunks : 1;
}

int64_t K(linear_cross_entropy)(void *const *arrays, const void *geometry) {
    const pd_linear_cross_entropy_geometry *g = geometry;
    const int64_t rows = g->rows, chunk = chunk_of(g);
    work_t w = {.g = g,
                .x = arrays[0],
                .w = arrays[1],
                .bias = arrays[2],
                .t = arrays[3],
                .dx = arrays[6],
                .dw = arrays[7],
                .dbias = arrays[8],
                .chunk = chunk};
    const real *dloss = arrays[4];
    real *loss = arrays[5];
    int64_t counted = 0;
    for (int64_t i = 0; i < rows; i++) {
        const int64_t t = w.t[i];
        if ((t < 0 || t >= g->n) && t != g->ignore) return 1 + i;
        counted += t != g->ignore;
    }
    w.logits = pd_scratch(PD_SCRATCH_C, (size_t)(chunk * g->n) * sizeof(real));
    w.grad =
        pd_scratch(PD_SCRATCH_D, (size_t)(2 * rows + 2 * chunk) * sizeof(real));
    if (!w.logits || !w.grad) return PD_NO_MEMORY;
    w.lse = w.grad + rows;
    w.loss = g->reduction == PD_LOSS_NONE ? loss : w.lse + 2 * chunk;
    const real total = g->reduction == PD_LOSS_MEAN ? (real)counted : 1;
    for (int64_t i = 0; i < rows; i++) w.grad[i] = dloss ? dloss[i] : 1 / total;
    if (rows == 0 && w.dw)
        memset(w.dw, 0, (size_t)(g->n * g->k) * sizeof(real));
    if (rows == 0 && w.dbias) memset(w.dbias, 0, (size_t)g->n * sizeof(real));
    pd_in_order((rows + chunk - 1) / chunk, chunk_run, &w);
    if (w.result) return w.result;
    if (g->reduction != PD_LOSS_NONE)
        *loss = row_dot(w.loss, NULL, rows) / total;
    return 0;
}
