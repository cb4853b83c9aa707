/* conv2d's gradient for the bias: sums of dy over pixels. Rows of all images
 * are cut into chunks, by shape alone, whose sums are added in order. */
#ifndef PD_KERNELS_CONV2D_BIAS_H
#define PD_KERNELS_CONV2D_BIAS_H

#include "conv2d_images.h"

enum { DBIAS_CHUNKS = 16 };

typedef struct {
    const image_t *dy;
    int64_t chunks;
    real *sums; /* [chunks][o] */
} dbias_t;

static void dbias_task(void *context, int64_t index) {
    const dbias_t *t = context;
    const image_t *dy = t->dy;
    const int64_t *s = dy->stride;
    const int64_t rows = dy->n * dy->h; /* of all images */
    const int64_t first = index * rows / t->chunks;
    const int64_t last = (index + 1) * rows / t->chunks;
    real *sums = t->sums + index * dy->c;
    zero_run(sums, dy->c);
    for (int64_t i = first; i < last; i++) {
        const real *row = dy->data + i / dy->h * s[0] + i % dy->h * s[2];
        int64_t o = 0;
        for (; s[1] == 1 && o + VL <= dy->c; o += VL) {
            vreal sum = (vreal){0};
            for (int64_t w = 0; w < dy->w; w++)
                sum += v_load(row + o + w * s[3]);
            v_store(sums + o, v_load(sums + o) + sum);
        }
        for (; o < dy->c; o++) {
            real sum = 0;
            for (int64_t w = 0; w < dy->w; w++) sum += row[o * s[1] + w * s[3]];
            sums[o] += sum;
        }
    }
}

static int64_t conv2d_dbias(const conv2d_t *g, image_t dy, real *dbias) {
    const int64_t rows = dy.n * dy.h;
    dbias_t t = {.dy = &dy, .chunks = least(DBIAS_CHUNKS, rows)};
    t.sums =
        pd_scratch(PD_SCRATCH_C, (size_t)(DBIAS_CHUNKS * g->o) * sizeof(real));
    if (!t.sums) return PD_NO_MEMORY;
    pd_parallel(t.chunks, (double)(rows * dy.w * dy.c) / 8, dbias_task, &t);
    for (int64_t o = 0; o < g->o; o++) {
        real sum = 0;
        for (int64_t chunk = 0; chunk < t.chunks; chunk++)
            sum += t.sums[chunk * g->o + o];
        dbias[o * g->bias_step] = sum;
    }
    return 0;
}

#endif
