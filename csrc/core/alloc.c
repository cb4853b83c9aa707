/* See alloc.h. One lock guards the lists and the arena; it is held for a few
 * instructions, and while the system gives or takes memory. */
#define _GNU_SOURCE
#include "alloc.h"
#include "arena.h"

#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

enum { SMALLEST_LOG2 = 6, CLASSES = 8 * 16 };
/* From here on a block is the arena's. */
#define LARGE_BYTES ((size_t)1 << 21)
/* A cache larger than this is emptied before it grows further. */
#define CACHE_LIMIT ((int64_t)4 << 30)
/* Free memory of the arena ages by one while so many blocks of it are handed
 * out, and goes back at the age of STALE. A training step hands out some
 * hundreds, and wants the same ones next time. */
enum { SWEEP = 1024, STALE = 4 };

typedef struct block {
    struct block *next;
} block_t;

static block_t *free_list[CLASSES];
static int64_t bytes_in_use = 0, bytes_listed = 0;
static int64_t large_blocks = 0; /* handed out, ever */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* A fork while another thread holds the lock would leave it held in the child
 * for ever: the forking thread takes it first. */
static void take_lock(void) { pthread_mutex_lock(&lock); }
static void give_lock(void) { pthread_mutex_unlock(&lock); }
__attribute__((constructor)) static void watch_forks(void) {
    pthread_atfork(take_lock, give_lock, give_lock);
}

/* ---- sizes ----------------------------------------------------------------
 */

/* Class c holds blocks of (8 + c % 8) * 2^(SMALLEST_LOG2 + c / 8 - 3) bytes, in
 * multiples of 64: 64, 72 -> 128 …, 512, 576, 640, 704 … */
static size_t class_bytes(int c) {
    size_t bytes = (size_t)(8 + c % 8) << (SMALLEST_LOG2 + c / 8 - 3);
    return (bytes + 63) & ~(size_t)63;
}

/* The smallest class that holds `bytes`, fewer than LARGE_BYTES. */
static int class_of(size_t bytes) {
    if (bytes <= 64) return 0;
    int log2 = 63 - __builtin_clzll(bytes - 1); /* 2^log2 <= bytes - 1 */
    int eighth = (int)(((bytes - 1) >> (log2 - 3)) & 7);
    return 8 * (log2 - SMALLEST_LOG2) + eighth + 1;
}

static size_t large_bytes(size_t bytes) {
    return (bytes + PD_ARENA_GRAIN - 1) & ~(PD_ARENA_GRAIN - 1);
}

/* Linux promises memory it does not have and ends the process later; what is
 * larger than the machine is refused here. */
static int fits_machine(size_t bytes) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    return bytes / page < (size_t)sysconf(_SC_PHYS_PAGES);
}

/* ---- with the lock held ---------------------------------------------------
 */

static void empty_cache_locked(void) {
    for (int c = 0; c < CLASSES; c++)
        for (block_t *b; (b = free_list[c]);) {
            free_list[c] = b->next;
            free(b);
            bytes_listed -= (int64_t)class_bytes(c);
        }
    pd_arena_trim(INT64_MAX);
}

static void *small_locked(size_t bytes) {
    const int c = class_of(bytes);
    const size_t size = class_bytes(c);
    block_t *b = free_list[c];
    if (b) {
        free_list[c] = b->next;
        bytes_listed -= (int64_t)size;
    } else {
        b = aligned_alloc(64, size);
    }
    if (b) bytes_in_use += (int64_t)size;
    return b;
}

static void *large_locked(size_t bytes) {
    if (!fits_machine(bytes)) return NULL;
    const size_t size = large_bytes(bytes);
    if (++large_blocks % SWEEP == 0)
        pd_arena_trim(large_blocks / SWEEP - STALE);
    void *memory = pd_arena_take(size);
    if (memory) bytes_in_use += (int64_t)size;
    return memory;
}

static void *alloc_locked(size_t bytes) {
    return bytes < LARGE_BYTES ? small_locked(bytes) : large_locked(bytes);
}

/* ---- what is called -------------------------------------------------------
 */

void *pd_alloc(size_t bytes) {
    pthread_mutex_lock(&lock);
    void *memory = alloc_locked(bytes);
    if (!memory && bytes_listed) {
        empty_cache_locked();
        memory = alloc_locked(bytes);
    }
    pthread_mutex_unlock(&lock);
    return memory;
}

void pd_free(void *memory, size_t bytes) {
    if (!memory) return;
    const int large = bytes >= LARGE_BYTES;
    const int c = large ? 0 : class_of(bytes);
    const size_t size = large ? large_bytes(bytes) : class_bytes(c);
    pthread_mutex_lock(&lock);
    bytes_in_use -= (int64_t)size;
    if (bytes_listed + pd_arena_cached() + (int64_t)size > CACHE_LIMIT)
        empty_cache_locked();
    if (large) {
        pd_arena_give(memory, size, large_blocks / SWEEP);
    } else {
        block_t *b = memory;
        b->next = free_list[c];
        free_list[c] = b;
        bytes_listed += (int64_t)size;
    }
    pthread_mutex_unlock(&lock);
}

void pd_empty_cache(void) {
    pthread_mutex_lock(&lock);
    empty_cache_locked();
    pthread_mutex_unlock(&lock);
}

void pd_memory(int64_t *in_use, int64_t *cached) {
    pthread_mutex_lock(&lock);
    *in_use = bytes_in_use;
    *cached = bytes_listed + pd_arena_cached();
    pthread_mutex_unlock(&lock);
}
