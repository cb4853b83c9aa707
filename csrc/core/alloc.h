/* Memory for arrays: 64-byte aligned, kept for the next one when it is freed.
 *
 * A training loop asks for the same sizes at every step: after the first step
 * nothing is asked of the system and no page is touched for the first time.
 *
 *     below 2 MiB     a list of free blocks for each class of sizes; classes
 *                     are powers of two and their eighths (at most 12.5 % is
 *                     wasted)
 *     from there on   pieces of a few wide mappings on huge pages (arena.h), so
 *                     that what is free serves blocks of any size. Pages that
 *                     were not wanted for thousands of blocks go back: what
 *                     building a model took does not stay for as long as it is
 *                     trained.
 *
 * Memory is never cleared: who hands it to a person writes all of it first. */
#ifndef PD_CORE_ALLOC_H
#define PD_CORE_ALLOC_H

#include <stddef.h>
#include <stdint.h>

/* NULL when memory is short. bytes may be 0. */
void *pd_alloc(size_t bytes);
/* `bytes` as given to pd_alloc. */
void pd_free(void *memory, size_t bytes);
/* Gives all cached blocks back to the system. */
void pd_empty_cache(void);
/* Bytes in use (rounded as above) and bytes kept. */
void pd_memory(int64_t *in_use, int64_t *cached);

#endif
