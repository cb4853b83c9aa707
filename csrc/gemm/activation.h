/* The activations that a product's epilogue knows. Free of `real`, so that the
 * doors can see it. */
#ifndef PD_GEMM_ACTIVATION_H
#define PD_GEMM_ACTIVATION_H

/* What is done to a finished element of C. The numbers are part of the kernels'
 * geometry: grep ACTIVATIONS if you change them. */
enum {
    PD_ACTIVATION_NONE,
    PD_ACTIVATION_RELU,
    PD_ACTIVATION_GELU, /* x * Phi(x), by erf */
    PD_ACTIVATION_TANH,
    PD_ACTIVATION_SIGMOID,
    PD_ACTIVATIONS
};

#endif
