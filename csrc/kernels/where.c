/* where: a choice by bytes, in vectors of reals.
 *
 *     condition ──bytes, widened to lanes──> mask
 *                                              select ── y
 *     a, b ─────operands (span.h)─────────────>
 *
 * The index space is cut into chunks of CHUNK elements as in elementwise.c: a
 * chunk is walked run by run along the innermost axis, a run in spans. */
#include "where.h"
#include "par.h"
#include "real.h"
#include "simd.h"
#include "span.h"

enum { CHUNK = 16384, SPAN = 512, OPERANDS = 4 };
static const double NS = 5; /* per 16 float32 */

typedef uint8_t byte_lanes
    __attribute__((vector_size(PD_VECTOR_BYTES / sizeof(real))));

/* The lanes whose byte is not 0, of the first n <= VL bytes. */
V_INLINE vmask mask_of(const uint8_t *p, int64_t n) {
    byte_lanes narrow = {0};
    memcpy(&narrow, p, (size_t)n);
    vint wide = __builtin_convertvector(narrow, vint);
    return m_not(v_eq_int(wide, v_set_int(0)));
}

/* y[0 … n) = c ? a : b, c and y contiguous. */
static void span_choose(const uint8_t *c, operand_t a, operand_t b, real *y,
                        int64_t n) {
    int64_t i = 0;
    for (; i + VL <= n; i += VL)
        v_store(y + i, v_select(mask_of(c + i, VL), v_load(operand_at(a, i)),
                                v_load(operand_at(b, i))));
    if (i < n) {
        vreal x = v_load_first(operand_at(a, i), n - i);
        vreal z = v_load_first(operand_at(b, i), n - i);
        v_store_first(y + i, v_select(mask_of(c + i, n - i), x, z), n - i);
    }
}

typedef struct {
    const pd_space *space;
    real *y;
    const uint8_t *c;
    const real *a, *b;
    int64_t elements;
} work_t;

/* One run along the innermost axis; `at` holds the operands' offsets. */
static void run_choose(const work_t *w, const int64_t *at,
                       const int64_t *stride, int64_t n) {
    real of_y[SPAN], of_a[SPAN], of_b[SPAN];
    uint8_t of_c[SPAN];
    for (int64_t i = 0; i < n; i += SPAN) {
        int64_t m = n - i < SPAN ? n - i : SPAN;
        real *y = w->y + at[0] + i * stride[0];
        const uint8_t *c = w->c + at[1] + i * stride[1];
        if (stride[1] != 1) {
            for (int64_t k = 0; k < m; k++) of_c[k] = c[k * stride[1]];
            c = of_c;
        }
        const real *from_a = w->a + at[2] + i * stride[2];
        const real *from_b = w->b + at[3] + i * stride[3];
        const operand_t a = span_of(from_a, stride[2], m, of_a);
        const operand_t b = span_of(from_b, stride[3], m, of_b);
        span_choose(c, a, b, stride[0] == 1 ? y : of_y, m);
        if (stride[0] != 1)
            for (int64_t k = 0; k < m; k++) y[k * stride[0]] = of_y[k];
    }
}

/* Chunk number `chunk`: elements chunk * CHUNK … of the space, in its order. */
static void chunk_choose(void *context, int64_t chunk) {
    const work_t *w = context;
    const pd_space *s = w->space;
    int last = (int)s->axes - 1;
    int64_t i = chunk * CHUNK;
    int64_t end = w->elements - i < CHUNK ? w->elements : i + CHUNK;
    int64_t stride[OPERANDS];
    for (int k = 0; k < OPERANDS; k++) stride[k] = s->stride[k][last];
    while (i < end) {
        int64_t n = s->size[last] - i % s->size[last], at[OPERANDS];
        if (n > end - i) n = end - i;
        for (int k = 0; k < OPERANDS; k++) at[k] = pd_space_offset(s, k, i);
        run_choose(w, at, stride, n);
        i += n;
    }
}

int64_t K(where)(void *const *arrays, const void *geometry) {
    const pd_where_geometry *g = geometry;
    work_t w = {.space = &g->space,
                .c = arrays[0],
                .a = arrays[1],
                .b = arrays[2],
                .y = arrays[3],
                .elements = pd_space_elements(&g->space)};
    double ns = NS * (double)w.elements * sizeof(real) / 64;
    pd_parallel((w.elements + CHUNK - 1) / CHUNK, ns, chunk_choose, &w);
    return 0;
}
