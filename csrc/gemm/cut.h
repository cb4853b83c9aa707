/* How a large product is cut into tasks.
 *
 *              groups of panels      Each task packs what it needs of B, at the
 *             +----+----+----+       cost of 3 rows of multiplications, and of
 *     chunks  |    |    |    |       A, where that must be copied, at the cost
 *     of      +----+----+----+       of a tenth of a panel's. So tasks are tall
 *     tiles   |    |    |    |       and wide, and halved only until there are
 *             +----+----+----+       enough of them for many threads.
 *
 * Tasks follow each other along a chunk: a thread has rows of C, as it has in
 * the kernels before and after, which read and write by rows. */
#ifndef PD_GEMM_CUT_H
#define PD_GEMM_CUT_H

#include "par.h"
#include "tile.h"

/* A chunk's tiles at most: what is copied has to be held. Low tiles are more,
 * else B would be packed more often, 3 % of the time of 2048 rows. And the
 * panels that are multiplied by, half of what the second level of cache spares
 * for B: the others are on their way. Narrow panels are more, for each tile of
 * A that comes to them. */
#if V_REGISTERS == 16
enum { CHUNK = 192, CHUNK_COPIED = 96, NEAR_PANELS = 8 };
#else
enum { CHUNK = 64, CHUNK_COPIED = 32, NEAR_PANELS = 4 };
#endif
enum { NEAR_B = NEAR_PANELS * DEPTH * PANEL };
/* Tasks for each of several threads, unless they have less than TASK_WORK
 * multiply-adds; where A's strides ask for a copy fewer, since each group
 * copies all of it. And the most that one may have, since Ctrl-C is seen
 * between tasks. */
enum { TASKS = 4, TASKS_COPIED = 2 };
#define TASK_WORK 1.0e6
#define TASK_MOST 4.0e9
/* Estimate for par.h: multiply-adds per nanosecond. */
#define SPEED 20.0

/* Tiles first … last-1, columns j0 … j1-1. */
typedef struct {
    int64_t first, last, j0, j1;
} task_t;

static task_t task_at(const product_t *t, int64_t index) {
    const int64_t chunk = index / t->groups, group = index % t->groups;
    const int64_t panels = ceil_div(t->g->n, PANEL);
    return (task_t){t->tiles * chunk / t->chunks,
                    t->tiles * (chunk + 1) / t->chunks,
                    panels * group / t->groups * PANEL,
                    least(panels * (group + 1) / t->groups * PANEL, t->g->n)};
}

/* The next even number: half of so many things is as much as the other half. */
V_INLINE int64_t even(int64_t n) { return n + n % 2; }

static void cut(product_t *t) {
    const int64_t panels = ceil_div(t->g->n, PANEL);
    const double step = (double)TILE_ROWS * PANEL * (double)t->g->k;
    const int threads = pd_get_threads();
    const int copied = !t->a_in_place && !t->g->a.read;
    const int64_t wanted =
        threads > 1 ? (copied ? TASKS_COPIED : TASKS) * threads : 1;
    const int64_t wide = t->a_in_place ? 8 : 2;
    int64_t task_tiles = least(t->a_in_place ? CHUNK : CHUNK_COPIED, t->tiles),
            task_panels = panels;
    for (;;) {
        const int64_t tasks =
            ceil_div(t->tiles, task_tiles) * ceil_div(panels, task_panels);
        const double each = step * (double)task_tiles * (double)task_panels;
        if (each < 2 * TASK_WORK || (tasks >= wanted && each < TASK_MOST))
            break;
        if (task_panels > 1 && task_panels * wide >= task_tiles)
            task_panels = ceil_div(task_panels, 2);
        else if (task_tiles > 2)
            task_tiles = ceil_div(task_tiles, 2);
        else
            break;
    }
    t->chunks = ceil_div(t->tiles, task_tiles);
    if (t->chunks > 2) t->chunks = least(even(t->chunks), t->tiles);
    t->groups = ceil_div(panels, task_panels);
    if (t->chunks % 2 && t->groups > 2)
        t->groups = least(even(t->groups), panels);
}

#endif
