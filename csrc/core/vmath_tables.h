/* The coefficients of vmath.h, once for double and once for float.
 *
 * Minimax polynomials (Remez) and constants in parts, as vmath_coefficients.py
 * derives and prints them; beside each polynomial stands its own error. */
#ifndef PD_CORE_VMATH_TABLES_H
#define PD_CORE_VMATH_TABLES_H

#include "simd.h"

#define VM_TABLE(name) static const real name[] __attribute__((unused))

/* clang-format off */
#if REAL_IS_DOUBLE

/* ln 2: the first part times an exponent is exact */
VM_TABLE(vm_ln2) = {
    0x1.62e42fefa3p-1, 0x1.3de6af278ece6p-42,
};
/* pi: n times a part is exact for whole 2 n up to 2^19 */
VM_TABLE(vm_pi) = {
    0x1.921fb544p+1, 0x1.0b4611a6p-33, 0x1.3198a2ep-68,
    0x1.b839a252p-103,
};
/* 2 / 3 */
VM_TABLE(vm_two_thirds) = {
    0x1.5555555555555p-1, 0x1.5555555555555p-55,
};
/* v = y (c0 + c1 + c2 y^2) in the tanh form of gelu */
VM_TABLE(vm_gelu_v_c) = {
    0x1.9884533d4365p+0, 0x1.1a1f9678a0175p-53, 0x1.2444f2a4d8b4bp-4,
};
/* pi / 4: three times the first part is exact */
VM_TABLE(vm_eighth_turn) = {
    0x1.921fb54442d18p-1, 0x1.1a62633145c07p-55,
};
/* e / 2 */
VM_TABLE(vm_half_e) = {
    0x1.5bf0a8b145769p+0, 0x1.4d57ee2b1013ap-54,
};
/* log 2 and log e in base 10: the first part times an exponent is exact */
VM_TABLE(vm_log10_c) = {
    0x1.34413509f7p-2, 0x1.3fde623e2566bp-43, 0x1.bcb7b1526e50ep-2,
    0x1.95355baaafad3p-57,
};
/* log 2 and log e in base 2 */
VM_TABLE(vm_log2_c) = {
    0x1p+0, 0x0p+0, 0x1.71547652b82fep+0,
    0x1.777d0ffda0d24p-56,
};
/* (exp(r) - 1 - r) / r^2, |r| <= ln 2 / 2, against exp(r) - 1; 0.16 ulp */
VM_TABLE(vm_exp_c) = {
    0x1.0000000000005p-1, 0x1.5555555555539p-3, 0x1.55555555522bcp-5,
    0x1.1111111118f7fp-7, 0x1.6c16c17edab07p-10, 0x1.a01a0175225d6p-13,
    0x1.a019a7721e633p-16, 0x1.71de87ef26907p-19, 0x1.28a1dd360684dp-22,
    0x1.ae6bc0dec5538p-26,
};
/* (log(1 + f) - f + f^2 / 2) / f^3, -1/4 <= f <= 1/2; 0.014 ulp */
VM_TABLE(vm_log_c) = {
    0x1.555555555554ap-2, -0x1.0000000000158p-2, 0x1.999999999c6b8p-3,
    -0x1.555555552bdb5p-3, 0x1.24924922a3f02p-3, -0x1.0000000d3a703p-3,
    0x1.c71c730b0a81fp-4, -0x1.999996738d6d5p-4, 0x1.745cde79ec776p-4,
    -0x1.55554bc06ed44p-4, 0x1.3b1914f92247dp-4, -0x1.249d7ea3b0514p-4,
    0x1.10d28528b4e1p-4, -0x1.fdedea8553289p-5, 0x1.e2aab8499f323p-5,
    -0x1.d95c46bcf5ff6p-5, 0x1.cf9d56e77adc5p-5, -0x1.82c444526ba91p-5,
    0x1.b3b1fc90d06b8p-6, -0x1.d07ed8631f555p-8,
};
/* erf(x) / x - 1 in x^2, |x| <= 0.8; 0.028 ulp */
VM_TABLE(vm_erf_c) = {
    0x1.06eba8214db68p-3, -0x1.812746b0379cfp-2, 0x1.ce2f21a0414b5p-4,
    -0x1.b82ce311fc8c7p-6, 0x1.565bccf32ce24p-8, -0x1.c02dadcf046b2p-11,
    0x1.f9a245ac9e8bcp-14, -0x1.f4bdb7b86c8ecp-17, 0x1.b8ade700555cdp-20,
    -0x1.53d27d3aaa2bdp-23, 0x1.7c4d53bd7d565p-27,
};
/* (sin(r) / r - 1) / r^2 in r^2, |r| <= pi / 2; 0.0025 ulp */
VM_TABLE(vm_sin_c) = {
    -0x1.5555555555555p-3, 0x1.11111111110c1p-7, -0x1.a01a01a0148cp-13,
    0x1.71de3a5287e38p-19, -0x1.ae6454cb65d4ap-26, 0x1.6123cb2ce5af9p-33,
    -0x1.ae431ea371c58p-41, 0x1.8829bf73a8c09p-49,
};
/* (sinh(x) / x - 1) / x^2 in x^2, |x| <= 1; 0.86 ulp */
VM_TABLE(vm_sinh_c) = {
    0x1.555555555547bp-3, 0x1.1111111121e36p-7, 0x1.a01a01848d529p-13,
    0x1.71de4f0522255p-19, 0x1.ae54ab2ecf7e3p-26, 0x1.66f70b843753cp-33,
};
/* (atan(t) / t - 1) / t^2 in t^2, |t| <= tan(pi / 8); 0.011 ulp */
VM_TABLE(vm_atan_c) = {
    -0x1.555555555553dp-2, 0x1.99999999957c7p-3, -0x1.24924922aa2e8p-3,
    0x1.c71c70e50301p-4, -0x1.745cf8c247613p-4, 0x1.3b111781c32b3p-4,
    -0x1.10eba7fd501bbp-4, 0x1.df0e759a324b6p-5, -0x1.9ccf53ae230edp-5,
    0x1.37cdbcc733a8cp-5, -0x1.255a7c39dc01dp-6,
};
/* (log((1 + s) / (1 - s)) - 2 s - 2 s^3 / 3) / s^5 in s^2, |s| < 0.172;
 * 0.0001 ulp */
