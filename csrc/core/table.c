/* See table.h. The build says which ISAs it compiled: PD_HAVE_AVX512 … */
#include "table.h"
#include "cpu.h"

#include <string.h>

typedef struct {
    const char *isa;
    pd_table table[PD_TYPES];
} pd_isa_tables;

/* For one ISA: every kernel's prototypes, then the two tables. table_isa.inc
 * is included once per ISA with PD_TABLE_ISA set to its name. */
#ifdef PD_HAVE_AVX512
#define PD_TABLE_ISA avx512
#include "table_isa.inc"
#undef PD_TABLE_ISA
#endif
#ifdef PD_HAVE_AVX2
#define PD_TABLE_ISA avx2
#include "table_isa.inc"
#undef PD_TABLE_ISA
#endif
#ifdef PD_HAVE_NEON
#define PD_TABLE_ISA neon
#include "table_isa.inc"
#undef PD_TABLE_ISA
#endif
#ifdef PD_HAVE_BASELINE
#define PD_TABLE_ISA baseline
#include "table_isa.inc"
#undef PD_TABLE_ISA
#endif

/* Best first. */
static const pd_isa_tables *const built[] = {
#ifdef PD_HAVE_AVX512
    &tables_avx512,
#endif
#ifdef PD_HAVE_AVX2
    &tables_avx2,
#endif
#ifdef PD_HAVE_NEON
    &tables_neon,
#endif
#ifdef PD_HAVE_BASELINE
    &tables_baseline,
#endif
};
enum { BUILT = sizeof built / sizeof built[0] };

const pd_table *pd_tables[PD_TYPES];
static const pd_isa_tables *selected;

int pd_select_isa(const char *isa) {
    for (int i = 0; i < BUILT; i++) {
        if (strcmp(built[i]->isa, isa) || !pd_cpu_supports(isa)) continue;
        selected = built[i];
        for (int t = 0; t < PD_TYPES; t++) pd_tables[t] = &selected->table[t];
        return 0;
    }
    return -1;
}

const char *pd_selected_isa(void) { return selected ? selected->isa : NULL; }

const char *pd_isa_name(int i) {
    return i >= 0 && i < BUILT ? built[i]->isa : NULL;
}

static const char *const names[][2] = {
#define KERNEL(name, roles) {#name, roles},
#include "kernels.inc"
#undef KERNEL
};

const char *pd_kernel_name(int i) {
    return i >= 0 && i < PD_KERNELS ? names[i][0] : NULL;
}
const char *pd_kernel_roles(int i) {
    return i >= 0 && i < PD_KERNELS ? names[i][1] : NULL;
}
