/* Batch norm between its passes: from the sums of parts to mean and variance,
 * or to dw and db, and to the numbers of every column that the second pass
 * wants. All in double, in the order of parts. */
#ifndef PD_KERNELS_BATCH_NORM_COLUMNS_H
#define PD_KERNELS_BATCH_NORM_COLUMNS_H

#include "batch_norm_work.h"

#include <math.h>

static int64_t rows_of(const work_t *w, int64_t part) {
    return min(w->part, w->rows - part * w->part);
}

/* Each channel's two numbers, from those of its columns in every part, in
 * double: added to a[c] and b[c], which begin as 0. Those of forward are the
 * sums of x - first and of its square: `first` is the channel's shift in the
 * first part, a part's own one is `e` more. */
V_INLINE void columns_combine(const set_t *s, int is_forward) {
    const work_t *w = s->work;
    const int64_t columns = w->columns, c = w->g->c;
    double *a = s->a, *b = s->b;
    const real *first = s->sums;
    for (int64_t p = 0; p < w->parts; p++) {
        const real *shift = s->sums + p * SUMS * columns;
        const real *sum = shift + columns, *products = sum + columns;
        const double n = (double)rows_of(w, p);
        for (int64_t f = 0; f < columns; f += c)
            for (int64_t i = 0; i < c; i++) {
                double total = (double)sum[f + i];
                double squares = (double)products[f + i];
                if (is_forward) {
                    const double e = (double)shift[f + i] - (double)first[i];
                    squares += e * (2 * total + n * e);
                    total += n * e;
                }
                a[i] += total;
                b[i] += squares;
            }
    }
}

/* Mean and variance of the set's groups; s->b has each group's mean in its
 * first channel, unrounded. */
static void statistics_take(const set_t *s) {
    const work_t *w = s->work;
    const int64_t width = w->g->width, groups = w->g->c / width;
    const double rows = (double)(w->rows * w->fold);
    const double count = rows * (double)width;
    columns_combine(s, 1);
    for (int64_t i = 0; i < groups; i++) {
        const real *first = s->sums + i * width;
        double *a = s->a + i * width, *b = s->b + i * width;
        double mean = 0, var = 0;
        for (int64_t c = 0; c < width && count > 0; c++)
            mean += (rows * (double)first[c] + a[c]) / count;
        for (int64_t c = 0; c < width && count > 0; c++) {
            const double e = mean - (double)first[c];
            var += b[c] + e * (rows * e - 2 * a[c]);
        }
        if (count > 0) var /= count;
        w->mean[s->set * groups + i] = (real)mean;
        w->var[s->set * groups + i] = (real)(var < 0 ? 0 : var);
        b[0] = mean;
    }
}

/* A number of channel c, in all columns of that channel. */
static void spread(const work_t *w, real *to, int64_t c, double value) {
    for (int64_t j = c; j < w->columns; j += w->g->c) to[j] = (real)value;
}

static double weight_of(const work_t *w, int64_t c) {
    return w->w ? (double)w->w[c] : 1;
}

static void set_statistics(const set_t *s) {
    const work_t *w = s->work;
    const int64_t width = w->g->width, groups = w->g->c / width;
    if (!w->given) statistics_take(s);
    for (int64_t i = 0; i < groups; i++) {
        const int64_t at = s->set * groups + i;
        const double mean = (double)w->mean[at];
        const double rstd = 1 / sqrt((double)w->var[at] + w->g->eps);
        /* what rounding took from a large mean */
        const double rest = w->given ? 0 : s->b[i * width] - mean;
        for (int64_t c = i * width; c < (i + 1) * width; c++) {
            const double scale = weight_of(w, c) * rstd;
            const double bias = w->b ? (double)w->b[c] : 0;
            spread(w, s->mean, c, mean);
            spread(w, s->scale, c, scale);
            spread(w, s->offset, c, bias - rest * scale);
        }
    }
}

/* dw and db of the set, and the numbers that dx is made of. */
static void set_gradients(const set_t *s) {
    const work_t *w = s->work;
    const int64_t width = w->g->width, groups = w->g->c / width;
    const double count = (double)(w->rows * w->fold * width);
    real *dw = w->channel + s->set * 2 * w->g->c, *db = dw + w->g->c;
    columns_combine(s, 0);
    for (int64_t i = 0; i < groups; i++) {
        double rstd = 1 / sqrt((double)w->var[s->set * groups + i] + w->g->eps);
        double share = 0, slope = 0;
        for (int64_t c = i * width; c < (i + 1) * width; c++) {
            dw[c] = (real)(s->b[c] * rstd);
            db[c] = (real)s->a[c];
            share += weight_of(w, c) * s->a[c];
            slope += weight_of(w, c) * s->b[c];
        }
        share *= rstd / count;
        slope *= rstd * rstd * rstd / count;
        for (int64_t c = i * width; c < (i + 1) * width; c++) {
            spread(w, s->scale, c, rstd * weight_of(w, c));
            spread(w, s->share, c, share);
            spread(w, s->slope, c, slope);
        }
    }
}

#endif
