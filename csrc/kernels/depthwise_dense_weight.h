/* The weight's gradient of a convolution with one channel per group
 * (depthwise.h) whose windows are 3 wide and have no gaps, stride 1 or 2:
 *
 *     dweight[tap,:] = sum over n, i, j of dy[n,i,j,:] * x[n,i',j',:]
 *
 * A tile is 2 rows of up to 8 neighbouring pixels of dy, one vector of channels
 * of each, in registers, beside the sums of 3 x 3 taps. It loads what its
 * windows see once, column by column:
 *
 *     x   . . . . . .      row 0 of a window 3 high    for tile row 0
 *         . . . . . .      row 1                       for both, stride 1
 *         . . . . . .      row 2                       for both
 *         . . . . . .                                  for tile row 1
 *
 * so that a loaded vector meets up to 6 of dy's. A higher window is cut into
 * bands of 3 rows, one after the other.
 *
 * A task has a chunk of the pairs of dy's rows and a part of the channels, both
 * cut by shape alone: where channels are many there are few chunks, so that
 * sums are few beside the images. Each chunk has sums of its own, which are
 * added in order. The last vector of channels may overlap the one before, also
 * across parts: each writes sums of its own, and both sum the same. */
#ifndef PD_KERNELS_DEPTHWISE_DENSE_WEIGHT_H
#define PD_KERNELS_DEPTHWISE_DENSE_WEIGHT_H

#include "depthwise_dense.h"

/* A tile's pixels at most, and rows of dy: dy's vectors, 9 sums and one of x.
 */
#if V_REGISTERS == 16
enum { SUMS_PIXELS = 4, SUMS_ROWS = 1 };
#else
enum { SUMS_PIXELS = 8, SUMS_ROWS = 2 };
#endif
enum { SUMS_BAND = 3, SUMS_TAPS = 9, SUMS_TASKS = 16 };
/* Vectors of channels in a part: runs of 512 bytes at least, and the sums of a
 * part stay in the nearest cache. */
enum { SUMS_PART = 512 / PD_VECTOR_BYTES };
enum { SUMS_BLOCK = 1 << 16 }; /* bytes of x that are copied at once */

static int sums_fit(const conv2d_t *g) {
    return g->kw == 3 && g->dilation_h == 1 && g->dilation_w == 1 &&
           g->stride_h == g->stride_w && g->stride_w <= 2 && g->c >= VL;
}

typedef struct {
    const conv2d_t *g;
    const image_t *x, *dy;
    int64_t bands, vectors, parts, chunks;
    int64_t block; /* rows of dy that are copied at once; 0: none */
    int64_t failed;
    real *sums; /* [chunks][bands][vectors][SUMS_TAPS][VL] */
    real *dweight;
} sums_t;

/* Rows of x, and of dy, as a tile sees them: from the first column of its first
 * window on, of which `left` come before the image, which ends at `end`. Rows
 * first … last-1 of the band and of what its windows see lie inside. */
typedef struct {
    const real *x, *dy;
    int64_t x_row, x_step, dy_row, dy_step;
    int64_t left, end, first, last;
    int64_t low, high; /* vectors of channels */
    int64_t next;      /* rows of dy that come next, of the same image */
} sums_at;

/* A row of x against one of dy: row k of the window's taps. */
V_INLINE void sums_row(const int stride, const int pixels, const vreal v,
                       const int q, const vreal *d, vreal *sum) {
    UNROLL for (int l = 0; l < 3; l++) {
        if (q < l || (q - l) % stride || (q - l) / stride >= pixels) continue;
        sum[l] = v_fma(v, d[(q - l) / stride], sum[l]);
    }
}

