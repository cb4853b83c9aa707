/* take: slices and elements by number, sums of them, ids of every type, bad
 * ids. */
#include "ktest.h"
#include "take.h"

typedef struct {
    const char *why;
    int64_t outer, rows, count, inner;
} case_t;

static const case_t cases[] = {
    {"one", 1, 1, 1, 1},
    {"no ids", 3, 5, 0, 7},
    {"no columns", 2, 5, 4, 0},
    {"nothing outside", 0, 5, 4, 2},
    {"an axis alone", 1, 50, 333, 1},
    {"less than a vector", 4, 5, 9, 3},
    {"past a task's columns", 2, 9, 11, 131},
    {"tasks", 3, 97, 301, 67},
};

static void put_id(void *ids, int64_t i, int64_t bytes, int64_t id) {
    memcpy((char *)ids + i * bytes, &id, (size_t)bytes); /* little-endian */
}

/* bad: the position of an id out of range, or -1. */
static void examine(const case_t *c, int kernel, int along, int64_t bytes,
                    int is_signed, int64_t bad) {
    kt_case(kernel, "%s, along %d, %sint%d, bad id at %d", c->why, along,
            is_signed ? "" : "u", (int)(8 * bytes), (int)bad);
    int forward = kernel == PD_KERNEL_take_forward;
    int64_t n = along ? c->outer * c->count * c->inner : c->count;
    int64_t x_size = c->outer * c->rows * c->inner;
    int64_t y_size = c->outer * c->count * c->inner;
    int64_t *ids = calloc((size_t)n + 1, sizeof *ids);
    real *x = forward ? kt_integers(x_size) : NULL;
    void *held = kt_array(n, (size_t)bytes);
    for (int64_t i = 0; i < n; i++) {
        ids[i] = (int64_t)kt_random(0, (double)c->rows);
        int64_t from_the_end = is_signed && i % 3 == 0 ? c->rows : 0;
        put_id(held, i, bytes,
               i >= bad && bad >= 0 ? c->rows : ids[i] - from_the_end);
    }
    real *dy = forward ? NULL : kt_integers(y_size);
    real *out = kt_array(forward ? y_size : x_size, sizeof(real));
    pd_take_geometry g = {.outer = c->outer,
                          .rows = c->rows,
                          .count = c->count,
                          .inner = c->inner,
                          .along = along,
                          .id_bytes = bytes,
                          .id_signed = is_signed};
    int64_t result = kt_call(&g), expected = bad >= 0 ? 1 + bad : 0;
    if (result != expected) kt_fail("returned %lld", (long long)result);
    if (result || result != expected) {
        free(ids);
        return;
    }
    int64_t size = forward ? y_size : x_size;
    double *want = calloc((size_t)size + 1, sizeof *want);
    for (int64_t o = 0; o < c->outer; o++)
        for (int64_t j = 0; j < c->count; j++)
            for (int64_t i = 0; i < c->inner; i++) {
                int64_t at = (o * c->count + j) * c->inner + i;
                int64_t id = ids[along ? at : j];
                int64_t from = (o * c->rows + id) * c->inner + i;
                if (forward)
                    want[at] = (double)x[from];
                else
                    want[from] += (double)dy[at];
            }
    for (int64_t i = 0; i < size; i++)
        kt_near((double)out[i], want[i], 0, 0, forward ? "y" : "dx", i);
    free(ids);
    free(want);
}

KTEST(take) {
    static const int kernels[] = {PD_KERNEL_take_forward,
                                  PD_KERNEL_take_backward};
    for (int c = 0; c < KT_COUNT(cases); c++)
        for (int k = 0; k < KT_COUNT(kernels); k++)
            for (int along = 0; along < 2; along++)
                for (int64_t bytes = 1; bytes <= 8; bytes *= 2)
                    for (int is_signed = 0; is_signed < 2; is_signed++) {
                        examine(&cases[c], kernels[k], along, bytes, is_signed,
                                -1);
                        if (cases[c].count && !along)
                            examine(&cases[c], kernels[k], along, bytes,
                                    is_signed, cases[c].count / 2);
                    }
}
