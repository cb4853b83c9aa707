/* The table of kernels: the only place that chooses.
 *
 * There is one pd_table per (ISA, type): a struct with one pointer per line of
 * kernels.inc. The build compiles every kernel for every ISA of the
 * architecture; at import the best one that the processor can run is selected,
 * and pd_select_isa exchanges it at run time. */
#ifndef PD_CORE_TABLE_H
#define PD_CORE_TABLE_H

#include "kernel.h"

typedef struct {
#define KERNEL(name, roles) pd_kernel *name;
#include "kernels.inc"
#undef KERNEL
} pd_table;

/* Each kernel's number: PD_KERNEL_unary … */
enum {
#define KERNEL(name, roles) PD_KERNEL_##name,
#include "kernels.inc"
#undef KERNEL
    PD_KERNELS
};

enum { PD_FLOAT32, PD_FLOAT64, PD_TYPES };

/* The selected tables, by type. */
extern const pd_table *pd_tables[PD_TYPES];

/* 0, or -1 where the build has no such ISA or the processor cannot run it. */
int pd_select_isa(const char *isa);
const char *pd_selected_isa(void);
/* The i-th ISA of this build, best first; NULL after the last. */
const char *pd_isa_name(int i);

/* The i-th kernel's name and roles; NULL after the last. */
const char *pd_kernel_name(int i);
const char *pd_kernel_roles(int i);
/* Kernel number i of the selected ISA. */
static inline pd_kernel *pd_kernel_at(int type, int i) {
    return ((pd_kernel *const *)pd_tables[type])[i];
}

#endif
