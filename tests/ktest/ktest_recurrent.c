/* recurrent_mask: ends of rows, any strides of x, any lengths. */
#include "ktest.h"
#include "recurrent.h"

static const struct {
    const char *why;
    int64_t t, b, d;
} cases[] = {
    {"one", 1, 1, 1},
    {"no rows", 3, 0, 2},
    {"empty rows", 3, 2, 0},
    {"less than a vector", 4, 3, 2},
    {"vectors and a tail", 3, 5, 37},
    {"tasks", 7, 40, 90},
};

KTEST(recurrent) {
    for (int c = 0; c < KT_COUNT(cases); c++)
        for (int turned = 0; turned < 3; turned++) {
            const int64_t t = cases[c].t, b = cases[c].b, d = cases[c].d;
            kt_case(PD_KERNEL_recurrent_mask, "%s, layout %d", cases[c].why,
                    turned);
            const real *x = kt_reals(t * b * d);
            int64_t *lengths = kt_indices(b, t + 1);
            if (b > 2) lengths[1] = INT64_MAX, lengths[2] = -1;
            const real *y = kt_array(t * b * d, sizeof(real));
            pd_recurrent_mask_geometry g = {t, b, d, {b * d, d, 1}};
            if (turned == 1) g.x_stride[0] = d, g.x_stride[1] = t * d;
            if (turned == 2)
                g.x_stride[0] = 1, g.x_stride[1] = t, g.x_stride[2] = t * b;
            if (kt_call(&g)) kt_fail("reports a bad datum");
            for (int64_t i = 0; i < t * b * d; i++) {
                const int64_t at = i / d / b, row = i / d % b;
                const double from =
                    (double)x[at * g.x_stride[0] + row * g.x_stride[1] +
                              i % d * g.x_stride[2]];
                kt_near((double)y[i], at < lengths[row] ? from : 0, 0, 0, "y",
                        i);
            }
        }
}