V_INLINE void sums_tile(const int stride, const int rows, const int pixels,
                        const sums_at *t, int64_t c, real *sums) {
    vreal sum[SUMS_TAPS], d[SUMS_ROWS * SUMS_PIXELS];
    UNROLL for (int tap = 0; tap < SUMS_TAPS; tap++)
        sum[tap] = v_load(sums + tap * VL);
    UNROLL for (int p = 0; p < rows * pixels; p++)
        d[p] = v_load(t->dy + c + p / pixels * t->dy_row +
                      p % pixels * t->dy_step);
    UNROLL for (int r = 0; r < SUMS_BAND + (rows - 1) * stride; r++) {
        if (r < t->first || r >= t->last) continue;
        const real *x = t->x + c + r * t->x_row;
        UNROLL for (int q = 0; q < (pixels - 1) * stride + 3; q++) {
            if (q < t->left || q >= t->end) continue;
            const vreal v = v_load(x + q * t->x_step);
            UNROLL for (int a = 0; a < rows; a++) {
                const int k = r - a * stride;
                if (k >= 0 && k < SUMS_BAND)
                    sums_row(stride, pixels, v, q, d + a * pixels, sum + k * 3);
            }
        }
    }
    UNROLL for (int tap = 0; tap < SUMS_TAPS; tap++)
        v_store(sums + tap * VL, sum[tap]);
}

/* Asks for what the tile below has: tiles jump from pixel to pixel, and the
 * processor's own prefetching does not follow. */
V_INLINE void sums_ahead(const int stride, const int rows, const int pixels,
                         const sums_at *t, int64_t c) {
    const real *dy = t->dy + c + rows * t->dy_row;
    for (int64_t r = 0; r < t->next; r++, dy += t->dy_row) UNROLL
        for (int p = 0; p < pixels; p++)
            __builtin_prefetch(dy + p * t->dy_step, 0, 2);
    const int seen = SUMS_BAND + (rows - 1) * stride;
    const int64_t end = least(seen + t->next * stride, t->last);
    const real *x = t->x + c + seen * t->x_row;
    for (int64_t r = seen; r < end; r++, x += t->x_row) UNROLL
        for (int q = 1; q <= pixels * stride; q++)
            __builtin_prefetch(x + q * t->x_step, 0, 2);
}

typedef void sums_kernel(const conv2d_t *g, const sums_at *t, real *sums);
#define SUMS(stride, rows, pixels)                                             \
    static void sums_##stride##_##rows##_##pixels(                             \
        const conv2d_t *g, const sums_at *t, real *sums) {                     \
        for (int64_t v = t->low; v < t->high; v++) {                           \
            const int64_t c = dense_channel(g, v);                             \
            sums_ahead(stride, rows, pixels, t, c);                            \
            sums_tile(stride, rows, pixels, t, c, sums + v * SUMS_TAPS * VL);  \
        }                                                                      \
    }
#define SUMS_EACH(f, stride, rows)                                             \
    f(stride, rows, 1) f(stride, rows, 2) f(stride, rows, 3) f(stride, rows, 4)
#define SUMS_NAME(stride, rows, pixels) sums_##stride##_##rows##_##pixels,
SUMS_EACH(SUMS, 1, 1)
SUMS_EACH(SUMS, 2, 1)
#if V_REGISTERS == 16
static sums_kernel *const sums_kernels[2][SUMS_ROWS][SUMS_PIXELS] = {
    {{SUMS_EACH(SUMS_NAME, 1, 1)}}, {{SUMS_EACH(SUMS_NAME, 2, 1)}}};
#else
#define SUMS_MORE(f, stride, rows)                                             \
    f(stride, rows, 5) f(stride, rows, 6) f(stride, rows, 7) f(stride, rows, 8)
#define SUMS_NAMES(stride, rows)                                               \
    {SUMS_EACH(SUMS_NAME, stride, rows) SUMS_MORE(SUMS_NAME, stride, rows)}
SUMS_MORE(SUMS, 1, 1)
SUMS_MORE(SUMS, 2, 1)
SUMS_EACH(SUMS, 1, 2)
SUMS_EACH(SUMS, 2, 2)
SUMS_MORE(SUMS, 1, 2)
SUMS_MORE(SUMS, 2, 2)
/* [stride - 1][rows - 1][pixels - 1] */
static sums_kernel *const sums_kernels[2][SUMS_ROWS][SUMS_PIXELS] = {
    {SUMS_NAMES(1, 1), SUMS_NAMES(1, 2)}, {SUMS_NAMES(2, 1), SUMS_NAMES(2, 2)}};
#endif

