/* One source, two types, several instruction sets.
 *
 * Every file under kernels/ and gemm/ is compiled once per (ISA, type) with
 *     -DPD_ISA=avx512 -DPD_REAL=float
 * `real` is the element type of that compilation, K(name) the name with the
 * suffix that keeps the compilations apart: K(softmax_forward) is
 * pd_softmax_forward_avx512_float. */
#ifndef PD_CORE_REAL_H
#define PD_CORE_REAL_H

#include <stdint.h>

typedef PD_REAL real;

#define PD_PASTE4(a, b, c, d) a##b##_##c##_##d
#define PD_PASTE(a, b, c, d) PD_PASTE4(a, b, c, d)
#define K(name) PD_PASTE(pd_, name, PD_ISA, PD_REAL)

#define PD_IS_DOUBLE_float 0
#define PD_IS_DOUBLE_double 1
#define PD_JOIN2(a, b) a##b
#define PD_JOIN(a, b) PD_JOIN2(a, b)
/* 1 where `real` is double; usable in #if. */
#define REAL_IS_DOUBLE PD_JOIN(PD_IS_DOUBLE_, PD_REAL)

#endif
