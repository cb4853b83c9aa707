/* Memory for arrays: 64-byte aligned, cached by size class.
 *
 * A training loop asks for the same sizes at every step. A freed block goes to
 * the list of its class and is handed out again: after the first step nothing
 * is asked of the system and no page is touched for the first time. A block of
 * 2 MiB and more that was not wanted for thousands of others goes back: what
 * building a model took does not stay for as long as it is trained.
 *
 * Classes are powers of two and their quarters (at most 25 % is wasted).
 * Blocks of 2 MiB and more come from mmap and ask for huge pages. Memory is
 * never cleared: who hands it to a person writes all of it first. */
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
/* Bytes in use (rounded to their classes) and bytes cached. */
void pd_memory(int64_t *in_use, int64_t *cached);

#endif
