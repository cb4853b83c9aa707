/* Connectionist temporal classification, by two recursions over the extended
 * target: its labels with a blank before, between and behind them.
 *
 *     target a b b                 s   0 1 2 3 4 5 6
 *     states of the path               _ a _ b _ b _
 *
 *     alpha[t, s]   log probability of all beginnings that are in s at step t
 *     beta[t, s]    of all endings that follow from s at step t
 *
 *     s-2 ──┐  (from a label to another label)     a path stays in s, comes
 * from s-1 ──┼──> s                                 its neighbour, or leaves
 * out s   ──┘                                      the blank between two labels
 *
 *     alpha[t, s] = log sum exp(alpha[t-1, s'])  + x[t, class of s]
 *     dx[t, c] = -dloss sum over the s of class c of
 *                exp(alpha[t, s] + beta[t, s] + loss)
 *
 * Before the first step a path is at s = 0 with probability 1; that gives the
 * first step the rule of the others. A task is a row of the batch; its states
 * are taken a vector at a time, in place: forward from the last state down,
 * backward from the first one up. What lies around the row is -inf.
 *
 * Source: Graves, Fernandez, Gomez and Schmidhuber, "Connectionist temporal
 * classification", 2006, section 4. */
#include "ctc_loss.h"
#include "par.h"
#include "simd.h"
#include "vmath.h"

enum { AROUND = 2 /* elements before and behind a row of states */ };

typedef struct {
    const pd_ctc_loss_geometry *g;
    const real *x;
    const int64_t *targets;        /* [n, k], checked */
    const int64_t *steps, *labels; /* [n] */
    real *loss, *alpha, *dx;
    const real *dloss;
    int64_t width; /* 2 k + 1, rounded up to whole vectors */
    _Atomic int no_memory;
} work_t;

/* What a task works on, all of `width` states. */
typedef struct {
    real *row;   /* alpha or beta of one step, -inf around it */
    real *skip;  /* 0 where s may be reached from s - 2, else -inf */
    real *emits; /* x of each state's class; -inf behind the last */
    int64_t *classes;
    int64_t states, steps;
    const real *x; /* of the first step */
} path_t;

static int64_t within(int64_t i, int64_t top) {
    return i < 0 ? 0 : i > top ? top : i;
}

static void fill(real *p, int64_t n, real value) {
    for (int64_t i = 0; i < n; i++) p[i] = value;
}

/* log(exp(a) + exp(b) + exp(c)); -inf is no term. */
V_INLINE vreal log_sum(vreal a, vreal b, vreal c) {
    const vreal least = v_set(REAL_IS_DOUBLE ? (real)-1e308 : (real)-1e38);
    vreal top = v_max(least, v_max(a, v_max(b, c)));
    vreal sum = vm_exp(a - top) + vm_exp(b - top) + vm_exp(c - top);
    return top + vm_log(sum);
}

/* The path of row i, in scratch memory of this thread; 0 where there is none.
 * Its states are -inf. */
static int path_begin(const work_t *w, int64_t i, path_t *p) {
    const pd_ctc_loss_geometry *g = w->g;
    const int64_t room = w->width + 2 * AROUND;
    real *memory = pd_scratch(
        PD_SCRATCH_B, (size_t)room * (3 * sizeof(real) + sizeof(int64_t)));
    if (!memory) return 0;
    p->classes = (int64_t *)memory;
    p->row = (real *)(p->classes + room) + AROUND;
    p->skip = p->row + room;
    p->emits = p->skip + room;
    fill(p->row - AROUND, 3 * room, (real)-INFINITY);
    const int64_t *target = w->targets + i * g->k;
    p->states = 2 * within(w->labels[i], g->k) + 1;
    p->steps = within(w->steps[i], g->t);
    p->x = w->x + i * g->x_row;
    for (int64_t s = 0; s < p->states; s++) {
        p->classes[s] = s % 2 ? target[s / 2] : g->blank;
        if (s % 2 && s > 1 && p->classes[s] != p->classes[s - 2])
            p->skip[s] = 0;
    }
    return 1;
}

static void emits_read(const path_t *p, const real *x) {
    for (int64_t s = 0; s < p->states; s++) p->emits[s] = x[p->classes[s]];
}

/* alpha of the step before -> alpha of this step. */
static void alpha_step(const work_t *w, const path_t *p) {
    for (int64_t s = w->width - VL; s >= 0; s -= VL) {
        const real *from = p->row + s;
        vreal over = v_load(from - 2) + v_load(p->skip + s);
        vreal sum = log_sum(v_load(from), v_load(from - 1), over);
        v_store(p->row + s, sum + v_load(p->emits + s));
    }
}

/* beta of this step -> beta of the step before. */
static void beta_step(const work_t *w, const path_t *p) {
    for (int64_t s = 0; s < w->width; s += VL)
        v_store(p->row + s, v_load(p->row + s) + v_load(p->emits + s));
    for (int64_t s = 0; s < w->width; s += VL) {
        const real *from = p->row + s;
        vreal over = v_load(from + 2) + v_load(p->skip + s + 2);
        v_store(p->row + s, log_sum(v_load(from), v_load(from + 1), over));
    }
}

