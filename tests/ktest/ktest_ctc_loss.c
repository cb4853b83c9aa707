/* ctc_loss against a sum over all paths: every sequence of classes that spells
 * the target, one by one; and long rows against each other, lengths out of
 * range, targets that are none. */
#include "ctc_loss.h"
#include "ktest.h"

typedef struct {
    const char *why;
    int64_t t, n, c, k, blank;
    int64_t turned; /* rows outermost in memory */
    int64_t zero_infinity;
} case_t;

static const case_t cases[] = {
    {"one step", 1, 2, 3, 1, 0, 0, 0},
    {"a few steps", 5, 3, 3, 2, 0, 0, 0},
    {"another blank", 5, 3, 3, 2, 2, 1, 0},
    {"more labels than steps", 2, 3, 3, 3, 1, 0, 1},
    {"no labels", 4, 2, 3, 0, 0, 0, 0},
    {"no steps", 0, 2, 3, 2, 0, 0, 1},
    {"no rows", 3, 0, 3, 2, 0, 0, 0},
    {"a vector of states", 6, 2, 3, 20, 0, 1, 1},
};

/* Adds to `total` the probability of every path whose steps t … spell the rest
 * of the target, and to share[t, c] of each path that is in c at step t. */
typedef struct {
    const double *p; /* [t, c] */
    const int64_t *target;
    int64_t t, c, labels, blank;
    int64_t path[8];
    double total, *share;
} search_t;

static void search(search_t *s, int64_t t, double p) {
    if (t < s->t) {
        for (int64_t c = 0; c < s->c; c++) {
            s->path[t] = c;
            search(s, t + 1, p * s->p[t * s->c + c]);
        }
        return;
    }
    int64_t found = 0;
    for (int64_t i = 0; i < t; i++) {
        if (s->path[i] == s->blank || (i && s->path[i] == s->path[i - 1]))
            continue;
        if (found == s->labels || s->target[found] != s->path[i]) return;
        found++;
    }
    if (found != s->labels) return;
    s->total += p;
    for (int64_t i = 0; i < t; i++) s->share[i * s->c + s->path[i]] += p;
}

