/* The micro-kernel: a tile of C that lives in registers.
 *
 *     C[rows, width*VL] (+)= A[rows, k] B[k, width*VL]
 *
 *              B    one row of B: `width` vectors
 *             +--+--+
 *     A  a -> |  |  |   at each step p one column of A is broadcast, element
 *        a -> |  |  |   by element, against one row of B: rows * width fused
 *        a -> |  |  |   multiply-adds for rows + width loads
 *             +--+--+
 *              C
 *
 * There is one body; every tile height is an instance of it. M rows are cut
 * into ceil(M / TILE_ROWS) tiles whose heights differ by one at most, so there
 * are no edge kernels and no short last tile: 16 rows are 8 + 8, not 14 + 2.
 *
 * A is read by (row stride, step): rows in place or copied as [i][p] have step
 * 1, columns copied as [p][i] have row stride 1. B is read by (step), the
 * distance of two of its rows: in place, or VL * TILE_WIDTH in packed panels.
 * A listed tile reads its A by (row stride, list): column p is list[p] elements
 * from the first.
 *
 * Invariant: the accumulators never leave the registers inside the loop. Each
 * UNROLL is needed for that; tests read the disassembly. */
#ifndef PD_GEMM_MICROKERNEL_H
#define PD_GEMM_MICROKERNEL_H

#include "tiles.h"

enum { LINE = 64 / (int)sizeof(real) };

/* Lines that are still to be asked for; see ahead.h. */
typedef struct {
    const real *next;
    int64_t run, left; /* lines of a run; of this one */
    int64_t jump;      /* from behind a run to the next one */
    int64_t lines;     /* of all; none where it is not positive */
} ahead_t;

/* So many steps stand in a row. With 16 registers the instructions around the
 * multiply-adds are as many as these, and the loop's own are worth saving: 6 to
 * 11 % where a neighbour on the same core wants his share of the decoder. */
#if V_REGISTERS != 16
#define UNROLL_STEPS
#elif defined(__clang__)
#define UNROLL_STEPS _Pragma("clang loop unroll_count(4)")
#else
#define UNROLL_STEPS _Pragma("GCC unroll 4")
#endif

/* Rows are addressed from two bases, 0 and HALF: seven strides then reach all
 * of fourteen rows, and their registers suffice. Each step asks for `lines`
 * lines of `ahead`. */
V_INLINE void tile_body(const int rows, const int width, const int lines,
                        ahead_t *ahead, int64_t k, const real *a, int64_t a_row,
                        int64_t a_step, const int64_t *list, const real *b,
                        int64_t b_step, real *c, int64_t c_row, int add) {
    enum { HALF = 7 };
    const real *next = lines ? ahead->next : NULL;
    int64_t left = lines ? ahead->left : 0;
    const real *const first = a, *low = a + HALF * a_row;
    vreal sum[TILE_ROWS][WIDE_WIDTH];
    UNROLL for (int i = 0; i < rows; i++) {
        UNROLL for (int j = 0; j < width; j++)
            sum[i][j] = (vreal){0};
    }
    UNROLL_STEPS for (int64_t p = 0; p < k; p++) {
        vreal row[WIDE_WIDTH];
        if (list) a = first + list[p], low = a + HALF * a_row;
        UNROLL for (int j = 0; j < width; j++)
            row[j] = v_load(b + j * VL);
        UNROLL for (int l = 0; l < lines; l++) {
            __builtin_prefetch(next, 0, 2);
            const int64_t ends = --left == 0;
            next += LINE + ends * ahead->jump;
            left += ends * ahead->run;
        }
        UNROLL for (int i = 0; i < rows; i++) {
            vreal x = v_set(i < HALF ? a[i * a_row] : low[(i - HALF) * a_row]);
            UNROLL for (int j = 0; j < width; j++)
                sum[i][j] = v_fma(x, row[j], sum[i][j]);
        }
        if (!list) a += a_step, low += a_step;
        b += b_step;
    }
    if (lines)
        ahead->next = next, ahead->left = left, ahead->lines -= lines * k;
    if (add) {
        UNROLL for (int i = 0; i < rows; i++) {
            UNROLL for (int j = 0; j < width; j++)
                sum[i][j] += v_load(c + i * c_row + j * VL);
        }
    }
    UNROLL for (int i = 0; i < rows; i++) {
        UNROLL for (int j = 0; j < width; j++)
            v_store(c + i * c_row + j * VL, sum[i][j]);
    }
}

