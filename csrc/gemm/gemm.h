/* The matrix product, for kernels that are one underneath.
 *
 *     C[M,N] = activation(A[M,K] B[K,N] + bias[N])
 *
 * A matrix that is read is given by strides, or by a function that copies a
 * block of it: conv2d's im2col view is such a function, and so the columns
 * matrix of a convolution never exists in memory. C is written by rows: columns
 * are adjacent, and rows lie at a stride or at offsets from a table.
 *
 * K is cut into blocks of constant depth, added in order. So the bits of C
 * depend on shapes and strides only; the number of threads decides no more than
 * which rows and columns of C a task computes.
 *
 * Scratch: slots A and B of every thread that takes part. Callers keep theirs
 * in C and D. */
#ifndef PD_GEMM_GEMM_H
#define PD_GEMM_GEMM_H

#include "activation.h"
#include "kernel.h"
#include "real.h"

/* Copies rows i … i+rows-1, columns j … j+columns-1 to to[rows][stride]. */
typedef void gemm_read(const void *context, int64_t i, int64_t rows, int64_t j,
                       int64_t columns, real *to, int64_t stride);

/* The same block, rows and columns, where it lies: its first element, columns
 * adjacent, rows *row apart; NULL where it does not lie like that. */
typedef const real *gemm_find(const void *context, int64_t i, int64_t rows,
                              int64_t j, int64_t columns, int64_t *row);

/* The columns first … end-1 outside of which these rows are all zeros. */
typedef void gemm_span(const void *context, int64_t i, int64_t rows,
                       int64_t *first, int64_t *end);

typedef struct {
    const real *data; /* element (i, j) is data[i*row + j*column] … */
    int64_t row, column;
    gemm_read *read; /* … or, where this is not NULL, what it copies: */
    const void *context;
    int flipped;     /* 1: `read` copies the transpose (A only) */
    gemm_find *find; /* asked before `read`, or NULL (A only) */
    gemm_span *span; /* what may be left out, or NULL (A only) */
} gemm_matrix;

typedef struct {
    int64_t m, n, k;
    gemm_matrix a; /* [m, k] */
    gemm_matrix b; /* [k, n] */
    /* b as panels (see pack.h), made by the caller; b is ignored then. */
    const real *b_panels;
    /* Tiles of rows and blocks of K that A's `find` and `span` can answer for:
     * they do not cross multiples of these. 0, or divisors of m and k. */
    int64_t row_unit, k_unit;
    real *c; /* [m, n]; row i starts at c + (c_rows ? c_rows[i] : i*c_row) */
    int64_t c_row;
    const int64_t *c_rows;
    int add;          /* 1: C += …; otherwise C is written, never read */
    const real *bias; /* [n] at stride bias_step, or NULL */
    int64_t bias_step;
    int activation;
    /* Many products of one shape: batch_shape[batch_axes] and each operand's
     * strides along it. With a reader or b_panels there is no batch. */
    int64_t batch_axes;
    const int64_t *batch_shape, *a_batch, *b_batch, *c_batch;
} gemm_t;

/* C must not overlap A, B or bias. 0, or PD_NO_MEMORY. */
int64_t K(gemm)(const gemm_t *g);

#endif
