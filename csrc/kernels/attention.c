/* Attention by tiles: no matrix of queries x keys in memory.
 *
 *     forward    a task is one tile of queries of one head
 *         for each tile of keys
 *             s = K Qt             scores
 *             m' = max(m, s)       and what was summed so far shrinks by
 *             p = exp(s - m')      exp(m - m')
 *             l += sum p
 *             acc += P V
 *         y = acc / l
 *
 *     backward   a task is one head of k and v, and all queries that read it,
 *                or a share of them
 *         for each tile of queries
 *             d = sum y dy
 *             for each tile of keys
 *                 p = exp(K Qt - m) / l     once more: m and l are forward's
 *                 ds = p (V dYt - d)
 *                 dv += P dY
 *                 dk += dS Q
 *                 acc += dSt K
 *             dq = acc
 *
 * Work is cut by shape. Few heads are cut into shares of their queries, each
 * with a dk and dv of its own, which are added in order; so nothing is added by
 * two threads, and bits do not depend on their number.
 *
 * Milakov, Gimelshein, Online normalizer calculation for softmax, 2018.
 * Dao, FlashAttention-2, 2023. */
#include "attention_forward.h"
#include "attention_backward.h"

int64_t K(attention_forward)(void *const *arrays, const void *geometry) {
    const pd_attention_geometry *g = geometry;
    work_t w = work_of(arrays, g);
    pd_parallel(batch_heads(g, g->heads) * w.query_tiles,
                pairs(g) * (double)(g->width + g->value_width + 32) / SPEED,
                forward_task, &w);
    return w.no_memory ? PD_NO_MEMORY : 0;
}

int64_t K(attention_backward)(void *const *arrays, const void *geometry) {
    enum { TASKS = 16 }; /* that many at least, where there is so much work */
    const pd_attention_geometry *g = geometry;
    work_t w = work_of(arrays, g);
    w.dy = arrays[7];
    w.dq = arrays[8];
    w.dk = arrays[9];
    w.dv = arrays[10];
    const int64_t groups = batch_heads(g, g->groups);
    if (groups == 0) return 0;
    const int64_t tiles = g->heads / g->groups * w.query_tiles;
    w.shares = within(ceil_div(TASKS, groups), 1, most(tiles, 1));
    const int64_t n = groups * w.shares * g->keys;
    const int64_t d = whole(g->width), e = whole(g->value_width);
    if (w.shares > 1) {
        w.dk_shares =
            pd_scratch(PD_SCRATCH_B, (size_t)(n * (d + e) + 1) * sizeof(real));
        if (!w.dk_shares) return PD_NO_MEMORY;
        w.dv_shares = w.dk_shares + n * d;
    }
    const double cost = (double)(3 * g->width + 2 * g->value_width + 64);
    pd_parallel(groups * w.shares, pairs(g) * cost / SPEED, backward_task, &w);
    if (w.no_memory) return PD_NO_MEMORY;
    if (w.shares > 1)
        pd_parallel(groups, (double)(n * (d + e)) / 4, share_task, &w);
    return 0;
}
