/* Dropout: a group of 32 random words, then 32 elements, with no mask in
 * memory. Element i has the same word in both types, on every ISA. */
#include "dropout.h"
#include "par.h"
#include "philox.h"
#include "real.h"
#include "simd.h"

enum { GROUP = PD_GROUP_WORDS * 2 /* words of 32 bits */, TASK_GROUPS = 512 };

typedef uint32_t vword32
    __attribute__((vector_size(PD_VECTOR_BYTES / sizeof(real) * 4)));

typedef struct {
    const pd_dropout_geometry *g;
    pd_key key;
    const real *x;
    real *y;
} work_t;

/* VL elements; -1 in the lanes that stay, 0 in the others, selects by bits, so
 * that a NaN or infinity drops like any number. */
V_INLINE vreal lanes_drop(vreal x, const uint32_t *words, vint last_dropped,
                          vreal scale) {
    vword32 narrow;
    memcpy(&narrow, words, sizeof narrow);
    vuint word = __builtin_convertvector(narrow, vuint);
    vint stays = (vint)(word > (vuint)last_dropped);
    return v_real(v_bits(x * scale) & stays);
}

/* Task t: TASK_GROUPS groups. */
static void groups_drop(void *context, int64_t t) {
    const work_t *w = context;
    vint last_dropped = v_set_int((int_of_real)w->g->last_dropped);
    vreal scale = v_set((real)w->g->scale);
    uint64_t words[PD_GROUP_WORDS];
    for (int64_t g = t * TASK_GROUPS; g < (t + 1) * TASK_GROUPS; g++) {
        int64_t begin = g * GROUP, left = w->g->elements - begin;
        if (left <= 0) return;
        if (left > GROUP) left = GROUP;
        pd_philox_group(w->key, g, words);
        for (int64_t i = 0; i < left; i += VL) {
            int64_t n = left - i < VL ? left - i : VL;
            vreal x = v_load_lanes(w->x + begin + i, n);
            v_store_lanes(
                w->y + begin + i,
                lanes_drop(x, (const uint32_t *)words + i, last_dropped, scale),
                n);
        }
    }
}

int64_t K(dropout)(void *const *arrays, const void *geometry) {
    work_t w = {.g = geometry, .x = arrays[1], .y = arrays[2]};
    memcpy(&w.key, arrays[0], sizeof w.key);
    int64_t task = (int64_t)TASK_GROUPS * GROUP;
    pd_parallel((w.g->elements + task - 1) / task, 0.6 * (double)w.g->elements,
                groups_drop, &w);
    return 0;
}
