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

typedef struct scratch {
    void *memory[PD_SCRATCH_SLOTS];
    size_t bytes[PD_SCRATCH_SLOTS];
    struct scratch *next;
} scratch_t;

/* Those of all threads, so that a leak detector finds what a thread that is
 * about to end still owns. */
static scratch_t *scratch_list = NULL;
static pthread_mutex_t scratch_lock = PTHREAD_MUTEX_INITIALIZER;

static pthread_key_t scratch_key;
static pthread_once_t scratch_once = PTHREAD_ONCE_INIT;
static _Thread_local scratch_t *scratch = NULL;

#define HUGE_PAGE ((size_t)2 << 20)

static void scratch_free(void *p) {
    scratch_t *s = p;
    pthread_mutex_lock(&scratch_lock);
    scratch_t **link = &scratch_list;
    while (*link != s) link = &(*link)->next;
    *link = s->next;
    pthread_mutex_unlock(&scratch_lock);
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
        pthread_mutex_lock(&scratch_lock);
        scratch->next = scratch_list;
        scratch_list = scratch;
        pthread_mutex_unlock(&scratch_lock);
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

/* A region that is begun inside a task of another one belongs to it: the
 * outermost region, the root, alone is stopped and alone asks for signals, from
 * the thread that called it. */
typedef struct {
    _Alignas(64) _Atomic int64_t next; /* task */
    int64_t end;
} share_t;

/* Tasks lie in shares, one for each thread, which takes its own and then what
 * is left of the others'. So a thread meets in its cache what it wrote in the
 * region before: kernels cut arrays of one shape in one way, and on two cores a
 * small result that changes hands costs more than computing it. */
enum { SHARES = 16 };

typedef struct region {
    share_t *share;
    int shares;
    int64_t tasks;
    pd_task *run;
    void *context;
    int threads;
    int may_stop;
    int *caller; /* that thread's `interrupted`, which tells it from others */
    struct region *root;
    _Atomic int stop;
    double nanoseconds;
    /* How many tasks the caller ran in a team, from when until when. */
    int64_t callers_tasks, callers_begin, callers_end;
} region_t;

/* The region whose task this thread runs. */
static _Thread_local region_t *within = NULL;

#ifndef CLOCK_MONOTONIC_COARSE
#define CLOCK_MONOTONIC_COARSE CLOCK_MONOTONIC
#endif

static int64_t now_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int64_t exact_ns(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* A kernel may be one long region or many short ones: the time since a thread
 * last asked for signals counts on from region to region, and begins anew after
 * a silence, which lies between kernels. */
enum { POLL_NS = 200000000, SILENCE_NS = 1000000000 };
static _Thread_local int64_t last_poll = 0;

static void region_poll(region_t *root) {
    last_poll = now_ns();
    if (pd_poll()) {
        interrupted = 1;
        atomic_store(&root->stop, 1);
    }
}

/* Before an outermost region. */
static void region_begins(region_t *root) {
    const int64_t now = now_ns();
    if (now - last_poll >= SILENCE_NS)
        last_poll = now;
    else if (root->may_stop && pd_poll && now - last_poll >= POLL_NS)
        region_poll(root);
}

static void region_deal(region_t *r, share_t *share) {
    r->share = share;
    r->shares = r->threads < SHARES ? r->threads : SHARES;
    for (int i = 0; i < r->shares; i++) {
        r->share[i].next = r->tasks * i / r->shares;
        r->share[i].end = r->tasks * (i + 1) / r->shares;
    }
}

/* The next task for this thread of the team; -1 where none is left. */
static int64_t region_take(region_t *r, int thread) {
    for (int i = 0; i < r->shares; i++) {
        share_t *s = &r->share[(thread + i) % r->shares];
        if (atomic_load_explicit(&s->next, memory_order_relaxed) >= s->end)
            continue;
        const int64_t task =
            atomic_fetch_add_explicit(&s->next, 1, memory_order_relaxed);
        if (task < s->end) return task;
    }
    return -1;
}

/* What one thread does: task after task, until none is left. */
static void region_work(region_t *r, int thread) {
    region_t *root = r->root, *outer = within;
    int polls = root->caller == &interrupted && root->may_stop && pd_poll;
    int64_t tasks = 0;
    int measured = r->threads > 1 && r->caller == &interrupted;
    int64_t began = measured ? exact_ns() : 0;
    within = r;
    while (!atomic_load_explicit(&root->stop, memory_order_relaxed)) {
        const int64_t task = region_take(r, thread);
        if (task < 0) break;
        r->run(r->context, task);
        tasks++;
        if (polls && now_ns() - last_poll >= POLL_NS) region_poll(root);
    }
    within = outer;
    if (measured) {
        r->callers_tasks = tasks;
        r->callers_begin = began;
        r->callers_end = exact_ns();
    }
}

/* In order, on this thread. */
static void region_alone(region_t *r) {
    share_t all;
    r->threads = 1;
    region_deal(r, &all);
    region_work(r, 0);
}

#ifdef PD_OPENMP

static atomic_flag region_taken = ATOMIC_FLAG_INIT;

/* libgomp ends the process when it cannot start a thread. So before a thread
 * gets a larger team, as many plain threads are started and held at a gate: the
 * count that the system grants is the limit. */
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

/* A region begins and ends when the whole team has come. Where other programs
 * want the cores, the system may run a thread milliseconds late: a hundred
 * times the length of a small region. So the caller looks how long it waits
 * before its first and after its last task. Peers are at most a task behind; if
 * they are much later, small regions run serially for a while, for twice as
 * long if that happens again soon. Bits do not depend on it. Touched by whoever
 * has the region only. */
enum { LATE_NS = 1000000, ALONE_NS = 20000000, ALONE_MOST_NS = 640000000 };
#define SMALL_NS 5e6
static _Atomic int64_t alone_until = 0;
static int64_t alone_for = ALONE_NS;

static int is_crowded(double nanoseconds) {
    int64_t until = atomic_load_explicit(&alone_until, memory_order_relaxed);
    return until && nanoseconds < SMALL_NS && now_ns() < until;
}

static void region_judge(const region_t *r, int64_t began) {
    int64_t end = exact_ns(), work = r->callers_end - r->callers_begin;
    int64_t task =
        r->callers_tasks ? work / r->callers_tasks : (int64_t)r->nanoseconds;
    if (end - began - work < LATE_NS + 4 * task) return;
    int again = end < alone_until + 4 * alone_for;
    alone_for = again ? 2 * alone_for : ALONE_NS;
    if (alone_for > ALONE_MOST_NS) alone_for = ALONE_MOST_NS;
    alone_until = end + alone_for;
}

/* Each thread that begins a region has a team of its own in libgomp, until it
 * ends. A smaller team would end threads and a larger one start them again, so
 * the team is always whole; whoever finds no task sleeps on. */
static void region_team(region_t *r) {
    static _Thread_local int asked = 1, granted = 1;
    if (r->threads != asked) {
        omp_set_dynamic(0); /* whatever OMP_DYNAMIC says: whole */
        asked = r->threads;
        granted = asked > granted ? threads_granted(asked) : asked;
    }
    int64_t began = exact_ns();
    share_t share[SHARES];
    region_deal(r, share);
#pragma omp parallel num_threads(granted)
    region_work(r, omp_get_thread_num());
    region_judge(r, began);
}

/* ---- other threads, and after a fork -------------------------------------
 * The thread that loaded pydp begins regions itself. Were other threads to do
 * so, each of them would keep a team of its own: k threads, k teams of k. They
 * hand their regions to one thread more, the master, which sleeps in between.
 *
 * A forked child has one thread; libgomp's record of a team is a lie there and
 * a region started from this thread would wait for ever. A thread that libgomp
 * has not seen starts a new team, so there all regions go to a new master. */

static _Thread_local int is_first = 0;
static int forked = 0;
/* Below this, handing a region over costs more than a team wins. */
#define HAND_OVER_NS 50000.0
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
        region_team(r);
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
            region_alone(r);
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
        if (rc && master.region && r->root->may_stop && pd_poll) {
            pthread_mutex_unlock(&master.lock);
            region_poll(r->root);
            pthread_mutex_lock(&master.lock);
        }
    }
    pthread_mutex_unlock(&master.lock);
}

