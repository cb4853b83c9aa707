/* Interpolate: images at another size.
 *
 * Along each axis it is a product with a band matrix: a row of it has a few
 * weights side by side, one for each pixel that is looked at. Backward is the
 * product with the transposes, which are band matrices too, so one walk serves
 * both directions:
 *
 *     rows that are looked at        summed along h         along w
 *       +----------------+
 *       | . . . . . . .  | * weight
 *       +----------------+ ──┬──>  [ . . . . . . . ] ──>  [ . . . . . . . . . ]
 *       | . . . . . . .  | * weight
 *       +----------------+
 *
 * The first step runs along memory whatever the layout; the second along the
 * channels of a channels-last image, or from pixel to pixel. Weights of 0 are
 * left out: what is not looked at may be infinite. Products are rounded before
 * they are added, in rising order, so all layouts give the same bits. */
#include "interpolate.h"
#include "par.h"
#include "real.h"
#include "simd.h"

enum { TASK = 8192 /* elements */ };

/* A row of a band matrix: sum of weight[k] * x[first + k]. */
typedef struct {
    int64_t first, count;
    real *weight;
} band_t;

typedef struct {
    const pd_interpolate_geometry *g;
    const real *from;
    real *to;
    int64_t h_from, w_from, h_to, w_to; /* sizes of the images */
    const band_t *h, *w; /* of each row, column that is written */
    int64_t rows, step;  /* rows to write, and those of a task */
    int copies;          /* each pixel that is written is one that is read */
    int failed;
} work_t;

/* ---- the matrices -------------------------------------------------------- */

/* What output o looks at: a * (pixel left) + b * (the next one), b may be 0. */
typedef struct {
    int64_t left;
    real a, b;
} look_t;

static look_t look(const pd_interpolate_geometry *g,
                   const pd_interpolate_axis *axis, int64_t o) {
    const real half = (real)0.5, step = (real)axis->step;
    const int64_t last = axis->in - 1;
    if (g->linear && axis->in == axis->out) return (look_t){o, 1, 0};
    real s = step * (real)o;
    if (!g->linear) s = (real)(float)s;
    if (g->linear && !g->corners) s = step * ((real)o + half) - half;
    if (s < 0) s = 0;
    const int64_t left = (int64_t)s;
    if (left >= last) return (look_t){last, 1, 0};
    const real part = g->linear ? s - (real)left : 0;
    return (look_t){left, 1 - part, part};
}

/* The matrix of an axis, a row for each output; 2 * out weights. */
static void rows_of_y(const pd_interpolate_geometry *g,
                      const pd_interpolate_axis *axis, band_t *band,
                      real *weight) {
    for (int64_t o = 0; o < axis->out; o++, weight += 2) {
        const look_t at = look(g, axis, o);
        weight[0] = at.a;
        weight[1] = at.b;
        band[o] = (band_t){at.left, at.b != 0 ? 2 : 1, weight};
    }
}

/* The transpose, a row for each pixel of x. Outputs that look at one pixel are
 * neighbours, since places rise. */
static void rows_of_x(const pd_interpolate_geometry *g,
                      const pd_interpolate_axis *axis, band_t *band,
                      real *weight) {
    for (int64_t i = 0; i < axis->in; i++) band[i] = (band_t){0, 0, NULL};
    for (int pass = 0; pass < 2; pass++) { /* count; then fill */
        for (int64_t o = 0; o < axis->out; o++) {
            const look_t at = look(g, axis, o);
            for (int64_t k = 0; k < (at.b != 0 ? 2 : 1); k++) {
                band_t *row = &band[at.left + k];
                if (pass == 0 && row->count++ == 0) row->first = o;
                if (pass == 1) row->weight[o - row->first] = k ? at.b : at.a;
            }
        }
        for (int64_t i = 0; pass == 0 && i < axis->in; i++) {
            band[i].weight = weight;
            weight += band[i].count;
        }
    }
}

/* Both axes' matrices in scratch memory, and the sizes; 0 or PD_NO_MEMORY. */
static int64_t work_begin(work_t *w, const pd_interpolate_geometry *g,
                          int backward) {
    const size_t weights = 2 * (size_t)(g->h.out + g->w.out);
    w->g = g;
    w->h_from = backward ? g->h.out : g->h.in;
    w->w_from = backward ? g->w.out : g->w.in;
    w->h_to = backward ? g->h.in : g->h.out;
    w->w_to = backward ? g->w.in : g->w.out;
    band_t *band =
        pd_scratch(PD_SCRATCH_A, (size_t)(w->h_to + w->w_to) * sizeof(band_t) +
                                     weights * sizeof(real));
    if (!band) return PD_NO_MEMORY;
    real *weight = (real *)(band + w->h_to + w->w_to);
    w->h = band;
    w->w = band + w->h_to;
    w->copies = !backward && !g->linear;
    if (backward) {
        rows_of_x(g, &g->h, band, weight);
        rows_of_x(g, &g->w, band + w->h_to, weight + 2 * g->h.out);
    } else {
        rows_of_y(g, &g->h, band, weight);
        rows_of_y(g, &g->w, band + w->h_to, weight + 2 * g->h.out);
    }
    return 0;
}