/* An image of x and one of dy, from pixel (0, 0) and channel 0 on. */
typedef struct {
    const real *x, *dy;
    int64_t x_row, x_step, dy_row, dy_step;
} sums_images;

/* A part of the channels, and its sums. */
typedef struct {
    int64_t low, high; /* vectors */
    real *sums;        /* [bands][vectors][SUMS_TAPS][VL], of all channels */
} sums_part;

/* Rows i … i+rows-1 of dy: to the sums of every band. */
static void sums_rows(const sums_t *t, const sums_images *m, const sums_part *p,
                      int64_t i, int64_t rows) {
    const conv2d_t *g = t->g;
    const int64_t tiles = ceil_div(g->ow, SUMS_PIXELS);
    for (int64_t tile = 0; tile < tiles; tile++) {
        const int64_t j = tile * g->ow / tiles;
        const int64_t pixels = (tile + 1) * g->ow / tiles - j;
        sums_kernel *kernel =
            sums_kernels[g->stride_w - 1][rows - 1][pixels - 1];
        const int64_t w = j * g->stride_w - g->pad_w;
        for (int64_t band = 0; band < t->bands; band++) {
            const int64_t h = i * g->stride_h - g->pad_h + band * SUMS_BAND;
            const sums_at at = {
                .x = m->x + h * m->x_row + w * m->x_step,
                .dy = m->dy + i * m->dy_row + j * m->dy_step,
                .x_row = m->x_row,
                .x_step = m->x_step,
                .dy_row = m->dy_row,
                .dy_step = m->dy_step,
                .left = -w,
                .end = g->w - w,
                .first = -h,
                .last = g->h - h,
                .low = p->low,
                .high = p->high,
                .next = t->block ? 0 : least(SUMS_ROWS, g->oh - i - rows)};
            kernel(g, &at, p->sums + band * t->vectors * SUMS_TAPS * VL);
        }
    }
}

/* A part's channels of rows first … end-1, pixel by pixel, `step` apart. */
static void sums_copy(const real *from, int64_t row, int64_t column,
                      int64_t first, int64_t end, int64_t w, int64_t step,
                      real *to) {
    for (int64_t h = first; h < end; h++)
        for (int64_t j = 0; j < w; j++, to += step)
            copy_run(to, from + h * row + j * column, step - VL);
}

/* The images of which rows i … i+t->block-1 of dy are next, copied; slot A. */
static int sums_copied(const sums_t *t, const sums_part *p, int64_t i,
                       sums_images *m) {
    const conv2d_t *g = t->g;
    const int64_t end = least(g->oh, i + t->block), c = p->low * VL;
    const int64_t top = i * g->stride_h - g->pad_h;
    const int64_t first = least(most(top, 0), g->h);
    const int64_t last =
        most(first, least(g->h, (end - 1 - i) * g->stride_h + g->kh + top));
    const int64_t step = (p->high - p->low + 1) * VL;
    const int64_t x_row = g->w * step, dy_row = g->ow * step;
    real *x = pd_scratch(PD_SCRATCH_A,
                         (size_t)((last - first) * x_row + (end - i) * dy_row) *
                             sizeof(real));
    if (!x) return 0;
    real *dy = x + (last - first) * x_row;
    sums_copy(m->x + c, m->x_row, m->x_step, first, last, g->w, step, x);
    sums_copy(m->dy + c, m->dy_row, m->dy_step, i, end, g->ow, step, dy);
    *m = (sums_images){
        x - first * x_row - c, dy - i * dy_row - c, x_row, step, dy_row, step};
    return 1;
}