/* The list of scratch memory goes over whole: nobody is changing it. */
static void before_fork(void) { pthread_mutex_lock(&scratch_lock); }
static void after_fork_in_parent(void) { pthread_mutex_unlock(&scratch_lock); }
static void after_fork_in_child(void) {
    forked = 1;
    atomic_flag_clear(&region_taken);
    pthread_mutex_init(&gate, NULL);
    pthread_mutex_init(&scratch_lock, NULL);
    pthread_mutex_init(&master.lock, NULL);
    pthread_cond_init(&master.changed, NULL);
    master.region = NULL;
    master.started = 0;
}

__attribute__((constructor)) static void begin(void) {
    is_first = 1;
    pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
}

static void region_run(region_t *r) {
    if (r->threads < 2 || r->tasks < 2 || r->nanoseconds < PD_GRAIN_NS ||
        (!is_first && r->nanoseconds < HAND_OVER_NS) ||
        is_crowded(r->nanoseconds) ||
        atomic_flag_test_and_set_explicit(&region_taken,
                                          memory_order_acquire)) {
        region_alone(r);
        return;
    }
    if (is_first && !forked)
        region_team(r);
    else
        region_by_master(r);
    atomic_flag_clear_explicit(&region_taken, memory_order_release);
}

const char *pd_openmp_runtime(void) {
#if defined(__clang__)
    return "libomp";
#else
    return "libgomp";
#endif
}

#else

static void region_run(region_t *r) { region_alone(r); }

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
                  .nanoseconds = nanoseconds,
                  .run = run,
                  .context = context,
                  .threads = pd_get_threads(),
                  .may_stop = may_stop,
                  .caller = &interrupted,
                  .root = within ? within->root : NULL};
    if (!r.root) {
        r.root = &r;
        region_begins(&r);
    }
    region_run(&r);
}

void pd_parallel(int64_t tasks, double nanoseconds, pd_task *run,
                 void *context) {
    parallel(tasks, nanoseconds, run, context, 1);
}

void pd_parallel_whole(int64_t tasks, double nanoseconds, pd_task *run,
                       void *context) {
    parallel(tasks, nanoseconds, run, context, 0);
}

/* A region too small for a team runs its tasks here and in order. */
void pd_in_order(int64_t steps, pd_task *run, void *context) {
    parallel(steps, 0, run, context, 1);
}

int pd_set_threads(int n) {
    if (n > PD_MAX_THREADS) n = PD_MAX_THREADS;
    if (n > pd_get_threads()) n = threads_granted(n);
    atomic_store(&threads_wanted, n);
    return n;
}

int pd_get_threads(void) { return atomic_load(&threads_wanted); }
