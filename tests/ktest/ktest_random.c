/* Random numbers: Philox against its authors' known answers, and every number
 * that is drawn against its definition from Philox's words. */
#include "random.h"
#include "ktest_philox.h"

/* Random123's kat_vectors: counter, key, answer. */
static const uint32_t known[][10] = {
    {0, 0, 0, 0, 0, 0, 0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8},
    {0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff,
     0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd},
    {0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344, 0xa4093822, 0x299f31d0,
     0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1},
};

static const struct {
    uint64_t seed, stream;
} keys[] = {{0, 0}, {1, 7}, {0xfedcba9876543210, 0x0123456789abcdef}};

/* None, one, around a group, around a task. */
static const int64_t counts[] = {0, 1, 15, 16, 17, 33, 1000, 16384, 40001};

/* The bits of element i's word, as many as a real has. */
static uint64_t word_of_real(const uint64_t *key, int64_t i) {
    return REAL_IS_DOUBLE ? philox_word(key, i) : philox_word32(key, i);
}
enum { BITS = sizeof(real) * 8, FRACTION = REAL_IS_DOUBLE ? 53 : 24 };

static double fraction(uint64_t word, int add) {
    return ldexp((double)(word >> (BITS - FRACTION)) + add, -FRACTION);
}

static void uniform(const uint64_t *key, int64_t n, const real *y) {
    for (int64_t i = 0; i < n; i++)
        kt_near((double)y[i], fraction(word_of_real(key, i), 0), 0, 0, "y", i);
}

/* Box and Muller's: a group's first half are radii, its second angles. */
static void normal(const uint64_t *key, int64_t n, const real *y) {
    const int64_t half = 64 / (int64_t)sizeof(real);
    for (int64_t i = 0; i < n; i++) {
        int64_t first = i / (2 * half) * 2 * half + i % half;
        uint64_t word = word_of_real(key, first + half);
        double radius = sqrt(-2 * log(fraction(word_of_real(key, first), 1)));
        double quarter = (double)(word >> (BITS - 2));
        uint64_t below = REAL_IS_DOUBLE ? word << 2 : (uint32_t)(word << 2);
        double angle = M_PI / 2 * (quarter + fraction(below, 0) - 0.5);
        double want =
            radius * (i % (2 * half) < half ? cos(angle) : sin(angle));
        kt_near((double)y[i], want, 1 + radius, 8, "y", i);
    }
}

static void exponential(const uint64_t *key, int64_t n, const real *y) {
    for (int64_t i = 0; i < n; i++) {
        double want = -log(fraction(word_of_real(key, i), 1));
        kt_near((double)y[i], want, 1 + want, 4, "y", i);
    }
}

static void reals(int kernel, int k, int64_t n) {
    kt_case(kernel, "%lld elements, key %d", (long long)n, k);
    uint64_t *key = kt_key(keys[k].seed, keys[k].stream);
    real *y = kt_array(n, sizeof(real));
    pd_random_geometry g = {.elements = n};
    if (kt_call(&g)) kt_fail("reports a bad datum");
    if (kernel == PD_KERNEL_random_uniform)
        uniform(key, n, y);
    else if (kernel == PD_KERNEL_random_exponential)
        exponential(key, n, y);
    else
        normal(key, n, y);
}

static void integers(int k, int64_t n, int64_t low, uint64_t range) {
    kt_case(PD_KERNEL_random_integers, "%lld elements, key %d, range %llu",
            (long long)n, k, (unsigned long long)range);
    uint64_t *key = kt_key(keys[k].seed, keys[k].stream);
    int64_t *y = kt_array(n, sizeof *y);
    pd_random_geometry g = {.elements = n, .low = low, .range = range};
    if (kt_call(&g)) kt_fail("reports a bad datum");
    for (int64_t i = 0; i < n; i++) {
        unsigned __int128 scaled =
            (unsigned __int128)philox_word(key, i) * range;
        int64_t want = (int64_t)((uint64_t)low + (uint64_t)(scaled >> 64));
        if (y[i] != want || y[i] < low ||
            (uint64_t)y[i] - (uint64_t)low >= range)
            kt_fail("y[%lld] is %lld, expected %lld", (long long)i,
                    (long long)y[i], (long long)want);
    }
}

static void permutation(int k, int64_t n) {
    kt_case(PD_KERNEL_random_permutation, "%lld elements, key %d", (long long)n,
            k);
    kt_key(keys[k].seed, keys[k].stream);
    int64_t *y = kt_array(n, sizeof *y);
    pd_random_geometry g = {.elements = n};
    if (kt_call(&g)) kt_fail("reports a bad datum");
    char *seen = calloc((size_t)n + 1, 1);
    for (int64_t i = 0; i < n; i++)
        if (y[i] < 0 || y[i] >= n || seen[y[i]]++)
            kt_fail("y[%lld] is %lld: outside, or for the second time",
                    (long long)i, (long long)y[i]);
    free(seen);
}

static void draw(void) {
    kt_case(PD_KERNEL_random_draw, "the state counts on");
    uint64_t *state = kt_key(5, 8), *key = kt_array(2, sizeof *key);
    pd_random_geometry g = {0};
    if (kt_call(&g)) kt_fail("reports a bad datum");
    if (key[0] != 5 || key[1] != 8) kt_fail("the key is not the state before");
    if (state[0] != 5 || state[1] != 9) kt_fail("the state did not count on");
}

KTEST(random) {
    draw();
    for (int i = 0; i < KT_COUNT(known); i++) {
        uint32_t answer[4];
        philox(known[i], known[i] + 4, answer);
        if (memcmp(answer, known[i] + 6, sizeof answer))
            kt_fail("ktest_philox.h is not Philox: known answer %d", i);
    }
    for (int k = 0; k < KT_COUNT(keys); k++)
        for (int c = 0; c < KT_COUNT(counts); c++) {
            reals(PD_KERNEL_random_uniform, k, counts[c]);
            reals(PD_KERNEL_random_normal, k, counts[c]);
            reals(PD_KERNEL_random_exponential, k, counts[c]);
            integers(k, counts[c], -3, 10);
            integers(k, counts[c], INT64_MIN, (uint64_t)1 << 63);
            permutation(k, counts[c]);
        }
}
