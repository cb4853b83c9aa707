/* conv2d's gradient for the weight as a plain matrix product:
 *
 *                  M              K                N
 *     weight       o              n oh ow          kh kw c   B = view of x
 *
 * The reduction is the long axis here, n oh ow. A large dweight is cut into
 * tiles as any product. A small one would be a single task: then the images
 * are cut into chunks, by shape alone, each chunk has a sum of its own, and the
 * sums are added in order. */
#ifndef PD_KERNELS_CONV2D_PRODUCT_WEIGHT_H
#define PD_KERNELS_CONV2D_PRODUCT_WEIGHT_H

#include "conv2d_plan.h"

typedef struct {
    const conv2d_t *g;
    const image_t *dy;
    const im2col_view *v;
    int64_t o, group; /* channels of y in a group; which group */
    int64_t chunks;
    real *sums; /* [chunks][o, columns] */
    int64_t failed;
} dweight_t;

static void dweight_task(void *context, int64_t index) {
    dweight_t *t = context;
    const conv2d_t *g = t->g;
    const int64_t *s = t->dy->stride;
    const int64_t first = index * g->n / t->chunks;
    const int64_t images = (index + 1) * g->n / t->chunks - first;
    const int64_t columns = im2col_columns(t->v);
    im2col_view v = *t->v;
    v.data += first * v.image;
    const real *dy = t->dy->data + first * s[0] + t->group * t->o * s[1];
    im2col_view pixels = {.data = dy,
                          .image = s[0],
                          .row = s[2],
                          .column = s[3],
                          .unit = s[1],
                          .h = g->oh,
                          .w = g->ow,
                          .grid_h = g->oh,
                          .grid_w = g->ow,
                          .step_h = 1,
                          .step_w = 1,
                          .runs = 1,
                          .taps = 1,
                          .units = t->o,
                          .run = &(im2col_run){0, 0, 0, 0}};
    const gemm_matrix right = im2col_matrix(&pixels); /* [pixels, o] */
    gemm_t product = {.m = t->o,
                      .n = columns,
                      .k = images * g->oh * g->ow,
                      .a = right,
                      .b = im2col_matrix(&v), /* [pixels, columns] */
                      .c = t->sums + index * t->o * columns,
                      .c_row = columns};
    product.a.flipped = right.read != NULL;
    product.a.row = right.column, product.a.column = right.row;
    if (K(gemm)(&product))
        __atomic_store_n(&t->failed, PD_NO_MEMORY, __ATOMIC_RELAXED);
}

/* The sums, in order, to where dweight wants them. */
static void dweight_store(const dweight_t *t, real *dweight) {
    const im2col_view *v = t->v;
    const int64_t columns = im2col_columns(v), size = t->o * columns;
    const int64_t w_step = t->g->weight_stride[0];
    real *sums = t->sums;
    for (int64_t chunk = 1; chunk < t->chunks; chunk++)
        for (int64_t i = 0; i < size; i++) sums[i] += sums[chunk * size + i];
    dweight += t->group * t->o * w_step;
    for (int64_t o = 0; o < t->o; o++) {
        int64_t p = 0;
        for (int64_t r = 0; r < v->runs; r++)
            for (int64_t tap = 0; tap < v->taps; tap++)
                for (int64_t u = 0; u < v->units; u++, p++)
                    dweight[o * w_step + v->run[r].weight +
                            tap * v->weight_tap + u * v->weight_unit] =
                        sums[o * columns + p];
    }
}

static int64_t dweight_chunks(const conv2d_t *g, int64_t o, int64_t columns) {
    const double work = (double)(g->n * g->oh * g->ow) * (double)(o * columns);
    int64_t chunks = least(g->n, 16);
    if (o * columns >= 16 * TILE_ROWS * PANEL) chunks = 1;
    while (chunks > 1 && work / (double)chunks < 1e6) chunks--;
    return chunks > 1 ? chunks : 1;
}

static int64_t conv2d_multiply_weight(const conv2d_t *g, image_t x, image_t dy,
                                      real *dweight) {
    const int64_t c = g->c / g->groups, o = g->o / g->groups;
    const int64_t columns = g->kh * g->kw * c;
    const int64_t runs = g->kh * g->kw;
    const int64_t chunks = dweight_chunks(g, o, columns);
    const int64_t size = chunks * o * columns;
    real *sums =
        pd_scratch(PD_SCRATCH_C, (size_t)size * sizeof(real) +
                                     (size_t)runs * sizeof(im2col_run) + 8);
    if (!sums) return PD_NO_MEMORY;
    im2col_run *run = (im2col_run *)(sums + (size + 1) / 2 * 2);
    for (int64_t group = 0; group < g->groups; group++) {
        im2col_view v = view_forward(g, &x, c, run);
        v.data += group * c * x.stride[1];
        dweight_t t = {.g = g,
                       .dy = &dy,
                       .v = &v,
                       .o = o,
                       .group = group,
                       .chunks = chunks,
                       .sums = sums};
        if (chunks > 1)
            pd_parallel(chunks,
                        (double)(g->n * g->oh * g->ow) * (double)(o * columns) /
                            20,
                        dweight_task, &t);
        else
            dweight_task(&t, 0);
        if (t.failed) return t.failed;
        dweight_store(&t, dweight);
    }
    return 0;
}

#endif
