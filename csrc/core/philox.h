/* Philox4x32-10: random numbers as a function of where they stand.
 *
 *     (seed, stream, block) ── ten rounds ──> four words of 32 bits
 *
 * A stream belongs to one draw (one mask, one array of weights); a generator
 * counts them. Block b of a stream needs no other block, so elements can be
 * computed in any order, by any number of threads, and again in backward.
 *
 * A group is eight blocks, in this order whatever the width of a vector:
 *
 *     words[ 0 …  7]   word 0 | word 1 << 32   of blocks 0 … 7
 *     words[ 8 … 15]   word 2 | word 3 << 32
 *
 * Integers only, so every ISA has the same bits.
 *
 * Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3",
 * SC 2011. Key: the seed. Counter: the block in its low half, the stream in its
 * high half. */
#ifndef PD_CORE_PHILOX_H
#define PD_CORE_PHILOX_H

#include "simd.h"

enum { PD_GROUP_BLOCKS = 8, PD_GROUP_WORDS = 2 * PD_GROUP_BLOCKS };

/* What a draw is known by: the two elements of a key array. */
typedef struct {
    uint64_t seed, stream;
} pd_key;

#define PD_W(x) ((vword){0} + (uint64_t)(x)) /* x in every lane */

/* Words of 32 bits are kept in the low halves of lanes of 64; what the high
 * halves hold does not matter, for w_multiply does not look at them. */
V_INLINE void pd_philox_group(pd_key key, int64_t group,
                              uint64_t words[PD_GROUP_WORDS]) {
    enum { LANES = PD_VECTOR_BYTES / 8 };
    const vword multiplier0 = PD_W(0xD2511F53), multiplier1 = PD_W(0xCD9E8D57);
    vword low = PD_W(0xFFFFFFFF), lane = PD_W(0);
    UNROLL for (int i = 0; i < LANES; i++)
        lane[i] = (uint64_t)i;
    UNROLL for (int b = 0; b < PD_GROUP_BLOCKS; b += LANES) {
        vword block = lane + ((uint64_t)group * PD_GROUP_BLOCKS + (uint64_t)b);
        vword c0 = block, c1 = block >> 32;
        vword c2 = PD_W(key.stream), c3 = PD_W(key.stream >> 32);
        uint32_t k0 = (uint32_t)key.seed, k1 = (uint32_t)(key.seed >> 32);
        UNROLL for (int round = 0; round < 10; round++) {
            vword p0 = w_multiply(multiplier0, c0);
            vword p1 = w_multiply(multiplier1, c2);
            c0 = (p1 >> 32) ^ c1 ^ PD_W(k0);
            c2 = (p0 >> 32) ^ c3 ^ PD_W(k1);
            c1 = p1;
            c3 = p0;
            k0 += 0x9E3779B9;
            k1 += 0xBB67AE85;
        }
        vword first = (c0 & low) | (c1 << 32);
        vword second = (c2 & low) | (c3 << 32);
        memcpy(words + b, &first, sizeof first);
        memcpy(words + PD_GROUP_BLOCKS + b, &second, sizeof second);
    }
}

#undef PD_W

#endif
