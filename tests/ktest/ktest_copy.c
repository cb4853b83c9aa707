/* copy between any two layouts, items of 1, 2, 4 and 8 bytes: bit for bit. */
#include "copy.h"
#include "ktest.h"

typedef struct {
    const char *why;
    int axes;
    int64_t shape[4];
    int x_order[4], y_order[4]; /* axes from the fastest in memory */
} case_t;

static const case_t cases[] = {
    {"one item", 1, {1}, {0}, {0}},
    {"nothing", 2, {0, 5}, {1, 0}, {0, 1}},
    {"a run", 1, {1037}, {0}, {0}},
    {"transposed", 2, {37, 65}, {1, 0}, {0, 1}},
    {"transposed back", 2, {65, 37}, {0, 1}, {1, 0}},
    {"large, tasks", 2, {301, 257}, {1, 0}, {0, 1}},
    {"channels last", 4, {3, 17, 5, 9}, {3, 2, 1, 0}, {1, 3, 2, 0}},
    {"channels first", 4, {3, 17, 5, 9}, {1, 3, 2, 0}, {3, 2, 1, 0}},
    {"all axes turned", 4, {4, 5, 6, 7}, {3, 2, 1, 0}, {0, 1, 2, 3}},
};

enum { DENSE, REVERSED, BROADCAST, SPREAD, VIEWS };
static const char *const names[] = {"", ", reversed", ", broadcast",
                                    ", every second"};

static int64_t strides_of(const case_t *c, const int *order, int64_t run,
                          int64_t *stride) {
    for (int k = 0; k < c->axes; k++) {
        stride[order[k]] = run;
        run *= c->shape[order[k]];
    }
    return run;
}

static void examine(const case_t *c, int64_t item, int view) {
    int64_t x_stride[4] = {0}, y_stride[4] = {0}, count = 1, first = 0;
    kt_case(PD_KERNEL_copy, "%s%s, items of %d", c->why, names[view],
            (int)item);
    for (int i = 0; i < c->axes; i++) count *= c->shape[i];
    int64_t size = strides_of(c, c->x_order, view == SPREAD ? 2 : 1, x_stride);
    strides_of(c, c->y_order, 1, y_stride);
    if (view == BROADCAST) x_stride[0] = 0;
    if (view == REVERSED && size)
        for (int i = 0; i < c->axes; i++) {
            first += (c->shape[i] - 1) * x_stride[i];
            x_stride[i] = -x_stride[i];
        }
    unsigned char *x = kt_array(size, (size_t)item);
    for (int64_t i = 0; i < size * item; i++)
        x[i] = (unsigned char)kt_random(0, 256);
    kt_start(0, first);
    unsigned char *y = kt_array(count, (size_t)item);
    pd_copy_geometry g = {.item = item};
    pd_space_begin(&g.space, c->axes, c->shape);
    pd_space_operand(&g.space, 0, c->axes, c->shape, y_stride);
    pd_space_operand(&g.space, 1, c->axes, c->shape, x_stride);
    pd_space_merge(&g.space, 2);
    if (kt_call(&g)) kt_fail("reports a bad datum");
    for (int64_t n = 0; n < count; n++) {
        int64_t from = first, to = 0, rest = n;
        for (int i = c->axes - 1; i >= 0; i--) {
            from += rest % c->shape[i] * x_stride[i];
            to += rest % c->shape[i] * y_stride[i];
            rest /= c->shape[i];
        }
        if (memcmp(x + from * item, y + to * item, (size_t)item))
            kt_fail("y[%lld] is not x[%lld]", (long long)to, (long long)from);
    }
}

KTEST(copy) {
    for (int c = 0; c < KT_COUNT(cases); c++)
        for (int64_t item = 1; item <= 8; item *= 2)
            for (int view = 0; view < VIEWS; view++)
                examine(&cases[c], item, view);
}