static void examine(const case_t *c, int backward) {
    const int64_t t = c->t, n = c->n, k = c->k, pitch = 2 * k + 1;
    kt_case(backward ? PD_KERNEL_ctc_loss_backward : PD_KERNEL_ctc_loss_forward,
            "%s", c->why);
    real *x = kt_array(t * n * c->c, sizeof(real));
    for (int64_t i = 0; i < t * n * c->c; i++) x[i] = (real)kt_random(-2, 0);
    int64_t *targets = kt_indices(n * k, c->c - 1);
    for (int64_t i = 0; i < n * k; i++) targets[i] += targets[i] >= c->blank;
    int64_t *steps = kt_array(n, sizeof *steps);
    int64_t *labels = kt_array(n, sizeof *labels);
    for (int64_t i = 0; i < n; i++) {
        steps[i] = i ? t - i / 2 : t;
        labels[i] = i < k ? k - i : k;
        if (k > 8) labels[i] = i ? 2 : k;
        if (steps[i] < 0) steps[i] = 0;
    }
    pd_ctc_loss_geometry g = {.t = t,
                              .n = n,
                              .c = c->c,
                              .k = k,
                              .x_time = c->turned ? c->c : n * c->c,
                              .x_row = c->turned ? t * c->c : c->c,
                              .blank = c->blank,
                              .zero_infinity = c->zero_infinity};
    real *loss = NULL, *alpha, *dloss = NULL, *dx = NULL;
    if (backward) { /* alpha by the definition of the recursion */
        alpha = kt_array(n * t * pitch, sizeof(real));
        dloss = kt_reals(n);
        dx = kt_array(t * n * c->c, sizeof(real));
        for (int64_t i = 0; i < n; i++) {
            double a[64] = {1}, b[64];
            for (int64_t j = 0; j < t; j++) {
                for (int64_t s = 0; s < pitch; s++) {
                    const int64_t *row = targets + i * k;
                    int64_t class = s % 2 ? row[s / 2] : c->blank;
                    double sum = a[s] + (s ? a[s - 1] : 0);
                    if (s % 2 && s > 1 && row[s / 2] != row[s / 2 - 1])
                        sum += a[s - 2];
                    b[s] = s > 2 * labels[i] || j >= steps[i] ? 0 : sum;
                    b[s] *= exp((double)x[j * g.x_time + i * g.x_row + class]);
                    alpha[(i * t + j) * pitch + s] = (real)log(b[s]);
                }
                memcpy(a, b, sizeof a);
            }
        }
    } else {
        loss = kt_array(n, sizeof(real));
        alpha = kt_array(n * t * pitch, sizeof(real));
    }
    if (kt_call(&g)) kt_fail("reports a bad datum");

    double p[64], share[64];
    for (int64_t i = 0; i < n; i++) {
        memset(share, 0, sizeof share);
        for (int64_t j = 0; j < t * c->c; j++)
            p[j] = exp((double)x[j / c->c * g.x_time + i * g.x_row + j % c->c]);
        search_t s = {.p = p,
                      .target = targets + i * k,
                      .t = steps[i],
                      .c = c->c,
                      .labels = labels[i],
                      .blank = c->blank,
                      .share = share};
        search(&s, 0, 1);
        int none = c->zero_infinity && s.total == 0;
        double want = none ? 0 : -log(s.total);
        if (!backward) {
            kt_near((double)loss[i], want, 4, 16, "loss", i);
            continue;
        }
        for (int64_t j = 0; j < t * c->c; j++) {
            int64_t at = (j / c->c * n + i) * c->c + j % c->c;
            double d = -(double)dloss[i] * share[j] / s.total;
            if (none || j / c->c >= steps[i]) d = 0;
            if (isnan(d)) continue; /* of an infinite loss */
            kt_near((double)dx[at], d, 4, 16, "dx", at);
        }
    }
}

/* The first bad target is reported by both, unless it lies behind a length. */
static void bad_target(int backward, int64_t value, int64_t used) {
    enum { T = 3, N = 2, C = 4, K = 3, BAD = 4 };
    kt_case(backward ? PD_KERNEL_ctc_loss_backward : PD_KERNEL_ctc_loss_forward,
            "target %lld", (long long)value);
    kt_reals(T * N * C);
    int64_t *targets = kt_indices(N * K, C - 1);
    for (int64_t i = 0; i < N * K; i++) targets[i]++;
    targets[BAD] = targets[BAD + 1] = value;
    int64_t *steps = kt_array(N, sizeof *steps);
    int64_t *labels = kt_array(N, sizeof *labels);
    steps[0] = INT64_MAX, steps[1] = -1; /* taken as T and 0 */
    labels[0] = 1, labels[1] = used;
    if (backward) {
        kt_reals(N * T * (2 * K + 1));
        kt_reals(N);
        kt_array(T * N * C, sizeof(real));
    } else {
        kt_array(N, sizeof(real));
        kt_absent();
    }
    pd_ctc_loss_geometry g = {
        .t = T, .n = N, .c = C, .k = K, .x_time = N * C, .x_row = C};
    int64_t got = kt_call(&g);
    if (got != (used > 1 ? 1 + BAD : 0))
        kt_fail("returned %lld", (long long)got);
}

KTEST(ctc_loss) {
    for (int k = 0; k < KT_COUNT(cases); k++)
        for (int backward = 0; backward < 2; backward++)
            examine(&cases[k], backward);
    static const int64_t values[] = {-1, 0, 4, INT64_MAX, INT64_MIN};
    for (int k = 0; k < KT_COUNT(values); k++)
        for (int backward = 0; backward < 2; backward++) {
            bad_target(backward, values[k], 3);
            bad_target(backward, values[k], 1);
        }
}
