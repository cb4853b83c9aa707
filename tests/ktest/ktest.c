/* See ktest.h. The harness and the program:
 *
 *     ktest [--isa NAME] [--family NAME] [--heap] [--small] [--times]
 *           [--crash KIND]
 *
 * --times prints the processor's seconds that each family took.
 * --crash is the positive control: it does what a broken kernel would do, and
 * must be caught; build.py checks that it is. */
#define _GNU_SOURCE
#include "ktest.h"
#include "cpu.h"
#include "par.h"

#include <signal.h>
#include <stdarg.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { ARRAYS = 64, TESTS = 128, NAME = 256, PAGE = 65536, MOST_FAILURES = 20 };
enum { GUARD = 4096 };
#define FENCED_BYTES ((size_t)64 << 20) /* address space; touched as needed */

typedef struct {
    void *held; /* what the test sees; NULL where the array is absent */
    size_t bytes, element;
    size_t start; /* where the address given to the kernel lies, in bytes */
    char role;
    char *placed, *block; /* during a call: the array, what to free */
} array_t;

typedef struct {
    const char *family;
    int type;
    void (*test)(void);
} test_t;

int kt_small = 0;
static int heap = 0, times = 0;
static const char *crash = "";

static test_t tests[TESTS];
static int test_count = 0;

static int type, kernel, array_count, failures;
static char case_name[NAME];
static array_t arrays[ARRAYS];
static int64_t calls[PD_KERNELS];
static uint64_t random_state;

void kt_register(const char *family, int of_type, void (*test)(void)) {
    tests[test_count++] = (test_t){family, of_type, test};
}

/* ---- failing --------------------------------------------------------------
 */

void kt_fail(const char *format, ...) {
    va_list words;
    va_start(words, format);
    printf("FAILED %s, %s, %s, case \"%s\": ", pd_kernel_name(kernel),
           type ? "double" : "float", pd_selected_isa(), case_name);
    vprintf(format, words);
    putchar('\n');
    va_end(words);
    if (++failures >= MOST_FAILURES) {
        printf("stopped after %d failures\n", failures);
        exit(1);
    }
}

/* A fault is an access outside an array: say in which case, and die. */
static void on_fault(int signal) {
    char line[2 * NAME];
    int n = snprintf(line, sizeof line,
                     "FAILED %s, %s, %s, case \"%s\": signal %d, an access "
                     "outside an array\n",
                     pd_kernel_name(kernel), type ? "double" : "float",
                     pd_selected_isa(), case_name, signal);
    if (write(1, line, (size_t)n) < 0) _exit(2);
    _exit(1);
}

void kt_near(double got, double want, double magnitude, double ulps,
             const char *what, int64_t at) {
    if (got == want || (isnan(got) && isnan(want))) return;
    double epsilon = type == PD_FLOAT64 ? 0x1p-52 : 0x1p-23;
    if (fabs(got - want) <= ulps * epsilon * fabs(magnitude)) return;
    kt_fail("%s[%lld] is %.17g, expected %.17g", what, (long long)at, got,
            want);
}

double kt_random(double low, double high) {
    uint64_t z = random_state += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    z ^= z >> 31;
    return low + (high - low) * (double)(z >> 11) * 0x1p-53;
}

/* ---- a case ---------------------------------------------------------------
 */

void kt_case(int number, const char *format, ...) {
    va_list words;
    va_start(words, format);
    vsnprintf(case_name, sizeof case_name, format, words);
    va_end(words);
    for (int i = 0; i < array_count; i++) free(arrays[i].held);
    array_count = 0;
    kernel = number;
    random_state = 1;
}

/* The role of array i: kernels.inc's letters, the last group repeating at *. */
static char role_of(int i) {
    const char *roles = pd_kernel_roles(kernel);
    int n = (int)strcspn(roles, "*");
    if (i < n) return roles[i];
    if (roles[n] == '*') return roles[i % n];
    kt_fail("array %d, but its roles are \"%s\"", i, roles);
    exit(1);
}

void *kt_array(int64_t count, size_t element) {
    array_t *a = &arrays[array_count];
    if (array_count == ARRAYS) abort();
    *a = (array_t){.element = element, .bytes = (size_t)count * element};
    a->role = role_of(array_count++);
    a->held = calloc(a->bytes + 1, 1); /* + 1: never NULL */
    return a->held;
}

