/* See par.h. The only file compiled with the OpenMP flag. */
#define _GNU_SOURCE
#include "par.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#ifdef _OPENMP
#define PD_OPENMP 1
#include <omp.h>
#endif

int (*pd_poll)(void) = NULL;

static _Atomic int threads_wanted = 1;
static _Thread_local int interrupted = 0;

int pd_take_interrupt(void) {
    int was = interrupted;
    interrupted = 0;
    return was;
}

/* ---- scratch ------------------------------------------------------------- */

typedef struct {
    void *memory[PD_SCRATCH_SLOTS];
    size_t bytes[PD_SCRATCH_SLOTS];
} scratch_t;

static pthread_key_t scratch_key;
static pthread_once_t scratch_once = PTHREAD_ONCE_INIT;
static _Thread_local scratch_t *scratch = NULL;

#define HUGE_PAGE ((size_t)2 << 20)

static void scratch_free(void *p) {
    scratch_t *s = p;
    for (int i = 0; i < PD_SCRATCH_SLOTS; i++) free(s->memory[i]);
    free(s);
}

static void scratch_make_key(void) {
    pthread_key_create(&scratch_key, scratch_free);
}

void *pd_scratch(int slot, size_t bytes) {
    if (!scratch) {
        pthread_once(&scratch_once, scratch_make_key);
        scratch = calloc(1, sizeof *scratch);
        if (!scratch) return NULL;
        pthread_setspecific(scratch_key, scratch);
    }
    if (scratch->bytes[slot] < bytes) {
        free(scratch->memory[slot]);
        scratch->bytes[slot] = 0;
        /* Large scratch lies on huge pages: packed panels are walked in many
         * streams at once, one page each. */
        const size_t page = bytes < HUGE_PAGE ? 4096 : HUGE_PAGE;
        size_t rounded = (bytes + page - 1) & ~(page - 1);
        scratch->memory[slot] = aligned_alloc(page, rounded);
        if (!scratch->memory[slot]) return NULL;
#ifdef MADV_HUGEPAGE
        if (page == HUGE_PAGE)
            madvise(scratch->memory[slot], rounded, MADV_HUGEPAGE);
#endif
        scratch->bytes[slot] = rounded;
    }
    return scratch->memory[slot];
}

/* ---- one region ---------------------------------------------------------- */

typedef struct {
    int64_t tasks;
    pd_task *run;
    void *context;
    int threads;
    int may_stop;
    _Atomic int64_t next;
    _Atomic int stop;
} region_t;

static int64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

enum { POLL_NS = 200000000 };

/* One thread's share: it takes the next task until none is left. */
static void region_work(region_t *r, int is_caller) {
    int polls = is_caller && r->may_stop && pd_poll;
    int64_t last_poll = polls ? now_ns() : 0;
    for (;;) {
        if (atomic_load_explicit(&r->stop, memory_order_relaxed)) return;
        int64_t i =
            atomic_fetch_add_explicit(&r->next, 1, memory_order_relaxed);
        if (i >= r->tasks) return;
        r->run(r->context, i);
        if (polls && now_ns() - last_poll >= POLL_NS) {
            last_poll = now_ns();
            if (pd_poll()) {
                interrupted = 1;
                atomic_store(&r->stop, 1);
            }
        }
    }
}

#ifdef PD_OPENMP

static atomic_flag region_taken = ATOMIC_FLAG_INIT;

static void region_team(region_t *r) {
    int n = r->threads;
#pragma omp parallel num_threads(n)
    region_work(r, omp_get_thread_num() == 0);
}

/* ---- after a fork --------------------------------------------------------
 * The child has one thread; libgomp's record of a team is a lie there and a
 * region started from this thread would wait for ever. A thread that libgomp
 * has not seen starts a new team, so the child keeps one as its master. It
 * sleeps between regions. */

static int forked = 0;
static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    region_t *region; /* what to run, NULL while idle */
    int started;
} master = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, NULL, 0};

static void *master_loop(void *unused) {
    (void)unused;
    pthread_mutex_lock(&master.lock);
    for (;;) {
        while (!master.region) pthread_cond_wait(&master.changed, &master.lock);
        region_t *r = master.region;
        pthread_mutex_unlock(&master.lock);
        int n = r->threads;
#pragma omp parallel num_threads(n)
        region_work(r, 0);
        pthread_mutex_lock(&master.lock);
        master.region = NULL;
        pthread_cond_broadcast(&master.changed);
    }
    return NULL;
}

