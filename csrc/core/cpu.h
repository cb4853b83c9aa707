/* Which instruction sets this processor and its system can run. */
#ifndef PD_CORE_CPU_H
#define PD_CORE_CPU_H

/* `isa` is a name of table.h: "baseline", "avx2", "avx512", "neon". */
int pd_cpu_supports(const char *isa);

#endif