VM_TABLE(vm_pow_c) = {
    0x1.9999999999b3p-2, 0x1.2492492457e3p-2, 0x1.c71c722d53e95p-3,
    0x1.745ce9e9b1f89p-3, 0x1.3b1eeae5713fap-3, 0x1.0f80047707085p-3,
    0x1.0e41b1923bf72p-3,
};
/* exp(z^2) erfc(z) in u = (z - 4) / (z + 4), z <= 27.3, the weight falling
 * with exp(-z) to z = 3; 0.0049 ulp */
VM_TABLE(vm_tail_c) = {
    0x1.18932bf08e154p-3, -0x1.094922737431ap-2, 0x1.bff01a5f90871p-3,
    -0x1.506666f69e578p-3, 0x1.be502c3657e2ap-4, -0x1.027d5744b5a94p-4,
    0x1.0066e104a65cbp-5, -0x1.a4ded41494cc4p-7, 0x1.0a17eb74b0814p-8,
    -0x1.a2f8fbf3c4fccp-11, -0x1.6d19b9fed2b84p-16, 0x1.4b478051f8ca2p-14,
    -0x1.7a6e2119de464p-16, -0x1.feda9d316e9abp-20, 0x1.8b466cc49918ap-19,
    -0x1.b726444296e47p-22, -0x1.3212fdd5924b5p-22, 0x1.9e4023978539fp-24,
    0x1.c8850725a8447p-26, -0x1.06324192b47f9p-26, -0x1.bb9ff71a52a7ep-29,
    0x1.cdeb542dee4a8p-30, 0x1.0be83631d939p-31,
};

#else

