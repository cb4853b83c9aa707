/* The one calling convention of all kernels.
 *
 *     int64_t kernel(void *const *arrays, const void *geometry)
 *
 * `arrays` are addresses, in the order and with the roles that kernels.inc
 * states; an optional array that is absent is NULL. `geometry` points to the
 * kernel's own struct and holds constants of the shapes only. Whatever changes
 * from step to step (a learning rate, a step count, a random counter) is an
 * element of an array. A training step is therefore a list of
 * (function, arrays, geometry) that can be recorded once and replayed.
 *
 * A kernel returns
 *     0                    done
 *     1 + position         the first bad datum (an index out of range)
 *     PD_NO_MEMORY         scratch memory could not be had
 * and never touches Python. */
#ifndef PD_CORE_KERNEL_H
#define PD_CORE_KERNEL_H

#include <stddef.h>
#include <stdint.h>

typedef int64_t pd_kernel(void *const *arrays, const void *geometry);

#define PD_NO_MEMORY ((int64_t)-1)

/* The most axes an array may have; asarray refuses more. */
#define PD_MAX_AXES 32

#endif
