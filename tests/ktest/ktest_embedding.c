/* embedding: rows by number, sums of rows, ids of every type, bad ids. */
#include "embedding.h"
#include "ktest.h"

typedef struct {
    const char *why;
    int64_t count, rows, width;
    int wide; /* weight's rows are further apart than their width */
} case_t;

static const case_t cases[] = {
    {"one", 1, 1, 1, 0},
    {"no ids", 0, 5, 7, 0},
    {"empty rows", 4, 5, 0, 0},
    {"less than a vector", 9, 5, 3, 1},
    {"every row often", 500, 7, 33, 0},
    {"most rows never", 11, 900, 64, 1},
    {"lines, a vector and a tail", 40, 30, 91, 1},
    {"tasks", 3001, 513, 131, 0},
};

static void put_id(void *ids, int64_t i, int64_t bytes, int64_t id) {
    memcpy((char *)ids + i * bytes, &id, (size_t)bytes); /* little-endian */
}

/* bad: the position of an id out of range, or -1. */
static void examine(const case_t *c, int kernel, int64_t bytes, int is_signed,
                    int64_t bad) {
    kt_case(kernel, "%s, %sint%d, bad id at %d", c->why, is_signed ? "" : "u",
            (int)(8 * bytes), (int)bad);
    int64_t most = bytes == 1 ? 127 : bytes == 2 ? 32767 : INT32_MAX;
    int64_t below = c->rows < most ? c->rows : most;
    int64_t *ids = calloc((size_t)c->count + 1, sizeof *ids);
    void *held = kt_array(c->count, (size_t)bytes);
    for (int64_t i = 0; i < c->count; i++) {
        ids[i] = (int64_t)kt_random(0, (double)below);
        put_id(held, i, bytes, i >= bad && bad >= 0 ? -1 : ids[i]);
    }
    int forward = kernel == PD_KERNEL_embedding_forward;
    pd_embedding_geometry g = {.count = c->count,
                               .rows = c->rows,
                               .width = c->width,
                               .id_bytes = bytes,
                               .id_signed = is_signed,
                               .row_stride = c->width + (c->wide ? 5 : 0)};
    int64_t size = (c->rows - 1) * g.row_stride + c->width;
    real *in = kt_integers(forward ? size : c->count * c->width);
    int64_t out_rows = forward ? c->count : c->rows;
    real *out = kt_array(out_rows * c->width, sizeof(real));
    int64_t result = kt_call(&g);
    if (bad >= 0) {
        /* 255 or 65535 may be a row of the table */
        int64_t as_read =
            bytes < 8 && !is_signed ? ((int64_t)1 << (8 * bytes)) - 1 : -1;
        if (as_read < 0 || as_read >= c->rows) {
            if (result != 1 + bad) kt_fail("returned %lld", (long long)result);
        }
        free(ids);
        return;
    }
    if (result) kt_fail("returned %lld", (long long)result);
    double *want = calloc((size_t)(out_rows * c->width) + 1, sizeof *want);
    for (int64_t i = 0; i < c->count; i++)
        for (int64_t k = 0; k < c->width; k++) {
            if (forward)
                want[i * c->width + k] = (double)in[ids[i] * g.row_stride + k];
            else
                want[ids[i] * c->width + k] += (double)in[i * c->width + k];
        }
    for (int64_t i = 0; i < out_rows * c->width; i++)
        kt_near((double)out[i], want[i], 0, 0, forward ? "y" : "dweight", i);
    free(ids);
    free(want);
}

KTEST(embedding) {
    static const int kernels[] = {PD_KERNEL_embedding_forward,
                                  PD_KERNEL_embedding_backward};
    for (int c = 0; c < KT_COUNT(cases); c++)
        for (int k = 0; k < KT_COUNT(kernels); k++)
            for (int64_t bytes = 1; bytes <= 8; bytes *= 2)
                for (int is_signed = 0; is_signed < 2; is_signed++) {
                    examine(&cases[c], kernels[k], bytes, is_signed, -1);
                    if (cases[c].count)
                        examine(&cases[c], kernels[k], bytes, is_signed,
                                cases[c].count / 2);
                }
}