/* ---- the walk ------------------------------------------------------------ */

/* to[i] = sum over k of weight[k] * from[k * stride + i], for n elements; two
 * terms at a time. */
static void band_sum(real *to, const band_t *row, const real *from,
                     int64_t stride, int64_t n) {
    if (!row->count) memset(to, 0, (size_t)n * sizeof(real));
    for (int64_t k = 0; k < row->count; k += 2) {
        const int two = k + 1 < row->count;
        const real a = row->weight[k], b = two ? row->weight[k + 1] : 0;
        const vreal va = v_set(a), vb = v_set(b);
        const real *x = from + k * stride, *y = two ? x + stride : x;
        int64_t i = 0;
        for (; i + VL <= n; i += VL) {
            vreal sum = va * v_load(x + i);
            if (k) sum = v_load(to + i) + sum;
            if (two) sum = sum + vb * v_load(y + i);
            v_store(to + i, sum);
        }
        for (; i < n; i++) {
            real sum = a * x[i];
            if (k) sum = to[i] + sum;
            if (two) sum = sum + b * y[i];
            to[i] = sum;
        }
    }
}

/* The same for one element; one and two terms are the rule. */
V_INLINE real band_dot(const band_t *row, const real *from, int64_t stride) {
    const real *x = from + row->first * stride, *weight = row->weight;
    if (row->count == 2) return weight[0] * x[0] + weight[1] * x[stride];
    real sum = 0;
    if (row->count) sum = weight[0] * x[0];
    for (int64_t k = 1; k < row->count; k++)
        sum = sum + weight[k] * x[k * stride];
    return sum;
}

/* One row that is written, from the row that is summed along h. */
static void pixels_write(const work_t *w, const real *from, real *to) {
    const int64_t inner = w->g->inner;
    const band_t *row = w->w;
    if (inner == 1 && w->copies)
        for (int64_t p = 0; p < w->w_to; p++) to[p] = from[row[p].first];
    else if (inner == 1)
        for (int64_t p = 0; p < w->w_to; p++)
            to[p] = band_dot(&row[p], from, 1);
    else if (inner < VL)
        for (int64_t p = 0; p < w->w_to; p++) {
            for (int64_t i = 0; i < inner; i++)
                to[p * inner + i] = band_dot(&row[p], from + i, inner);
        }
    else
        for (int64_t p = 0; p < w->w_to; p++)
            band_sum(to + p * inner, &row[p], from + row[p].first * inner,
                     inner, inner);
}

static void rows_write(void *context, int64_t t) {
    work_t *w = context;
    const int64_t wide = w->w_from * w->g->inner;
    real *between = pd_scratch(PD_SCRATCH_B, (size_t)wide * sizeof(real));
    int64_t end = (t + 1) * w->step;
    if (end > w->rows) end = w->rows;
    if (!between) {
        __atomic_store_n(&w->failed, 1, __ATOMIC_RELAXED);
        return;
    }
    for (int64_t r = t * w->step; r < end; r++) {
        const band_t *row = &w->h[r % w->h_to];
        const real *from =
            w->from + (r / w->h_to * w->h_from + row->first) * wide;
        if (row->count != 1 || row->weight[0] != 1) {
            band_sum(between, row, from, wide, wide);
            from = between;
        }
        pixels_write(w, from, w->to + r * w->w_to * w->g->inner);
    }
}

static int64_t interpolate(void *const *arrays, const void *geometry,
                           int backward) {
    const pd_interpolate_geometry *g = geometry;
    work_t w = {.from = arrays[0], .to = arrays[1]};
    if (!g->outer || !g->inner) return 0;
    if (work_begin(&w, g, backward)) return PD_NO_MEMORY;
    const int64_t width = (w.w_to > w.w_from ? w.w_to : w.w_from) * g->inner;
    w.rows = g->outer * w.h_to;
    w.step = width >= TASK ? 1 : TASK / width;
    pd_parallel((w.rows + w.step - 1) / w.step,
                0.8 * (double)w.rows * (double)width, rows_write, &w);
    return w.failed ? PD_NO_MEMORY : 0;
}

int64_t K(interpolate_forward)(void *const *arrays, const void *geometry) {
    return interpolate(arrays, geometry, 0);
}

int64_t K(interpolate_backward)(void *const *arrays, const void *geometry) {
    return interpolate(arrays, geometry, 1);
}
