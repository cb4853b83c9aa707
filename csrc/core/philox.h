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
 * Groups come in flights of four: a round waits for its multiplication, so
 * several vectors of blocks go through it side by side.
 *
 * Integers only, so every ISA has the same bits.
 *
 * Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3",
 * SC 2011. Key: the seed. Counter: the block in its low half, the stream in its
 * high half. */
#ifndef PD_CORE_PHILOX_H
#define PD_CORE_PHILOX_H

#include "simd.h"

enum {
    PD_GROUP_BLOCKS = 8,
    PD_GROUP_WORDS = 2 * PD_GROUP_BLOCKS,
    PD_FLIGHT_GROUPS = 4,
    PD_FLIGHT_BLOCKS = PD_FLIGHT_GROUPS * PD_GROUP_BLOCKS,
    PD_FLIGHT_WORDS = PD_FLIGHT_GROUPS * PD_GROUP_WORDS,
    PD_PHILOX_LANES = PD_VECTOR_BYTES / 8,
    /* vectors of blocks side by side: four words and a product each */
    PD_PHILOX_VECTORS = V_REGISTERS / 8
};

/* What a draw is known by: the two elements of a key array. */
typedef struct {
    uint64_t seed, stream;
} pd_key;

#define PD_W(x) ((vword){0} + (uint64_t)(x)) /* x in every lane */
#define PD_M0 0xD2511F53u
#define PD_M1 0xCD9E8D57u

/* What blocks with one upper half have in common: the keys of the rounds, and
 * what the first two rounds make of the stream and that half. They xor c2 with
 * `first2`, then c0 with `second0` and c2 with `second2`, and c3 becomes
 * `second3`. */
typedef struct {
    uint64_t first2, second0, second2, second3;
    uint64_t key0[10], key1[10]; /* of each round */
} pd_philox_plan;

/* For the blocks that share their upper half with this one. */
V_INLINE pd_philox_plan pd_philox_planned(pd_key key, uint64_t block) {
    pd_philox_plan plan;
    for (uint32_t r = 0; r < 10; r++) {
        plan.key0[r] = (uint32_t)key.seed + r * 0x9E3779B9u;
        plan.key1[r] = (uint32_t)(key.seed >> 32) + r * 0xBB67AE85u;
    }
    const uint64_t p1 = (uint64_t)PD_M1 * (uint32_t)key.stream;
    const uint32_t c0 = (uint32_t)(p1 >> 32 ^ block >> 32 ^ plan.key0[0]);
    const uint64_t p0 = (uint64_t)PD_M0 * c0;
    plan.first2 = key.stream >> 32 ^ plan.key1[0];
    plan.second0 = (uint32_t)p1 ^ plan.key0[1];
    plan.second2 = p0 >> 32 ^ plan.key1[1];
    plan.second3 = (uint32_t)p0;
    return plan;
}

/* Words of 32 bits are kept in the low halves of lanes of 64; what the high
 * halves hold does not matter, for w_multiply does not look at them. The last
 * round puts words 0 and 1 side by side, and 2 and 3: its products turned by
 * half hold the one, and want the exclusive or for the other. */
V_INLINE void pd_philox_vectors(const pd_philox_plan *plan, uint64_t block,
                                const int vectors, uint64_t *words) {
    enum { N = PD_PHILOX_VECTORS, LANES = PD_PHILOX_LANES };
    const vword m0 = PD_W(PD_M0), m1 = PD_W(PD_M1), low = PD_W(0xFFFFFFFF);
    vword c0[N], c1[N], c2[N], c3[N], lane = PD_W(0);
    UNROLL for (int i = 0; i < LANES; i++)
        lane[i] = (uint64_t)i;
    UNROLL for (int i = 0; i < vectors; i++) {
        c3[i] = w_multiply(m0, lane + (block + (uint64_t)(i * LANES)));
        c2[i] = (c3[i] >> 32) ^ PD_W(plan->first2);
        c1[i] = w_multiply(m1, c2[i]);
        c0[i] = (c1[i] >> 32) ^ PD_W(plan->second0);
        c2[i] = c3[i] ^ PD_W(plan->second2);
        c3[i] = PD_W(plan->second3);
    }
    UNROLL for (int r = 2; r < 9; r++) UNROLL
        for (int i = 0; i < vectors; i++) {
            vword p0 = w_multiply(m0, c0[i]), p1 = w_multiply(m1, c2[i]);
            c0[i] = w_xor3(p1 >> 32, c1[i], PD_W(plan->key0[r]));
            c2[i] = w_xor3(p0 >> 32, c3[i], PD_W(plan->key1[r]));
            c1[i] = p1;
            c3[i] = p0;
        }
    UNROLL for (int i = 0; i < vectors; i++) {
        vword p0 = w_multiply(m0, c0[i]), p1 = w_multiply(m1, c2[i]);
        vword other0 = (c1[i] ^ PD_W(plan->key0[9])) & low;
        vword other2 = (c3[i] ^ PD_W(plan->key1[9])) & low;
        vword first = (p1 >> 32 | p1 << 32) ^ other0;
        vword second = (p0 >> 32 | p0 << 32) ^ other2;
        const int b = i * LANES % PD_GROUP_BLOCKS;
        uint64_t *group = words + i * LANES / PD_GROUP_BLOCKS * PD_GROUP_WORDS;
        memcpy(group + b, &first, sizeof first);
        memcpy(group + PD_GROUP_BLOCKS + b, &second, sizeof second);
    }
}

/* The words of `blocks` blocks, whole groups, from a whole group on. */
V_INLINE void pd_philox_blocks(const pd_philox_plan *plan, uint64_t block,
                               int blocks, uint64_t *words) {
    const int all = PD_PHILOX_VECTORS * PD_PHILOX_LANES;
    const int step = blocks < all ? blocks : all;
    for (int b = 0; b < blocks; b += step)
        pd_philox_vectors(plan, block + (uint64_t)b, step / PD_PHILOX_LANES,
                          words + b / PD_GROUP_BLOCKS * PD_GROUP_WORDS +
                              b % PD_GROUP_BLOCKS);
}

V_INLINE void pd_philox_group(pd_key key, int64_t group,
                              uint64_t words[PD_GROUP_WORDS]) {
    const uint64_t block = (uint64_t)group * PD_GROUP_BLOCKS;
    const pd_philox_plan plan = pd_philox_planned(key, block);
    pd_philox_blocks(&plan, block, PD_GROUP_BLOCKS, words);
}

/* Of flights that share their upper half with this one; 2^27 of them do. */
V_INLINE pd_philox_plan pd_philox_flights(pd_key key, int64_t flight) {
    return pd_philox_planned(key, (uint64_t)flight * PD_FLIGHT_BLOCKS);
}
/* Not inline: the 20 keys are then read where they are wanted, rather than held
 * in registers, which are short, from before the caller's loop on. */
__attribute__((noinline, unused)) static void
pd_philox_flight(const pd_philox_plan *plan, int64_t flight,
                 uint64_t words[PD_FLIGHT_WORDS]) {
    pd_philox_blocks(plan, (uint64_t)flight * PD_FLIGHT_BLOCKS,
                     PD_FLIGHT_BLOCKS, words);
}

#undef PD_M0
#undef PD_M1
#undef PD_W

#endif
