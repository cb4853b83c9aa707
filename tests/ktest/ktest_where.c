/* where against its definition, in the layouts that a view makes. */
#include "where.h"
#include "ktest.h"

/* The elements between neighbours of each operand along each axis: condition,
 * a, b over a shape of two axes; 0 broadcasts. */
static const struct {
    const char *why;
    int64_t shape[2], stride[3][2];
} cases[] = {
    {"dense", {7, 19}, {{19, 1}, {19, 1}, {19, 1}}},
    {"less than a vector", {1, 3}, {{3, 1}, {3, 1}, {3, 1}}},
    {"a number", {9, 33}, {{33, 1}, {33, 1}, {0, 0}}},
    {"a mask for each row", {9, 33}, {{1, 0}, {33, 1}, {33, 1}}},
    {"one mask for all rows", {9, 33}, {{0, 1}, {33, 1}, {0, 1}}},
    {"transposed", {9, 33}, {{1, 9}, {33, 1}, {1, 9}}},
    {"every second", {5, 40}, {{80, 2}, {80, 2}, {40, 1}}},
    {"nothing", {0, 4}, {{4, 1}, {4, 1}, {4, 1}}},
    {"chunks and threads", {37, 2053}, {{2053, 1}, {2053, 1}, {2053, 1}}},
    {"chunks and threads, strided", {37, 2053}, {{1, 37}, {0, 2}, {1, 37}}},
};

/* How many elements an operand reaches over. */
static int64_t reach(const int64_t *shape, const int64_t *stride) {
    if (shape[0] == 0 || shape[1] == 0) return 0;
    return (shape[0] - 1) * stride[0] + (shape[1] - 1) * stride[1] + 1;
}

static void examine(int c) {
    const int64_t *shape = cases[c].shape;
    const int64_t dense[2] = {shape[1], 1};
    kt_case(PD_KERNEL_where, "%s", cases[c].why);
    int64_t bytes = reach(shape, cases[c].stride[0]);
    uint8_t *condition = kt_array(bytes, 1);
    for (int64_t i = 0; i < bytes; i++) condition[i] = kt_random(-1, 1) > 0;
    real *a = kt_reals(reach(shape, cases[c].stride[1]));
    real *b = kt_reals(reach(shape, cases[c].stride[2]));
    if (bytes) a[0] = (real)NAN, b[0] = (real)INFINITY;
    real *y = kt_array(shape[0] * shape[1], sizeof(real));

    pd_where_geometry g;
    pd_space_begin(&g.space, 2, shape);
    pd_space_operand(&g.space, 0, 2, shape, dense);
    for (int k = 0; k < 3; k++)
        pd_space_operand(&g.space, k + 1, 2, shape, cases[c].stride[k]);
    pd_space_merge(&g.space, 4);
    if (kt_call(&g)) kt_fail("reports a bad datum");
    for (int64_t i = 0; i < shape[0]; i++)
        for (int64_t j = 0; j < shape[1]; j++) {
            int64_t at[3];
            for (int k = 0; k < 3; k++)
                at[k] = i * cases[c].stride[k][0] + j * cases[c].stride[k][1];
            real want = condition[at[0]] ? a[at[1]] : b[at[2]];
            kt_near((double)y[i * shape[1] + j], (double)want, 0, 0, "y",
                    i * shape[1] + j);
        }
}

KTEST(where) {
    for (int c = 0; c < KT_COUNT(cases); c++) examine(c);
}
