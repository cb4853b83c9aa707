/* attention against its definition, pair by pair in double: masks, causality,
 * groups of heads, dropout, lengths around the tiles, heads one after the other
 * in memory or side by side. */
#include "attention.h"
#include "ktest_philox.h"

typedef struct {
    const char *why;
    int64_t batch, heads, groups, queries, keys, width, value_width;
} case_t;

static const case_t cases[] = {
    {"one number", 1, 1, 1, 1, 1, 1, 1},
    {"no keys", 2, 1, 1, 3, 0, 4, 4},
    {"no queries", 1, 2, 1, 0, 3, 4, 4},
    {"no width, no value", 1, 1, 1, 3, 4, 0, 0},
    {"groups, odd widths", 2, 4, 2, 5, 9, 7, 3},
    {"a tile", 1, 2, 2, 64, 128, 16, 32},
    {"a tile and one more", 1, 2, 1, 129, 129, 17, 16},
    {"more queries than keys", 1, 1, 1, 140, 20, 8, 8},
    {"many heads, whole vectors", 3, 6, 6, 20, 24, 32, 16},
    {"few heads, many queries", 1, 1, 1, 300, 280, 24, 20},
};

enum { CAUSAL = 1, DROPPED = 2, BESIDE = 4, MASK = 8, MASKS = 3 };
enum { OPTIONS = MASK * MASKS };
enum { HIDDEN_QUERY = 1, HIDDEN_KEY = 2 }; /* in every mask */

/* All in double: what the kernel is to give. */
typedef struct {
    double *weight, *factor; /* [queries][keys]: p, r */
    double *y, *rows, *dq, *dk, *dv;
} wanted;

/* The first element of row i of a head, counted through the batch. */
static int64_t row_at(const pd_attention_geometry *g, int operand, int64_t head,
                      int64_t i) {
    const int shared = operand == PD_ATTENTION_K || operand == PD_ATTENTION_V ||
                       operand == PD_ATTENTION_DK || operand == PD_ATTENTION_DV;
    const int64_t heads = shared ? g->groups : g->heads;
    return head / heads * g->batch[operand][0] +
           head % heads * g->head[operand] + i * g->row[operand];
}

static void *zeros(int64_t n) { return calloc((size_t)n + 1, sizeof(double)); }

static void define(const pd_attention_geometry *g, int64_t items, const real *q,
                   const real *k, const real *v, const real *mask,
                   const uint64_t *key, const real *dy, wanted *w) {
    const int64_t t = g->queries, s = g->keys, d = g->width;
    const int64_t e = g->value_width, padded = (t + 31) / 32 * 32;
    for (int64_t head = 0; head < items * g->heads; head++) {
        int64_t group = head * g->groups / g->heads;
        for (int64_t i = 0; i < t; i++) {
            const int64_t at = head * t + i;
            const real *qi = q + row_at(g, PD_ATTENTION_Q, head, i);
            const real *dyi = dy + row_at(g, PD_ATTENTION_DY, head, i);
            double *yi = w->y + row_at(g, PD_ATTENTION_Y, head, i);
            double *dqi = w->dq + row_at(g, PD_ATTENTION_DQ, head, i);
            double *p = w->weight, *r = w->factor;
            double top = (double)-INFINITY, sum = 0, dot = 0;
            for (int64_t j = 0; j < s; j++) {
                const real *kj = k + row_at(g, PD_ATTENTION_K, group, j);
                double x = 0;
                for (int64_t c = 0; c < d; c++)
                    x += (double)qi[c] * (double)kj[c];
                x = x * (double)(real)g->scale;
                if (mask) x += (double)mask[at * s + j];
                if (g->causal && j > i + s - t) x = (double)-INFINITY;
                p[j] = x;
                top = fmax(top, x);
                r[j] = 1;
                if (key) {
                    uint32_t word =
                        philox_word32(key, (head * s + j) * padded + i);
                    r[j] = word > (uint32_t)g->last_dropped ? g->keep : 0;
                }
            }
            for (int64_t j = 0; j < s; j++)
                sum += p[j] = p[j] == (double)-INFINITY ? 0 : exp(p[j] - top);
            w->rows[2 * at] = sum > 0 && e ? top : 0;
            w->rows[2 * at + 1] = sum > 0 && e ? 1 / sum : 0;
            for (int64_t j = 0; j < s; j++) {
                const real *vj = v + row_at(g, PD_ATTENTION_V, group, j);
                p[j] = sum > 0 ? p[j] / sum : 0;
                for (int64_t c = 0; c < e; c++)
                    yi[c] += p[j] * r[j] * (double)vj[c];
            }
            for (int64_t c = 0; c < e; c++) dot += yi[c] * (double)dyi[c];
            for (int64_t j = 0; j < s; j++) {
                const real *kj = k + row_at(g, PD_ATTENTION_K, group, j);
                const real *vj = v + row_at(g, PD_ATTENTION_V, group, j);
                double *dkj = w->dk + row_at(g, PD_ATTENTION_DK, group, j);
                double *dvj = w->dv + row_at(g, PD_ATTENTION_DV, group, j);
                double dp = 0;
                for (int64_t c = 0; c < e; c++) {
                    dp += (double)vj[c] * (double)dyi[c];
                    dvj[c] += p[j] * r[j] * (double)dyi[c];
                }
                double ds = p[j] * (r[j] * dp - dot) * (double)(real)g->scale;
                for (int64_t c = 0; c < d; c++) {
                    dqi[c] += ds * (double)kj[c];
                    dkj[c] += ds * (double)qi[c];
                }
            }
        }
    }
}

