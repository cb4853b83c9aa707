/* Dropout: a flight of 128 random words, then 128 elements, with no mask in
 * memory. Element i has the same word in both types, on every ISA. */
#include "dropout.h"
#include "par.h"
#include "philox.h"
#include "real.h"
#include "simd.h"

enum { FLIGHT = PD_FLIGHT_WORDS * 2 /* words of 32 bits */, TASK = 128 };

typedef uint32_t vword32
    __attribute__((vector_size(PD_VECTOR_BYTES / sizeof(real) * 4)));

typedef struct {
    const pd_dropout_geometry *g;
    pd_key key;
    const real *x;
    real *y;
} work_t;

/* n <= VL elements; -1 in the lanes that stay, 0 in the others, selects by
 * bits, so that a NaN or infinity drops like any number. */
V_INLINE void lanes_drop(const real *x, real *y, const uint32_t *words,
                         vint last_dropped, vreal scale, int64_t n) {
    vword32 narrow;
    memcpy(&narrow, words, sizeof narrow);
    vuint word = __builtin_convertvector(narrow, vuint);
    vint stays = (vint)(word > (vuint)last_dropped);
    v_store_lanes(y, v_real(v_bits(v_load_lanes(x, n) * scale) & stays), n);
}

/* Task t: TASK flights. */
static void flights_drop(void *context, int64_t t) {
    const work_t *w = context;
    vint last_dropped = v_set_int((int_of_real)w->g->last_dropped);
    vreal scale = v_set((real)w->g->scale);
    const pd_philox_plan plan = pd_philox_flights(w->key, t * TASK);
    uint64_t words[PD_FLIGHT_WORDS];
    for (int64_t f = t * TASK; f < (t + 1) * TASK; f++) {
        const real *x = w->x + f * FLIGHT;
        real *y = w->y + f * FLIGHT;
        int64_t left = w->g->elements - f * FLIGHT, i = 0;
        if (left <= 0) return;
        if (left > FLIGHT) left = FLIGHT;
        pd_philox_flight(&plan, f, words);
        const uint32_t *word = (const uint32_t *)words;
        for (; i + VL <= left; i += VL)
            lanes_drop(x + i, y + i, word + i, last_dropped, scale, VL);
        if (i < left)
            lanes_drop(x + i, y + i, word + i, last_dropped, scale, left - i);
    }
}

int64_t K(dropout)(void *const *arrays, const void *geometry) {
    work_t w = {.g = geometry, .x = arrays[1], .y = arrays[2]};
    memcpy(&w.key, arrays[0], sizeof w.key);
    int64_t task = (int64_t)TASK * FLIGHT;
    pd_parallel((w.g->elements + task - 1) / task, 0.3 * (double)w.g->elements,
                flights_drop, &w);
    return 0;
}
