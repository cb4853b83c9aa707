/* Philox4x32-10 as its paper writes it, one block at a time: what random and
 * dropout are held to. */
#ifndef KTEST_PHILOX_H
#define KTEST_PHILOX_H

#include "ktest.h"

static inline void philox(const uint32_t *counter, const uint32_t *key,
                          uint32_t *c) {
    uint32_t k[2] = {key[0], key[1]};
    memcpy(c, counter, 4 * sizeof *c);
    for (int round = 0; round < 10; round++) {
        uint64_t p0 = (uint64_t)0xD2511F53 * c[0];
        uint64_t p1 = (uint64_t)0xCD9E8D57 * c[2];
        uint32_t next[4] = {(uint32_t)(p1 >> 32) ^ c[1] ^ k[0], (uint32_t)p1,
                            (uint32_t)(p0 >> 32) ^ c[3] ^ k[1], (uint32_t)p0};
        memcpy(c, next, sizeof next);
        k[0] += 0x9E3779B9;
        k[1] += 0xBB67AE85;
    }
}

/* The i-th word of 64 bits of a draw, in the order that philox.h states. */
static inline uint64_t philox_word(const uint64_t *key, int64_t i) {
    uint64_t block = (uint64_t)(i / 16 * 8 + i % 8);
    uint32_t counter[4] = {(uint32_t)block, (uint32_t)(block >> 32),
                           (uint32_t)key[1], (uint32_t)(key[1] >> 32)};
    uint32_t seed[2] = {(uint32_t)key[0], (uint32_t)(key[0] >> 32)}, c[4];
    philox(counter, seed, c);
    int half = i % 16 < 8 ? 0 : 2;
    return c[half] | (uint64_t)c[half + 1] << 32;
}
static inline uint32_t philox_word32(const uint64_t *key, int64_t i) {
    return (uint32_t)(philox_word(key, i / 2) >> (i % 2 * 32));
}

/* The next array: seed and stream. */
static inline uint64_t *kt_key(uint64_t seed, uint64_t stream) {
    uint64_t *key = kt_array(2, sizeof *key);
    key[0] = seed;
    key[1] = stream;
    return key;
}

#endif