/* -log of the paths that end in the last label or the blank behind it. */
static real loss_of(const real *alpha, int64_t states) {
    const vreal none = v_set((real)-INFINITY);
    real before = states > 1 ? alpha[states - 2] : (real)-INFINITY;
    return -log_sum(v_set(alpha[states - 1]), v_set(before), none)[0];
}

static void row_forward(void *context, int64_t i) {
    work_t *w = context;
    const pd_ctc_loss_geometry *g = w->g;
    const int64_t pitch = 2 * g->k + 1;
    path_t p;
    if (!path_begin(w, i, &p)) {
        w->no_memory = 1;
        return;
    }
    real *alpha = w->alpha ? w->alpha + i * g->t * pitch : NULL;
    p.row[0] = 0;
    for (int64_t t = 0; t < p.steps; t++) {
        emits_read(&p, p.x + t * g->x_time);
        alpha_step(w, &p);
        if (alpha)
            memcpy(alpha + t * pitch, p.row, (size_t)pitch * sizeof(real));
    }
    if (alpha)
        fill(alpha + p.steps * pitch, (g->t - p.steps) * pitch,
             (real)-INFINITY);
    real loss = loss_of(p.row, p.states);
    w->loss[i] = g->zero_infinity && isinf(loss) ? 0 : loss;
}

static void row_backward(void *context, int64_t i) {
    work_t *w = context;
    const pd_ctc_loss_geometry *g = w->g;
    const int64_t pitch = 2 * g->k + 1;
    path_t p;
    if (!path_begin(w, i, &p)) {
        w->no_memory = 1;
        return;
    }
    for (int64_t t = 0; t < g->t; t++)
        fill(w->dx + (t * g->n + i) * g->c, g->c, 0);
    if (!p.steps) return;
    const real *alpha = w->alpha + i * g->t * pitch;
    real loss = loss_of(alpha + (p.steps - 1) * pitch, p.states);
    if (g->zero_infinity && isinf(loss)) return;

    p.row[p.states - 1] = 0;
    if (p.states > 1) p.row[p.states - 2] = 0;
    for (int64_t t = p.steps - 1; t >= 0; t--) {
        real *dx = w->dx + (t * g->n + i) * g->c;
        emits_read(&p, p.x + t * g->x_time);
        for (int64_t s = 0; s < p.states; s += VL) {
            int64_t n = p.states - s < VL ? p.states - s : VL;
            vreal at = v_load_lanes(alpha + t * pitch + s, n);
            vreal share = vm_exp(at + v_load(p.row + s) + v_set(loss));
            for (int64_t j = 0; j < n; j++)
                dx[p.classes[s + j]] -= w->dloss[i] * share[j];
        }
        beta_step(w, &p);
    }
}

/* The targets to scratch memory: what was checked is what is used. Returns 1 +
 * the position of the first bad one, PD_NO_MEMORY, or 0. */
static int64_t work_begin(work_t *w, void *const *arrays) {
    const pd_ctc_loss_geometry *g = w->g;
    const int64_t *targets = arrays[1], count = g->n * g->k;
    int64_t *kept =
        pd_scratch(PD_SCRATCH_A, (size_t)(count + 2 * g->n + 1) * sizeof *kept);
    if (!kept) return PD_NO_MEMORY;
    int64_t *steps = kept + count, *labels = steps + g->n;
    memcpy(steps, arrays[2], (size_t)g->n * sizeof *steps);
    memcpy(labels, arrays[3], (size_t)g->n * sizeof *labels);
    for (int64_t i = 0; i < g->n; i++)
        for (int64_t j = 0; j < within(labels[i], g->k); j++) {
            const int64_t at = i * g->k + j, target = targets[at];
            if (target < 0 || target >= g->c || target == g->blank)
                return 1 + at;
            kept[at] = target;
        }
    w->x = arrays[0];
    w->targets = kept;
    w->steps = steps;
    w->labels = labels;
    w->width = (2 * g->k + VL) / VL * VL;
    return 0;
}

static int64_t work_run(work_t *w, pd_task *row) {
    const pd_ctc_loss_geometry *g = w->g;
    double ns = (double)(g->n * g->t) * (double)(4 * w->width + 20);
    pd_parallel(g->n, ns, row, w);
    return w->no_memory ? PD_NO_MEMORY : 0;
}

int64_t K(ctc_loss_forward)(void *const *arrays, const void *geometry) {
    work_t w = {.g = geometry, .loss = arrays[4], .alpha = arrays[5]};
    int64_t bad = work_begin(&w, arrays);
    return bad ? bad : work_run(&w, row_forward);
}

int64_t K(ctc_loss_backward)(void *const *arrays, const void *geometry) {
    work_t w = {.g = geometry, .alpha = arrays[4], .dloss = arrays[5]};
    w.dx = arrays[6];
    int64_t bad = work_begin(&w, arrays);
    return bad ? bad : work_run(&w, row_backward);
}
