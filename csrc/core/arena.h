/* Large blocks: cut out of a few wide mappings, put together again when freed.
 *
 *     a mapping    | block | 7 | block    |  3  | 7 |  block |  never touched |
 *                            ^                ^   ^
 *                            free pieces, with the age at which each was freed
 *
 * Invariant: the pieces are all that is free, in the order of their addresses.
 * Neighbours of one age are one piece. A block may be cut across neighbours of
 * several ages, so what was freed bit by bit serves a larger block too.
 *
 * A block goes where the fewest pages have to be touched for the first time, of
 * such places to the lowest. So a training step finds its pages again, and all
 * that it holds at different times shares them.
 *
 * Sizes are multiples of PD_ARENA_GRAIN. The caller holds a lock. */
#ifndef PD_CORE_ARENA_H
#define PD_CORE_ARENA_H

#include <stddef.h>
#include <stdint.h>

#define PD_ARENA_GRAIN ((size_t)1 << 16)

/* A block, or NULL where the system has no memory. */
void *pd_arena_take(size_t bytes);
/* Ages do not fall. Never fails. */
void pd_arena_give(void *memory, size_t bytes, int64_t age);
/* The pages of pieces that are younger than `age` stay, others go back to the
 * system. */
void pd_arena_trim(int64_t age);
/* Bytes of free pieces that were handed out before and did not go back. */
int64_t pd_arena_cached(void);

#endif