/* A chunk of pairs of rows, none of two images, and a part of the channels. */
static void sums_task(void *context, int64_t index) {
    sums_t *t = context;
    const conv2d_t *g = t->g;
    const int64_t *xs = t->x->stride, *ys = t->dy->stride;
    const int64_t chunk = index / t->parts, part = index % t->parts;
    const int64_t band = t->vectors * SUMS_TAPS * VL;
    const sums_part p = {part * t->vectors / t->parts,
                         (part + 1) * t->vectors / t->parts,
                         t->sums + chunk * t->bands * band};
    for (int64_t b = 0; b < t->bands; b++)
        zero_run(p.sums + b * band + p.low * SUMS_TAPS * VL,
                 (p.high - p.low) * SUMS_TAPS * VL);
    const int64_t pairs = ceil_div(g->oh, SUMS_ROWS), all = g->n * pairs;
    const int64_t begin = chunk * all / t->chunks;
    const int64_t end = (chunk + 1) * all / t->chunks;
    sums_images m = {0};
    for (int64_t pair = begin; pair < end; pair++) {
        const int64_t n = pair / pairs, i = pair % pairs * SUMS_ROWS;
        const int begins = t->block ? i % t->block == 0 : i == 0;
        if (pair == begin || begins) {
            m = (sums_images){t->x->data + n * xs[0],
                              t->dy->data + n * ys[0],
                              xs[2],
                              xs[3],
                              ys[2],
                              ys[3]};
            const int64_t from = t->block ? i / t->block * t->block : 0;
            if (t->block && !sums_copied(t, &p, from, &m)) {
                __atomic_store_n(&t->failed, PD_NO_MEMORY, __ATOMIC_RELAXED);
                return;
            }
        }
        sums_rows(t, &m, &p, i, least(SUMS_ROWS, g->oh - i));
    }
}

/* One vector of channels: the chunks' sums, added in order, to dweight. */
static void sums_add_task(void *context, int64_t v) {
    const sums_t *t = context;
    const conv2d_t *g = t->g;
    const int64_t *s = g->weight_stride;
    const int64_t band = t->vectors * SUMS_TAPS * VL, size = t->bands * band;
    real *to = t->dweight + dense_channel(g, v) * s[0];
    for (int64_t k = 0; k < g->kh; k++)
        for (int64_t l = 0; l < 3; l++) {
            const real *sums = t->sums + k / SUMS_BAND * band +
                               ((v * SUMS_BAND + k % SUMS_BAND) * 3 + l) * VL;
            vreal sum = v_load(sums);
            for (int64_t chunk = 1; chunk < t->chunks; chunk++)
                sum += v_load(sums + chunk * size);
            for (int64_t e = 0; e < VL; e++)
                to[e * s[0] + k * s[2] + l * s[3]] = sum[e];
        }
}

/* Where pixels are a multiple of 4 KiB apart, all that a tile reads competes
 * for the same few places of the nearest cache; then so many rows of dy, with
 * what they see of x, are copied to where pixels lie a part and a vector apart.
 * The copy is of whole vectors of channels. */
static int64_t sums_block(const conv2d_t *g, const image_t *x,
                          const image_t *dy) {
    const int64_t far = 4096 / (int64_t)sizeof(real);
    if (x->stride[3] % far || dy->stride[3] % far || g->c % VL) return 0;
    const int64_t row = g->w * g->stride_h * (SUMS_PART + 1) * VL;
    const int64_t rows = SUMS_BLOCK / (int64_t)sizeof(real) / most(row, 1);
    return most(rows / SUMS_ROWS, 1) * SUMS_ROWS;
}

static int64_t sums_backward_weight(const conv2d_t *g, const image_t *x,
                                    const image_t *dy, real *dweight) {
    sums_t t = {.g = g,
                .x = x,
                .dy = dy,
                .bands = ceil_div(g->kh, SUMS_BAND),
                .vectors = ceil_div(g->c, VL),
                .dweight = dweight};
    t.parts = ceil_div(t.vectors, SUMS_PART);
    t.chunks =
        least(ceil_div(SUMS_TASKS, t.parts), g->n * ceil_div(g->oh, SUMS_ROWS));
    t.chunks = most(1, t.chunks);
    t.block = sums_block(g, x, dy);
    const int64_t size = t.bands * t.vectors * SUMS_TAPS * VL;
    t.sums = pd_scratch(PD_SCRATCH_C, (size_t)(t.chunks * size) * sizeof(real));
    if (!t.sums) return PD_NO_MEMORY;
    const double work = (double)(g->n * g->oh * g->ow * g->c);
    pd_parallel(t.chunks * t.parts, work * (double)g->kh * 3 / 16, sums_task,
                &t);
    if (t.failed) return t.failed;
    for (int64_t v = 0; v < t.vectors; v++) sums_add_task(&t, v);
    return 0;
}

#endif