#define TILE(rows, width)                                                      \
    static void tile_##rows##_##width(                                         \
        int64_t k, const real *a, int64_t a_row, int64_t a_step,               \
        const real *b, int64_t b_step, real *c, int64_t c_row, int add) {      \
        tile_body(rows, width, 0, NULL, k, a, a_row, a_step, NULL, b, b_step,  \
                  c, c_row, add);                                              \
    }
#define TILE_NAME(rows, width) tile_##rows##_##width,
#define LISTED(rows, width)                                                    \
    static void listed_##rows##_##width(                                       \
        int64_t k, const real *a, int64_t a_row, const int64_t *list,          \
        const real *b, int64_t b_step, real *c, int64_t c_row) {               \
        tile_body(rows, width, 0, NULL, k, a, a_row, 0, list, b, b_step, c,    \
                  c_row, 0);                                                   \
    }
#define LISTED_NAME(rows, width) listed_##rows##_##width,
#define TILE_EACH_5(f, w) f(1, w) f(2, w) f(3, w) f(4, w) f(5, w)
#define TILE_EACH_6(f, w) TILE_EACH_5(f, w) f(6, w)
#define TILE_EACH_14(f, w)                                                     \
    TILE_EACH_6(f, w)                                                          \
    f(7, w) f(8, w) f(9, w) f(10, w) f(11, w) f(12, w) f(13, w) f(14, w)

#if V_REGISTERS == 16
#define TILE_EACH(f, w) TILE_EACH_6(f, w)
#elif PD_VECTOR_BYTES == 16
#define TILE_EACH(f, w) TILE_EACH_5(f, w)
#else
#define TILE_EACH(f, w) TILE_EACH_14(f, w)
#endif
#if V_REGISTERS == 32 && PD_VECTOR_BYTES == 16
#define TILE_ALL(f)                                                            \
    TILE_EACH(f, 1) TILE_EACH(f, 2) TILE_EACH(f, 3) TILE_EACH(f, 4)
#define TILE_TABLE(f)                                                          \
    {                                                                          \
        {TILE_EACH(f, 1)}, {TILE_EACH(f, 2)}, {TILE_EACH(f, 3)}, {             \
            TILE_EACH(f, 4)                                                    \
        }                                                                      \
    }
#else
#define TILE_ALL(f) TILE_EACH(f, 1) TILE_EACH(f, 2)
#define TILE_TABLE(f)                                                          \
    {                                                                          \
        {TILE_EACH(f, 1)}, { TILE_EACH(f, 2) }                                 \
    }
#endif

/* …_kernels[width - 1][rows - 1]. */
TILE_ALL(TILE)
static tile_kernel *const tile_kernels[TILE_WIDTH][TILE_ROWS] =
    TILE_TABLE(TILE_NAME);
TILE_ALL(LISTED)
static listed_kernel *const listed_kernels[TILE_WIDTH][TILE_ROWS] =
    TILE_TABLE(LISTED_NAME);

/* The few rows that are wide. */
#if V_REGISTERS == 16
TILE(1, 4)
TILE(2, 4)
static tile_kernel *const wide_kernels[WIDE_ROWS] = {tile_1_4, tile_2_4};
#elif PD_VECTOR_BYTES == 16
TILE(1, 6)
TILE(2, 6)
TILE(3, 6)
static tile_kernel *const wide_kernels[WIDE_ROWS] = {tile_1_6, tile_2_6,
                                                     tile_3_6};
#else
TILE(1, 6)
TILE(2, 6)
TILE(3, 6)
TILE(4, 6)
static tile_kernel *const wide_kernels[WIDE_ROWS] = {tile_1_6, tile_2_6,
                                                     tile_3_6, tile_4_6};
#endif

#endif
