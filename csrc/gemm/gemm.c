/* The matrix product: the list of methods, and many products at once. The road
 * that large products take is in loops.h. */
#include "gemm.h"
#include "dot.h"
#include "finish.h"
#include "far.h"
#include "few.h"
#include "loops.h"
#include "small.h"
#include "stream.h"

tile_kernel *const *K(gemm_tiles)(int64_t width) {
    return tile_kernels[width - 1];
}
listed_kernel *const *K(gemm_listed_tiles)(int64_t width) {
    return listed_kernels[width - 1];
}

/* ---- methods: one product each --------------------------------------------
 */

static int always(const gemm_t *g) {
    (void)g;
    return 1;
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

typedef int64_t gemm_run(const gemm_t *g, const real *a, const real *b,
                         real *c);
typedef struct {
    int (*fits)(const gemm_t *g);
    gemm_run *run;
} gemm_method;

/* The first that fits is taken. */
static const gemm_method methods[] = {
    {is_hollow, gemm_hollow}, {is_small, gemm_small}, {is_dot, gemm_dot},
    {is_stream, gemm_stream}, {is_few, gemm_few},     {is_far, gemm_far},
    {always, gemm_loops},
};

/* ---- many products --------------------------------------------------------
 */

/* Below this, whole products are the tasks of a batch. */
#define ITEM_WORK 4.0e6

static double work(const gemm_t *g) {
    return (double)g->m * (double)g->n * (double)g->k;
}

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

int64_t K(gemm)(const gemm_t *g) {
    const gemm_method *method = methods;
    while (!method->fits(g)) method++;
    batch_t t = {.g = g, .run = method->run, .items = 1};
    for (int64_t axis = 0; axis < g->batch_axes; axis++)
        t.items *= g->batch_shape[axis];
    if (g->m <= 0 || g->n <= 0 || t.items <= 0) return 0;
    if (t.items == 1) return method->run(g, g->a.data, g->b.data, g->c);
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
