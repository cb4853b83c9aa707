/* See cpu.h. The compiler's builtin asks CPUID and checks that the system
 * saves the wide registers. */
#include "cpu.h"

#include <string.h>

int pd_cpu_supports(const char *isa) {
    if (!strcmp(isa, "baseline")) return 1;
#if defined(__x86_64__)
    __builtin_cpu_init();
    int avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    if (!strcmp(isa, "avx2")) return avx2;
    if (!strcmp(isa, "avx512"))
        return avx2 && __builtin_cpu_supports("avx512f") &&
               __builtin_cpu_supports("avx512bw") &&
               __builtin_cpu_supports("avx512dq") &&
               __builtin_cpu_supports("avx512vl");
#elif defined(__aarch64__)
    if (!strcmp(isa, "neon")) return 1;
#endif
    return 0;
}