void kt_absent(void) {
    arrays[array_count] = (array_t){.role = role_of(array_count)};
    array_count++;
}

void kt_start(int array, int64_t element) {
    arrays[array].start = (size_t)element * arrays[array].element;
}

/* ---- where the arrays lie during a call -----------------------------------
 */

enum { LEFT, RIGHT, OFF, PLACES };

/* Array number i's fenced memory, mapped at its first use. */
static char *fenced(int i) {
    static char *memory[ARRAYS];
    if (!memory[i]) {
        char *all = mmap(NULL, FENCED_BYTES + 2 * PAGE, PROT_NONE,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (all == MAP_FAILED) abort();
        memory[i] = all + PAGE;
        if (mprotect(memory[i], FENCED_BYTES, PROT_READ | PROT_WRITE)) abort();
    }
    return memory[i];
}

static unsigned char guard_byte(size_t i) {
    return (unsigned char)(i * 37 + 1);
}

/* The guard bytes of a placed array: GUARD of them on each side, fewer where
 * the fence is nearer. `check` compares, else they are written. */
static void guards(const array_t *a, int i, int check) {
    char *first = fenced(i), *last = first + FENCED_BYTES;
    char *end = a->placed + a->bytes;
    char *from = a->placed - first < GUARD ? first : a->placed - GUARD;
    char *to = last - end < GUARD ? last : end + GUARD;
    for (char *p = from; p < to; p++) {
        if (p == a->placed) p = end;
        if (p >= to) break;
        unsigned char *byte = (unsigned char *)p;
        if (!check)
            *byte = guard_byte((size_t)(p - first));
        else if (*byte != guard_byte((size_t)(p - first))) {
            kt_fail("array %d ('%c', %zu bytes) was written at byte %td", i,
                    a->role, a->bytes, p - a->placed);
            return;
        }
    }
}

static int is_read(char role) { return strchr("icm", role) != NULL; }

static void place(array_t *a, int i, int where, int poison) {
    if (heap) {
        size_t shift = where == OFF ? a->element : 0;
        void *block = NULL;
        if (posix_memalign(&block, 64, a->bytes + shift)) abort();
        a->block = block;
        a->placed = a->block + shift;
    } else {
        if (a->bytes + GUARD > FENCED_BYTES) abort();
        char *first = fenced(i);
        a->placed = where == RIGHT ? first + FENCED_BYTES - a->bytes
                    : where == OFF ? first + a->element
                                   : first;
        guards(a, i, 0);
        if (!is_read(a->role)) memset(a->placed, poison, a->bytes);
    }
    if (is_read(a->role)) memcpy(a->placed, a->held, a->bytes);
}

/* The positive controls, done where a kernel would do them. */
static void misbehave(void) {
    array_t *last = &arrays[array_count - 1];
    volatile char *end = last->placed + last->bytes;
    volatile int large = 0x7fffffff;
    if (!strcmp(crash, "write")) end[0] = 1;
    if (!strcmp(crash, "read")) large = end[0];
    if (!strcmp(crash, "undefined")) large = large + 1;
    if (!strcmp(crash, "value")) last->placed[0] ^= 0x40;
    if (!strcmp(crash, "input")) arrays[0].placed[0] ^= 1;
    if (!strcmp(crash, "unwritten")) {
        char *fresh = malloc(last->bytes); /* for valgrind: undefined bytes */
        if (!heap) memset(fresh, pd_get_threads() == 1 ? 0xFF : 0x5A, 1);
        last->placed[0] = fresh[0];
        free(fresh);
    }
}

/* ---- the calls ------------------------------------------------------------
 */

int64_t kt_call(const void *geometry) {
    static const struct {
        int threads, place, poison;
    } runs[] = {{1, LEFT, 0xFF}, {2, RIGHT, 0x5A}, {4, OFF, 0x5A}};
    /* An emulator pays dearly, and never gives back memory, for a team of
     * another size: it has one of 4. */
    const int few = kt_small ? 4 : 2;
    char *first[ARRAYS] = {NULL}; /* what the first call left in the outputs */
    int64_t result = 0;

    for (int run = 0; run < KT_COUNT(runs); run++) {
        void *addresses[ARRAYS] = {NULL};
        for (int i = 0; i < array_count; i++) {
            array_t *a = &arrays[i];
            if (!a->held) continue;
            place(a, i, runs[run].place, runs[run].poison);
            addresses[i] = a->placed + a->start;
        }
        int threads = runs[run].threads == 2 ? few : runs[run].threads;
        pd_set_threads(threads);
        int64_t got = pd_kernel_at(type, kernel)(addresses, geometry);
        if (*crash) misbehave();
        if (run == 0) result = got;
        if (got != result)
            kt_fail("returned %lld, with %d threads %lld", (long long)result,
                    threads, (long long)got);
        for (int i = 0; i < array_count; i++) {
            array_t *a = &arrays[i];
            if (!a->held) continue;
            if (!heap) guards(a, i, 1);
            if (strchr("ic", a->role)) {
                if (memcmp(a->placed, a->held, a->bytes))
                    kt_fail("input array %d was changed", i);
            } else if (run == 0) {
                first[i] = malloc(a->bytes + 1);
                memcpy(first[i], a->placed, a->bytes);
            } else if (result == 0 && memcmp(a->placed, first[i], a->bytes)) {
                size_t at = 0;
                while (a->placed[at] == first[i][at]) at++;
                kt_fail("output array %d differs at element %zu between 1 and "
                        "%d threads, alignments and poisons (unwritten?)",
                        i, at / a->element, threads);
            }
            if (heap) free(a->block);
        }
    }
    for (int i = 0; i < array_count; i++) {
        if (first[i]) memcpy(arrays[i].held, first[i], arrays[i].bytes);
        free(first[i]);
    }
    calls[kernel]++;
    return result;
}

/* One family's cases for the present type. */
static void examine(const test_t *test) {
    const clock_t begin = clock();
    test->test();
    if (times)
        printf("%8.2f s  %s\n", (double)(clock() - begin) / CLOCKS_PER_SEC,
               test->family);
}

/* ---- the program ----------------------------------------------------------
 */

int main(int count, char **words) {
    const char *only_isa = NULL, *only_family = NULL;
    for (int i = 1; i < count; i++) {
        const char *word = words[i], *next = i + 1 < count ? words[i + 1] : "";
        if (!strcmp(word, "--heap"))
            heap = 1;
        else if (!strcmp(word, "--small"))
            kt_small = 1;
        else if (!strcmp(word, "--times"))
            times = 1;
        else if (!strcmp(word, "--isa"))
            only_isa = next, i++;
        else if (!strcmp(word, "--family"))
            only_family = next, i++;
        else if (!strcmp(word, "--crash"))
            crash = next, i++;
        else {
            printf("ktest: what is %s?\n", word);
            return 2;
        }
    }
    if (!heap) {
        signal(SIGSEGV, on_fault);
        signal(SIGBUS, on_fault);
    }
    int examined = 0;
    for (int i = 0; pd_isa_name(i); i++) {
        const char *isa = pd_isa_name(i);
        if (only_isa && strcmp(isa, only_isa)) continue;
        if (pd_select_isa(isa)) {
            printf("%-8s  not on this processor\n", isa);
            continue;
        }
        examined++;
        for (type = 0; type < PD_TYPES; type++) {
            int64_t total = 0, never = 0;
            memset(calls, 0, sizeof calls);
            for (int t = 0; t < test_count; t++)
                if (tests[t].type == type &&
                    (!only_family || !strcmp(tests[t].family, only_family)))
                    examine(&tests[t]);
            for (kernel = 0; kernel < PD_KERNELS; kernel++) {
                total += calls[kernel];
                never += !calls[kernel];
                snprintf(case_name, sizeof case_name, "every kernel");
                if (!only_family && !calls[kernel])
                    kt_fail("no ktest calls it");
            }
            printf("%-8s  %-6s  %d kernels, %lld cases\n", isa,
                   type ? "double" : "float", (int)(PD_KERNELS - never),
                   (long long)total);
            fflush(stdout);
            if (!total) failures++;
        }
    }
    kt_case(0, "end");
    if (!examined) printf("FAILED: no instruction set to examine\n");
    printf("%s, %s\n", failures ? "FAILED" : "ok", pd_openmp_runtime());
    return failures || !examined;
}
