/* Elementwise functions: one loop for all strides, one line for each function.
 *
 * The index space is cut into chunks of CHUNK elements; a chunk is walked run
 * by run along the innermost axis:
 *
 *     x ──(stride 1: in place; else gathered to a buffer)──┐
 *                                                          f over a span ── y
 *     b ──(stride 0: one vector of the one value)──────────┘
 *
 * Invariant: f sees contiguous spans or one value only and treats every lane
 * alike, so an element's bits do not depend on strides, position or threads. */
#include "elementwise.h"
#include "par.h"
#include "real.h"
#include "simd.h"
#include "span.h"
#include "vactivation.h"

enum { CHUNK = 16384, SPAN = 512 };

/* y[0..n) = f(a[0..n), b[0..n)); unary functions do not look at b, and few at
 * the constants. */
typedef void span_function(operand_t a, operand_t b, real *y, int64_t n,
                           const double *constants);

/* The cheapest functions wait for memory. */
enum { CHEAP = 4 };
V_INLINE vreal span_load(const real *p, double ns) {
    return ns <= CHEAP ? v_load_along(p) : v_load(p);
}

/* The constants in vectors; the compiler leaves out those not named. */
#define CONSTANTS                                                              \
    const vreal p = v_set((real)constants[0]);                                 \
    const vreal q = v_set((real)constants[1]);                                 \
    const vreal r = v_set((real)constants[2]);                                 \
    (void)p, (void)q, (void)r

#define UNARY(name, ns, formula)                                               \
    static void name##_span(operand_t ox, operand_t ob, real *py, int64_t n,   \
                            const double *constants) {                         \
        CONSTANTS;                                                             \
        (void)ob;                                                              \
        int64_t i = 0;                                                         \
        for (; i + VL <= n; i += VL) {                                         \
            vreal x = span_load(operand_at(ox, i), ns);                        \
            v_store(py + i, formula);                                          \
        }                                                                      \
        if (i < n) {                                                           \
            vreal x = v_load_first(operand_at(ox, i), n - i);                  \
            v_store_first(py + i, formula, n - i);                             \
        }                                                                      \
    }
#define BINARY(name, ns, formula)                                              \
    static void name##_span(operand_t oa, operand_t ob, real *py, int64_t n,   \
                            const double *constants) {                         \
        CONSTANTS;                                                             \
        int64_t i = 0;                                                         \
        for (; i + VL <= n; i += VL) {                                         \
            vreal a = span_load(operand_at(oa, i), ns);                        \
            vreal b = span_load(operand_at(ob, i), ns);                        \
            v_store(py + i, formula);                                          \
        }                                                                      \
        if (i < n) {                                                           \
            vreal a = v_load_first(operand_at(oa, i), n - i);                  \
            vreal b = v_load_first(operand_at(ob, i), n - i);                  \
            v_store_first(py + i, formula, n - i);                             \
        }                                                                      \
    }
#include "elementwise.inc"
#undef UNARY
#undef BINARY

typedef struct {
    span_function *span;
    double ns; /* per 16 float32 */
} function_t;

#define UNARY(name, ns, formula) {name##_span, ns},
#define BINARY(name, ns, formula)
static const function_t unary_functions[] = {
#include "elementwise.inc"
};
#undef UNARY
#undef BINARY
#define UNARY(name, ns, formula)
#define BINARY(name, ns, formula) {name##_span, ns},
static const function_t binary_functions[] = {
#include "elementwise.inc"
};
#undef UNARY
#undef BINARY

typedef struct {
    const pd_space *space;
    span_function *span;
    const double *constants;
    int inputs;
    real *y;
    const real *in[2];
    int64_t elements;
} work_t;

/* One run along the innermost axis, in one piece unless something is gathered
 * or scattered. */
static void run_apply(const work_t *w, const real *const *in, real *y,
                      const int64_t *stride, int64_t n, real buffer[3][SPAN]) {
    const int whole = stride[0] == 1 && !span_gathers(stride[1]) &&
                      !(w->inputs == 2 && span_gathers(stride[2]));
    const int64_t most = whole ? n : SPAN;
    for (int64_t i = 0; i < n; i += most) {
        const int64_t m = n - i < most ? n - i : most;
        const real *from = in[0] + i * stride[1];
        const operand_t a = span_of(from, stride[1], m, buffer[1]);
        operand_t b = a;
        if (w->inputs == 2)
            b = span_of(in[1] + i * stride[2], stride[2], m, buffer[2]);
        real *to = stride[0] == 1 ? y + i : buffer[0];
        w->span(a, b, to, m, w->constants);
        if (stride[0] != 1)
            for (int64_t k = 0; k < m; k++) y[(i + k) * stride[0]] = to[k];
    }
}

/* Chunk c: elements c * CHUNK … of the space, in its axis order. */
static void chunk_apply(void *context, int64_t c) {
    const work_t *w = context;
    const pd_space *s = w->space;
    int last = (int)s->axes - 1;
    int64_t left = w->elements - c * CHUNK;
    if (left > CHUNK) left = CHUNK;

    int64_t index[PD_MAX_AXES], rest = c * CHUNK;
    int64_t offset[3] = {0, 0, 0};
    for (int axis = last; axis >= 0; axis--) {
        index[axis] = rest % s->size[axis];
        rest /= s->size[axis];
        for (int k = 0; k <= w->inputs; k++)
            offset[k] += index[axis] * s->stride[k][axis];
    }
    int64_t stride[3] = {s->stride[0][last], s->stride[1][last],
                         s->stride[2][last]};
    real buffer[3][SPAN];
    while (left > 0) {
        int64_t n = s->size[last] - index[last];
        if (n > left) n = left;
        const real *in[2] = {w->in[0] + offset[1], NULL};
        if (w->inputs == 2) in[1] = w->in[1] + offset[2];
        run_apply(w, in, w->y + offset[0], stride, n, buffer);
        left -= n;
        /* step to the next run: carry from the innermost axis outwards */
        for (int k = 0; k <= w->inputs; k++)
            offset[k] -= index[last] * stride[k];
        index[last] = 0;
        for (int axis = last - 1; axis >= 0; axis--) {
            for (int k = 0; k <= w->inputs; k++)
                offset[k] += s->stride[k][axis];
            if (++index[axis] < s->size[axis]) break;
            for (int k = 0; k <= w->inputs; k++)
                offset[k] -= s->size[axis] * s->stride[k][axis];
            index[axis] = 0;
        }
    }
}

static int64_t apply(const function_t *f, const work_t *given,
                     const pd_elementwise_geometry *g) {
    work_t w = *given;
    w.space = &g->space;
    w.span = f->span;
    w.constants = g->constants;
    w.elements = pd_space_elements(w.space);
    double ns = f->ns * (double)w.elements * sizeof(real) / 64;
    pd_parallel((w.elements + CHUNK - 1) / CHUNK, ns, chunk_apply, &w);
    return 0;
}

int64_t K(unary)(void *const *arrays, const void *geometry) {
    const pd_elementwise_geometry *g = geometry;
    work_t w = {.inputs = 1, .in = {arrays[0]}, .y = arrays[1]};
    return apply(&unary_functions[g->function], &w, g);
}

int64_t K(binary)(void *const *arrays, const void *geometry) {
    const pd_elementwise_geometry *g = geometry;
    work_t w = {.inputs = 2, .in = {arrays[0], arrays[1]}, .y = arrays[2]};
    return apply(&binary_functions[g->function], &w, g);
}
