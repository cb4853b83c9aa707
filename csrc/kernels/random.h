/* Random numbers: the same bits on every ISA and for every number of threads.
 *
 *     random_draw        (state, key)    key = state; state's stream += 1
 *     random_uniform     (key, y)        real, 0 <= y < 1
 *     random_normal      (key, y)        real, mean 0, deviation 1
 *     random_exponential (key, y)        real, y >= 0, mean 1
 *     random_integers    (key, y)        int64, low <= y < low + range
 *     random_permutation (key, y)        int64, 0 … elements-1 in random order
 *
 * state, key   uint64 [2]: seed, stream (philox.h)
 * y            [elements], dense, written whole
 *
 * random_draw is the only kernel that changes a generator; all that follows
 * from a key is a function of it. So a recorded step, which begins with the
 * draw, has fresh numbers at each replay. */
#ifndef PD_KERNELS_RANDOM_H
#define PD_KERNELS_RANDOM_H

#include "kernel.h"

typedef struct {
    int64_t elements;
    int64_t low;    /* random_integers */
    uint64_t range; /* random_integers: 1 … 2^63 */
} pd_random_geometry;

#endif