/* The strides of an operand [batch, heads, rows, width]: dense, or the heads
 * side by side as [batch, rows, heads, width]. */
static void lay_out(pd_attention_geometry *g, int operand, int64_t heads,
                    int64_t rows, int64_t width, int beside) {
    g->row[operand] = beside ? heads * width : width;
    g->head[operand] = beside ? width : rows * width;
    g->batch[operand][0] = heads * rows * width;
}

static void compare(const real *got, const double *want, int64_t n,
                    const char *what) {
    double most = 1;
    for (int64_t i = 0; i < n; i++) most = fmax(most, fabs(want[i]));
    for (int64_t i = 0; i < n; i++)
        kt_near((double)got[i], want[i], most, 200, what, i);
}

static void examine(const case_t *c, int options, int backward) {
    const int of_mask = options / MASK;
    const int64_t heads = c->batch * c->heads, groups = c->batch * c->groups;
    const int64_t t = c->queries, s = c->keys, d = c->width;
    const int64_t e = c->value_width;
    kt_case(backward ? PD_KERNEL_attention_backward
                     : PD_KERNEL_attention_forward,
            "%s%s%s%s%s", c->why, options & CAUSAL ? ", causal" : "",
            options & DROPPED ? ", dropout" : "",
            options & BESIDE ? ", heads side by side" : "",
            of_mask == PD_MASK_NONE   ? ""
            : of_mask == PD_MASK_BOOL ? ", mask"
                                      : ", added");
    pd_attention_geometry g = {
        .heads = c->heads,
        .groups = c->groups,
        .queries = t,
        .keys = s,
        .width = d,
        .value_width = e,
        .mask = of_mask,
        .causal = (options & CAUSAL) != 0,
        .last_dropped = (int64_t)(0.25 * 0x1p32) - 1,
        .scale = 0.375,
        .keep = options & DROPPED ? (double)(real)(1 / 0.75) : -1,
        .batch_axes = 1,
        .batch_shape = {c->batch},
        .mask_column = 1};
    const int beside = (options & BESIDE) != 0;
    lay_out(&g, PD_ATTENTION_Q, c->heads, t, d, beside);
    lay_out(&g, PD_ATTENTION_K, c->groups, s, d, beside);
    lay_out(&g, PD_ATTENTION_V, c->groups, s, e, beside);
    lay_out(&g, PD_ATTENTION_MASK, c->heads, t, s, 0);
    lay_out(&g, PD_ATTENTION_Y, c->heads, t, e, beside);
    lay_out(&g, PD_ATTENTION_DY, c->heads, t, e, beside);
    lay_out(&g, PD_ATTENTION_DQ, c->heads, t, d, beside);
    lay_out(&g, PD_ATTENTION_DK, c->groups, s, d, beside);
    lay_out(&g, PD_ATTENTION_DV, c->groups, s, e, beside);
    const real *q = kt_reals(heads * t * d);
    const real *k = kt_reals(groups * s * d);
    const real *v = kt_reals(groups * s * e);
    real *added = calloc((size_t)(heads * t * s) + 1, sizeof *added);
    if (of_mask == PD_MASK_NONE) {
        kt_absent();
    } else {
        const size_t item = of_mask == PD_MASK_BOOL ? 1 : sizeof(real);
        void *mask = kt_array(heads * t * s, item);
        for (int64_t n = 0; n < heads * t * s; n++) {
            const int hidden = n / s % t == HIDDEN_QUERY ||
                               n % s == HIDDEN_KEY || kt_random(0, 1) < 0.25;
            added[n] = hidden                    ? (real)-INFINITY
                       : of_mask == PD_MASK_BOOL ? 0
                                                 : (real)kt_random(-1, 1);
            if (of_mask == PD_MASK_BOOL)
                ((uint8_t *)mask)[n] = !hidden;
            else
                ((real *)mask)[n] = added[n];
        }
    }
    const uint64_t *key = NULL;
    if (options & DROPPED)
        key = kt_key(5, 77);
    else
        kt_absent();

    real *dy = calloc((size_t)(heads * t * e) + 1, sizeof *dy);
    for (int64_t n = 0; n < heads * t * e; n++) dy[n] = (real)kt_random(-2, 2);
    wanted w = {zeros(s),
                zeros(s),
                zeros(heads * t * e),
                zeros(heads * t * 2),
                zeros(heads * t * d),
                zeros(groups * s * d),
                zeros(groups * s * e)};
    define(&g, c->batch, q, k, v, of_mask ? added : NULL, key, dy, &w);

    real *y = kt_array(heads * t * e, sizeof(real));
    real *rows = kt_array(heads * t * 2, sizeof(real));
    if (!backward) {
        if (kt_call(&g)) kt_fail("reports a bad datum");
        compare(y, w.y, heads * t * e, "y");
        compare(rows, w.rows, heads * t * 2, "rows");
    } else {
        for (int64_t n = 0; n < heads * t * e; n++) y[n] = (real)w.y[n];
        for (int64_t n = 0; n < heads * t * 2; n++) rows[n] = (real)w.rows[n];
        memcpy(kt_array(heads * t * e, sizeof(real)), dy,
               (size_t)(heads * t * e) * sizeof(real));
        const real *dq = kt_array(heads * t * d, sizeof(real));
        const real *dk = kt_array(groups * s * d, sizeof(real));
        const real *dv = kt_array(groups * s * e, sizeof(real));
        if (kt_call(&g)) kt_fail("reports a bad datum");
        compare(dq, w.dq, heads * t * d, "dq");
        compare(dk, w.dk, groups * s * d, "dk");
        compare(dv, w.dv, groups * s * e, "dv");
    }
    double *const all[] = {w.weight, w.factor, w.y, w.rows, w.dq, w.dk, w.dv};
    for (int n = 0; n < KT_COUNT(all); n++) free(all[n]);
    free(added);
    free(dy);
}

/* Under --small, of whole tiles: every fifth, among which each option is, on
 * and off, and each mask. */
static int leaves_out(const case_t *c, int options) {
    return kt_small && c->queries * c->keys > 4000 && options % 5;
}

KTEST(attention) {
    for (int c = 0; c < KT_COUNT(cases) - (kt_small ? 2 : 0); c++)
        for (int options = 0; options < OPTIONS; options++)
            for (int backward = 0; backward < 2; backward++)
                if (!leaves_out(&cases[c], options))
                    examine(&cases[c], options, backward);
}