/* ln 2: the first part times an exponent is exact */
VM_TABLE(vm_ln2) = {
    0x1.62e4p-1, 0x1.7f7d1cp-20,
};
/* pi: n times a part is exact for whole 2 n up to 2^12 */
VM_TABLE(vm_pi) = {
    0x1.92p+1, 0x1.fb4p-11, 0x1.444p-23,
    0x1.68c234p-38,
};
/* 2 / 3 */
VM_TABLE(vm_two_thirds) = {
    0x1.555554p-1, 0x1.555556p-25,
};
/* v = y (c0 + c1 + c2 y^2) in the tanh form of gelu */
VM_TABLE(vm_gelu_v_c) = {
    0x1.988452p+0, 0x1.3d4366p-24, 0x1.2444f2p-4,
};
/* pi / 4: three times the first part is exact */
VM_TABLE(vm_eighth_turn) = {
    0x1.921fbp-1, 0x1.5110b4p-23,
};
/* e / 2 */
VM_TABLE(vm_half_e) = {
    0x1.5bf0a8p+0, 0x1.628aeep-25,
};
/* log 2 and log e in base 10: the first part times an exponent is exact */
VM_TABLE(vm_log10_c) = {
    0x1.344p-2, 0x1.3509f8p-18, 0x1.bcb7bp-2,
    0x1.526e5p-26,
};
/* log 2 and log e in base 2 */
VM_TABLE(vm_log2_c) = {
    0x1p+0, 0x0p+0, 0x1.715476p+0,
    0x1.4ae0cp-26,
};
/* (exp(r) - 1 - r) / r^2, |r| <= ln 2 / 2, against exp(r) - 1; 0.22 ulp */
VM_TABLE(vm_exp_c) = {
    0x1.fffffep-2, 0x1.5554bp-3, 0x1.555674p-5,
    0x1.12276cp-7, 0x1.6beb88p-10,
};
/* (log(1 + f) - f + f^2 / 2) / f^3, -1/4 <= f <= 1/2; 0.082 ulp */
VM_TABLE(vm_log_c) = {
    0x1.5555a4p-2, -0x1.00004p-2, 0x1.9969b2p-3,
    -0x1.54efdcp-3, 0x1.28847p-3, -0x1.0d8a84p-3,
    0x1.ac90dp-4, -0x1.7140d2p-5,
};
/* erf(x) / x - 1 in x^2, |x| <= 0.8; 0.05 ulp */
VM_TABLE(vm_erf_c) = {
    0x1.06eba8p-3, -0x1.81272ep-2, 0x1.ce2804p-4,
    -0x1.b76e9cp-6, 0x1.4d4252p-8, -0x1.56a292p-11,
};
/* (sin(r) / r - 1) / r^2 in r^2, |r| <= pi / 2; 0.1 ulp */
VM_TABLE(vm_sin_c) = {
    -0x1.55554cp-3, 0x1.110ed4p-7, -0x1.9f7006p-13,
    0x1.5dbe54p-19,
};
/* (sinh(x) / x - 1) / x^2 in x^2, |x| <= 1; 0.00087 ulp */
VM_TABLE(vm_sinh_c) = {
    0x1.555556p-3, 0x1.111134p-7, 0x1.9ffe94p-13,
    0x1.7a1596p-19,
};
/* (atan(t) / t - 1) / t^2 in t^2, |t| <= tan(pi / 8); 0.011 ulp */
VM_TABLE(vm_atan_c) = {
    -0x1.55554ap-2, 0x1.999196p-3, -0x1.23b52ap-3,
    0x1.b1ec82p-4, -0x1.f1ef0ap-5,
};
/* (log((1 + s) / (1 - s)) - 2 s - 2 s^3 / 3) / s^5 in s^2, |s| < 0.172;
 * 0.00014 ulp */
VM_TABLE(vm_pow_c) = {
    0x1.999ap-2, 0x1.245298p-2, 0x1.df9ccep-3,
};
/* exp(z^2) erfc(z) in u = (z - 3.5) / (z + 3.5), z <= 10.3, the weight
 * falling with exp(-z) to z = 3; 0.034 ulp */
VM_TABLE(vm_tail_c) = {
    0x1.3e0a9ap-3, -0x1.283518p-2, 0x1.dd7344p-3,
    -0x1.4a6c4ap-3, 0x1.82cdc6p-4, -0x1.741cd8p-5,
    0x1.15a91p-6, -0x1.1af88ep-8, 0x1.279daap-12,
    0x1.c64b6ap-12,
};

#endif
/* clang-format on */

#endif
