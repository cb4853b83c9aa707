/* Elementwise functions of one or two arrays, broadcast, any strides.
 *
 *     unary  (x, y)      y[i] = f(x[i])
 *     binary (a, b, y)   y[i] = f(a[i], b[i])
 *
 * The output is operand 0 of the space; inputs may overlap it only if they
 * are the same array with the same strides. All of y is written. */
#ifndef PD_KERNELS_ELEMENTWISE_H
#define PD_KERNELS_ELEMENTWISE_H

#include "space.h"

#define UNARY(name, ns, formula) PD_UNARY_##name,
#define BINARY(name, ns, formula)
enum {
#include "elementwise.inc"
    PD_UNARY_FUNCTIONS
};
#undef UNARY
#undef BINARY
#define UNARY(name, ns, formula)
#define BINARY(name, ns, formula) PD_BINARY_##name,
enum {
#include "elementwise.inc"
    PD_BINARY_FUNCTIONS
};
#undef UNARY
#undef BINARY

/* The names, in the order of the numbers. */
#define UNARY(name, ns, formula) #name,
#define BINARY(name, ns, formula)
static const char *const pd_unary_names[] __attribute__((unused)) = {
#include "elementwise.inc"
};
#undef UNARY
#undef BINARY
#define UNARY(name, ns, formula)
#define BINARY(name, ns, formula) #name,
static const char *const pd_binary_names[] __attribute__((unused)) = {
#include "elementwise.inc"
};
#undef UNARY
#undef BINARY

typedef struct {
    int64_t function;    /* its number: PD_UNARY_… or PD_BINARY_… */
    double constants[3]; /* p, q, r of the functions that have any */
    pd_space space;      /* operands: y, then the inputs */
} pd_elementwise_geometry;

#endif
