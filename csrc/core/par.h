/* Threads: the one door to OpenMP.
 *
 * A kernel cuts its work into tasks by shape, so that no sum is cut by the
 * number of threads (gemm/cut.h), and hands them over:
 *
 *     pd_parallel(tasks, nanoseconds, run, context)
 *
 * runs run(context, 0) … run(context, tasks - 1), each exactly once, in any
 * order, on as many threads as pay. Since a task never depends on who runs it,
 * results have the same bits for every number of threads.
 *
 * Decisions taken here and nowhere else:
 * - Grain: `nanoseconds` is the caller's estimate of the whole work on one
 *   thread; below PD_GRAIN_NS the tasks run one after the other. To hand work
 *   over and wait costs 4 µs, so half the grain would break even at best, and
 *   an estimate may be twice the truth (measured by bench/threads.py).
 * - A busy machine: where threads come milliseconds late, small regions run
 *   serially for a while.
 * - One region at a time: a thread that finds the region taken (by another
 *   Python thread, or because it is inside a task) runs its tasks itself.
 * - Two teams at most: the thread that loaded pydp has one; all others hand
 *   their regions to one master thread, which has the other.
 * - Fork: in a child the parent's teams do not exist. All regions then run from
 *   a fresh master thread, which gets a team of its own.
 * - Ctrl-C: the calling thread asks `pd_poll` between tasks, five times a
 *   second; when it answers 1 the remaining tasks are skipped, and
 *   pd_take_interrupt tells the door. Regions that write memory which must not
 *   be left half done say pd_parallel_whole.
 *
 * Without OpenMP (PD_OPENMP undefined) the same calls run serially. */
#ifndef PD_CORE_PAR_H
#define PD_CORE_PAR_H

#include <stddef.h>
#include <stdint.h>

typedef void pd_task(void *context, int64_t index);

void pd_parallel(int64_t tasks, double nanoseconds, pd_task *run,
                 void *context);
/* As pd_parallel, but never cut short by Ctrl-C. */
void pd_parallel_whole(int64_t tasks, double nanoseconds, pd_task *run,
                       void *context);

/* run(context, 0), run(context, 1) … one after the other on this thread: steps
 * that need each other. Regions begun inside a step have the whole team, and
 * Ctrl-C is seen between steps, however short each of them is. */
void pd_in_order(int64_t steps, pd_task *run, void *context);

#define PD_GRAIN_NS 16000.0
#define PD_MAX_THREADS 256

/* 1 <= n <= PD_MAX_THREADS. Returns the number in force: fewer where the
 * system refuses to start so many threads. */
int pd_set_threads(int n);
int pd_get_threads(void);
/* "libgomp", "libomp", … or "none (serial build)". */
const char *pd_openmp_runtime(void);

/* Set by the binding: returns 1 when a signal handler has raised. */
extern int (*pd_poll)(void);
/* 1 if a region of this thread was cut short since the last call. */
int pd_take_interrupt(void);

/* Scratch memory of the calling thread: `bytes` bytes, 64-byte aligned, never
 * cleared, good until the next call with the same slot by the same thread.
 * NULL when memory is short. */
enum {
    PD_SCRATCH_A,
    PD_SCRATCH_B,
    PD_SCRATCH_C,
    PD_SCRATCH_D,
    PD_SCRATCH_SLOTS
};
void *pd_scratch(int slot, size_t bytes);

#endif
