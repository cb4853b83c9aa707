/* See conv2d.h. Convolution is a matrix product one of whose operands is an
 * im2col view (im2col.h):
 *
 *                  M              K                N
 *     forward      n oh ow        kh kw c          o      A = view of x
 *     data         n h w          kh kw o          c      A = view of dy
 *     weight       o              n oh ow          kh kw c   B = view of x
 *
 * Backward data with stride s is s*s products: the pixels of dx fall into s*s
 * phases, and within a phase every pixel sees the same taps of the kernel, at
 * neighbouring pixels of dy.
 *
 *     stride 2, kernel 3      phase 0 1 0 1 …
 *     along one axis          pixels of phase 0 see taps 0 and 2, phase 1 tap 1
 *
 * Groups are products of their own; one channel per group is not a matrix
 * product at all and goes to depthwise.h. Images of few channels are read where
 * they lie (conv2d_few.h). Filters of 3 x 3 and 5 x 5 with
 * enough channels need half the multiplications (winograd.h); where a result of
 * theirs is not finite, the plain product is taken after all. */
#include "conv2d.h"
#include "conv2d_few.h"
#include "conv2d_plan.h"
#include "conv2d_winograd_weight.h"
#include "depthwise.h"

/* ---- forward --------------------------------------------------------------
 */

static int64_t conv2d_multiply(const conv2d_t *g, image_t x, const real *weight,
                               const real *bias, real *y) {
    const int64_t c = g->c / g->groups, o = g->o / g->groups;
    const int64_t length = g->kh * g->kw * c;
    const int64_t runs = g->kh * g->kw;
    const int64_t panels = ceil_div(o, PANEL) * PANEL * length;
    char *scratch =
        pd_scratch(PD_SCRATCH_C, (size_t)panels * sizeof(real) +
                                     (size_t)length * sizeof(int64_t) +
                                     (size_t)runs * sizeof(im2col_run));
    if (!scratch) return PD_NO_MEMORY;
    weights_t w = {.n = o,
                   .step = g->weight_stride[0],
                   .outer = 1,
                   .length = length,
                   .panels = (real *)scratch};
    im2col_run *run = (im2col_run *)(w.panels + panels);
    if (weights_dense(g)) w.place = (int64_t *)(run + runs);
    for (int64_t group = 0; group < g->groups; group++) {
        im2col_view v = view_forward(g, &x, c, run);
        v.data += group * c * x.stride[1];
        w.v = &v;
        w.weight = weight + group * o * g->weight_stride[0];
        weights_pack(&w);
        gemm_t product = {.m = g->n * g->oh * g->ow,
                          .n = o,
                          .k = length,
                          .b_panels = w.panels,
                          .bias = bias ? bias + group * o * g->bias_step : NULL,
                          .bias_step = g->bias_step,
                          .activation = (int)g->activation,
                          .c = y + group * o,
                          .c_row = g->o};
        im2col_left(&v, &product);
        if (K(gemm)(&product)) return PD_NO_MEMORY;
    }
    return 0;
}

/* ---- backward data --------------------------------------------------------
 */

/* dx's rows of one phase. */
static void phase_rows(const conv2d_t *g, const im2col_view *v, int64_t a,
                       int64_t b, int64_t *rows) {
    for (int64_t n = 0; n < g->n; n++)
        for (int64_t u = 0; u < v->grid_h; u++)
            for (int64_t q = 0; q < v->grid_w; q++)
                *rows++ = ((n * g->h + a + u * g->stride_h) * g->w + b +
                           q * g->stride_w) *
                          g->c;
}

static int64_t conv2d_multiply_data(const conv2d_t *g, image_t dy,
                                    const real *weight, real *dx) {
    const int64_t c = g->c / g->groups, o = g->o / g->groups;
    const int64_t taps = g->kh * g->kw;
    const int64_t panels = ceil_div(c, PANEL) * PANEL * taps * o;
    const int strided = g->stride_h > 1 || g->stride_w > 1;
    const int64_t rows = strided ? g->n * ceil_div(g->h, g->stride_h) *
                                       ceil_div(g->w, g->stride_w)
                                 : 0;
    char *scratch =
        pd_scratch(PD_SCRATCH_C, (size_t)panels * sizeof(real) +
                                     (size_t)taps * sizeof(im2col_run) +
                                     (size_t)(taps + rows) * sizeof(int64_t));
    if (!scratch) return PD_NO_MEMORY;
    weights_t w = {.n = c,
                   .step = g->weight_stride[1],
                   .outer = o,
                   .length = taps,
                   .panels = (real *)scratch};
    im2col_run *run = (im2col_run *)(w.panels + panels);
    int64_t *c_rows = (int64_t *)(run + taps);
    if (weights_dense(g)) w.place = c_rows + rows;
    /* A stride longer than dx has phases without a pixel. */
    const int64_t phases_h = least(g->stride_h, g->h);
    const int64_t phases_w = least(g->stride_w, g->w);
    for (int64_t step = 0; step < phases_h * phases_w * g->groups; step++) {
        const int64_t a = step / g->groups / phases_w;
        const int64_t b = step / g->groups % phases_w;
        const int64_t group = step % g->groups;
        im2col_view v = view_backward(g, &dy, o, a, b, run);
        v.data += group * o * dy.stride[1];
        w.v = &v;
        w.weight = weight + group * o * g->weight_stride[0];
        weights_pack(&w);
        if (strided && group == 0) phase_rows(g, &v, a, b, c_rows);
        gemm_t product = {.m = g->n * v.grid_h * v.grid_w,
                          .n = c,
                          .k = im2col_columns(&v),
                          .b_panels = w.panels,
                          .c = dx + group * c,
                          .c_row = g->c,
                          .c_rows = strided ? c_rows : NULL};
        im2col_left(&v, &product);
        if (K(gemm)(&product)) return PD_NO_MEMORY;
    }
    return 0;
}

