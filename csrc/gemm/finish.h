/* What happens to a finished row of C on its way out: added, shifted by the
 * bias, put through the activation. One function, on a row that is still in
 * the first level of cache. */
#ifndef PD_GEMM_FINISH_H
#define PD_GEMM_FINISH_H

#include "gemm.h"
#include "simd.h"
#include "vmath.h"

V_INLINE vreal activate(vreal x, const int activation) {
    switch (activation) {
    case PD_ACTIVATION_RELU: return v_max(v_set(0), x);
    case PD_ACTIVATION_GELU: return vm_gelu(x);
    case PD_ACTIVATION_TANH: return vm_tanh(x);
    case PD_ACTIVATION_SIGMOID: return vm_sigmoid(x);
    default: return x;
    }
}

/* n <= VL lanes of activation(x (+ c) + bias). */
V_INLINE void finish_lanes(real *c, vreal x, int64_t n, int add,
                           const real *bias, int64_t bias_step,
                           const int activation) {
    const int whole = n == VL;
    if (add) x += whole ? v_load(c) : v_load_first(c, n);
    if (bias && bias_step == 1) {
        x += whole ? v_load(bias) : v_load_first(bias, n);
    } else if (bias) {
        for (int64_t j = 0; j < n; j++) x[j] += bias[j * bias_step];
    }
    x = activate(x, activation);
    if (whole)
        v_store(c, x);
    else
        v_store_first(c, x, n);
}

V_INLINE void finish_rows_as(int64_t rows, real *c, int64_t c_row,
                             const real *x, int64_t x_row, int64_t n, int add,
                             const real *bias, int64_t bias_step,
                             const int activation) {
    for (int64_t r = 0; r < rows; r++, c += c_row, x += x_row) {
        int64_t j = 0;
        for (; j + VL <= n; j += VL)
            finish_lanes(c + j, v_load(x + j), VL, add,
                         bias ? bias + j * bias_step : NULL, bias_step,
                         activation);
        if (j < n)
            finish_lanes(c + j, v_load_first(x + j, n - j), n - j, add,
                         bias ? bias + j * bias_step : NULL, bias_step,
                         activation);
    }
}

/* c[rows][n] = activation(x[rows][n] (+ c) + bias[n]); x may be c. */
static void finish_rows(int64_t rows, real *c, int64_t c_row, const real *x,
                        int64_t x_row, int64_t n, int add, const real *bias,
                        int64_t bias_step, int activation) {
    switch (activation) {
#define FINISH(name)                                                           \
    case name:                                                                 \
        finish_rows_as(rows, c, c_row, x, x_row, n, add, bias, bias_step,      \
                       name);                                                  \
        break;
        FINISH(PD_ACTIVATION_NONE)
        FINISH(PD_ACTIVATION_RELU)
        FINISH(PD_ACTIVATION_GELU)
        FINISH(PD_ACTIVATION_TANH)
        FINISH(PD_ACTIVATION_SIGMOID)
#undef FINISH
    }
}

static inline void finish_row(real *c, const real *x, int64_t n, int add,
                              const real *bias, int64_t bias_step,
                              int activation) {
    finish_rows(1, c, 0, x, 0, n, add, bias, bias_step, activation);
}

#endif
