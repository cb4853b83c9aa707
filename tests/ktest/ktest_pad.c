/* pad: every mode, cuts, merged axes and units, items of every size; and its
 * gradient, against a walk over all places of y. */
#include "ktest.h"
#include "pad.h"

enum { MOST = 4 };
typedef struct {
    const char *why;
    int64_t axes;
    int64_t x[MOST], low[MOST], high[MOST];
} case_t;

static const case_t cases[] = {
    {"no axes", 0, {0}, {0}, {0}},
    {"nothing", 2, {3, 5}, {0, 0}, {0, 0}},
    {"a line", 1, {7}, {3}, {5}},
    {"cut and padded", 1, {9}, {-2}, {4}},
    {"padded and cut", 1, {9}, {4}, {-3}},
    {"an image", 3, {2, 6, 37}, {0, 2, 1}, {0, 1, 3}},
    {"channels last", 4, {2, 5, 6, 19}, {0, 1, 2, 0}, {0, 2, 0, 0}},
    {"merged in front", 4, {2, 3, 4, 5}, {0, 0, 0, 2}, {0, 0, 0, 1}},
    {"merged between", 4, {4, 2, 3, 5}, {1, 0, 0, 2}, {2, 0, 0, 1}},
    {"all four", 4, {3, 4, 2, 3}, {2, -1, 1, 1}, {0, 3, 1, 2}},
    {"to nothing", 2, {4, 3}, {-1, 1}, {-3, 1}},
    {"long units, several tasks", 2, {70, 1031}, {20, 0}, {3, 0}},
    {"short rows, several tasks", 3, {60, 31, 33}, {0, 1, 2}, {0, 1, 2}},
};

static const char *modes[] = {"constant", "reflect", "replicate", "circular"};

/* The place in x of place o of y, -1 for none: by steps, not by formula. */
static int64_t mapped(int64_t mode, int64_t n, int64_t low, int64_t o) {
    int64_t i = o - low, step = 1;
    if (mode == PAD_CONSTANT) return i >= 0 && i < n ? i : -1;
    if (mode == PAD_REPLICATE) {
        while (i < 0) i++;
        while (i >= n) i--;
        return i;
    }
    if (mode == PAD_CIRCULAR) return ((i % n) + n) % n;
    int64_t place = 0; /* walk from 0 to and fro */
    for (int64_t k = i < 0 ? -i : i; k > 0; k--) {
        if (place == n - 1) step = -1;
        if (place == 0) step = 1;
        place += step;
    }
    return place;
}

static int64_t product(const int64_t *sizes, int64_t axes) {
    int64_t n = 1;
    for (int64_t i = 0; i < axes; i++) n *= sizes[i];
    return n;
}

/* The element of x that element e of y is; -1 for none. */
static int64_t source(const pd_pad_geometry *g, int64_t e) {
    int64_t place = 0, size = 1;
    for (int64_t i = g->axes - 1; i >= 0; i--) {
        int64_t at = mapped(g->mode, g->x[i], g->low[i], e % g->y[i]);
        if (at < 0) return -1;
        place += at * size;
        size *= g->x[i];
        e /= g->y[i];
    }
    return place;
}

static void forward(const pd_pad_geometry *g, const char *why) {
    const int64_t size = product(g->y, g->axes), item = g->item;
    kt_case(PD_KERNEL_pad, "%s, %s, items of %d", why, modes[g->mode],
            (int)item);
    int64_t x_size = product(g->x, g->axes);
    unsigned char *x = kt_array(x_size, (size_t)item), *value = NULL;
    for (int64_t i = 0; i < x_size * item; i++)
        x[i] = (unsigned char)kt_random(0, 256);
    if (g->mode == PAD_CONSTANT) {
        value = kt_array(1, (size_t)item);
        for (int64_t i = 0; i < item; i++) value[i] = (unsigned char)(200 + i);
    } else {
        kt_absent();
    }
    unsigned char *y = kt_array(size, (size_t)item);
    if (kt_call(g)) kt_fail("reports a bad datum");
    for (int64_t e = 0; e < size; e++) {
        int64_t from = source(g, e);
        const unsigned char *want = from < 0 ? value : x + from * item;
        if (memcmp(y + e * item, want, (size_t)item) != 0) {
            kt_fail("item %lld is not item %lld of x", (long long)e,
                    (long long)from);
            return;
        }
    }
}

static void backward(const pd_pad_geometry *g, const char *why) {
    const int64_t size = product(g->y, g->axes);
    const int64_t x_size = product(g->x, g->axes);
    kt_case(PD_KERNEL_pad_backward, "%s, %s", why, modes[g->mode]);
    real *dy = kt_integers(size), *dx = kt_array(x_size, sizeof(real));
    if (kt_call(g)) kt_fail("reports a bad datum");
    double *want = calloc((size_t)x_size + 1, sizeof *want);
    for (int64_t e = 0; e < size; e++) want[source(g, e)] += (double)dy[e];
    for (int64_t i = 0; i < x_size; i++)
        kt_near((double)dx[i], want[i], 0, 0, "dx", i);
    free(want);
}

KTEST(pad) {
    for (int c = 0; c < KT_COUNT(cases); c++)
        for (int64_t mode = PAD_CONSTANT; mode <= PAD_CIRCULAR; mode++) {
            const case_t *t = &cases[c];
            pd_pad_geometry g = {.mode = mode, .axes = t->axes};
            int fits = 1;
            for (int i = 0; i < t->axes; i++) {
                g.x[i] = t->x[i];
                g.y[i] = t->x[i] + t->low[i] + t->high[i];
                g.low[i] = t->low[i];
                int64_t wider = t->low[i] > t->high[i] ? t->low[i] : t->high[i];
                if (mode == PAD_REFLECT && wider >= t->x[i]) fits = 0;
            }
            if (!fits) continue;
            for (g.item = 1; g.item <= 8; g.item *= 2) forward(&g, t->why);
            if (mode != PAD_CONSTANT) {
                g.item = sizeof(real);
                backward(&g, t->why);
            }
        }
}