/* The caller does not work here; it waits, and asks for signals. */
static void region_by_master(region_t *r) {
    pthread_mutex_lock(&master.lock);
    if (!master.started) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, master_loop, NULL)) {
            pthread_mutex_unlock(&master.lock);
            region_work(r, 1);
            return;
        }
        pthread_detach(thread);
        master.started = 1;
    }
    master.region = r;
    pthread_cond_broadcast(&master.changed);
    while (master.region) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += POLL_NS;
        if (until.tv_nsec >= 1000000000) {
            until.tv_nsec -= 1000000000;
            until.tv_sec++;
        }
        int rc = pthread_cond_timedwait(&master.changed, &master.lock, &until);
        if (rc && master.region && r->may_stop && pd_poll) {
            pthread_mutex_unlock(&master.lock);
            if (pd_poll()) {
                interrupted = 1;
                atomic_store(&r->stop, 1);
            }
            pthread_mutex_lock(&master.lock);
        }
    }
    pthread_mutex_unlock(&master.lock);
}

static void after_fork_in_child(void) {
    forked = 1;
    atomic_flag_clear(&region_taken);
    pthread_mutex_init(&master.lock, NULL);
    pthread_cond_init(&master.changed, NULL);
    master.region = NULL;
    master.started = 0;
}

__attribute__((constructor)) static void watch_forks(void) {
    pthread_atfork(NULL, NULL, after_fork_in_child);
}

static void region_run(region_t *r, double nanoseconds) {
    if (r->threads > r->tasks) r->threads = (int)r->tasks;
    if (r->threads < 2 || nanoseconds < PD_GRAIN_NS ||
        atomic_flag_test_and_set_explicit(&region_taken,
                                          memory_order_acquire)) {
        region_work(r, 1);
        return;
    }
    if (forked)
        region_by_master(r);
    else
        region_team(r);
    atomic_flag_clear_explicit(&region_taken, memory_order_release);
}

const char *pd_openmp_runtime(void) {
#if defined(__clang__)
    return "libomp";
#else
    return "libgomp";
#endif
}

/* libgomp ends the process when it cannot start a thread. So before a larger
 * team is allowed, as many plain threads are started and held at a gate:
 * the count that the system grants is the limit. */
static pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;

static void *wait_at_gate(void *unused) {
    pthread_mutex_lock(&gate);
    pthread_mutex_unlock(&gate);
    return unused;
}

static int threads_granted(int n) {
    pthread_t helper[PD_MAX_THREADS];
    int started = 0;
    pthread_mutex_lock(&gate);
    while (started < n - 1 &&
           !pthread_create(&helper[started], NULL, wait_at_gate, NULL))
        started++;
    pthread_mutex_unlock(&gate);
    for (int i = 0; i < started; i++) pthread_join(helper[i], NULL);
    return started + 1;
}

#else

static void region_run(region_t *r, double nanoseconds) {
    (void)nanoseconds;
    region_work(r, 1);
}

const char *pd_openmp_runtime(void) { return "none (serial build)"; }
static int threads_granted(int n) {
    (void)n;
    return 1;
}

#endif

static void parallel(int64_t tasks, double nanoseconds, pd_task *run,
                     void *context, int may_stop) {
    if (tasks <= 0 || (may_stop && interrupted)) return;
    region_t r = {.tasks = tasks,
                  .run = run,
                  .context = context,
                  .threads = pd_get_threads(),
                  .may_stop = may_stop};
    region_run(&r, nanoseconds);
}

void pd_parallel(int64_t tasks, double nanoseconds, pd_task *run,
                 void *context) {
    parallel(tasks, nanoseconds, run, context, 1);
}

void pd_parallel_whole(int64_t tasks, double nanoseconds, pd_task *run,
                       void *context) {
    parallel(tasks, nanoseconds, run, context, 0);
}

int pd_set_threads(int n) {
    if (n > PD_MAX_THREADS) n = PD_MAX_THREADS;
    if (n > pd_get_threads()) n = threads_granted(n);
    atomic_store(&threads_wanted, n);
    return n;
}

int pd_get_threads(void) { return atomic_load(&threads_wanted); }
