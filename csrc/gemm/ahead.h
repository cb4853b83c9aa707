/* The micro-kernel once more, for what comes from far away: while it multiplies
 * it asks for lines that will be wanted soon, one or two a step.
 *
 *     p ->  [========]        runs of lines, some distance apart: the rows of B
 *           [        ]   ->   that the next panels will be made of, or the next
 *           [        ]        panel itself
 *
 * A processor can wait for two dozen lines at a time. Asked for one by one, in
 * the rhythm of the steps, a block arrives while another is multiplied; asked
 * for between two tiles, most of it would have to queue, and the
 * multiplications behind it. */
#ifndef PD_GEMM_AHEAD_H
#define PD_GEMM_AHEAD_H

#include "microkernel.h"
#include "runs.h"

/* Lines that a step may ask for. */
enum { AHEAD_LINES = TILE_WIDTH * PD_VECTOR_BYTES > 64 ? 2 : 1 };

/* Asks for `rows` runs of n elements, `stride` apart. A run that begins within
 * a line leaves that one out: it ended the run before. */
static ahead_t ahead_of(const real *first, int64_t rows, int64_t n,
                        int64_t stride) {
    const int64_t run = ceil_div(n, LINE);
    return (ahead_t){.next = first + LINE - 1,
                     .run = run,
                     .left = run,
                     .jump = stride - run * LINE,
                     .lines = rows * run};
}

typedef void ahead_kernel(ahead_t *ahead, int64_t k, const real *a,
                          int64_t a_row, int64_t a_step, const real *b,
                          int64_t b_step, real *c, int64_t c_row, int add);

#define TILE_AHEAD(rows, width, lines)                                         \
    static void tile_ahead_##lines##_##rows##_##width(                         \
        ahead_t *ahead, int64_t k, const real *a, int64_t a_row,               \
        int64_t a_step, const real *b, int64_t b_step, real *c, int64_t c_row, \
        int add) {                                                             \
        tile_body(rows, width, lines, ahead, k, a, a_row, a_step, NULL, b,     \
                  b_step, c, c_row, add);                                      \
    }
#define TILE_AHEAD_1(rows, width) TILE_AHEAD(rows, width, 1)
#define TILE_AHEAD_2(rows, width) TILE_AHEAD(rows, width, 2)
#define AHEAD_NAME_1(rows, width) tile_ahead_1_##rows##_##width,
#define AHEAD_NAME_2(rows, width) tile_ahead_2_##rows##_##width,

/* ahead_kernels[lines - 1][rows - 1], of the full width. */
#if V_REGISTERS == 16
TILE_EACH_6(TILE_AHEAD_1, 2)
static ahead_kernel *const ahead_kernels[AHEAD_LINES][TILE_ROWS] = {
    {TILE_EACH_6(AHEAD_NAME_1, 2)}};
#elif PD_VECTOR_BYTES == 16
TILE_EACH_5(TILE_AHEAD_1, 4)
static ahead_kernel *const ahead_kernels[AHEAD_LINES][TILE_ROWS] = {
    {TILE_EACH_5(AHEAD_NAME_1, 4)}};
#else
TILE_EACH_14(TILE_AHEAD_1, 2)
TILE_EACH_14(TILE_AHEAD_2, 2)
static ahead_kernel *const ahead_kernels[AHEAD_LINES][TILE_ROWS] = {
    {TILE_EACH_14(AHEAD_NAME_1, 2)}, {TILE_EACH_14(AHEAD_NAME_2, 2)}};
#endif

#endif
