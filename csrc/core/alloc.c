/* See alloc.h. One lock guards the lists; it is held for a few instructions. */
#define _GNU_SOURCE
#include "alloc.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { SMALLEST_LOG2 = 6, CLASSES = 4 * 48 };
#define HUGE_BYTES ((size_t)2 << 20)
/* A cache larger than this is emptied before it grows further. */
#define CACHE_LIMIT ((int64_t)4 << 30)
/* A large block lies unused while so many others are handed out: it goes back.
 * A training step hands out some hundreds, and wants the same ones next time.
 */
enum { STALE = 4096, SWEEP = 1024 };

typedef struct block {
    struct block *next;
    int64_t freed; /* large blocks: how many had been handed out by then */
} block_t;

static block_t *free_list[CLASSES];
static int64_t bytes_in_use = 0, bytes_cached = 0;
static int64_t large_blocks = 0; /* handed out, ever */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* A fork while another thread holds the lock would leave it held in the child
 * for ever: the forking thread takes it first. */
static void take_lock(void) { pthread_mutex_lock(&lock); }
static void give_lock(void) { pthread_mutex_unlock(&lock); }
__attribute__((constructor)) static void watch_forks(void) {
    pthread_atfork(take_lock, give_lock, give_lock);
}

/* Class c holds blocks of (4 + c % 4) * 2^(SMALLEST_LOG2 + c / 4 - 2) bytes:
 * 64, 80 -> 128 (multiples of 64 only), 128, 192, 256, 320, 384, 448, 512 … */
static size_t class_bytes(int c) {
    size_t bytes = (size_t)(4 + c % 4) << (SMALLEST_LOG2 - 2 + c / 4);
    return (bytes + 63) & ~(size_t)63;
}

/* The smallest class that holds `bytes`, or -1. */
static int class_of(size_t bytes) {
    if (bytes <= 64) return 0;
    if (bytes > (size_t)1 << 52) return -1;
    int log2 = 63 - __builtin_clzll(bytes - 1); /* 2^log2 <= bytes - 1 */
    int quarter = (int)(((bytes - 1) >> (log2 - 2)) & 3);
    int c = 4 * (log2 - SMALLEST_LOG2) + quarter + 1;
    return c < CLASSES ? c : -1;
}

/* Linux promises memory it does not have and ends the process later; what is
 * larger than the machine is refused here. */
static int fits_machine(size_t bytes) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    return bytes / page < (size_t)sysconf(_SC_PHYS_PAGES);
}

static void *system_alloc(size_t bytes) {
    if (bytes < HUGE_BYTES) return aligned_alloc(64, bytes);
    if (!fits_machine(bytes)) return NULL;
    /* Map 2 MiB more than asked and cut off what does not align. */
    char *raw = mmap(NULL, bytes + HUGE_BYTES, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (raw == MAP_FAILED) return NULL;
    char *start =
        (char *)(((uintptr_t)raw + HUGE_BYTES - 1) & ~(HUGE_BYTES - 1));
    if (start > raw) munmap(raw, (size_t)(start - raw));
    size_t rest = (size_t)(raw + HUGE_BYTES - start);
    if (rest) munmap(start + bytes, rest);
#ifdef MADV_HUGEPAGE
    madvise(start, bytes, MADV_HUGEPAGE);
#endif
    return start;
}

static void system_free(void *memory, size_t bytes) {
    if (bytes < HUGE_BYTES)
        free(memory);
    else
        munmap(memory, bytes);
}

/* Gives back the cached blocks of `bytes` and more that were freed before
 * `since`. The lists are last in, first out: what is old lies below what is in
 * use at every step. */
static void empty_cache_locked(size_t bytes, int64_t since) {
    for (int c = 0; c < CLASSES; c++) {
        const size_t size = class_bytes(c);
        if (size < bytes) continue;
        for (block_t **link = &free_list[c]; *link;) {
            block_t *b = *link;
            if (size >= HUGE_BYTES && b->freed >= since) {
                link = &b->next;
                continue;
            }
            *link = b->next;
            system_free(b, size);
            bytes_cached -= (int64_t)size;
        }
    }
}

void *pd_alloc(size_t bytes) {
    int c = class_of(bytes);
    if (c < 0) return NULL;
    size_t size = class_bytes(c);
    pthread_mutex_lock(&lock);
    if (size >= HUGE_BYTES && ++large_blocks % SWEEP == 0)
        empty_cache_locked(HUGE_BYTES, large_blocks - STALE);
    block_t *b = free_list[c];
    if (b) {
        free_list[c] = b->next;
        bytes_cached -= (int64_t)size;
    } else {
        b = system_alloc(size);
        if (!b && bytes_cached) {
            empty_cache_locked(0, INT64_MAX);
            b = system_alloc(size);
        }
    }
    if (b) bytes_in_use += (int64_t)size;
    pthread_mutex_unlock(&lock);
    return b;
}

void pd_free(void *memory, size_t bytes) {
    if (!memory) return;
    int c = class_of(bytes);
    size_t size = class_bytes(c);
    pthread_mutex_lock(&lock);
    bytes_in_use -= (int64_t)size;
    if (bytes_cached + (int64_t)size > CACHE_LIMIT)
        empty_cache_locked(0, INT64_MAX);
    block_t *b = memory;
    b->next = free_list[c];
    b->freed = large_blocks;
    free_list[c] = b;
    bytes_cached += (int64_t)size;
    pthread_mutex_unlock(&lock);
}

void pd_empty_cache(void) {
    pthread_mutex_lock(&lock);
    empty_cache_locked(0, INT64_MAX);
    pthread_mutex_unlock(&lock);
}

void pd_memory(int64_t *in_use, int64_t *cached) {
    pthread_mutex_lock(&lock);
    *in_use = bytes_in_use;
    *cached = bytes_cached;
    pthread_mutex_unlock(&lock);
}