/* ---- backward weight -------------------------------------------------------
 * The reduction is the long axis here, n oh ow. A large dweight is cut into
 * tiles as any product. A small one would be a single task: then the images
 * are cut into chunks, by shape alone, each chunk has a sum of its own, and the
 * sums are added in order. */

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

/* ---- the bias's gradient: sums over pixels --------------------------------
 */

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

/* ---- the three kernels ----------------------------------------------------
 */

static image_t image_x(const conv2d_t *g, const real *x) {
    const int64_t *s = g->x_stride;
    return (image_t){x, g->n, g->c, g->h, g->w, {s[0], s[1], s[2], s[3]}, 0};
}
static image_t image_dy(const conv2d_t *g, const real *dy) {
    const int64_t *s = g->y_stride;
    return (image_t){dy, g->n, g->o, g->oh, g->ow, {s[0], s[1], s[2], s[3]}, 0};
}

static const border_t none = {0, 0};

int64_t K(conv2d_forward)(void *const *arrays, const void *geometry) {
    const conv2d_t *g = geometry;
    const real *weight = arrays[1], *bias = arrays[2];
    image_t x = image_x(g, arrays[0]);
    if (few_fits(g, x)) return few_forward(g, x, weight, bias, arrays[3]);
    if (win_fits(g, g->oh, g->ow)) {
        image_t plain = x;
        if (images_prepare(&plain, none, NULL)) return PD_NO_MEMORY;
        const int64_t status = win_forward(g, plain, weight, bias, arrays[3]);
        if (status != WIN_GIVES_UP) return status;
    }
    const border_t border = border_if_worth(g, &x, border_forward(g),
                                            g->dilation_w == 1 ? g->kw : 1);
    if (images_prepare(&x, border, NULL)) return PD_NO_MEMORY;
    if (is_depthwise(g, &x, NULL))
        return depthwise_forward(g, &x, weight, bias, arrays[3]);
    return conv2d_multiply(g, x, weight, bias, arrays[3]);
}

int64_t K(conv2d_backward_data)(void *const *arrays, const void *geometry) {
    const conv2d_t *g = geometry;
    image_t dy = image_dy(g, arrays[0]);
    if (win_fits(g, g->h, g->w)) {
        image_t plain = dy;
        if (images_prepare(&plain, none, NULL)) return PD_NO_MEMORY;
        const int64_t status =
            win_backward_data(g, plain, arrays[1], arrays[2]);
        if (status != WIN_GIVES_UP) return status;
    }
    const border_t border =
        border_if_worth(g, &dy, border_backward(g),
                        g->dilation_w == 1 ? g->kw / g->stride_w : 1);
    if (images_prepare(&dy, border, NULL)) return PD_NO_MEMORY;
    if (is_depthwise(g, &dy, NULL))
        return depthwise_backward_data(g, &dy, arrays[1], arrays[2]);
    return conv2d_multiply_data(g, dy, arrays[1], arrays[2]);
}

int64_t K(conv2d_backward_weight)(void *const *arrays, const void *geometry) {
    const conv2d_t *g = geometry;
    image_t x = image_x(g, arrays[0]), dy = image_dy(g, arrays[1]);
    if (images_prepare(&x, none, &dy)) return PD_NO_MEMORY;
    if (arrays[3] && conv2d_dbias(g, dy, arrays[3])) return PD_NO_MEMORY;
    if (few_fits(g, x)) return few_backward_weight(g, x, dy, arrays[2]);
    if (is_depthwise(g, &x, &dy))
        return depthwise_backward_weight(g, &x, &dy, arrays[2]);
    if (win_fits(g, g->oh, g->ow)) {
        const int64_t status = win_backward_weight(g, x, dy, arrays[2]);
        if (status != WIN_GIVES_UP) return status;
    }
    return conv2d_multiply_weight(g, x, dy, arrays[2]);
}
